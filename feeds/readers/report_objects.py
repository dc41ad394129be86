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
# A list of more is no list of what one scam used.
_MOST_VALUES = 100


def rows(
    number: int,
    item: object,
    context: Context = (),
    column: str = "value",
    found: tuple[str, str] | None = None,
) -> list[Row | Unreadable]:
    """Make a row of each value of an object, or of a value alone, which would stand in a ``column``.

    ``context`` is said of the list that the item stands in; ``found`` is a key that holds values of a kind, and the
    kind.
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
        if (limits := item.get("sharing")) is not None:
            if not isinstance(limits, dict) or not limits.keys() <= _LIMITS:
                return [Unreadable.of(number, "", *_BAD_SHARING)]
            item = {**item, **limits}
        if isinstance(item.get("hold"), dict):
            item = {**item, **{f"hold_{name}": said for name, said in item["hold"].items()}}
        names = tuple(item)
        cells = [value if type(value) is str else text(value) for value in item.values()]
        if any(type(value) is list for value in item.values()):
            names, cells = _apart(item)
        rows = columns_of(names, context, found).rows(number, cells)
        return _with_nested(rows, item) if "" in cells else rows
    if isinstance(item, str | int | float) and not isinstance(item, bool) and (value := text(item).strip()):
        return columns_of((column,), context).rows(number, (value,))
    message = "neither an object with columns nor a value as text"
    return [Unreadable.of(number, text(item) or repr(item), "not-a-record", message)]


def _apart(item: dict[Any, Any]) -> tuple[tuple[str, ...], list[str]]:
    """Give the keys and the cells of an object, with a cell of its own for each value in a list of values."""
    names: list[str] = []
    cells: list[str] = []
    for key, value in item.items():
        column = column_of_list(str(key)) if type(value) is list and len(value) <= _MOST_VALUES else "value"
        if column != "value" or (plain(str(key)) in ("value", "values") and type(value) is list):
            texts = list(filter(None, map(text, value)))
            names += [column] * len(texts)
            cells += texts
        else:
            names.append(key)
            cells.append(text(value))
    return tuple(names), cells


def _with_nested(rows: list[Row | Unreadable], item: dict[Any, Any]) -> list[Row | Unreadable]:
    """Note the objects within an object, which no column of a report is."""
    nested = [
        Note("column", shown_name(str(key), place))
        for place, (key, value) in enumerate(item.items())
        if (value and isinstance(value, dict) and key not in ("sharing", "hold"))
        or (isinstance(value, list) and any(isinstance(each, dict) for each in value))
    ]
    if nested:
        rows = [rows[0]._replace(notes=rows[0].notes + nested), *rows[1:]]
    return rows


def text(value: object, depth: int = 0) -> str:
    """Return a value as a CSV would have it; nothing for objects, which no column of a report is.

    Raises ``RecursionError`` for lists within lists beyond any use, at the same depth on every Python.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return repr(value)  # with its decimal part, which tells that zeros in front may be lost
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        if depth == _DEEPEST:
            raise RecursionError
        return ",".join(filter(None, (text(item, depth + 1) for item in value)))
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
