"""Objections are answered within working days, and in words that tell nothing."""

from datetime import UTC, datetime

import pytest

from schemas.api.objection import TEXTS, ObjectionAnswer, checked_contact, working_days_after
from schemas.errors import Rejected


@pytest.mark.parametrize(
    ("moment", "days", "due"),
    [
        ("2026-11-26T09:00", 1, "2026-11-28"),  # a Thursday: until the end of Friday
        ("2026-11-27T09:00", 1, "2026-12-01"),  # a Friday: until the end of Monday
        ("2026-11-28T09:00", 1, "2026-12-01"),
        ("2026-11-26T09:00", 15, "2026-12-18"),
    ],
)
def test_weekends_do_not_count(moment: str, days: int, due: str) -> None:
    begun = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert working_days_after(begun, days) == datetime.fromisoformat(due).replace(tzinfo=UTC)


@pytest.mark.parametrize("contact", ["a\nb", "a\tb", "a\x00", "a\u202eb", "a\r\nBcc: b"])
def test_a_contact_is_one_line(contact: str) -> None:
    with pytest.raises(Rejected):
        checked_contact(contact)


def test_an_empty_contact_is_none() -> None:
    assert checked_contact("  ") is None
    assert checked_contact(None) is None
    assert checked_contact(" +66 2 123 4567 ") == "+66 2 123 4567"


def test_every_answer_has_a_text_in_both_languages() -> None:
    assert set(TEXTS) == set(ObjectionAnswer)
    assert {tuple(sorted(texts)) for texts in TEXTS.values()} == {("en", "th")}
