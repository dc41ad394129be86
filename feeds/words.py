"""The words that files use for columns, kinds, scam types and markings: those of ``columns.toml``, and a user's own."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from schemas import hold, kinds, sharing
from schemas.report import Report
from schemas.vocabulary import ScamType, Tlp

_NOT_A_ROWS_TO_SAY = {"details", "evidence", "reporter", "sharing", "hold"}
HINTS = {"type", "classification", "category", "votes"}
_NOT_ALNUM = re.compile(r"[\W_]+")


class Value(NamedTuple):
    """A column that holds values, and the kind they are of, always or beside certain other columns."""

    rank: int
    kind: str | None
    kind_beside: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Vocabulary(NamedTuple):
    """Each word, as names are compared (``plain``), and what it means."""

    values: Mapping[str, Value]
    columns: Mapping[str, tuple[int, str]]
    subjects: Mapping[str, str]
    kinds: Mapping[str, str]
    scam_types: Mapping[str, str]
    innocent: frozenset[str]
    innocent_categories: frozenset[str]
    confidence: Mapping[str, str]
    doubt: Mapping[str, str]
    tlp: Mapping[str, str]


def plain(name: str) -> str:
    """Give a name as names are compared: its letters and digits, in lower case."""
    return _NOT_ALNUM.sub("", name).casefold()


@cache
def every_input() -> frozenset[str]:
    """Give the columns that are some kind's own."""
    return frozenset(field for kind in kinds.every().values() for field in kind.inputs)


class Naming(NamedTuple):
    """Names beside those of ``columns.toml``, and before them: for columns, kinds, scam types and TLP levels.

    A column named ``ignore`` is one that is not read.
    """

    columns: tuple[tuple[str, tuple[str, ...]], ...] = ()
    kinds: tuple[tuple[str, tuple[str, ...]], ...] = ()
    scam_types: tuple[tuple[str, tuple[str, ...]], ...] = ()
    tlp: tuple[tuple[str, tuple[str, ...]], ...] = ()


_NAMING: ContextVar[Naming] = ContextVar("naming", default=Naming())  # noqa: B039 - it cannot be changed
_IGNORED = "ignore"


@contextmanager
def named(naming: Naming) -> Iterator[None]:
    """Know the names of ``naming`` too, in this block."""
    token = _NAMING.set(naming)
    try:
        yield
    finally:
        _NAMING.reset(token)


def naming() -> Naming:
    """Give the names that are known here beside those of ``columns.toml``."""
    return _NAMING.get()


def fillable() -> set[str]:
    """Give what a column may be: a field, a kind's value, any value, or nothing that is read."""
    return {*_fields(), *kinds.every(), "value", _IGNORED}


def _fields() -> set[str]:
    return {
        *Report.model_fields,
        *sharing.COLUMNS,
        *hold.COLUMNS,
        *every_input(),
        *HINTS,
        "sha256",
    } - _NOT_A_ROWS_TO_SAY


def vocabulary() -> Vocabulary:
    """Give all words that are known here."""
    return _with(_NAMING.get())


@lru_cache(maxsize=8)
def _with(naming: Naming) -> Vocabulary:
    table: dict[str, Any] = tomllib.loads(files("feeds").joinpath("columns.toml").read_text(encoding="utf-8"))
    values: dict[str, Value] = {}
    for rank, group in enumerate(table["value"]):
        beside = tuple((kind, tuple(others)) for kind, others in group.get("kind_beside", {}).items())
        for place, name in enumerate(group["names"]):
            values[plain(name)] = Value(rank * 100 + place, group.get("kind"), beside)
    for kind in kinds.every():
        values.setdefault(plain(kind), Value(10_000, kind))
    columns = {plain(field): (0, field) for field in _fields()}
    for field, names in table["columns"].items():
        columns |= {plain(name): (place, field) for place, name in enumerate(names)}
    for field, own in naming.columns:
        for name in map(plain, own):
            values.pop(name, None)
            columns.pop(name, None)
            if field == "value" or field in kinds.every():
                values[name] = Value(-1, None if field == "value" else field)
            elif field != _IGNORED:
                columns[name] = (-1, field)
    kind_words = {plain(kind): kind for kind in kinds.every()}
    scam_types = {plain(word): word.value for word in ScamType}
    return Vocabulary(
        values=values,
        columns=columns,
        subjects=table["subjects"],
        kinds=kind_words | _inverted(table["kinds"]) | _inverted(dict(naming.kinds)),
        scam_types=scam_types | _inverted(table["scam_types"]) | _inverted(dict(naming.scam_types)),
        innocent=frozenset(table["not_a_scam"]["verdicts"]),
        innocent_categories=frozenset(table["not_a_scam"]["categories"]),
        confidence={word: str(level) for word, level in table["confidence"].items()},
        doubt={word: str(level) for word, level in table["confidence_of_verdict"].items()},
        tlp={plain(word): word.value for word in Tlp} | table["tlp"] | _inverted(dict(naming.tlp)),
    )


def _inverted(words: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {plain(name): word for word, names in words.items() for name in [word, *names]}
