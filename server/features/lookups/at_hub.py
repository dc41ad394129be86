"""``scamfeed lookup --server``: what a hub knows of values, and of the rows of CSV files, in bulk."""

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import msgspec
from pydantic import ValidationError

from feeds.client.lookups import HubLookups, HubSettings
from feeds.connector import Misconfigured, TryLater
from feeds.transport.client import RequestRefused
from schemas import kinds
from schemas.api.lookup import MOST_VALUES, LookupQuestion, LookupResult
from schemas.errors import rejection_of
from server.cli.context import counting, fail, show_json

TOKEN_VARIABLE = "HUB_TOKEN"  # noqa: S105 - where the token is, not the token
_RESULT = (
    *("found", "grade", "as_kind", "normal", "confidence", "hold_amount", "hold_currency", "hold_until"),
    *("disputed", "valid_until", "collections", "site", "site_grade", "listed_pages", "cache_seconds", "error"),
)
# The columns that name what is asked about.
_NAMING = frozenset(("value", "iban", "account_number"))

_Row = dict[str, str]


def look_up_at(
    server: str, sources: Sequence[str], token_file: Path | None, output: Path | None, *, json: bool
) -> None:
    """Ask a hub about values and files, and write a row of CSV for each, or all of them as one JSON document."""
    try:
        settings = HubSettings(url=server)
    except ValidationError as error:
        fail(f"--server: {rejection_of(error).message}")
    results: list[dict[str, Any]] = []
    with ExitStack() as stack:
        hub = stack.enter_context(HubLookups(settings, _token(token_file)))
        count = stack.enter_context(counting("values looked up"))
        written = _Written(stack, output, sys.stdout) if not json else None
        done = 0
        for source in _sources(sources):
            for rows in _batches(source):
                for row, result in zip(rows, _answers(hub, rows), strict=True):
                    if written is None:
                        results.append({"row": row, **msgspec.to_builtins(result)})
                    else:
                        written.write(row, result)
                done += len(rows)
                count(done)
    if json:
        show_json(results)


def _token(file: Path | None) -> str:
    try:
        token = file.read_text(encoding="utf-8") if file else os.environ.get(TOKEN_VARIABLE, "")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file}: cannot be read: {error}")
    if not token.strip():
        fail(f"the hub asks who you are: set {TOKEN_VARIABLE}, or give --token-file with the token in it")
    return token.strip()


def _answers(hub: HubLookups, rows: Sequence[_Row]) -> list[LookupResult]:
    try:
        return hub.ask([_question(row) for row in rows]).results
    except (Misconfigured, TryLater) as error:
        fail(str(error), 1)
    except RequestRefused as error:
        fail(f"the hub refuses the request (HTTP {error.status})", 1)


def _question(row: _Row) -> LookupQuestion:
    """Return what a row asks: its value and kind, and the columns of that kind; others are the file's own."""
    kind = row.get("kind", "").strip() or None
    columns = kinds.get(kind).columns.keys() if kind in kinds.every() and kind else _details()
    details = {name: row[name].strip() for name in columns if row.get(name, "").strip()}
    return LookupQuestion(row.get("value", ""), kind, details)


def _details() -> set[str]:
    return {name for kind in kinds.every().values() for name in kind.columns}


def _sources(sources: Sequence[str]) -> Iterator[Iterator[_Row]]:
    """Yield the rows of each file, and those of the values that stand by themselves."""
    values = [source for source in sources if source != "-" and not Path(source).is_file()]
    if values:
        yield ({"value": value} for value in values)
    for source in sources:
        if source == "-":
            yield _rows(sys.stdin)
        elif Path(source).is_file():
            with Path(source).open(encoding="utf-8-sig", newline="") as file:
                yield _rows(file)


def _rows(file: TextIO) -> Iterator[_Row]:
    """Yield the rows of a CSV file by the names in its first line."""
    try:
        lines = csv.reader(file, _dialect(first := file.readline()))
        names = [name.strip().lower() for name in next(csv.reader([first], lines.dialect), [])]
        if not names:
            return
        if _NAMING.isdisjoint(names):
            if len(names) > 1:
                fail("the CSV file has no column value: name it in the first line")
            # A list of values without a head.
            names = ["value"]
            yield {"value": first.strip()}
        for cells in lines:
            if any(cell.strip() for cell in cells):
                yield dict(zip(names, cells, strict=False))
    except (csv.Error, UnicodeDecodeError) as error:
        fail(f"the file cannot be read as CSV in UTF-8: {error}")


def _dialect(first: str) -> type[csv.Dialect]:
    """Return how a file is written, by the sign that separates the names in its first line."""

    class Found(csv.excel):
        delimiter = max((",", ";", "\t"), key=first.count)

    return Found


def _batches(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    rest = iter(rows)
    while batch := list(islice(rest, MOST_VALUES)):
        yield batch


class _Written:
    """Rows with what was found of each, as CSV; the columns of the first row come first."""

    def __init__(self, stack: ExitStack, output: Path | None, standard: TextIO) -> None:
        if output is None:
            self._file = standard
        else:
            try:
                self._file = stack.enter_context(output.open("w", encoding="utf-8", newline=""))
            except OSError as error:
                fail(f"{output}: cannot be written: {error}")
        self._writer: csv.DictWriter[str] | None = None

    def write(self, row: _Row, result: LookupResult) -> None:
        if self._writer is None:
            names = [*row, *(name for name in _RESULT if name not in row)]
            self._writer = csv.DictWriter(self._file, names, extrasaction="ignore")
            self._writer.writeheader()
        self._writer.writerow({name: _harmless(text) for name, text in (row | _columns(result)).items()})


def _columns(result: LookupResult) -> _Row:
    hold = next((listing.hold for listing in result.listings if listing.hold), None)
    found = {
        "found": "yes" if result.found else "no",
        "grade": result.grade,
        "as_kind": result.kind,
        "normal": result.normal,
        **_parts_of(result.listings[0] if result.listings else None, {"confidence": "confidence"}),
        **_parts_of(hold, {"hold_amount": "amount", "hold_currency": "currency", "hold_until": "until"}),
        "disputed": "yes" if any(listing.disputed for listing in result.listings) else None,
        **_parts_of(result.listings[0] if result.listings else None, {"valid_until": "valid_until"}),
        "collections": " ".join(listing.collection for listing in result.listings),
        **_parts_of(result.site, {"site": "value", "site_grade": "grade"}),
        "listed_pages": f"{result.pages.count}{'+' if result.pages.more else ''}" if result.pages else None,
        "cache_seconds": result.cache_seconds,
        "error": f"{result.error.reason}: {result.error.message}" if result.error else None,
    }
    return {name: "" if value is None else str(value) for name, value in found.items()}


def _parts_of(whole: object | None, names: Mapping[str, str]) -> dict[str, Any]:
    """Return attributes of a part of the answer by the names of their columns, None for each where it is missing."""
    return {column: getattr(whole, attribute, None) for column, attribute in names.items()}


def _harmless(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; numbers and values of accounts stay as they are."""
    return f"'{text}" if text[:1] in ("=", "@", "\t", "\r") else text
