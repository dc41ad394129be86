"""Reports beyond the values that one organisation alone may block in an hour warn until a person decides."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mappers import extension
from schemas import timestamp
from schemas.partner import Partner
from server.features.allowlists.operations import AddAllowlistEntry
from server.operations.operation import Actor
from server.operations.run import run
from server.release import review
from server.release.contribute import contribute
from server.release.explain import explain
from server.release.hub import Hub
from server.release.results import Results
from server.store import Store, hub_identity, partners, quotas, reviews
from server.store.item import Item
from tests.unit.server.release.hubs import hub_on

Joins = Callable[..., Partner]
Held = Callable[[str], dict[str, dict[str, Any]]]
Stix = Callable[..., list[dict[str, Any]]]
Sends = Callable[..., Results]

LIMIT = 10
RULE = "many-blocks"


@pytest.fixture
def hub(store: Store) -> Hub:
    return replace(hub_on(store), burst=LIMIT)


@pytest.fixture
def sends(store: Store, hub: Hub, stix: Stix, bank: Partner) -> Sends:
    """Let a partner report hosts by their numbers, all in one contribution."""

    def send(numbers: Iterable[int], by: Partner = bank, kind: str = "domain", **columns: str) -> Results:
        columns = {"confidence": "90", **columns}
        said = [stix(value_of(number, kind), kind, reporter=by.name, **columns)[1] for number in numbers]
        return posted(store, hub, by, said)

    return send


def posted(store: Store, hub: Hub, by: Partner, said: list[dict[str, Any]]) -> Results:
    with store.begin() as tx:
        found = contribute(hub, tx, by, [Item.of(obj) for obj in said])
    assert not found.failed
    return found


def value_of(number: int, kind: str = "domain") -> str:
    return f"https://bad{number}.example.com/pay" if kind == "url" else f"bad{number}.example.com"


@pytest.fixture
def grades(held_by: Held) -> Callable[[], Counter[str]]:
    def read() -> Counter[str]:
        held = held_by("takedown").values()
        return Counter(
            extension.context_of(obj)["grade"] for obj in held if obj["type"] == "indicator" and not obj.get("revoked")
        )

    return read


def waiting(store: Store) -> list[reviews.Review]:
    with store.read() as tx:
        return reviews.all_reviews(tx, "open", rule=RULE)


def later(monkeypatch: pytest.MonkeyPatch, **time: float) -> None:
    moment = timestamp.now() + timedelta(**time)
    monkeypatch.setattr(timestamp, "now", lambda: moment)


def decide(store: Store, hub: Hub, state: reviews.ReviewState) -> None:
    with store.begin() as tx:
        review.decide(hub, tx, [each.object_id for each in reviews.all_reviews(tx, "open")], state, "operator")


def test_reports_beyond_the_limit_warn_and_the_sender_reads_it(
    store: Store, sends: Sends, grades: Callable[[], Counter[str]]
) -> None:
    found = sends(range(25))
    assert len(found.accepted) == 25
    told = [each for each in found.accepted if each.message and "warn at most" in each.message]
    assert len(told) == 25 - LIMIT
    assert grades() == {"block": LIMIT, "warn": 15}
    assert len(waiting(store)) == 15
    with store.read() as tx:
        assert [(each.name, each.partner) for each in hub_identity.all_warnings(tx)] == [(RULE, "Example Bank")]


def test_several_contributions_kinds_and_logins_share_the_limit(
    store: Store, sends: Sends, joins: Joins, grades: Callable[[], Counter[str]], bank: Partner
) -> None:
    colleague = joins("Example Card Unit", organisation=bank.name)
    sends(range(4))
    sends(range(4), kind="url")
    sends(range(10, 14), by=colleague)
    sends(range(20, 24))
    assert grades() == {"block": LIMIT, "warn": 6}
    assert {each.partner for each in waiting(store)} == {bank.name, colleague.name}


def test_other_organisations_have_their_own_limit(
    sends: Sends, joins: Joins, grades: Callable[[], Counter[str]]
) -> None:
    sends(range(LIMIT))
    sends(range(50, 50 + LIMIT), by=joins("Another Bank"))
    assert grades() == {"block": 2 * LIMIT}


def test_resent_reports_and_later_versions_do_not_count_again(
    store: Store, hub: Hub, sends: Sends, stix: Stix, bank: Partner, grades: Callable[[], Counter[str]]
) -> None:
    sends(range(8))
    sends(range(8))
    said = [stix(value_of(number), confidence="90")[1] for number in range(8)]
    newer = timestamp.text(timestamp.now())
    posted(store, hub, bank, [{**obj, "modified": newer, "description": "still online"} for obj in said])
    sends(range(8, 10))
    assert grades() == {"block": LIMIT}
    sends(range(10, 11))
    assert grades() == {"block": LIMIT, "warn": 1}
    again = sends(range(10, 11))
    assert [each.message is not None and "warn at most" in each.message for each in again.accepted] == [True]
    assert len(waiting(store)) == 1


def test_stronger_version_of_a_weak_report_counts(
    store: Store, hub: Hub, sends: Sends, stix: Stix, bank: Partner, grades: Callable[[], Counter[str]]
) -> None:
    sends(range(20), confidence="50")
    assert grades() == {"warn": 20}
    said = [stix(value_of(number), confidence="90")[1] for number in range(20)]
    newer = timestamp.text(timestamp.now())
    posted(store, hub, bank, [{**obj, "modified": newer} for obj in said])
    assert grades() == {"block": LIMIT, "warn": 10}


def test_limited_report_stays_limited_by_another_id_and_by_a_colleague(
    store: Store,
    hub: Hub,
    sends: Sends,
    stix: Stix,
    joins: Joins,
    bank: Partner,
    grades: Callable[[], Counter[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sends(range(12))
    (limited, _) = waiting(store)
    colleague = joins("Example Card Unit", organisation=bank.name)
    later(monkeypatch, hours=2)
    sends([10, 11], by=colleague)
    other_id = f"indicator--11111111-2222-4333-8444-{555555555555}"
    said = stix(value_of(10), confidence="90")[1]
    posted(store, hub, bank, [{**said, "id": other_id}])
    posted(store, hub, bank, [{**said, "modified": timestamp.text(timestamp.now()), "revoked": True}])
    assert grades() == {"block": LIMIT, "warn": 2}
    assert limited.rule == RULE


def test_limit_begins_again_after_an_hour(
    sends: Sends, grades: Callable[[], Counter[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    sends(range(LIMIT))
    later(monkeypatch, minutes=59)
    sends([100])
    assert grades() == {"block": LIMIT, "warn": 1}
    later(monkeypatch, minutes=2)
    sends([101])
    assert grades() == {"block": LIMIT + 1, "warn": 1}


def test_second_organisation_lifts_a_limited_value(
    store: Store, sends: Sends, joins: Joins, grades: Callable[[], Counter[str]]
) -> None:
    sends(range(30))
    sends(range(30), by=joins("Another Bank"))
    assert grades() == {"block": 30}
    assert len(waiting(store)) == 20


def test_approval_blocks_all_and_teaches_the_limit(
    store: Store, hub: Hub, sends: Sends, grades: Callable[[], Counter[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    sends(range(30))
    decide(store, hub, "approved")
    assert grades() == {"block": 30}
    sends(range(30))
    assert grades() == {"block": 30}
    sends([100])
    assert grades() == {"block": 30, "warn": 1}
    later(monkeypatch, days=1, hours=1)
    sends(range(200, 265))
    assert grades() == {"block": 90, "warn": 6}


def test_rejection_delists_all_and_later_reports_wait(
    store: Store, hub: Hub, sends: Sends, stix: Stix, joins: Joins, bank: Partner, grades: Callable[[], Counter[str]]
) -> None:
    sends(range(15))
    decide(store, hub, "rejected")
    assert grades() == {"block": LIMIT}
    assert len(sends(range(15)).held) == 5
    assert len(sends(range(15), by=joins("Example Card Unit", organisation=bank.name)).held) == 5
    assert grades() == {"block": LIMIT}
    sends(range(10, 15), by=joins("Another Bank"))
    assert grades() == {"block": 15}


@pytest.mark.parametrize(
    ("powers", "columns"),
    [
        ({"authority": ("domain",)}, {}),
        ({}, {"confidence": "60"}),
        ({}, {"action": "warn"}),
        ({}, {"kind": "phone"}),
    ],
    ids=["authority", "too weak to block", "asks for less", "never blocks alone"],
)
def test_reports_that_block_nothing_alone_have_no_limit(
    store: Store, hub: Hub, stix: Stix, joins: Joins, powers: dict[str, Any], columns: dict[str, str]
) -> None:
    by = joins("Agency", "government", **powers)
    said = {"confidence": "90", "kind": "domain", **columns}
    kind = said.pop("kind")
    values = [f"+6681234{5600 + number}" if kind == "phone" else value_of(number) for number in range(15)]
    posted(store, hub, by, [stix(value, kind, reporter=by.name, **said)[1] for value in values])
    assert waiting(store) == []
    posted(store, hub, by, [stix("free.example.com", reporter=by.name, confidence="90")[1]])
    assert waiting(store) == []


def test_no_limit(store: Store, stix: Stix, bank: Partner, hub: Hub, grades: Callable[[], Counter[str]]) -> None:
    posted(store, replace(hub, burst=0), bank, [stix(value_of(number), confidence="90")[1] for number in range(30)])
    assert grades() == {"block": 30}


def test_counts_survive_a_restart_and_are_one_row(store: Store, sends: Sends, hub: Hub, bank: Partner) -> None:
    sends(range(25))
    with store.read() as tx:
        (volume,) = quotas.daily_volumes(tx, [bank.name], 0)[bank.name].values()
    assert (volume.received, volume.held, volume.hour_blocks, volume.most_blocks) == (25, 0, LIMIT, LIMIT)


def test_explanation_says_why_the_grade_is_limited(store: Store, hub: Hub, sends: Sends, bank: Partner) -> None:
    sends(range(11))
    (limited,) = waiting(store)
    for partner in (None, bank):
        with store.read() as tx:
            (found,) = explain(hub, tx, limited.object_id.rpartition("/")[2], partner)
        assert any("warn at most" in check.message for check in found.checks)
        assert found.result == "published"


def test_partner_that_left_keeps_the_limit_of_its_organisation(
    store: Store, sends: Sends, joins: Joins, grades: Callable[[], Counter[str]], bank: Partner
) -> None:
    colleague = joins("Example Card Unit", organisation=bank.name)
    sends(range(LIMIT), by=colleague)
    with store.begin() as tx:
        partners.remove(tx, colleague.name)
    sends([100])
    assert grades() == {"block": LIMIT, "warn": 1}


def test_reports_of_a_burst_are_delisted_when_their_values_become_harmless(
    hub: Hub, sends: Sends, grades: Callable[[], Counter[str]]
) -> None:
    sends(range(LIMIT + 2))
    assert grades() == Counter(block=LIMIT, warn=2)
    for number in (LIMIT, LIMIT + 1):
        run(hub, AddAllowlistEntry(value=value_of(number), reason="a shop"), Actor.system("Anong"))
    assert grades() == Counter(block=LIMIT)
