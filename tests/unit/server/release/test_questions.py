"""Questions reach the reporters and responses return, without revealing either side's identity."""

from collections.abc import Callable
from typing import Any

import pytest

from mappers import extension
from schemas.partner import Partner
from server.release.questions import MOST_A_DAY
from server.release.results import Results
from server.store import Store
from server.store.questions import questions
from tests.times import text_ago

Joins = Callable[..., Partner]
Reports = Callable[..., dict[str, Any]]
Listed = Callable[..., str]
Post = Callable[..., Results]
Own = Callable[..., dict[str, dict[str, Any]]]
Held = Callable[[str], dict[str, dict[str, Any]]]
NOBODYS = "indicator--00000000-0000-4000-8000-000000000009"
STRANGERS = "abcdefghijabcdefghij"
SAID = text_ago(days=31)


@pytest.fixture
def first(joins: Joins) -> Partner:
    return joins("First Bank", reads=["takedown", "sightings"])


@pytest.fixture
def registrar(joins: Joins) -> Partner:
    return joins("Registrar", "platform", reads=["takedown", "sightings"])


def note(by: Partner, ref: str, text: str, number: int = 1, **words: Any) -> dict[str, Any]:
    return {
        "type": "note",
        "spec_version": "2.1",
        "id": f"note--00000000-0000-4000-8000-{number:012d}",
        "created_by_ref": by.identity,
        "created": SAID,
        "modified": SAID,
        "content": text,
        "object_refs": [ref],
        "extensions": {extension.ID: {"extension_type": "property-extension", **words}},
    }


def feedback_of(room: dict[str, dict[str, Any]], event: str) -> list[dict[str, Any]]:
    told = [extension.context_of(obj)["feedback"] for obj in room.values() if obj["type"] == "note"]
    return [feedback for feedback in told if feedback["event"] == event]


def test_question_and_response_are_forwarded_without_names(
    reports: Reports, listed: Listed, post: Post, own_room: Own, held_by: Held, first: Partner, registrar: Partner
) -> None:
    said = reports(first, reference="CASE-7")
    before = held_by("takedown"), held_by("sightings")
    asking = note(registrar, listed(said), "Is the page\nstill up?", question=True)
    (accepted,) = post(asking, by=registrar).accepted
    assert "passed on" in str(accepted.message)
    (asked,) = feedback_of(own_room(first, "outcomes"), "requested")
    assert (asked["code"], asked["by_kind"], asked["message"]) == ("question", "platform", "Is the page still up?")
    assert asked["references"] == {said["id"]: "CASE-7"}
    answering = note(first, said["id"], "It was up at noon.", 2, answer_to=asked["question"])
    assert post(answering, by=first).accepted
    (answered,) = feedback_of(own_room(registrar, "outcomes"), "answered")
    assert (answered["by_kind"], answered["message"]) == ("bank", "It was up at noon.")
    for one, other in ((first, registrar), (registrar, first)):
        assert other.name not in str(own_room(one, "outcomes"))
        assert other.identity not in str(own_room(one, "outcomes"))
    assert (held_by("takedown"), held_by("sightings")) == before


def test_hidden_and_absent_values_get_the_same_response(
    reports: Reports, joins: Joins, listed: Listed, post: Post, own_room: Own, first: Partner, registrar: Partner
) -> None:
    friend = joins("Friend", reads=["takedown"])
    hidden = reports(first, tlp="red", only_partners="Friend")
    refs = [listed(hidden, to=friend), NOBODYS]
    answers = [
        post(note(registrar, ref, "Is it up?", number, question=True), by=registrar)
        for number, ref in enumerate(refs, start=1)
    ]
    messages = [[result.message for result in results.kept] for results in answers]
    assert messages[0] == messages[1]
    assert len(messages[0]) == 1
    assert feedback_of(own_room(first, "outcomes"), "requested") == []


def test_reporters_hidden_from_the_asker_are_not_questioned(
    reports: Reports, joins: Joins, listed: Listed, post: Post, own_room: Own, first: Partner, registrar: Partner
) -> None:
    joins("Friend", reads=["takedown"])
    secret = joins("Secret Bank", reads=["takedown"])
    said = reports(first)
    reports(secret, tlp="red", only_partners="Friend")
    post(note(registrar, listed(said), "Is it up?", question=True), by=registrar)
    assert len(feedback_of(own_room(first, "outcomes"), "requested")) == 1
    assert feedback_of(own_room(secret, "outcomes"), "requested") == []


def test_only_the_questioned_partner_can_answer(
    reports: Reports, joins: Joins, listed: Listed, post: Post, own_room: Own, first: Partner, registrar: Partner
) -> None:
    said = reports(first)
    post(note(registrar, listed(said), "Is it up?", question=True), by=registrar)
    (asked,) = feedback_of(own_room(first, "outcomes"), "requested")
    stranger = joins("Stranger", reads=["takedown"])
    answers = [
        post(note(stranger, listed(said), "No.", number, answer_to=id_), by=stranger)
        for number, id_ in enumerate((asked["question"], STRANGERS), start=1)
    ]
    messages = [[result.message for result in results.kept] for results in answers]
    assert messages[0] == messages[1]
    assert feedback_of(own_room(registrar, "outcomes"), "answered") == []


def test_questions_per_day_are_limited(
    reports: Reports, listed: Listed, post: Post, store: Store, first: Partner, registrar: Partner
) -> None:
    said = [listed(reports(first, value=f"bad{number}.example.com")) for number in range(MOST_A_DAY + 1)]
    results = [
        post(note(registrar, listing, "Is it up?", number, question=True), by=registrar)
        for number, listing in enumerate(said)
    ]
    assert all(result.accepted for result in results[:-1])
    (kept,) = results[-1].kept
    assert "questions today" in kept.message
    with store.read() as tx:
        assert len(questions.all_questions(tx)) == MOST_A_DAY


def test_repeated_question_is_not_sent_twice(
    reports: Reports, listed: Listed, post: Post, own_room: Own, first: Partner, registrar: Partner
) -> None:
    asking = note(registrar, listed(reports(first)), "Is it up?", question=True)
    for _ in range(2):
        post(asking, by=registrar)
    assert len(feedback_of(own_room(first, "outcomes"), "requested")) == 1


@pytest.mark.parametrize("text", ["x" * 501, " \n "])
def test_a_text_that_is_too_long_or_empty_is_not_passed_on(
    reports: Reports, listed: Listed, post: Post, own_room: Own, first: Partner, registrar: Partner, text: str
) -> None:
    results = post(note(registrar, listed(reports(first)), text, question=True), by=registrar)
    assert not results.accepted
    assert feedback_of(own_room(first, "outcomes"), "requested") == []


def test_personal_data_in_a_question_is_refused(
    reports: Reports, listed: Listed, post: Post, own_room: Own, first: Partner, registrar: Partner
) -> None:
    text = "Ask the victim at 4111 1111 1111 1111, please."
    assert post(note(registrar, listed(reports(first)), text, question=True), by=registrar).failed
    assert feedback_of(own_room(first, "outcomes"), "requested") == []
