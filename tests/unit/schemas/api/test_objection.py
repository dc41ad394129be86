"""Responses to objections reveal nothing."""

import pytest

from schemas.api.statements import TEXTS, ObjectionAnswer, checked_contact
from schemas.errors import Rejected


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
