"""``scamfeed witness``: witnesses of this hub's ledger, hubs that it is a witness for, and a partner as a witness."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from feeds.connector import Misconfigured, TryLater, duration
from feeds.transport.connections import check_url
from schemas.tlog import BadFormat
from schemas.tlog.notes import COSIGNATURE, ED25519, VerifierKey
from server.cli.acting import WouldDo, acting
from server.cli.client.hub_login import AllowPrivate, CaFile, Server, TokenFile, read_token
from server.cli.context import By, Context, Json, fail, show_json, show_table
from server.features.ledger.keys import BadLedgerKey
from server.features.ledger.operations import AddWitness, DistrustHub, RemoveWitness, TrustHub
from server.setup import ledger_of
from server.store import Store
from server.store.database.times import stamp
from server.store.ledger import witnesses

if TYPE_CHECKING:
    from feeds.client.verify.heads import LogWitness

_BROKEN, _LATER = 1, 75

app = typer.Typer(
    name="witness",
    help="Witnesses of the ledger, this hub as a witness for others, and partners as witnesses.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="a name of your choice")]


@app.command()
def add(
    ctx: typer.Context,
    name: Name,
    key: Annotated[str, typer.Option(help="its public key, as name+id+key, for cosignatures")],
    url: Annotated[
        str | None, typer.Option(help="its address without /add-checkpoint; none: it asks by itself")
    ] = None,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Let a witness cosign this hub's ledger."""
    parsed = _key(key, COSIGNATURE)
    if url is not None:
        try:
            check_url(url)
        except ValueError as error:
            fail(f"--url: {error}")
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        act.run(AddWitness(witness=name, key=parsed, url=url))
    _done(json, f"{name} may cosign.", {"name": name, "key": key, "url": url})


@app.command()
def remove(
    ctx: typer.Context,
    name: Name,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Stop a witness from cosigning; its cosignatures stay."""
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        act.run(RemoveWitness(witness=name))
    _done(json, f"{name} can no longer cosign.", {"name": name})


@app.command("list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """Print the witnesses, the hubs for which this hub is a witness, and the key with which it cosigns."""
    context: Context = ctx.obj
    with context.store() as store:
        own = _own_key(context, store)
        with store.read() as tx:
            last = witnesses.last_cosigned(tx)
            found = witnesses.all_witnesses(tx)
            hubs = witnesses.other_hubs(tx)
    rows = [
        [witness.name, str(witness.key), witness.url, stamp(last[witness.name]) if witness.name in last else None]
        for witness in found
    ]
    if json:
        columns = ("name", "key", "url", "cosigned")
        show_json(
            {
                "witnesses": [dict(zip(columns, row, strict=True)) for row in rows],
                "witness_for": [{"name": hub.name, "key": str(hub.key)} for hub in hubs],
                "own_key": own,
            }
        )
        return
    show_table("Witnesses", ["name", "key", "asked at", "cosigned last"], rows)
    show_table("Witness for", ["hub", "key"], [[hub.name, str(hub.key)] for hub in hubs])
    if own:
        typer.echo(f"This hub cosigns with {own}")


@app.command()
def trust(
    ctx: typer.Context,
    name: Name,
    key: Annotated[str, typer.Option(help="the public key of the hub's logs, as `scamfeed log status` prints it")],
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Be a witness for another hub: it may ask at /witness/add-checkpoint."""
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        act.run(TrustHub(hub=name, key=_key(key, ED25519)))
    _done(json, f"This hub is a witness for {name}.", {"name": name, "key": key})


@app.command()
def distrust(
    ctx: typer.Context,
    name: Name,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Stop being a witness for another hub, and forget its logs."""
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        act.run(DistrustHub(hub=name))
    _done(json, f"This hub is no longer a witness for {name}.", {"name": name})


def _key(text: str, kind: int) -> VerifierKey:
    try:
        key = VerifierKey.parse(text)
    except BadFormat as error:
        fail(f"--key: {error}")
    if key.kind != kind:
        wanted = "of a witness" if kind == COSIGNATURE else "of a log"
        fail(f"--key: is not the key {wanted}")
    return key


def _own_key(context: Context, store: Store) -> str | None:
    rules = ledger_of(context.settings)
    try:
        return None if rules is None else str(rules.keys(store).witness.verifier)
    except BadLedgerKey as error:
        fail(str(error))


def _done(json: bool, text: str, result: dict[str, str | None]) -> None:
    if json:
        show_json(result)
    else:
        typer.echo(text)


@app.command()
def key(
    file: Annotated[Path, typer.Argument(help="file of the secret key; it is made if there is none")],
    name: Annotated[str | None, typer.Option(help="name of a new key, as bank.example/witness")] = None,
    json: Json = False,
) -> None:
    """Print the public key by which this witness cosigns; make the key first if there is none."""
    from feeds.client.verify.heads import (  # brings the HTTP client, which other commands do without
        make_key,
        read_key,
    )

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


@app.command()
def run(
    server: Server,
    collection: Annotated[list[str], typer.Option(help="alias or id of a collection that you may read")],
    key: Annotated[list[str], typer.Option(help="public key of the hub's logs, as scamfeed log status shows it there")],
    key_file: Annotated[Path, typer.Option(help="file of the secret key, made by witness key", dir_okay=False)],
    state: Annotated[Path, typer.Option(help="folder with the last head of each log; keep it as long as the key")],
    every: Annotated[str | None, typer.Option(help="repeat at this interval, as 1m [default: once]")] = None,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    allow_private: AllowPrivate = False,
    json: Json = False,
) -> None:
    """Cosign the logs of a hub if each continues from the last head that this witness cosigned.

    Exit 1 if a log went back or its history has changed: it is not cosigned, and the proof is in the state folder.
    Exit 75 if the hub cannot answer now.
    """
    from feeds.client.verify.heads import LogWitness, read_key
    from feeds.client.verify.log_client import LedgerHub  # brings the HTTP client, which other commands do without

    token = read_token(token_file)
    try:
        pause = duration(every).total_seconds() if every else None
        keys = tuple(VerifierKey.parse(text) for text in key)
        if any(parsed.kind != ED25519 for parsed in keys):
            fail("--key: is not the key of a log")
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
    from feeds.client.verify.heads import BrokenLog

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


COMMANDS = {"witness": app}
