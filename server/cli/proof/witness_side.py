"""``scamfeed witness key|run``: a partner's side, which cosigns the logs of a hub."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from feeds.connector import Misconfigured, TryLater, duration
from schemas.ledger.errors import BadFormat
from schemas.ledger.notes import ED25519, VerifierKey
from server.cli.client.hub_login import AllowPrivate, CaFile, Server, TokenFile, read_token
from server.cli.context import Json, fail, show_json

if TYPE_CHECKING:
    from feeds.ledger.witness import LogWitness

_BROKEN, _LATER = 1, 75


def key(
    file: Annotated[Path, typer.Argument(help="file of the secret key; it is made where there is none")],
    name: Annotated[str | None, typer.Option(help="name of a new key, as bank.example/witness")] = None,
    json: Json = False,
) -> None:
    """Print the public key by which this witness cosigns; make the key first where there is none."""
    from feeds.ledger.witness import make_key, read_key  # brings the HTTP client, which other commands do without

    try:
        if not file.exists() and name is None:
            fail(f"{file}: there is no such key; name a new one by --name")
        found = read_key(file) if file.exists() else make_key(file, name or "")
    except Misconfigured as error:
        fail(str(error))
    if json:
        show_json({"name": found.name, "key": str(found.verifier)})
    else:
        typer.echo(str(found.verifier))


def run(
    server: Server,
    collection: Annotated[list[str], typer.Option(help="alias or id of a collection that we read")],
    key: Annotated[list[str], typer.Option(help="public key of the hub's logs, as its log status shows it")],
    key_file: Annotated[Path, typer.Option(help="file of our secret key, made by witness key", dir_okay=False)],
    state: Annotated[Path, typer.Option(help="folder that remembers each log; keep it as long as the key")],
    every: Annotated[str | None, typer.Option(help="again and again, as 1m; none: once")] = None,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    allow_private: AllowPrivate = False,
    json: Json = False,
) -> None:
    """Cosign the logs of a hub, as long as each goes on from all that we cosigned before.

    Exit 1 where a log went back or has another past: it is not cosigned, and the notes that show it are in the state
    folder. Exit 75 where the hub cannot answer now.
    """
    from feeds.ledger.log_client import LedgerHub  # brings the HTTP client, which other commands do without
    from feeds.ledger.witness import LogWitness, read_key

    token = read_token(token_file)
    try:
        pause = duration(every).total_seconds() if every else None
        keys = tuple(VerifierKey.parse(text) for text in key)
        if any(parsed.kind != ED25519 for parsed in keys):
            fail("--key: it is not the key of a log")
        hub = LedgerHub(url=server, allow_private=allow_private, ca_file=ca_file)
        witness = LogWitness(hub, token, keys, read_key(key_file), state)
    except (BadFormat, ValidationError, ValueError, Misconfigured) as error:
        fail(str(error))
    status = _round(witness, collection, json)
    while pause is not None:
        time.sleep(pause)
        _round(witness, collection, json)
    raise typer.Exit(status)


def _round(witness: "LogWitness", collections: list[str], json: bool) -> int:
    """Cosign each log; print what was done, and return the exit code of the worst."""
    from feeds.ledger.heads import BrokenLog

    status, done = 0, []
    for collection in collections:
        row = {"collection": collection}
        try:
            head = witness.cosign(collection)
            done.append(row | {"log": head.origin, "size": head.size, "cosigned": True, "new": head.is_new})
        except BrokenLog as error:
            status = _BROKEN
            done.append(row | {"cosigned": False, "problem": f"NOT COSIGNED: {error}"})
        except (TryLater, Misconfigured) as error:
            later = _LATER if isinstance(error, TryLater) else 2
            status = status or later
            done.append(row | {"cosigned": False, "problem": str(error)})
    for line in done:
        if not line["cosigned"]:
            print(f"scamfeed: {line['collection']}: {line['problem']}", file=sys.stderr, flush=True)  # noqa: T201
        elif not json and line["new"]:
            print(f"cosigned {line['log']} up to {line['size']}", flush=True)  # noqa: T201 - the command's answer
    if json:
        show_json({"logs": done})
    return status
