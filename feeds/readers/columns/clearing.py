"""Cells that clear their row: the value is safe, was reported by mistake, is the sender's own, or was paid back.

The words of each language are in ``[clearing]`` of its file. A cell with other words clears nothing.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import chain
from typing import Any, NamedTuple

from feeds.readers.columns.word_tables import in_bare_latin, languages, plain
from feeds.readers.extraction.cues import SCAM, expression, is_question

UNMARKED = (
    "not-a-scam",
    "other rows of this table are marked as fraud, and this one is not: mark it if its value is a scammer's",
)
_LONGEST = 80
_NOTE = re.compile(r"\(([^()]{2,60})\)")
_PARTS = re.compile(r"[^\w\s'’\u0300-\u036f\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+|\s[-–—]+\s|\b\d+\b")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_TOKEN = re.compile(r"[^\W_]+")
_YES = frozenset({"yes", "y", "true", "1", "ใช่", "có", "ya", "oo", "sim", "sí", "si", "हाँ", "是", "はい", "예"})
_NO = frozenset(
    {"no", "n", "false", "0", "ไม่", "ไม่ใช่", "không", "tidak", "bukan", "hindi", "não", "नहीं", "否", "いいえ", "아니오"}
)
# Fields whose cells may clear a value with a word alone, and those in which only a phrase does: a "refund" may be a
# kind of scam.
_WORDED = frozenset({"type", "classification", "action"})
_TEXTS = frozenset({"category", "description", "scam_type", "reference"})


class _Words(NamedTuple):
    """``words`` are a part of a cell each, ``phrases`` may have other words around them, except those of ``nots``."""

    words: frozenset[str]
    phrases: tuple[str, ...]
    unspaced: tuple[str, ...]
    nots: frozenset[str]
    flags: frozenset[str]
    accusing: frozenset[str]
    titles: tuple[str, ...]
    marks: tuple[str, ...]
    longest: frozenset[str]


class Clearing:
    """The columns whose cells may clear a row: unknown ones, and those with words about the value.

    ``unknown`` are the places of unread columns that are not about people. ``others`` are the fields and places of
    known columns.
    """

    def __init__(self, names: Sequence[str], unknown: Sequence[int], others: Sequence[tuple[str, int]]) -> None:
        words = _words()
        self._worded = [*unknown, *(place for field, place in others if field in _WORDED)]
        self._texts = [place for field, place in others if field in _TEXTS]
        self._answers = [
            (place, _YES if spelled in words.flags else _NO)
            for place, name in enumerate(names)
            if (spelled := plain(name)) in words.flags or spelled in words.accusing
        ]

    def clears(self, cells: Sequence[str]) -> bool:
        """Return whether a cell of a row says that the row's value is safe, the sender's own or a mistake."""
        return (
            any((cell := cells[place]) and _clears(cell, alone=True) for place in self._worded)
            or any((cell := cells[place]) and _clears(cell, alone=False) for place in self._texts)
            or any(cells[place].strip().casefold() in answers for place, answers in self._answers)
        )

    def asks(self, cells: Sequence[str]) -> bool:
        """Return whether a cell of a row only asks whether its value is a scam's."""
        places = chain(self._worded, self._texts)
        return any((cell := cells[place]) and len(cell) <= _LONGEST and is_question(cell) for place in places)


def marked_places(names: Sequence[str], unread: Sequence[int], body: Sequence[Sequence[str]]) -> list[int]:
    """Return the unread columns that mark some rows as fraud, and leave the cells of the others empty.

    ``body`` are the first rows. A value of a row without the mark may be anybody's, as in a statement of an account.
    """
    found = []
    for place in unread:
        if plain(names[place]).endswith(_words().marks):
            cells = [cells[place].strip() for cells in body if place < len(cells)]
            marks = list(filter(None, cells))
            if 0 < len(marks) < len(cells) and all(SCAM.search(cell) or cell.casefold() in _YES for cell in marks):
                found.append(place)
    return found


def names_owner(cell: str) -> bool:
    """Return whether a note in brackets names a victim or a relative as the owner: "KBANK (husband's account)"."""
    return any(expression("owner_behind").match(note) for note in _NOTE.findall(cell))


def is_safe_title(title: str) -> bool:
    """Return whether a title, or the name of a sheet or a file, says that the values below it are safe."""
    if not title or len(title) > _LONGEST:
        return False
    text = _normal(title.replace("_", " "))
    return any(_has(text, phrase) and not _denied(text, phrase) for phrase in _words().titles)


def clears_text(text: str) -> bool:
    """Return whether a text about a value says that it is safe, the sender's own or a mistake."""
    return _clears(text, alone=True)


def _clears(cell: str, *, alone: bool) -> bool:
    return len(cell) <= _LONGEST and _short_cell_clears(cell, alone=alone)


@lru_cache(maxsize=8192)
def _short_cell_clears(cell: str, *, alone: bool) -> bool:
    """Return whether a cell has a phrase that clears its row, or, if ``alone``, a part that is such a word."""
    words = _words()
    if cell.isascii() and words.longest.isdisjoint(_TOKEN.findall(cell.lower())):
        return False
    text = _normal(cell)
    if alone and any(part.strip() in words.words for part in _PARTS.split(text)):
        return True
    phrases = words.phrases if text.isascii() else (*words.phrases, *words.unspaced)
    bare = text.replace(" ", "")
    return any(
        (phrase in text or phrase in bare) and _has(text, phrase) and not _denied(text, phrase) for phrase in phrases
    )


def _has(text: str, phrase: str) -> bool:
    if _UNSPACED.search(phrase):
        return phrase.replace(" ", "") in text.replace(" ", "")
    return phrase in text and re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text) is not None


def _denied(text: str, phrase: str) -> bool:
    """Return whether the words in front of a phrase deny it."""
    before = text.partition(phrase)[0]
    nots = _words().nots
    if any(word in nots for word in before.replace("'", " ").split()[-3:]):
        return True
    return any(word in before[-8:] for word in nots if _UNSPACED.match(word))


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().replace("’", "'").split())


@cache
def _words() -> _Words:
    tables: list[Mapping[str, Any]] = [language.get("clearing", {}) for language in languages()]
    verdicts = [word for language in languages() for word in language.get("not_a_scam", {}).get("verdicts", ())]

    def all_of(key: str) -> list[str]:
        found = (_normal(word) for table in tables for word in table.get(key, ()))
        return list(dict.fromkeys(spelling for word in found for spelling in (word, in_bare_latin(word))))

    phrases = all_of("phrases")
    longest = (max(_TOKEN.findall(word), key=len) for word in (*phrases, *all_of("words"), *map(_normal, verdicts)))
    return _Words(
        frozenset([*all_of("words"), *map(_normal, verdicts)]),
        tuple(phrase for phrase in phrases if not _UNSPACED.search(phrase)),
        tuple(phrase for phrase in phrases if _UNSPACED.search(phrase)),
        frozenset(all_of("not")),
        frozenset(map(plain, all_of("flags"))),
        frozenset(map(plain, all_of("accusing"))),
        tuple(all_of("titles")),
        tuple(map(plain, all_of("marks"))),
        frozenset(longest),
    )
