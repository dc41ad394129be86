"""Feedback notes are valid by the extension's schema, and contain no names."""

import re

import pytest
from jsonschema import Draft202012Validator, ValidationError

from mappers import extension
from mappers.notes import feedback_note
from schemas.json_schema import extension_schema
from schemas.partner import PartnerKind
from schemas.records import Feedback, FeedbackEvent, FeedbackReason
from schemas.vocabulary import OutcomeWord

HUB = "identity--a3a1f7c0-0000-4000-8000-000000000000"
PARTNER = "identity--b5cc4578-3d75-55d1-aee3-19a7b0b83b63"
REFS = [f"indicator--00000000-0000-4000-8000-{number:012d}" for number in range(3)]
NOON = "2026-11-24T12:00:00.000Z"
SCHEMA = Draft202012Validator(extension_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)


@pytest.mark.parametrize("event", FeedbackEvent)
@pytest.mark.parametrize("by_kind", [None, PartnerKind.BANK])
@pytest.mark.parametrize("outcome", [None, OutcomeWord.TAKEN_DOWN])
def test_a_note_is_valid_by_the_schema(
    event: FeedbackEvent, by_kind: PartnerKind | None, outcome: OutcomeWord | None
) -> None:
    note = feedback_note(HUB, PARTNER, Feedback(event, by_kind, outcome), REFS, NOON)
    context = extension.context_of(note)
    SCHEMA.validate(context)
    assert context["feedback"]["event"] == event
    assert context["feedback"]["count"] == len(note["object_refs"]) == 3
    assert extension.read_labels(note["labels"]) == {"feedback": [event]}
    assert PARTNER not in str(note)


@pytest.mark.parametrize("wrong", [{"event": "lost"}, {"by": PARTNER}, {"count": 0}], ids=str)
def test_schema_accepts_no_other_words(wrong: dict[str, object]) -> None:
    right = {"event": "released", "at": NOON, "count": 1}
    SCHEMA.validate({"extension_type": "property-extension", "feedback": right})
    with pytest.raises(ValidationError):
        SCHEMA.validate({"extension_type": "property-extension", "feedback": {**right, **wrong}})


def test_each_object_has_the_reference_of_its_reader() -> None:
    feedback = Feedback(FeedbackEvent.DELISTED, reason=FeedbackReason.OBJECTION, message="the number was reassigned")
    references = {REFS[0]: "CASE-1", REFS[2]: "CASE-3", "indicator--of-another-note": "CASE-4"}
    note = feedback_note(HUB, PARTNER, feedback, REFS, NOON, references)
    said = extension.context_of(note)
    SCHEMA.validate(said)
    assert said["feedback"]["references"] == {REFS[0]: "CASE-1", REFS[2]: "CASE-3"}
    assert said["feedback"]["reason"] == "objection"
    assert "the number was reassigned" in note["content"]


def test_a_note_of_one_object_shows_its_reference_to_people() -> None:
    note = feedback_note(HUB, PARTNER, Feedback(FeedbackEvent.RELEASED), REFS[:1], NOON, {REFS[0]: "CASE-1"})
    assert note["content"].endswith("(reference: CASE-1)")


def test_every_event_has_its_text_in_both_languages() -> None:
    notes = [feedback_note(HUB, PARTNER, Feedback(event), REFS, NOON) for event in FeedbackEvent]
    texts = {note["content"] for note in notes}
    assert len(texts) == len(FeedbackEvent)
    assert all(re.search("[ก-๙].*", text) and re.match("[A-Z]", text) for text in texts)
