"""``scamfeed match``: which of our values a hub lists, without telling it the values."""

import csv
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import msgspec
import typer

from feeds.connector import Misconfigured, TryLater
from schemas.api.lookup import LookupQuestion
from server.cli.client.hub_login import AllowPrivate, CaFile, Server, TokenFile, read_token
from server.cli.context import Json, fail, show_json, show_table

if TYPE_CHECKING:
    from feeds.client.match.matcher import MatchResult

_COLUMNS = ("value", "kind", "grade", "site", "confidence", "disputed", "hold", "valid_until", "tlp")
_LATER = 75


def match(
    file: Annotated[
        Path,
        typer.Argument(help="CSV with a column value (kind, and columns of the kind), or a value a line; - is stdin"),
    ],
    server: Server,
    collection: Annotated[str, typer.Option(help="alias or id of the collection to match against")] = "mule-accounts",
    state: Annotated[
        Path | None, typer.Option(help="file of the state for the next run; as confidential as FILE")
    ] = None,
    token_file: TokenFile = None,
    kind: Annotated[str | None, typer.Option(help="the kind of values without one")] = None,
    country: Annotated[str, typer.Option(help="country of numbers and banks without one; '' for none")] = "TH",
    ca_file: CaFile = None,
    allow_private: AllowPrivate = False,
    json: Json = False,
) -> None:
    """Match values against a hub's list privately: the hub learns how many, not which.

    Exit 75 if the hub cannot answer now.
    """
    from feeds.client.match.matcher import Matcher  # brings the function, which other commands do without

    token = read_token(token_file)
    with _opened(file) as lines:
        questions = list(_questions(lines, kind))
    try:
        with Matcher(
            server, token, collection, state, country=country, allow_private=allow_private, ca_file=ca_file
        ) as matcher:
            synced = matcher.sync()
            results = matcher.match(questions)
    except Misconfigured as error:
        fail(str(error))
    except TryLater as error:
        fail(str(error), status=_LATER)
    if synced.seed_replaced:
        note = f"the hub has replaced its seed: compare the key {synced.key} and its public key with other partners"
        print(f"scamfeed: {note}; every value was asked about anew", file=sys.stderr)  # noqa: T201 - beside results
    if json:
        shown = [msgspec.to_builtins(result) for result in results]
        counts = {
            "asked": len(results),
            "found": sum(result.found for result in results),
            "errors": sum(result.error is not None for result in results),
        }
        show_json({"set": synced._asdict(), "counts": counts, "results": shown})
    else:
        _show(results, f"as of version {synced.version}, good until {synced.expires}")


def _show(results: "Sequence[MatchResult]", state: str) -> None:
    found = [result for result in results if result.grade is not None]
    show_table(
        f"Listed or at a listed site: {len(found)} of {len(results)}, {state}",
        _COLUMNS,
        [
            [
                result.value,
                result.kind,
                result.grade,
                result.site and f"{result.site.value}: {result.site.grade}",
                result.confidence,
                result.disputed,
                result.hold and " ".join(result.hold.values()),
                result.valid_until,
                result.tlp,
            ]
            for result in found
        ],
    )
    refused = [[result.value, result.error.message] for result in results if result.error]
    if refused:
        show_table("Not read", ["value", "reason"], refused)


@contextmanager
def _opened(file: Path) -> Iterator[IO[str]]:
    if str(file) == "-":
        yield sys.stdin
        return
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            yield lines
    except (OSError, UnicodeDecodeError):
        fail(f"{file}: cannot be read as text in UTF-8")


def _questions(lines: IO[str], kind: str | None) -> Iterator[LookupQuestion]:
    """Yield what the rows ask about; without a column value, the first cell of each."""
    rows = csv.reader(lines)
    header: list[str] | None = None
    for number, cells in enumerate(rows):
        named = [cell.strip().lower() for cell in cells]
        if number == 0 and "value" in named:
            header = named
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            yield LookupQuestion(cells[0].strip(), kind)
            continue
        row = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if cell.strip()}
        value, of_kind = row.pop("value", ""), row.pop("kind", kind)
        yield LookupQuestion(value, of_kind, row)


COMMANDS = {"match": match}
