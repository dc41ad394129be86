"""Foreign texts are safe to store and to show, and digits of every script are read."""

import unicodedata

import pytest
from hypothesis import given, strategies as st

from schemas.text import ascii_digits, checked_line, encodable, escaped, visible

DECIMAL = st.characters(categories=["Nd"])


@given(st.text(DECIMAL, min_size=1, max_size=20))
def test_digits_of_every_script_become_ascii(text: str) -> None:
    assert ascii_digits(text) == "".join(str(unicodedata.decimal(char)) for char in text)
    assert ascii_digits(text).isascii()


@given(st.text(max_size=40))
def test_each_character_is_visible_or_not_by_itself(text: str) -> None:
    assert visible(text) == "".join(visible(f"a{char}")[1:] for char in text)


@given(st.text(st.characters(exclude_categories=["Nd", "Cs"]), max_size=40))
def test_characters_that_are_no_digits_stay(text: str) -> None:
    assert ascii_digits(text) == text


@pytest.mark.parametrize("numeral", ["½", "²", "Ⅷ", "④", "๛"])
def test_numerals_that_are_no_digits_stay(numeral: str) -> None:
    assert ascii_digits(numeral) == numeral


@given(st.text(st.characters(), max_size=40))
def test_whole_text_is_encodable_and_shown_text_has_nothing_hidden(text: str) -> None:
    assert encodable(text).encode().decode() == encodable(text)
    assert not any(unicodedata.category(char) == "Cf" for char in visible(text))
    assert escaped(encodable(text)).isprintable()


def test_thai_is_shown_unchanged() -> None:
    assert visible("โฆษณาชวนลงทุน\u200bปลอม ๒๔ ชม. ฯลฯ") == "โฆษณาชวนลงทุนปลอม ๒๔ ชม. ฯลฯ"


@pytest.mark.parametrize("text", [" a", "a\nb", "a\u200bb", "e\u0301"])
def test_line_is_displayed_as_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="no"):
        checked_line(text)
