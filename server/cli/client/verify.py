"""``scamfeed verify``: whether objects are in the log of the collection that they were read from, as they are."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from feeds.connector import Misconfigured, TryLater
from schemas.tlog import BadFormat
from schemas.tlog.notes import VerifierKey
from server.cli.client.hub_login import AllowPrivate, CaFile, Server, TokenFile, read_token
from server.cli.context import Json, fail, show_json, show_table
from server.store.database.times import parse, stamp

if TYPE_CHECKING:
    from feeds.client.verify.heads import LogCoverage
    from feeds.client.verify.verify import CheckedObject, LogVerification

_LATER = 75
_MOST_BYTES = 1 << 30
_MOST_SHOWN = 100


def verify(
    files: Annotated[list[Path], typer.Argument(help="bundles, envelopes, or files of an object a line; - is stdin")],
    server: Server,
    collection: Annotated[str, typer.Option(help="alias or id of the collection that the objects are from")],
    key: Annotated[list[str], typer.Option(help="public key of the hub's logs, as scamfeed log status shows it there")],
    witness: Annotated[list[str] | None, typer.Option(help="public key of a witness that you trust")] = None,
    state: Annotated[
        Path | None, typer.Option(help="file with the last head of the log, from which it must continue")
    ] = None,
    complete: Annotated[
        bool, typer.Option(help="the hub has to account for each entry of the log: nothing was left out")
    ] = True,
    since: Annotated[
        str | None, typer.Option(help="when you were granted access: no entry added later may be withheld")
    ] = None,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    allow_private: AllowPrivate = False,
    json: Json = False,
) -> None:
    """Check objects against the hub's signed log: exit 0 only if all are proven, or pending for some seconds.

    Exit 1 if an object is altered, unknown, withdrawn or overdue (pending for more than a minute), if the hub leaves
    out an entry of the log, or if the log does not continue the one of --state; 75 if the hub cannot answer now.
    """
    from feeds.client.verify.log_client import LedgerHub  # brings the HTTP client, which other commands do without
    from feeds.client.verify.verify import verify_at

    moment = _moment(since)
    objects = [found for file in files for found in _read(file)]
    token, keys, witnesses = read_token(token_file), _keys(key), _keys(witness or [])
    try:
        hub = LedgerHub(url=server, allow_private=allow_private, ca_file=ca_file)
        found = verify_at(
            hub,
            token,
            collection,
            objects,
            keys=keys,
            witnesses=witnesses,
            state=state,
            complete=complete,
            since=moment,
        )
    except (Misconfigured, ValidationError) as error:
        fail(str(error))
    except TryLater as error:
        fail(str(error), status=_LATER)
    _show(found, json=json)
    raise typer.Exit(0 if found.is_good else 1)


def _show(found: "LogVerification", *, json: bool) -> None:
    """Print the result of a check."""
    failing = [(checked.id, verdict.value) for checked, verdict in found.failing]
    row = {"checked": len(found.verdicts), **found.counts, "consistent": not found.problem}
    by = list(found.cosigned_by)
    row |= _account(found.coverage)
    if json:
        problem = {"problem": found.problem} if found.problem else {}
        show_json(
            {
                **row,
                "cosigned_by": by,
                **problem,
                "failing": [{"id": id_, "verdict": verdict} for id_, verdict in failing],
            }
        )
    else:
        del row["missing_entries"]
        shown = {**row, "cosigned by": ", ".join(by) or "nobody"}
        show_table("Verified", ["what", "result"], shown.items())
        if failing:
            show_table(f"Not proven: {len(failing)}", ["id", "verdict"], failing[:_MOST_SHOWN])
        if found.coverage is not None and found.coverage.named:
            left_out = [[entry.place, stamp(entry.date_added)] for entry in found.coverage.named]
            show_table(f"Left out by the hub: {found.coverage.missing}", ["entry", "added"], left_out)
        if found.problem:
            print(f"scamfeed: {found.problem}", file=sys.stderr)  # noqa: T201 - this is where errors are shown


def _read(file: Path) -> "list[CheckedObject]":
    """Return the objects of a file; end the command where it has none."""
    from feeds.client.verify.verify import read_objects

    try:
        text = sys.stdin.buffer.read(_MOST_BYTES) if str(file) == "-" else file.read_bytes()
        found = read_objects(text)
    except OSError:
        fail(f"{file}: cannot be read")
    except BadFormat as error:
        fail(f"{file}: {error}")
    if not found:
        fail(f"{file}: there is no object in it")
    return found


def _account(found: "LogCoverage | None") -> dict[str, Any]:
    """Return what the hub accounts for of the log, as it is shown."""
    if found is None:
        return {"complete": None, "entries": None, "missing": None, "missing_entries": [], "withheld": None}
    return {
        "complete": not found.missing,
        "entries": found.size,
        "missing": found.missing,
        "missing_entries": [{"index": entry.place, "date_added": stamp(entry.date_added)} for entry in found.named],
        "withheld": found.withheld,
        "withheld_up_to": stamp(found.withheld_up_to) if found.withheld else None,
    }


def _moment(text: str | None) -> int | None:
    """Return a moment in microseconds; end the command where it is none."""
    try:
        return None if text is None else parse(text)
    except ValueError:
        fail("--since: not a moment, as 2026-11-26T08:00:00Z")


def _keys(texts: list[str]) -> list[VerifierKey]:
    """Return public keys; end the command where one is none."""
    try:
        return [VerifierKey.parse(text) for text in texts]
    except BadFormat as error:
        fail(f"--key, --witness: {error}")


COMMANDS = {"verify": verify}
