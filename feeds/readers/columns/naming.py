"""A user's own names of columns, kinds and scam types, from a file like ``columns.toml``."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feeds.readers.columns.words import Naming, fillable
from schemas import kinds
from schemas.vocabulary import Tlp

_TABLES = ("columns", "kinds", "scam_types", "tlp")


class BadNaming(ValueError):
    """The file says nothing that can be used; the message says what is wrong with it."""


def read(path: Path) -> Naming:
    """Read the names in the file at ``path``. Raises ``BadNaming``."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadNaming(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadNaming(f"{path}: this is no TOML: {error}") from error
    found: dict[str, Mapping[str, tuple[str, ...]]] = {}
    for table, entries in tables.items():
        if table not in _TABLES or not isinstance(entries, dict):
            raise BadNaming(f"{path}: {table}: there are the tables {', '.join(_TABLES)}, and no others")
        for word, names in entries.items():
            _check(path, table, word, names)
        found[table] = {word: tuple(names) for word, names in entries.items()}
    none: Mapping[str, tuple[str, ...]] = {}
    return Naming(*(tuple(found.get(table, none).items()) for table in _TABLES))


def _check(path: Path, table: str, word: str, names: Any) -> None:
    known: dict[str, set[str]] = {"columns": fillable(), "kinds": {*kinds.every()}, "tlp": {*map(str, Tlp)}}
    if word not in known.get(table, {word}):
        raise BadNaming(f"{path}: {table}.{word}: there are {', '.join(sorted(known[table]))}")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadNaming(f'{path}: {table}.{word}: give a list of names, as in {word} = ["one", "another"]')
