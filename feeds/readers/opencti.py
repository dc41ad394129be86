"""Objects of OpenCTI as rows: its indicators, and those that are deleted or revoked there."""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any

import orjson

from feeds import formats
from feeds.readers.record import text
from feeds.readers.rows import Row, Unreadable

_Object = Mapping[str, Any]


def split(objects: Sequence[object]) -> tuple[list[Row | Unreadable], list[Row]]:
    """Give the values of indicators as rows, and as rows too those of indicators that are revoked.

    Objects that are no indicators are nothing: OpenCTI sends what stands around them too. A value that another of
    the indicators still says is not taken back.
    """
    said = [each for each in objects if isinstance(each, dict)]
    beside = [each for each in said if each.get("type") == "marking-definition"]
    rows: list[Row | Unreadable] = [
        Unreadable.of(number, text(each), "not-a-record", "no object of STIX")
        for number, each in enumerate(objects, 1)
        if not isinstance(each, dict)
    ]
    gone: list[Row] = []
    for each in said:
        if each.get("type") != "indicator":
            continue
        if each.get("revoked") is True:
            gone += values(each, beside)
        else:
            rows += _read(each, beside)
    standing = {_subject(row) for row in rows if isinstance(row, Row)}
    return rows, [row for row in gone if _subject(row) not in standing]


def values(indicator: _Object, beside: Iterable[_Object] = ()) -> list[Row]:
    """Give the values of an indicator, also of one that is revoked."""
    return [row for row in _read({**indicator, "revoked": False}, beside) if isinstance(row, Row)]


def _subject(row: Row) -> tuple[str | None, str | None]:
    return row.fields.get("kind"), row.fields.get("value")


def _read(indicator: _Object, beside: Iterable[_Object]) -> list[Row | Unreadable]:
    said = orjson.dumps({"objects": [*beside, indicator]})
    return list(formats.read(BytesIO(said), format="stix"))
