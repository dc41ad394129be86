"""The daily limit of an organisation without a record holds across its logins and nodes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from server.release.fuse.newcomers import NewcomerRule
from server.release.hub import Hub
from server.release.route.policy import Policy
from server.setup import set_up
from server.store import quotas
from server.store.database.times import now
from tests.integration.parallel.contributors import Contributor

RULE = Policy(newcomers=NewcomerRule(values=40, public_values=10))


@pytest.fixture
def nodes(postgresql_url: str, open_hub: Callable[[], Hub]) -> list[Hub]:
    opened = [replace(open_hub(), policy=RULE) for _ in range(2)]
    set_up(opened[0].store)
    return opened


@pytest.mark.parametrize(("tlp", "most"), [("green", 40), ("clear", 10)])
def test_two_logins_on_two_nodes_share_the_limit_of_listings(nodes: list[Hub], tlp: str, most: int) -> None:
    logins = [
        Contributor.join(hub, f"New Bank {number}", organisation="New Bank").at(hub) for number, hub in enumerate(nodes)
    ]

    def contribute(number: int) -> tuple[int, int]:
        one = logins[number]
        listed = held = 0
        for batch in range(5):
            reports = [one.report(f"v{place}.bad{number}-{batch}.example.com", tlp=tlp) for place in range(7)]
            results = one.contribute(*reports)
            listed, held = listed + len(results.accepted), held + len(results.held)
        return listed, held

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(contribute, range(2)))
    assert sum(listed for listed, _ in done) == most
    assert sum(held for _, held in done) == 70 - most
    with nodes[0].store.read() as tx:
        counted = quotas.count_new_values(tx, {one.partner.name for one in logins}, quotas.day_of(now()))
    assert counted.new_values == most


def test_organisation_without_a_record_waits_for_no_other(nodes: list[Hub]) -> None:
    """Each organisation is counted separately."""
    banks = [Contributor.join(nodes[0], name) for name in ("New Bank", "Newer Bank")]
    results = [
        one.contribute(*(one.report(f"{one.partner.identity}-{n}.example.com") for n in range(45))) for one in banks
    ]
    assert [(len(found.accepted), len(found.held)) for found in results] == [(40, 5)] * 2
