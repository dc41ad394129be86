"""Values entered as harmless by operators are held for review until the entry ends."""

from collections.abc import Callable
from typing import Any

import pytest

from schemas.errors import Rejected
from schemas.partner import Partner
from server.features.allowlists.operations import AddAllowlistEntry, RemoveAllowlistEntry
from server.operations.operation import Actor
from server.operations.run import run
from server.release.contribute import contribute
from server.release.guard.allowlists import entered
from server.release.guard.allowlists.entered import BadEntry
from server.release.guard.try_value import try_value
from server.release.hub import Hub
from server.store import Store, audit_search, value_index
from server.store.allowlist import entries
from server.store.allowlist.entries import UnknownEntry
from server.store.item import Item
from tests.unit.server.conftest import partner_called
from tests.unit.server.release.hubs import hub_on

Stix = Callable[..., list[dict[str, Any]]]
BELOW = {"below": True}


def enter(store: Store, value: str, **more: Any) -> None:
    with store.begin() as tx:
        entries.put(tx, entered.entry_of(value, "a bank of ours", "Anong", **more))


def rule_of(store: Store, bank: Partner, objects: list[dict[str, Any]]) -> str:
    """Contribute, and return the reason of the hold, or "" if it is not held."""
    with store.begin() as tx:
        results = contribute(hub_on(store), tx, bank, [Item.of(obj) for obj in objects])
    return results.pending[0].message if results.pending else ""


@pytest.mark.parametrize(
    ("entry", "kind", "reported", "held"),
    [
        ("shop.example.com", "domain", "shop.example.com", True),
        ("shop.example.com", "domain", "pay.shop.example.com", False),
        ("shop.example.com", "url", "https://shop.example.com/pay", False),
        ("https://shop.example.com/pay", "url", "https://shop.example.com/pay", True),
        ("phone:+66812345678", "phone", "+66 81 234 5678", True),
    ],
)
def test_an_entry_holds_its_value(
    store: Store, bank: Partner, stix: Stix, entry: str, kind: str, reported: str, held: bool
) -> None:
    enter(store, entry)
    assert ("operator-entries" in rule_of(store, bank, stix(reported, kind))) is held


@pytest.mark.parametrize(
    ("kind", "reported"),
    [("domain", "pay.shop.example.com"), ("url", "https://a.shop.example.com/x"), ("email", "a@shop.example.com")],
)
def test_entry_with_subdomains_holds_hosts_and_pages_too(
    store: Store, bank: Partner, stix: Stix, kind: str, reported: str
) -> None:
    enter(store, "shop.example.com", **BELOW)
    assert "operator-entries" in rule_of(store, bank, stix(reported, kind))


def test_entry_is_effective_until_its_end(store: Store, bank: Partner, stix: Stix) -> None:
    enter(store, "shop.example.com", days=1)
    with store.begin() as tx:
        [entry] = entries.page(tx)
        entries.put(tx, entry._replace(until=entry.added - 1))
    assert rule_of(store, bank, stix("shop.example.com")) == ""


def test_a_running_hub_notices_an_entry_and_its_removal(store: Store, bank: Partner, stix: Stix) -> None:
    hub = Hub(store)
    subject = value_index.subject_of("domain", "shop.example.com")
    for held in (True, False):
        if held:
            run(hub, AddAllowlistEntry(value="shop.example.com", reason="a bank of ours"), Actor.system("Anong"))
        else:
            run(hub, RemoveAllowlistEntry(subject=subject), Actor.system("Boon"))
        with store.read() as tx:
            assert bool(try_value(hub, tx, "shop.example.com")[0].rule) is held
    with store.read() as tx:
        events = [entry.event for entry in audit_search.search(tx)[0]]
    trail = [(event.method, event.remote) for event in events if event.route == "allowlist"]
    assert trail == [("REMOVE", "Boon"), ("ADD", "Anong")]


def test_missing_entry_cannot_be_removed(store: Store) -> None:
    with pytest.raises(UnknownEntry):
        run(Hub(store), RemoveAllowlistEntry(subject="domain:shop.example.com"), Actor.system("Boon"))


@pytest.mark.parametrize(
    ("value", "reason", "more", "why"),
    [
        ("", "ours", {}, "value"),
        ("indicator--11111111-1111-4111-8111-111111111111", "ours", {}, "not a value"),
        ("shop.example.com", " ", {}, "reason"),
        ("shop.example.com", "ours", {"days": 0}, "days"),
        ("+66812345678", "ours", BELOW, "only a domain"),
    ],
)
def test_wrong_entry_is_refused_with_advice(value: str, reason: str, more: dict[str, Any], why: str) -> None:
    with pytest.raises(BadEntry, match=why):
        entered.entry_of(value, reason, "Anong", **more)


def test_reason_with_personal_data_is_refused(store: Store) -> None:
    operation = AddAllowlistEntry(value="shop.example.com", reason="call +66812345678")
    with pytest.raises(Rejected, match="reason: it contains a person's telephone number") as refusal:
        run(Hub(store), operation, Actor.system("Anong"))
    assert "812345678" not in str(refusal.value)


def test_entries_are_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "MOST", 1)
    enter(store, "one.example.com")
    enter(store, "one.example.com", days=3)
    with pytest.raises(entries.TooManyEntries):
        enter(store, "two.example.com")


def test_old_entries_are_deleted_a_while_after_their_end(store: Store) -> None:
    enter(store, "one.example.com", days=1)
    enter(store, "two.example.com")
    with store.begin() as tx:
        assert entries.forget(tx, before=1 << 60) == 1
        assert [entry.subject for entry in entries.page(tx)] == ["domain:two.example.com"]


def test_trial_names_the_entry_that_holds_a_value(store: Store) -> None:
    hub = Hub(store)
    partner_called(store, "Third Bank")
    with store.begin() as tx:
        value_index.add_own_values(tx, "Third Bank", ["domain:third.example.com"])
    enter(store, "shop.example.com")
    with store.read() as tx:
        rules = {
            value: [(trial.kind, trial.rule) for trial in try_value(hub, tx, value)]
            for value in ("google.com", "https://pay.third.example.com/x", "shop.example.com", "other.example.com")
        }
        with pytest.raises(Rejected):
            try_value(hub, tx, " ")
    assert rules["google.com"][0][1] not in (None, "operator-entries")
    assert rules["https://pay.third.example.com/x"] == [("url", "partners-own")]
    assert rules["shop.example.com"] == [("domain", "operator-entries")]
    assert rules["other.example.com"] == [("domain", None)]
