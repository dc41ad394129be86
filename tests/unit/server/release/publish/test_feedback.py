"""Every contributor gets feedback on its contributions, and nothing outside its audience."""

from collections.abc import Callable
from typing import Any

import pytest

from mappers import extension, marking
from schemas.partner import Partner
from schemas.vocabulary import Tlp
from server.release import review
from server.release.contribute import contribute
from server.release.results import Results
from server.release.retract import retract
from server.release.route.policy import Policy, PolicyRule
from server.store import Store, hub_identity, partners
from server.store.item import Item
from tests.unit.server.release.hubs import hub_on

Joins = Callable[..., Partner]
Reports = Callable[..., dict[str, Any]]
Own = Callable[..., dict[str, dict[str, Any]]]
Listed = Callable[..., str]
Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]
Back = Callable[[Partner], list[dict[str, Any]]]


@pytest.fixture
def first(joins: Joins) -> Partner:
    return joins("First Bank", reads=["takedown"])


@pytest.fixture
def police(joins: Joins) -> Partner:
    return joins("Police", "government", reads=["takedown"])


def events_without_release(feedback: list[dict[str, Any]], refs: list[str]) -> list[dict[str, Any]]:
    """Return the feedback on these without the first entry, which reports their release."""
    assert {tuple(each["refs"]) for each in feedback} <= {tuple(refs)}
    words = [{name: word for name, word in each.items() if name != "refs"} for each in feedback]
    return [each for each in words if each != {"event": "released"}]


def test_releases_are_reported_in_one_note_per_batch(
    stix: Stix, post: Post, feedback_of: Back, own_room: Own, store: Store, first: Partner
) -> None:
    said = [stix(value, reporter=first.name)[1] for value in ("a.example.com", "b.example.com")]
    post(*said, by=first)
    (heard,) = feedback_of(first)
    assert (heard["event"], set(heard["refs"])) == ("released", {each["id"] for each in said})
    (note,) = (each for each in own_room(first, "outcomes").values() if each["type"] == "note")
    with store.read() as tx:
        assert note["created_by_ref"] == hub_identity.identity(tx)
    assert note["object_marking_refs"] == [marking.ref(Tlp.AMBER_STRICT)]
    assert note["created_by_ref"] in own_room(first, "outcomes")


@pytest.mark.parametrize("known", [True, False])
def test_report_without_an_audience_is_not_reported_as_released(
    reports: Reports, stix: Stix, post: Post, feedback_of: Back, first: Partner, police: Partner, known: bool
) -> None:
    """It does not depend on other reports of the value, and reveals nothing about them."""
    if known:
        reports(police)
    (pending,) = post(stix(reporter=first.name, tlp="red")[1], by=first).pending
    assert "names none" in pending.message
    assert feedback_of(first) == []


def test_approval_is_reported_to_the_other_reporters(
    stix: Stix, post: Post, feedback_of: Back, store: Store, first: Partner, police: Partner
) -> None:
    ours, theirs = (stix("google.com", reporter=each.name)[1] for each in (first, police))
    for by, said in ((first, ours), (police, theirs)):
        post(said, by=by)
        with store.begin() as tx:
            review.decide(hub_on(store), tx, [said["id"]], "approved", "operator")
    events = [each["event"] for each in feedback_of(first)]
    assert events == ["approved", "corroborated", "released"]


def test_other_reporters_are_described_by_their_kind(
    reports: Reports, feedback_of: Back, own_room: Own, first: Partner, police: Partner
) -> None:
    said = reports(first)
    reports(police)
    assert events_without_release(feedback_of(first), [said["id"]]) == [
        {"event": "corroborated", "by_kind": "government"}
    ]
    assert police.name not in str(own_room(first, "outcomes"))
    assert police.identity not in str(own_room(first, "outcomes"))


@pytest.mark.parametrize(
    ("which", "columns", "event"),
    [
        ("sighting", {}, {"event": "sighted"}),
        ("outcome", {"outcome": "blocked"}, {"event": "acted-on", "outcome": "blocked"}),
        ("outcome", {"outcome": "held"}, {"event": "acted-on", "outcome": "held"}),
        ("outcome", {"outcome": "false-positive"}, {"event": "disputed"}),
        ("opinion", {"opinion": "disagree"}, {"event": "disputed"}),
        ("opinion", {"opinion": "agree"}, None),
        ("sighting", {"count": 0}, None),
    ],
    ids=str,
)
def test_outcomes_of_others_are_described_by_their_kind(
    reports: Reports,
    records_of: Reports,
    feedback_of: Back,
    listed: Listed,
    first: Partner,
    police: Partner,
    which: str,
    columns: dict[str, Any],
    event: dict[str, str] | None,
) -> None:
    said = reports(first)
    records_of(police, which, of=listed(said), **columns)
    expected = [{**event, "by_kind": "government"}] if event else []
    assert events_without_release(feedback_of(first), [said["id"]]) == expected


def test_own_annotations_give_no_feedback(
    reports: Reports, records_of: Reports, feedback_of: Back, listed: Listed, first: Partner
) -> None:
    said = reports(first)
    records_of(first, "sighting", of=listed(said))
    records_of(first, "outcome", of=listed(said), outcome="blocked")
    assert events_without_release(feedback_of(first), [said["id"]]) == []


def test_repeated_event_is_reported_once(
    reports: Reports, records_of: Reports, feedback_of: Back, listed: Listed, first: Partner, police: Partner
) -> None:
    said = reports(first)
    for _ in range(2):
        records_of(police, "outcome", of=listed(said), outcome="blocked")
        reports(police)
    assert len(events_without_release(feedback_of(first), [said["id"]])) == 2


def test_events_hidden_from_a_contributor_give_no_feedback(
    reports: Reports,
    records_of: Reports,
    feedback_of: Back,
    joins: Joins,
    listed: Listed,
    first: Partner,
    police: Partner,
) -> None:
    """Neither limited reports of others, nor annotations of their readers."""
    khmer = joins("Khmer Bank", reads=["takedown"], country="KH")
    said = reports(first)
    before = feedback_of(first)
    reports(khmer, tlp="red", only_partners="Police")
    records_of(police, "sighting", of=listed(said), tlp="red")
    records_of(police, "outcome", of=listed(said), outcome="blocked", tlp="red")
    assert feedback_of(first) == before


def test_named_reader_returns_feedback(reports: Reports, feedback_of: Back, first: Partner, police: Partner) -> None:
    said = reports(first)
    reports(police, tlp="red", only_partners="First Bank")
    assert events_without_release(feedback_of(first), [said["id"]]) == [
        {"event": "corroborated", "by_kind": "government"}
    ]


def test_delisting_by_the_hub_is_reported(reports: Reports, feedback_of: Back, store: Store, first: Partner) -> None:
    said = reports(first)
    with store.begin() as tx:
        retract(hub_on(store), tx, "bad.example.com")
    assert events_without_release(feedback_of(first), [said["id"]]) == [{"event": "retracted"}]


@pytest.mark.parametrize(("state", "events"), [("approved", ["approved", "released"]), ("rejected", ["refused"])])
def test_review_is_reported(
    stix: Stix, post: Post, feedback_of: Back, store: Store, first: Partner, state: Any, events: list[str]
) -> None:
    said = stix("google.com", reporter=first.name)[1]
    post(said, by=first)
    with store.begin() as tx:
        review.decide(hub_on(store), tx, [said["id"]], state, "operator")
    assert [(each["event"], each["refs"]) for each in feedback_of(first)] == [(event, [said["id"]]) for event in events]


def test_former_partner_gets_no_feedback_and_stops_no_other(
    reports: Reports, feedback_of: Back, store: Store, first: Partner, police: Partner
) -> None:
    reports(first)
    before = feedback_of(first)
    with store.begin() as tx:
        partners.remove(tx, first.name)
    reports(police)
    assert feedback_of(first) == before
    assert [each["event"] for each in feedback_of(police)] == ["released"]


def test_first_reporter_is_notified_when_another_report_publishes_the_value(
    stix: Stix, feedback_of: Back, store: Store, first: Partner, police: Partner
) -> None:
    policy = Policy([PolicyRule(collection="takedown", kinds=("domain",), least_reporters=2)])
    for by in (first, police):
        with store.begin() as tx:
            contribute(hub_on(store, policy), tx, by, [Item.of(stix(reporter=by.name)[1])])
    assert {each["event"] for each in feedback_of(first)} == {"released", "corroborated"}


def test_feedback_has_only_the_readers_own_reference(
    reports: Reports, records_of: Reports, own_room: Own, listed: Listed, store: Store, first: Partner, police: Partner
) -> None:
    said = reports(first, reference="BANK-1")
    others = reports(police, reference="POLICE-2")
    records_of(police, "outcome", of=listed(said), outcome="no-action", reason="shared-service", reference="POLICE-3")
    with store.begin() as tx:
        retract(hub_on(store), tx, "bad.example.com")
    notes = feedback_in(own_room(first, "outcomes"))
    assert [note["event"] for note in notes] == ["acted-on", "corroborated", "released", "retracted"]
    assert all(note["references"] == {said["id"]: "BANK-1"} for note in notes)
    assert [note.get("reason") for note in notes] == ["shared-service", None, None, "operator"]
    assert "POLICE" not in str(own_room(first, "outcomes"))
    assert {"POLICE-2"} == {note["references"][others["id"]] for note in feedback_in(own_room(police, "outcomes"))}


def test_custom_reason_is_not_passed_on(
    reports: Reports, records_of: Reports, own_room: Own, listed: Listed, first: Partner, police: Partner
) -> None:
    said = reports(first)
    records_of(police, "outcome", of=listed(said), outcome="no-action", reason="call-me-maybe")
    (acted,) = (note for note in feedback_in(own_room(first, "outcomes")) if note["event"] == "acted-on")
    assert "reason" not in acted


def feedback_in(objects: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the feedback in a partner's collection, sorted by its events."""
    notes = [extension.context_of(obj)["feedback"] for obj in objects.values() if obj["type"] == "note"]
    return sorted(notes, key=lambda feedback: str(feedback["event"]))
