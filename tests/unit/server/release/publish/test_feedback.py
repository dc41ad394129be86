"""Every contributor hears what became of what it said, and nothing that it may not hear."""

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


def told(back: list[dict[str, Any]], refs: list[str]) -> list[dict[str, Any]]:
    """Return the feedback on these without the first, which tells of their release."""
    assert {tuple(each["refs"]) for each in back} <= {tuple(refs)}
    words = [{name: word for name, word in each.items() if name != "refs"} for each in back]
    return [each for each in words if each != {"event": "released"}]


def test_what_is_released_is_told_in_one_note_a_batch(
    stix: Stix, post: Post, heard_back: Back, own_room: Own, store: Store, first: Partner
) -> None:
    said = [stix(value, reporter=first.name)[1] for value in ("a.example.com", "b.example.com")]
    post(*said, by=first)
    (heard,) = heard_back(first)
    assert (heard["event"], set(heard["refs"])) == ("released", {each["id"] for each in said})
    (note,) = (each for each in own_room(first, "outcomes").values() if each["type"] == "note")
    with store.read() as tx:
        assert note["created_by_ref"] == hub_identity.identity(tx)
    assert note["object_marking_refs"] == [marking.ref(Tlp.AMBER_STRICT)]
    assert note["created_by_ref"] in own_room(first, "outcomes")


@pytest.mark.parametrize("known", [True, False])
def test_what_reaches_nobody_is_not_told_as_released(
    reports: Reports, stix: Stix, post: Post, heard_back: Back, first: Partner, police: Partner, known: bool
) -> None:
    """It is the same whether or not others report the value, of which it tells nothing."""
    if known:
        reports(police)
    (pending,) = post(stix(reporter=first.name, tlp="red")[1], by=first).pending
    assert "names none" in pending.message
    assert heard_back(first) == []


def test_what_is_approved_is_news_to_the_others_who_say_it(
    stix: Stix, post: Post, heard_back: Back, store: Store, first: Partner, police: Partner
) -> None:
    ours, theirs = (stix("google.com", reporter=each.name)[1] for each in (first, police))
    for by, said in ((first, ours), (police, theirs)):
        post(said, by=by)
        with store.begin() as tx:
            review.decide(hub_on(store), tx, [said["id"]], "approved", "operator")
    events = [each["event"] for each in heard_back(first)]
    assert events == ["approved", "corroborated", "released"]


def test_who_says_it_too_is_told_by_its_kind(
    reports: Reports, heard_back: Back, own_room: Own, first: Partner, police: Partner
) -> None:
    said = reports(first)
    reports(police)
    assert told(heard_back(first), [said["id"]]) == [{"event": "corroborated", "by_kind": "government"}]
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
def test_what_others_did_about_it_is_told_by_their_kind(
    reports: Reports,
    records_of: Reports,
    heard_back: Back,
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
    assert told(heard_back(first), [said["id"]]) == expected


def test_ones_own_words_are_no_news(
    reports: Reports, records_of: Reports, heard_back: Back, listed: Listed, first: Partner
) -> None:
    said = reports(first)
    records_of(first, "sighting", of=listed(said))
    records_of(first, "outcome", of=listed(said), outcome="blocked")
    assert told(heard_back(first), [said["id"]]) == []


def test_the_same_again_is_told_once(
    reports: Reports, records_of: Reports, heard_back: Back, listed: Listed, first: Partner, police: Partner
) -> None:
    said = reports(first)
    for _ in range(2):
        records_of(police, "outcome", of=listed(said), outcome="blocked")
        reports(police)
    assert len(told(heard_back(first), [said["id"]])) == 2


def test_what_is_told_apart_from_a_contributor_is_not_told_it_here_either(
    reports: Reports,
    records_of: Reports,
    heard_back: Back,
    joins: Joins,
    listed: Listed,
    first: Partner,
    police: Partner,
) -> None:
    """Neither that others said it to a few, nor what these few say of it then."""
    khmer = joins("Khmer Bank", reads=["takedown"], country="KH")
    said = reports(first)
    before = heard_back(first)
    reports(khmer, tlp="red", only_partners="Police")
    records_of(police, "sighting", of=listed(said), tlp="red")
    records_of(police, "outcome", of=listed(said), outcome="blocked", tlp="red")
    assert heard_back(first) == before


def test_who_is_named_hears_it_back(reports: Reports, heard_back: Back, first: Partner, police: Partner) -> None:
    said = reports(first)
    reports(police, tlp="red", only_partners="First Bank")
    assert told(heard_back(first), [said["id"]]) == [{"event": "corroborated", "by_kind": "government"}]


def test_what_the_hub_takes_back_is_told(reports: Reports, heard_back: Back, store: Store, first: Partner) -> None:
    said = reports(first)
    with store.begin() as tx:
        retract(hub_on(store), tx, "bad.example.com")
    assert told(heard_back(first), [said["id"]]) == [{"event": "retracted"}]


@pytest.mark.parametrize(("state", "events"), [("approved", ["approved", "released"]), ("rejected", ["refused"])])
def test_what_was_looked_at_is_told(
    stix: Stix, post: Post, heard_back: Back, store: Store, first: Partner, state: Any, events: list[str]
) -> None:
    said = stix("google.com", reporter=first.name)[1]
    post(said, by=first)
    with store.begin() as tx:
        review.decide(hub_on(store), tx, [said["id"]], state, "operator")
    assert [(each["event"], each["refs"]) for each in heard_back(first)] == [(event, [said["id"]]) for event in events]


def test_who_left_is_told_nothing_and_stops_nobody(
    reports: Reports, heard_back: Back, store: Store, first: Partner, police: Partner
) -> None:
    reports(first)
    before = heard_back(first)
    with store.begin() as tx:
        partners.remove(tx, first.name)
    reports(police)
    assert heard_back(first) == before
    assert [each["event"] for each in heard_back(police)] == ["released"]


def test_who_reported_first_hears_when_another_report_brings_the_value_out(
    stix: Stix, heard_back: Back, store: Store, first: Partner, police: Partner
) -> None:
    policy = Policy([PolicyRule(collection="takedown", kinds=("domain",), least_reporters=2)])
    for by in (first, police):
        with store.begin() as tx:
            contribute(hub_on(store, policy), tx, by, [Item.of(stix(reporter=by.name)[1])])
    assert {each["event"] for each in heard_back(first)} == {"released", "corroborated"}


def test_feedback_has_the_readers_own_reference_and_nobody_elses(
    reports: Reports, records_of: Reports, own_room: Own, listed: Listed, store: Store, first: Partner, police: Partner
) -> None:
    said = reports(first, reference="BANK-1")
    others = reports(police, reference="POLICE-2")
    records_of(police, "outcome", of=listed(said), outcome="no-action", reason="shared-service", reference="POLICE-3")
    with store.begin() as tx:
        retract(hub_on(store), tx, "bad.example.com")
    notes = feedback_of(own_room(first, "outcomes"))
    assert [note["event"] for note in notes] == ["acted-on", "corroborated", "released", "retracted"]
    assert all(note["references"] == {said["id"]: "BANK-1"} for note in notes)
    assert [note.get("reason") for note in notes] == ["shared-service", None, None, "operator"]
    assert "POLICE" not in str(own_room(first, "outcomes"))
    assert {"POLICE-2"} == {note["references"][others["id"]] for note in feedback_of(own_room(police, "outcomes"))}


def test_a_word_of_the_other_sides_own_is_not_passed_on(
    reports: Reports, records_of: Reports, own_room: Own, listed: Listed, first: Partner, police: Partner
) -> None:
    said = reports(first)
    records_of(police, "outcome", of=listed(said), outcome="no-action", reason="call-me-maybe")
    (acted,) = (note for note in feedback_of(own_room(first, "outcomes")) if note["event"] == "acted-on")
    assert "reason" not in acted


def feedback_of(objects: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the feedback in a partner's collection, sorted by its events."""
    notes = [extension.context_of(obj)["feedback"] for obj in objects.values() if obj["type"] == "note"]
    return sorted(notes, key=lambda feedback: str(feedback["event"]))
