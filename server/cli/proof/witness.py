"""``scamfeed witness``: who cosigns this hub's ledger, whose ledgers this hub cosigns, and a partner's own side."""

from typing import Annotated

import typer

from feeds.http.address_guard import check_url
from schemas.ledger.errors import BadFormat
from schemas.ledger.notes import COSIGNATURE, ED25519, VerifierKey
from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.cli.proof import witness_side
from server.release.ledger.keys import BadLedgerKey
from server.setup import ledger_of
from server.store import Store, Tx, audit
from server.store.audit import AuditEvent
from server.store.database.times import now, stamp
from server.store.ledger import witnesses
from server.store.ledger.witnesses import OtherHub, UnknownWitness, Witness, WitnessExists

app = typer.Typer(
    name="witness",
    help="Witnesses of the ledger, this hub as a witness for others, and we as a witness of a hub.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="a name of your choice")]


@app.command("add")
def add(
    ctx: typer.Context,
    name: Name,
    key: Annotated[str, typer.Option(help="its public key, as name+id+key, for cosignatures")],
    url: Annotated[
        str | None, typer.Option(help="where it is asked, without /add-checkpoint; none: it comes by itself")
    ] = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Let a witness cosign this hub's ledger."""
    context: Context = ctx.obj
    parsed = _key(key, COSIGNATURE)
    if url is not None:
        try:
            check_url(url)
        except ValueError as error:
            fail(f"--url: {error}")
    with context.store() as store, store.begin() as tx:
        try:
            witnesses.add(tx, Witness(name, parsed, url))
        except WitnessExists as error:
            fail(str(error))
        _note(tx, operator_name(by), "ADD", "witness")
    _done(json, f"{name} may cosign.", {"name": name, "key": key, "url": url})


@app.command("remove")
def remove(ctx: typer.Context, name: Name, by: By = None, json: Json = False) -> None:
    """Let a witness cosign no more; what it has cosigned stays."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        try:
            witnesses.remove(tx, name)
        except UnknownWitness as error:
            fail(str(error))
        _note(tx, operator_name(by), "REMOVE", "witness")
    _done(json, f"{name} may cosign no more.", {"name": name})


@app.command("list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """Print the witnesses, the hubs that this one is a witness for, and the key by which it cosigns."""
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
        typer.echo(f"This hub cosigns by {own}")


@app.command("trust")
def trust(
    ctx: typer.Context,
    name: Name,
    key: Annotated[str, typer.Option(help="the public key of the hub's logs, as its `scamfeed log status` has it")],
    by: By = None,
    json: Json = False,
) -> None:
    """Be a witness for another hub: it may ask at /witness/add-checkpoint."""
    context: Context = ctx.obj
    parsed = _key(key, ED25519)
    with context.store() as store, store.begin() as tx:
        try:
            witnesses.trust(tx, OtherHub(name, parsed))
        except WitnessExists as error:
            fail(str(error))
        _note(tx, operator_name(by), "TRUST", "witness")
    _done(json, f"This hub is a witness for {name}.", {"name": name, "key": key})


@app.command("distrust")
def distrust(ctx: typer.Context, name: Name, by: By = None, json: Json = False) -> None:
    """Be a witness for another hub no more, and forget how far its logs had come."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        try:
            witnesses.distrust(tx, name)
        except UnknownWitness as error:
            fail(str(error))
        _note(tx, operator_name(by), "DISTRUST", "witness")
    _done(json, f"This hub is no witness for {name} any more.", {"name": name})


app.command("key")(witness_side.key)
app.command("run")(witness_side.run)


def _key(text: str, kind: int) -> VerifierKey:
    try:
        key = VerifierKey.parse(text)
    except BadFormat as error:
        fail(f"--key: {error}")
    if key.kind != kind:
        wanted = "of a witness" if kind == COSIGNATURE else "of a log"
        fail(f"--key: it is not the key {wanted}")
    return key


def _own_key(context: Context, store: Store) -> str | None:
    rules = ledger_of(context.settings)
    try:
        return None if rules is None else str(rules.keys(store).witness.verifier)
    except BadLedgerKey as error:
        fail(str(error))


def _note(tx: Tx, by: str, verb: str, what: str) -> None:
    moment = now()
    audit.record_unsealed(tx, [AuditEvent(moment, moment, 1, None, by, verb, what, None, 200, 1, None)])


def _done(json: bool, text: str, result: dict[str, str | None]) -> None:
    if json:
        show_json(result)
    else:
        typer.echo(text)
