"""Tables of the words that files use, read from ``columns.toml`` and from the file of each language."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from schemas import kinds, tabular
from schemas.report import FIELDS
from schemas.vocabulary import Tlp

HINTS = {"type", "classification", "category", "votes"}
_PLAIN_ASCII = {code: chr(code).lower() if chr(code).isalnum() else None for code in range(128)}
# Vowels around a letter are not letters in Unicode, but distinguish words: Devanagari, Thai, Lao, Burmese, Khmer.
NOT_ALNUM = re.compile(
    r"[^\w\u0900-\u0903\u093a-\u094f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd"
    r"\u102b-\u103e\u17b4-\u17d3]+|_+"
)
_LETTERS = {"đ": "d", "Đ": "D"}
# The last digits of the rank of columns that are read only if their name says that they are a suspect's.
RANK_OF_SUSPECTS = 97
# Ranks of the value columns with several kinds, by their name in the language files.
_GROUPS = {"value": 0, "link": 2}


class ValueColumn(NamedTuple):
    """A column with values: its rank among such columns, and the kind of its values.

    ``kind_beside`` is the kind if one of certain other columns is present. ``given`` are fields that the name itself
    implies (``line_id``: the platform). The values of an ``unsure`` column may belong to a victim.
    """

    rank: int
    kind: str | None
    kind_beside: tuple[tuple[str, tuple[str, ...]], ...] = ()
    given: tuple[tuple[str, str], ...] = ()
    unsure: bool = False


def plain(name: str) -> str:
    """Return a name in the form for comparison: its letters and digits, in lower case."""
    if name.isascii():
        return name.translate(_PLAIN_ASCII)
    return NOT_ALNUM.sub("", unicodedata.normalize("NFKC", name)).casefold()


def in_bare_latin(name: str) -> str:
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
    """Return the value columns by name; those of ``columns.toml`` take precedence over those of the languages."""
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


def columns_of_suspects(table: Mapping[str, Any]) -> dict[str, ValueColumn]:
    """Return the value columns that are read only if their name says that they are a suspect's."""
    _, ranks = _value_columns_of_table(table)
    return {
        spelling: ValueColumn(ranks[kind] * 100 + RANK_OF_SUSPECTS, kind)
        for language in languages()
        for kind, names in language.get("of_suspects", {}).items()
        for spelling in _spellings_of_all(names)
    }


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


# Sections of columns whose name implies another field besides the kind: the platform, the payment system, the coin.
_QUALIFYING_SECTIONS = (
    ("platforms", "social-account", "platform"),
    ("systems", "payment-alias", "system"),
    ("currencies", "wallet", "currency"),
    ("operating_systems", "app", "os"),
)


def names_of_columns(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of all columns as the tables write them, with the blanks between their words."""
    for language in languages():
        for section in ("values", "platforms", "systems", "currencies", "operating_systems", "columns", "of_suspects"):
            for names in language.get(section, {}).values():
                yield from names
    for group in table["value"]:
        yield from group["names"]
    for names in table["columns"].values():
        yield from names


def field_columns(table: Mapping[str, Any]) -> dict[str, tuple[int, str]]:
    """Return rank and field of the columns by name; the lowest rank is the most certain name."""
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
    """Return the words of one section of several tables with their meaning; later tables take precedence."""
    found: dict[str, str] = {}
    for table in tables:
        found |= meaning_by_word(table.get(section, {}))
    return found


def meaning_by_word(words: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Convert lists of words by meaning to meanings by word, including all spellings."""
    return {spelling: word for word, names in words.items() for spelling in _spellings_of_all([word, *names])}


def spellings(name: str) -> Iterable[str]:
    """Return the spellings of a name: as written, and without the marks on its Latin letters."""
    return dict.fromkeys((plain(name), plain(in_bare_latin(name))))


def _spellings_of_all(names: Iterable[str]) -> Iterator[str]:
    return (spelling for name in names for spelling in spellings(name))


_TABLES = ("columns", "kinds", "scam_types", "tlp")
# Columns mapped to this name are not read.
IGNORED = "ignore"


class BadCustomNames(ValueError):
    """The file cannot be used; the message gives the reason and the correct form."""


class CustomNames(NamedTuple):
    """Names that take precedence over ``columns.toml``, each table as pairs of a meaning and its names."""

    columns: tuple[tuple[str, tuple[str, ...]], ...] = ()
    kinds: tuple[tuple[str, tuple[str, ...]], ...] = ()
    scam_types: tuple[tuple[str, tuple[str, ...]], ...] = ()
    tlp: tuple[tuple[str, tuple[str, ...]], ...] = ()


_CURRENT: ContextVar[CustomNames] = ContextVar("custom_names", default=CustomNames())  # noqa: B039 - the default is immutable


@contextmanager
def use_custom_names(names: CustomNames) -> Iterator[None]:
    """Read columns with ``names`` within this block, and in its thread only."""
    token = _CURRENT.set(names)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current_custom_names() -> CustomNames:
    """Return the names of the enclosing ``use_custom_names`` block, empty outside of one."""
    return _CURRENT.get()


def read_custom_names(path: Path) -> CustomNames:
    """Read the TOML file at ``path``. Raises ``BadNaming``."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadCustomNames(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadCustomNames(f"{path}: this is not TOML: {error}") from error
    found: dict[str, Mapping[str, tuple[str, ...]]] = {}
    for table, entries in tables.items():
        if table not in _TABLES or not isinstance(entries, dict):
            raise BadCustomNames(f"{path}: {table}: the only tables are {', '.join(_TABLES)}")
        for meaning, names in entries.items():
            _check(path, table, meaning, names)
        found[table] = {meaning: tuple(names) for meaning, names in entries.items()}
    none: Mapping[str, tuple[str, ...]] = {}
    return CustomNames(*(tuple(found.get(table, none).items()) for table in _TABLES))


def custom_names(given: Iterable[str]) -> CustomNames:
    """Return the names of several files, and of pairs such as ``bank=Payee``: a field, and the column that holds it.

    Raises ``BadCustomNames``.
    """
    found = CustomNames()
    for text in given:
        is_pair = "=" in text and not Path(text).is_file()
        more = named_columns([text]) if is_pair else read_custom_names(Path(text))
        found = CustomNames(*(before + added for before, added in zip(found, more, strict=True)))
    return found


def named_columns(pairs: Iterable[str]) -> CustomNames:
    """Return the names of pairs such as ``bank=Payee``; no file is read. Raises ``BadCustomNames``."""
    columns: list[tuple[str, tuple[str, ...]]] = []
    for pair in pairs:
        field, _, name = (part.strip() for part in pair.partition("="))
        if not name:
            raise BadCustomNames("write each as a field and the name of the column that holds it: bank=Payee")
        _check(pair, "columns", field, [name])
        columns.append((field, (name,)))
    return CustomNames(columns=tuple(columns))


def _check(path: Path | str, table: str, meaning: str, names: Any) -> None:
    columns = {*report_fields(), *kinds.every(), "value", IGNORED}
    known: dict[str, set[str]] = {"columns": columns, "kinds": {*kinds.every()}, "tlp": {*map(str, Tlp)}}
    if meaning not in known.get(table, {meaning}):
        raise BadCustomNames(f"{path}: {table}.{meaning}: there are {', '.join(sorted(known[table]))}")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadCustomNames(f'{path}: {table}.{meaning}: give a list of names, such as {meaning} = ["one", "another"]')
