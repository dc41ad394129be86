"""A user's own names of columns, kinds and scam types: a TOML file, read and used beside ``columns.toml``."""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

from feeds.readers.columns.word_tables import report_fields
from schemas import kinds
from schemas.vocabulary import Tlp

_TABLES = ("columns", "kinds", "scam_types", "tlp")
# A column under this name is not read.
IGNORED = "ignore"


class BadCustomNames(ValueError):
    """The file cannot be used; the message says why and what to write instead."""


class CustomNames(NamedTuple):
    """Names that go before those of ``columns.toml``, each table as pairs of what is meant and its names."""

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
    """Return the names of the enclosing ``use_custom_names`` block, none outside of one."""
    return _CURRENT.get()


def read_custom_names(path: Path) -> CustomNames:
    """Read the TOML file at ``path``. Raises ``BadNaming``."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadCustomNames(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadCustomNames(f"{path}: this is no TOML: {error}") from error
    found: dict[str, Mapping[str, tuple[str, ...]]] = {}
    for table, entries in tables.items():
        if table not in _TABLES or not isinstance(entries, dict):
            raise BadCustomNames(f"{path}: {table}: there are the tables {', '.join(_TABLES)}, and no others")
        for meaning, names in entries.items():
            _check(path, table, meaning, names)
        found[table] = {meaning: tuple(names) for meaning, names in entries.items()}
    none: Mapping[str, tuple[str, ...]] = {}
    return CustomNames(*(tuple(found.get(table, none).items()) for table in _TABLES))


def _check(path: Path, table: str, meaning: str, names: Any) -> None:
    columns = {*report_fields(), *kinds.every(), "value", IGNORED}
    known: dict[str, set[str]] = {"columns": columns, "kinds": {*kinds.every()}, "tlp": {*map(str, Tlp)}}
    if meaning not in known.get(table, {meaning}):
        raise BadCustomNames(f"{path}: {table}.{meaning}: there are {', '.join(sorted(known[table]))}")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadCustomNames(f'{path}: {table}.{meaning}: give a list of names, as in {meaning} = ["one", "another"]')
