"""``scamfeed log``: the ledger of what was published: its state, sealing at once, and another key."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from schemas.ledger.notes import ED25519, VerifierKey
from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.release.ledger import keys
from server.release.ledger.keys import BadLedgerKey, LedgerKeys, LogKey
from server.release.ledger.sealer import LedgerRules, Sealer
from server.setup import ledger_of
from server.store import Store, audit, collections
from server.store.audit import AuditEvent
from server.store.database.times import now, stamp
from server.store.ledger import heads, keys as known_keys, sealing, witnesses

app = typer.Typer(name="log", help="Show, seal and rotate the ledger of what was published.", no_args_is_help=True)

_DAY = timedelta(days=1) // timedelta(microseconds=1)
_OVERLAP_DAYS = 90


@app.command("status")
def status(ctx: typer.Context, json: Json = False) -> None:
    """Print the public keys, and of each log its name, its size, and who cosigned it."""
    context: Context = ctx.obj
    rules = ledger_of(context.settings)
    with context.store() as store:
        result = _state(store)
    result = {"on": rules is not None, "key_file": None if rules is None else str(rules.key_file), **result}
    if json:
        show_json(result)
        return
    if rules is None:
        typer.echo("Nothing is sealed: ledger is false, or the store is on PostgreSQL and ledger_key_file is not set.")
    rows = [[key["key"], key["since"], key["until"]] for key in result["keys"]]
    show_table("Keys", ["key", "signs since", "until"], rows)
    columns = ("collection", "origin", "size", "signed", "unsealed", "cosigned")
    show_table("Logs", columns, [[log[column] for column in columns] for log in result["logs"]])


@app.command("seal")
def seal(ctx: typer.Context, json: Json = False) -> None:
    """Seal at once what was published; the server does it every two seconds."""
    context: Context = ctx.obj
    rules = _rules(context)
    with context.store() as store:
        # Before another process is waited for, so that a fault in the keys is shown.
        _keys(store, rules)
        sealer = Sealer(store, rules)
        entries = sealer.seal()
        sealer.release()
        with store.read() as tx:
            waiting = sealing.has_news(tx)
    if json:
        show_json({"entries": entries, "waiting": waiting})
    else:
        typer.echo(f"{entries:,} entries were added." + (" Another process seals the rest." if waiting else ""))


@app.command("rotate")
def rotate(
    ctx: typer.Context,
    overlap_days: Annotated[
        int, typer.Option(min=0, max=3_650, help="days for which the key before signs beside the new one")
    ] = _OVERLAP_DAYS,
    pkcs11: Annotated[str | None, typer.Option(help="take the key of an HSM by its URI, and make none")] = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Make a new key; the one before signs beside it for some time, until readers know the new one."""
    context: Context = ctx.obj
    rules = _rules(context)
    with context.store() as store:
        try:
            made = keys.rotate(store, rules.key_file, rules.host, overlap_days * _DAY, pkcs11)
        except BadLedgerKey as error:
            fail(str(error))
        moment = now()
        event = AuditEvent(moment, moment, 1, None, operator_name(by), "ROTATE", "ledger-key", None, 200, 1, None)
        with store.begin() as tx:
            audit.record_unsealed(tx, [event])
        state = _state(store)
    if json:
        show_json({"key": _public(made.log[0]), "keys": state["keys"]})
    else:
        typer.echo(f"The new key is {_public(made.log[0])}\nTell everybody who checks this hub's ledger.")


def _state(store: Store) -> dict[str, Any]:
    with store.read() as tx:
        by_number = {collection.number: collection for collection in collections.all_collections(tx)}
        trees = heads.all_trees(tx)
        # Those of the logs first: partners are given the first one.
        known = sorted(known_keys.known(tx), key=lambda key: VerifierKey.parse(key.key).kind != ED25519)
        last = witnesses.last_cosigned(tx)
        logs = [
            {
                "collection": by_number[tree.collection].alias,
                "origin": tree.origin,
                "size": tree.noted,
                "signed": stamp(tree.signed) if tree.signed else None,
                "unsealed": by_number[tree.collection].last_added > tree.sealed,
                "cosigned": heads.cosigned_size(tx, tree.collection),
            }
            for tree in trees
            if tree.collection in by_number
        ]
        found = [
            {"name": witness.name, "key": str(witness.key), "last": stamp(last[witness.name])}
            if witness.name in last
            else {"name": witness.name, "key": str(witness.key), "last": None}
            for witness in witnesses.all_witnesses(tx)
        ]
    return {
        "keys": [
            {"key": key.key, "since": stamp(key.since), "until": None if key.until is None else stamp(key.until)}
            for key in known
        ],
        "logs": logs,
        "witnesses": found,
    }


def _rules(context: Context) -> LedgerRules:
    rules = ledger_of(context.settings)
    if rules is None:
        fail("nothing is sealed: set ledger = true, and on PostgreSQL ledger_key_file")
    return rules


def _keys(store: Store, rules: LedgerRules) -> LedgerKeys:
    try:
        return rules.keys(store)
    except BadLedgerKey as error:
        fail(str(error))


def _public(key: LogKey) -> str:
    return str(key.verifier)
