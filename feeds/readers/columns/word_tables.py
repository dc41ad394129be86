"""Tables of the words that files use, read from ``columns.toml`` and from the file of each language."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from schemas import kinds, tabular
from schemas.report import FIELDS

HINTS = {"type", "classification", "category", "votes"}
_PLAIN_ASCII = {code: chr(code).lower() if chr(code).isalnum() else None for code in range(128)}
# Thai vowels above and below a letter are no letters to Unicode, but distinguish words.
_NOT_ALNUM = re.compile(r"[^\w\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]+|_+")
_LETTERS = {"đ": "d", "Đ": "D"}
# Ranks of the value columns that hold several kinds, by their name in the language files.
_GROUPS = {"value": 0, "link": 2}


class ValueColumn(NamedTuple):
    """A column that holds values: its rank among such columns, and the kind of its values.

    ``kind_beside`` gives the kind where one of certain other columns is present. ``given`` are fields that the name
    itself implies (``line_id``: the platform). The values of an ``unsure`` column may belong to a victim.
    """

    rank: int
    kind: str | None
    kind_beside: tuple[tuple[str, tuple[str, ...]], ...] = ()
    given: tuple[tuple[str, str], ...] = ()
    unsure: bool = False


def plain(name: str) -> str:
    """Return a name in the form in which names are compared: its letters and digits, in lower case."""
    if name.isascii():
        return name.translate(_PLAIN_ASCII)
    return _NOT_ALNUM.sub("", unicodedata.normalize("NFKC", name)).casefold()


def without_marks(name: str) -> str:
    """Return a name without the marks on Latin letters, as many people type Vietnamese."""
    if name.isascii():
        return name
    apart = unicodedata.normalize("NFD", "".join(_LETTERS.get(char, char) for char in name))
    kept = "".join(char for char in apart if not "\u0300" <= char <= "\u036f")
    return kept if kept.isascii() else name


@cache
def kind_columns() -> frozenset[str]:
    """Return the input columns of all kinds."""
    return frozenset(field for kind in kinds.every().values() for field in kind.columns)


def report_fields() -> set[str]:
    """Return the columns that a report or its value may have."""
    return {*tabular.column_names(), *HINTS}


@cache
def languages() -> Sequence[Mapping[str, Any]]:
    """Return the tables of all language files, in the order of the files' names."""
    folder = files(__package__).joinpath("languages")
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return [tomllib.loads(file.read_text(encoding="utf-8")) for file in found]


def value_columns(table: Mapping[str, Any]) -> dict[str, ValueColumn]:
    """Return the value columns by name; those of ``columns.toml`` go before those of the languages."""
    values, ranks = _value_columns_of_table(table)
    for language in languages():
        for word, names in language.get("values", {}).items():
            kind = None if word in _GROUPS else word.removeprefix("unsure_")
            rank = _GROUPS.get(word, ranks.get(word, len(table["value"])))
            for spelling in _spellings_of_all(names):
                values.setdefault(spelling, ValueColumn(rank * 100 + 90, kind, unsure=word.startswith("unsure_")))
        for section, kind, field in _QUALIFYING_SECTIONS:
            rank = ranks[kind]
            for word, names in language.get(section, {}).items():
                for spelling in _spellings_of_all(names):
                    values[spelling] = ValueColumn(rank * 100 + 95, kind, given=((field, word),))
    for kind in kinds.every():
        values.setdefault(plain(kind), ValueColumn(10_000, kind))
    return values


def _value_columns_of_table(table: Mapping[str, Any]) -> tuple[dict[str, ValueColumn], dict[str, int]]:
    """Return the value columns of ``columns.toml`` by name, and the ranks of their kinds."""
    values: dict[str, ValueColumn] = {}
    ranks: dict[str, int] = {}
    for rank, group in enumerate(table["value"]):
        beside = tuple((kind, tuple(others)) for kind, others in group.get("kind_beside", {}).items())
        kind, unsure = group.get("kind"), group.get("unsure", False)
        ranks.setdefault(f"unsure_{kind}" if unsure else kind or "", rank)
        for place, name in enumerate(group["names"]):
            values[plain(name)] = ValueColumn(rank * 100 + place, kind, beside, unsure=unsure)
    return values, ranks


# Sections of columns whose name implies a field beside the kind: the platform, the payment system, the coin.
_QUALIFYING_SECTIONS = (
    ("platforms", "social-account", "platform"),
    ("systems", "payment-alias", "system"),
    ("currencies", "wallet", "currency"),
)


def field_columns(table: Mapping[str, Any]) -> dict[str, tuple[int, str]]:
    """Return rank and field of the columns by name; the lowest rank is the surest name."""
    columns = {plain(field): (0, field) for field in report_fields()}
    for name, field in FIELDS.items():
        columns |= {plain(other): (rank, name) for rank, other in enumerate(field.declaration.names, 1)}
    for field, names in table["columns"].items():
        columns |= {plain(name): (place, field) for place, name in enumerate(names)}
    for language in languages():
        for field, names in language.get("columns", {}).items():
            for place, name in enumerate(names):
                for spelling in spellings(name):
                    columns.setdefault(spelling, (50 + place, field))
    return columns


def field_words(field: str, own: Sequence[str], tables: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the words of a field's cells with their meaning; the field's ``own`` words mean themselves."""
    section = "scam_types" if field == "scam_type" else field
    return meaning_by_word_in_all(section, tables) | {plain(word): word for word in own}


def meaning_by_word_in_all(section: str, tables: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the words of one section of several tables with their meaning; later tables go before earlier ones."""
    found: dict[str, str] = {}
    for table in tables:
        found |= meaning_by_word(table.get(section, {}))
    return found


def meaning_by_word(words: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Turn lists of words by meaning into meanings by word, all spellings included."""
    return {spelling: word for word, names in words.items() for spelling in _spellings_of_all([word, *names])}


def spellings(name: str) -> set[str]:
    """Return the spellings of a name: as written, and without the marks on its Latin letters."""
    return {plain(name), plain(without_marks(name))}


def _spellings_of_all(names: Iterable[str]) -> Iterator[str]:
    return (spelling for name in names for spelling in spellings(name))
