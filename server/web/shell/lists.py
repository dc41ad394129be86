"""Lists: what the address of a page asks for, a page of the list with the address of the next one, and CSV."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from schemas.tabular import harmless_cell
from server.web.shell.visit import Visit

PAGE = 50
LONGEST = 200
_LONGEST_PLACE = 500
# The databases' numbers have up to 19 digits, as those of values.
_DIGITS, _MOST_NUMBER = 19, 2**63 - 1

Row = TypeVar("Row")
Place = TypeVar("Place")


def asked(visit: Visit, name: str, most: int = LONGEST) -> str:
    """Return a parameter of the address, "" where it is missing or too long."""
    given = visit.request.args.get(name, "").strip()
    return given if len(given) <= most and "\x00" not in given else ""


def link(path: str, **fields: Any) -> str:
    """Return the address of a page with those fields that are not empty."""
    given = {name: value for name, value in fields.items() if value not in ("", None)}
    return f"{path}?{urlencode(given)}" if given else path


def place_of(visit: Visit, make: Callable[..., Place], *types: type[int] | type[str]) -> Place | None:
    """Return where the page before ended, made of the parts of ``after``; None for the first or an unknown page."""
    parts = (visit.field("after", _LONGEST_PLACE) or asked(visit, "after", _LONGEST_PLACE)).split("~", len(types) - 1)
    if len(parts) != len(types) or not all(_is_part(part, kind) for part, kind in zip(parts, types, strict=True)):
        return None
    return make(*(kind(part) for part, kind in zip(parts, types, strict=True)))


def moment_and_id(visit: Visit) -> tuple[int, str] | None:
    """Return where the page before ended in a list that is sorted by a moment and an id."""
    return place_of(visit, lambda moment, id_: (moment, id_), int, str)


def text_of_place(place: Iterable[object]) -> str:
    """Return a place as an address has it."""
    return "~".join(map(str, place))


def page_of(
    visit: Visit, found: Sequence[Row], most: int, place: Callable[[Row], Iterable[object]], **filters: Any
) -> tuple[list[Row], str]:
    """Return the rows of a page, and the address of the next one or ""; one row more than a page was looked for."""
    shown = list(found[:most])
    if len(found) <= most:
        return shown, ""
    return shown, link(visit.request.path, **filters, after=text_of_place(place(shown[-1])))


def csv_line(cells: Sequence[object]) -> bytes:
    """Return a row of CSV, without what a spreadsheet would run; None is empty."""
    written = io.StringIO()
    row = ["" if cell is None else harmless_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    csv.writer(written, lineterminator="\r\n").writerow(row)
    return written.getvalue().encode()


def _is_part(part: str, kind: type[int] | type[str]) -> bool:
    if kind is str:
        return True
    return part.isascii() and part.isdecimal() and len(part) <= _DIGITS and int(part) <= _MOST_NUMBER
