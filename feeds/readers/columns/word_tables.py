"""The tables of words that files use, read from ``columns.toml`` and from each language's own file."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from schemas import kinds, sharing, tabular
from schemas.report import Report

_NOT_A_ROWS_TO_SAY = {"details", "evidence", "reporter", "sharing", "hold"}
HINTS = {"type", "classification", "category", "votes"}
# The vowels above and below of Thai are no letters of their own, and tell words apart all the same.
_NOT_ALNUM = re.compile(r"[^\w\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]+|_+")
_LETTERS = {"đ": "d", "Đ": "D"}
# How a file of a language calls the columns of values that are of no one kind.
_GROUPS = {"value": 0, "link": 2}


class ValueColumn(NamedTuple):
    """A column that holds values, and the kind they are of, always or beside certain other columns.

    ``given`` are columns of the kind that the name says (``line_id``: the platform). A column that is ``unsure`` may
    be somebody else's than the scammer's.
    """

    rank: int
    kind: str | None
    kind_beside: tuple[tuple[str, tuple[str, ...]], ...] = ()
    given: tuple[tuple[str, str], ...] = ()
    unsure: bool = False


def plain(name: str) -> str:
    """Give a name as names are compared: its letters and digits, in lower case."""
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name)
    return _NOT_ALNUM.sub("", name).casefold()


def without_marks(name: str) -> str:
    """Give a name without the marks on Latin letters, as many type Vietnamese."""
    if name.isascii():
        return name
    apart = unicodedata.normalize("NFD", "".join(_LETTERS.get(char, char) for char in name))
    kept = "".join(char for char in apart if not "\u0300" <= char <= "\u036f")
    return kept if kept.isascii() else name


@cache
def kind_columns() -> frozenset[str]:
    """Give the columns that are some kind's own."""
    return frozenset(field for kind in kinds.every().values() for field in kind.columns)


def report_fields() -> set[str]:
    """Give the fields of reports, and of their values, that a column may be."""
    return {
        *Report.model_fields,
        *sharing.COLUMNS,
        *tabular.HOLD_COLUMNS,
        *kind_columns(),
        *HINTS,
        "sha256",
    } - _NOT_A_ROWS_TO_SAY


@cache
def languages() -> Sequence[Mapping[str, Any]]:
    """Give the tables of each language's file."""
    folder = files(__package__).joinpath("languages")
    named = sorted((each for each in folder.iterdir() if each.name.endswith(".toml")), key=lambda each: each.name)
    return [tomllib.loads(each.read_text(encoding="utf-8")) for each in named]


def value_columns(table: Mapping[str, Any]) -> dict[str, ValueColumn]:
    """Give the columns of values, those of ``columns.toml`` before the other languages'."""
    values: dict[str, ValueColumn] = {}
    ranks: dict[str, int] = {}
    for rank, group in enumerate(table["value"]):
        beside = tuple((kind, tuple(others)) for kind, others in group.get("kind_beside", {}).items())
        kind, unsure = group.get("kind"), group.get("unsure", False)
        ranks.setdefault(f"unsure_{kind}" if unsure else kind or "", rank)
        for place, name in enumerate(group["names"]):
            values[plain(name)] = ValueColumn(rank * 100 + place, kind, beside, unsure=unsure)
    for language in languages():
        for word, names in language.get("values", {}).items():
            kind = None if word in _GROUPS else word.removeprefix("unsure_")
            rank = _GROUPS.get(word, ranks.get(word, len(table["value"])))
            for spelling in (each for name in names for each in spellings(name)):
                values.setdefault(spelling, ValueColumn(rank * 100 + 90, kind, unsure=word.startswith("unsure_")))
        for section, kind, field in _QUALIFYING_SECTIONS:
            rank = ranks[kind]
            for word, names in language.get(section, {}).items():
                for spelling in (each for name in names for each in spellings(name)):
                    values[spelling] = ValueColumn(rank * 100 + 95, kind, given=((field, word),))
    for kind in kinds.every():
        values.setdefault(plain(kind), ValueColumn(10_000, kind))
    return values


# Sections whose names of columns say something of the kind beside: the platform, the payment system, the coin.
_QUALIFYING_SECTIONS = (
    ("platforms", "social-account", "platform"),
    ("systems", "payment-alias", "system"),
    ("currencies", "wallet", "currency"),
)


def field_columns(table: Mapping[str, Any]) -> dict[str, tuple[int, str]]:
    """Give the columns of fields, the surest name first."""
    columns = {plain(field): (0, field) for field in report_fields()}
    for field, names in table["columns"].items():
        columns |= {plain(name): (place, field) for place, name in enumerate(names)}
    for language in languages():
        for field, names in language.get("columns", {}).items():
            for place, name in enumerate(names):
                for spelling in spellings(name):
                    columns.setdefault(spelling, (50 + place, field))
    return columns


def field_words(field: str, own: Sequence[str], tables: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Give the words of a field's cells with what they mean; its ``own`` words mean themselves."""
    section = "scam_types" if field == "scam_type" else field
    return (
        {plain(word): word for word in own}
        | meaning_by_word_in_all(section, tables)
        | {plain(word): word for word in own}
    )


def meaning_by_word_in_all(section: str, tables: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Give the words of a section of several tables, with what they mean."""
    found: dict[str, str] = {}
    for table in tables:
        found |= meaning_by_word(table.get(section, {}))
    return found


def meaning_by_word(words: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Give each word with what it means, of words by their meaning."""
    return {spelling: word for word, names in words.items() for name in [word, *names] for spelling in spellings(name)}


def spellings(name: str) -> set[str]:
    """Give the spellings of a name: as it is, and without the marks on its Latin letters."""
    return {plain(name), plain(without_marks(name))}
