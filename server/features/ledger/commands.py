"""``scamfeed log``: the ledger of published objects: its state, sealing at once, and key rotation."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from schemas.tlog.notes import ED25519, VerifierKey
from server.cli.acting import acting
from server.cli.context import By, Context, Json, actor, fail, show_json, show_rows, show_table
from server.features.ledger import keys, self_check
from server.features.ledger.keys import BadLedgerKey, LedgerKeys, LogKey
from server.features.ledger.operations import PublishRecoveryKey, RotateLedgerKey, SealLedger
from server.features.ledger.sealer import LedgerRules, Sealer
from server.operations.run import run
from server.setup import ledger_of
from server.store import Store, collections
from server.store.database.times import stamp
from server.store.ledger import findings, heads, keys as known_keys, sealing, witnesses
from server.store.ledger.checking import CheckedTree
from server.store.ledger.findings import LedgerFindings
from server.store.ledger.keys import KnownKey

app = typer.Typer(name="log", help="Show, seal, check and rotate the ledger.", no_args_is_help=True)

_DAY = timedelta(days=1) // timedelta(microseconds=1)
_OVERLAP_DAYS = 90


@app.command("status")
def status(ctx: typer.Context, json: Json = False) -> None:
    """Print the public keys, and the name, size and witnesses of each log."""
    context: Context = ctx.obj
    rules = ledger_of(context.settings)
    with context.store() as store:
        result = _state(store)
        problem = _key_problem(store, rules) if rules is not None and result["keys"] else None
    result = {"key_problem": problem, **result}
    result = {"on": rules is not None, "key_file": None if rules is None else str(rules.key_file), **result}
    if json:
        show_json(result)
        return
    if rules is None:
        typer.echo("Nothing is sealed: ledger is false, or the store is on PostgreSQL and ledger_key_file is not set.")
    if problem:
        typer.echo(f"Nothing is sealed: {problem}")
    rows = [[key["key"], key["since"], key["until"]] for key in result["keys"]]
    show_table("Keys", ["key", "signs since", "until"], rows)
    show_table(
        "Keys of single logs", ["collection", "key"], [[log["collection"], log["key"]] for log in result["logs"]]
    )
    columns = ("collection", "origin", "size", "signed", "unsealed", "cosigned", "whole")
    show_table("Logs", columns, [[log[column] for column in columns] for log in result["logs"]])


@app.command("seal")
def seal(
    ctx: typer.Context,
    by: By = None,
    json: Json = False,
) -> None:
    """Seal published objects at once; the server does so every two seconds."""
    context: Context = ctx.obj
    rules = _rules(context)
    with context.hub() as hub:
        # First, so that a fault in the keys is shown also if another process seals.
        _keys(hub.store, rules)
        run(hub, SealLedger(), actor(by))
        sealer = Sealer(hub.store, rules)
        entries = sealer.seal()
        sealer.release()
        with hub.store.read() as tx:
            waiting = sealing.has_news(tx)
    if json:
        show_json({"entries": entries, "waiting": waiting})
    else:
        typer.echo(f"{entries:,} entries were added." + (" Another process seals the rest." if waiting else ""))


@app.command("check")
def check(ctx: typer.Context, json: Json = False) -> None:
    """Check each log against the database at once; the server does it once a day. Exit 1 if something is wrong.

    Missing entries have no object and no removal, altered ones another object; foreign objects have no entry.
    """
    context: Context = ctx.obj
    with context.store() as store:
        found = self_check.check(store)
        with store.read() as tx:
            names = {collection.number: collection.alias for collection in collections.all_collections(tx)}
    rows = [{"collection": names.get(tree.collection), **_finding(tree)} for tree in found.trees]
    if json:
        show_json({"checked": stamp(found.checked), "faults": found.faults, "logs": rows})
    else:
        columns = ("collection", "size", "missing", "altered", "foreign", "broken", "first")
        show_rows("Checked logs", rows, columns, json=False)
    raise typer.Exit(1 if found.faults else 0)


def _finding(tree: CheckedTree) -> dict[str, Any]:
    return {name: value for name, value in tree._asdict().items() if name != "collection"}


@app.command("rotate")
def rotate(
    ctx: typer.Context,
    overlap_days: Annotated[
        int, typer.Option(min=0, max=3_650, help="the number of days for which the old key signs too")
    ] = _OVERLAP_DAYS,
    pkcs11: Annotated[str | None, typer.Option(help="use the HSM key with this URI")] = None,
    recovery_key: Annotated[
        Path | None, typer.Option(help="the file of the recovery key; without it each peer has to confirm the new key")
    ] = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Make a new key. The old one signs too until readers know the new one."""
    context: Context = ctx.obj
    rules = _rules(context)
    with acting(ctx, by, json=json) as act:
        try:
            recovery = None if recovery_key is None else keys.load_recovery(recovery_key, rules.host)
            new = keys.make_new(act.hub.store, rules.key_file, rules.host, pkcs11)
            made = act.run(RotateLedgerKey(new=new, overlap=overlap_days * _DAY, recovery=recovery))
        except BadLedgerKey as error:
            fail(str(error))
        state = _state(act.hub.store)
    if json:
        show_json({"key": _public(made.log[0]), "keys": state["keys"]})
    else:
        typer.echo(f"The new key is {_public(made.log[0])}\nTell everybody who checks this hub's ledger.")


@app.command("recovery-key")
def recovery_key_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="the file of the key; it is created if missing. Keep it offline")],
    by: By = None,
    json: Json = False,
) -> None:
    """Publish a recovery key to the peers. After a theft of the ledger's key they accept a new key that it signs."""
    rules = _rules(ctx.obj)
    with acting(ctx, by, json=json) as act:
        try:
            key = keys.load_recovery(file, rules.host, make=True)
            signing = rules.keys(act.hub.store).log[0].verifier
            act.run(PublishRecoveryKey(key=key.verifier, signing=signing))
        except BadLedgerKey as error:
            fail(str(error))
    if json:
        show_json({"key": str(key.verifier)})
    else:
        typer.echo(
            f"The recovery key is {key.verifier}\nKeep {file} offline: scamfeed log rotate --recovery-key needs it."
        )


def _state(store: Store) -> dict[str, Any]:
    with store.read() as tx:
        by_number = {collection.number: collection for collection in collections.all_collections(tx)}
        trees = heads.all_trees(tx)
        # Keys of the logs first, because partners get the first one.
        known = sorted(known_keys.known(tx), key=lambda key: VerifierKey.parse(key.key).kind != ED25519)
        last = witnesses.last_cosigned(tx)
        checked = findings.last(tx)
        faults = {tree.collection: _finding(tree) for tree in checked.trees}
        logs = [
            {
                "collection": by_number[tree.collection].alias,
                "origin": tree.origin,
                "size": tree.noted,
                "signed": stamp(tree.signed) if tree.signed else None,
                "unsealed": by_number[tree.collection].last_added > tree.sealed,
                "cosigned": heads.cosigned_size(tx, tree.collection),
                "key": _key_of(known, tree.origin),
                "check": faults.get(tree.collection),
                "whole": _whole(checked, tree.collection),
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
        "checked": stamp(checked.checked) if checked.checked else None,
        "faults": checked.faults,
    }


def _key_of(known: Sequence[KnownKey], origin: str) -> str | None:
    """Return the newest key of the hub under the name of one of its logs, for verifiers of single logs."""
    own = (VerifierKey.parse(key.key) for key in known)
    return next((str(key.for_origin(origin)) for key in own if origin.startswith(f"{key.name}/")), None)


def _whole(found: LedgerFindings, collection: int) -> bool | None:
    """Return whether the last check found a log whole; None if the log was not checked."""
    return next((tree.is_whole for tree in found.trees if tree.collection == collection), None)


def _key_problem(store: Store, rules: LedgerRules) -> str | None:
    """Return the reason why the key file cannot sign the logs of the store, or None."""
    try:
        rules.keys(store)
    except BadLedgerKey as error:
        return str(error)
    return None


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


COMMANDS = {"log": app}
