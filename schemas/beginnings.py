"""The beginnings of the words of a text: the same for all spellings of a value, so that an index finds it by them.

A beginning has the first letters and digits from the start of a word on, through the words that follow, without case
and without separators. ``081-234 5678``, ``081 2345678`` and both in Base64 have the beginnings ``081234`` and
``0812345678``.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from schemas import readings
from schemas.spoken import read_aloud

# The lengths of a beginning. The long one is rare in other texts; values that are too short for it have the short one.
SHORT, LONG = 6, 10
# A run of ASCII letters and digits, or one other letter or digit: a value may begin within Thai words.
_RUN = re.compile(r"[0-9A-Za-z]+|[^\W_]")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ID_LENGTH = 36
_DOTLESS = {"\u0131": "i"}


def of_text(text: str) -> set[str]:
    """Return the beginnings of the words of a text, in each way in which it may be read."""
    found: set[str] = set()
    for reading in _readings(text):
        _add(reading, found)
    return found


def ids_in(text: str) -> list[str]:
    """Return the UUIDs in a text."""
    return _ID.findall(text) if len(text) >= _ID_LENGTH else []


def of_choices(choices: Iterable[Sequence[str]]) -> set[str] | None:
    """Return the beginnings that one of the texts has which make a choice at each place; None if they are too short.

    They have no beginnings either if they may begin with a letter beyond ASCII, as a text has those at no known place.
    """
    letters = [[folded(choice) for choice in of_place] for of_place in choices]
    least = sum(min(map(len, of_place)) for of_place in letters)
    length = LONG if least >= LONG else SHORT
    if least < SHORT:
        return None
    found = {""}
    for of_place in letters:
        found = {known if len(known) >= length else known + choice for known in found for choice in of_place}
    found = {known[:length] for known in found}
    return found if all(begin[0].isascii() for begin in found) else None


def folded(text: str) -> str:
    """Return the letters and digits of a text without case, one character for each; digits as ASCII."""
    if text.isascii():
        return "".join(filter(str.isalnum, text)).lower()
    return "".join(map(_folded, filter(str.isalnum, text)))


def _folded(char: str) -> str:
    if char.isdecimal():
        return str(int(char))
    return _DOTLESS.get(char) or char.casefold()[0]


def _add(text: str, found: set[str]) -> None:
    runs = _RUN.findall(text)
    letters = "".join(runs).lower() if text.isascii() else "".join(map(_folded, "".join(runs)))
    place, last = 0, len(letters) - SHORT
    for run in runs:
        if place > last:
            return
        if letters[place].isascii():
            found.add(letters[place : place + SHORT])
            if place + LONG <= len(letters):
                found.add(letters[place : place + LONG])
        place += len(run)


def _readings(text: str) -> Iterator[str]:
    """Yield the text, its plain forms, and those of the texts that it contains in Base64."""
    for form in _forms(text):
        yield form
        for inner in readings.decoded(form, readings.ENCODED):
            yield from _forms(inner)


def _forms(text: str) -> set[str]:
    if text.isascii() and not ("%" in text or "&" in text or "\\" in text):
        return {text} | read_aloud(text)
    forms = readings.unescaped(text)
    forms |= set(map(readings.plain_letters, forms))
    return forms.union(*map(read_aloud, forms))
