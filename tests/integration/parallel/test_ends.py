"""The daily limit of an organisation on ending listings holds across its logins and nodes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from server.release.hub import Hub
from server.release.retract import Retracted, retract_all
from server.setup import set_up
from server.store import held_ends
from tests.integration.parallel.contributors import Contributor

LIMIT = 20


@pytest.fixture
def nodes(open_hub: Callable[[], Hub]) -> list[Hub]:
    opened = [replace(open_hub(), ends_per_day=LIMIT) for _ in range(2)]
    set_up(opened[0].store)
    return opened


def test_two_logins_on_two_nodes_share_the_limit_of_ends(nodes: list[Hub]) -> None:
    logins = [Contributor.join(hub, f"Bank {number}", organisation="Bank").at(hub) for number, hub in enumerate(nodes)]
    reports = [[one.report(f"v{n}.bank{place}.example.com") for n in range(25)] for place, one in enumerate(logins)]
    for one, own in zip(logins, reports, strict=True):
        assert len(one.contribute(*own).accepted) == 25

    def retract_report(place: int) -> tuple[int, int]:
        one, own = logins[place], reports[place]
        ended = held = 0
        for start in range(0, 25, 5):
            results = one.contribute(*(one.revoked(obj) for obj in own[start : start + 5]))
            ended, held = ended + len(results.accepted), held + len(results.held)
        return ended, held

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(retract_report, range(2)))
    assert sum(ended for ended, _ in done) == LIMIT
    assert sum(held for _, held in done) == 50 - LIMIT
    with nodes[0].store.read() as tx:
        assert held_ends.count(tx) == 50 - LIMIT


def test_posts_and_withdrawals_of_a_connector_share_the_limit(nodes: list[Hub]) -> None:
    one = Contributor.join(nodes[0], "Bank")
    reports = [one.report(f"v{n}.example.com") for n in range(50)]
    one.contribute(*reports)

    def post() -> int:
        return sum(len(one.contribute(one.revoked(obj)).accepted) for obj in reports[:25])

    def withdraw() -> int:
        ended = 0
        for obj in reports[25:]:
            waiting: list[Retracted] = []
            with nodes[1].store.begin() as tx:
                ended += len(retract_all(nodes[1], tx, [obj["id"]], one.partner, waiting=waiting))
        return ended

    with ThreadPoolExecutor(2) as threads:
        ended = sum(done.result() for done in (threads.submit(post), threads.submit(withdraw)))
    assert ended == LIMIT


def test_another_organisation_is_not_affected(nodes: list[Hub]) -> None:
    banks = [Contributor.join(nodes[0], name) for name in ("First Bank", "Second Bank")]
    for one in banks:
        reports = [one.report(f"v{n}.{one.partner.identity[-12:]}.example.com") for n in range(LIMIT + 5)]
        one.contribute(*reports)
        results = one.contribute(*map(one.revoked, reports))
        assert (len(results.accepted), len(results.held)) == (LIMIT, 5)
