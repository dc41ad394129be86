"""Objects of JSON and YAML as rows."""

import json
from typing import Any

import orjson

from feeds.readers.columns.column_names import column_of_list
from feeds.readers.columns.columns import columns_of
from feeds.readers.columns.notes import Note, shown_name
from feeds.readers.columns.word_tables import plain
from feeds.readers.rows import Row, Unreadable
from schemas.sharing import SHARING_COLUMNS

Context = tuple[tuple[str, str], ...]

_LIMITS = frozenset(SHARING_COLUMNS.names)
_BAD_SHARING = ("bad-sharing", f"sharing: an object of {', '.join(SHARING_COLUMNS.names)}, and of nothing else")
_DEEPEST = 20
# A longer list is no list of the values of one scam.
_MOST_VALUES = 100


def rows(
    number: int,
    item: object,
    context: Context = (),
    column: str = "value",
    found: tuple[str, str] | None = None,
) -> list[Row | Unreadable]:
    """Build a row of each value of an object, or of a single value, as if it stood in ``column``.

    ``context`` are fields that hold for the list around the item; ``found`` is a key that holds values of a kind, and
    the kind.
    """
    try:
        return _rows(number, item, context, column, found)
    except RecursionError:
        return [
            Unreadable.of(number, "", "nested-too-deeply", "lists within lists: a column is a text, or a list of them")
        ]


def _rows(
    number: int, item: object, context: Context, column: str, found: tuple[str, str] | None
) -> list[Row | Unreadable]:
    if isinstance(item, dict):
        return _rows_of_object(number, item, context, found)
    if isinstance(item, str | int | float) and not isinstance(item, bool) and (value := _cell(item).strip()):
        return columns_of((column,), context).rows(number, (value,))
    message = "neither an object with columns nor a value as text"
    return [Unreadable.of(number, _cell(item) or repr(item), "not-a-record", message)]


def _rows_of_object(
    number: int, item: dict[Any, Any], context: Context, found: tuple[str, str] | None
) -> list[Row | Unreadable]:
    if (limits := item.get("sharing")) is not None:
        if not isinstance(limits, dict) or not limits.keys() <= _LIMITS:
            return [Unreadable.of(number, "", *_BAD_SHARING)]
        item = {**item, **limits}
    if isinstance(item.get("hold"), dict):
        item = {**item, **{f"hold_{name}": value for name, value in item["hold"].items()}}
    names = tuple(item)
    cells = [value if type(value) is str else _cell(value) for value in item.values()]
    if any(type(value) is list for value in item.values()):
        names, cells = _with_lists_apart(item)
    rows = columns_of(names, context, found).rows(number, cells)
    return _with_nested(rows, item) if "" in cells else rows


def _with_lists_apart(item: dict[Any, Any]) -> tuple[tuple[str, ...], list[str]]:
    """Return the keys and the cells of an object, with a cell of its own for each value of a list."""
    names: list[str] = []
    cells: list[str] = []
    for key, value in item.items():
        column = column_of_list(str(key)) if type(value) is list and len(value) <= _MOST_VALUES else "value"
        if column != "value" or (plain(str(key)) in ("value", "values") and type(value) is list):
            texts = list(filter(None, map(_cell, value)))
            names += [column] * len(texts)
            cells += texts
        else:
            names.append(key)
            cells.append(_cell(value))
    return tuple(names), cells


def _with_nested(rows: list[Row | Unreadable], item: dict[Any, Any]) -> list[Row | Unreadable]:
    """Note the objects within an object, which fill no column of a report."""
    nested = [
        Note("column", shown_name(str(key), place))
        for place, (key, value) in enumerate(item.items())
        if (value and isinstance(value, dict) and key not in ("sharing", "hold"))
        or (isinstance(value, list) and any(isinstance(member, dict) for member in value))
    ]
    if nested:
        rows = [rows[0]._replace(notes=rows[0].notes + nested), *rows[1:]]
    return rows


def text(value: object) -> str:
    """Return a value as text in the form of a CSV cell, "" for objects and for lists nested too deeply."""
    try:
        return _cell(value)
    except RecursionError:
        return ""


def _cell(value: object, depth: int = 0) -> str:
    """Return a value as ``text`` does. Raises ``RecursionError`` for lists nested deeper than ``_DEEPEST``."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return repr(value)  # with its decimal part, the sign of zeros in front that may be lost
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        if depth == _DEEPEST:
            raise RecursionError
        return ",".join(filter(None, (_cell(item, depth + 1) for item in value)))
    return ""


def loads(data: str) -> Any:
    """Read JSON, also with NaN, halves of surrogate pairs and integers of any size. Raises ``ValueError``."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(data.encode("utf-8", "replace"), parse_int=str)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
