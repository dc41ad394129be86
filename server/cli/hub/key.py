"""``scamfeed key``: the hub's signing keys: shown, and renewed with an overlap."""

import os
from pathlib import Path
from typing import Annotated

import typer

from schemas.proof.signatures import key_names, new_key
from server import signing_keys
from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.cli.signing import hsm_key, keys_of
from server.release.hsm import PREFIX
from server.store import audit
from server.store.audit import AuditEvent
from server.store.database.times import now

app = typer.Typer(name="key", help="Show and renew the keys by which the hub signs.", no_args_is_help=True)


@app.command("show")
def show(ctx: typer.Context, json: Json = False) -> None:
    """Print the public keys in PEM, for those who check what the hub signed; with --json, their names too."""
    context: Context = ctx.obj
    keys = keys_of(context)
    if json:
        pairs = zip(key_names(keys.public_keys), keys.public_keys, strict=True)
        show_json([{"key": name, "public_key": pem} for name, pem in pairs])
        return
    typer.echo("".join(keys.public_keys), nl=False)


@app.command("renew")
def renew(
    ctx: typer.Context,
    pkcs11: Annotated[str | None, typer.Option(help="take the key of an HSM by its URI, and make none")] = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Make a new key; it and the ones before sign from now on, until those are dropped."""
    context: Context = ctx.obj
    keys = keys_of(context)
    new = new_key() if pkcs11 is None else f"{hsm_key(pkcs11).uri}\n"
    _rewrite(context, new + "".join(keys.entries), "RENEW", operator_name(by))
    _show_names(context, json)


@app.command("drop")
def drop(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(help="the key's name, from its beginning")],
    by: By = None,
    json: Json = False,
) -> None:
    """Remove an old key: what it alone signed can be checked by its public key for ever, and nothing new is."""
    context: Context = ctx.obj
    keys = keys_of(context)
    kept = [
        entry for name, entry in zip(key_names(keys.public_keys), keys.entries, strict=True) if not name.startswith(key)
    ]
    if len(kept) != len(keys.entries) - 1:
        fail(f"{key}: not the name of one key; scamfeed key show --json has the names")
    if not kept:
        fail("it is the only key: make a new one first, with scamfeed key renew")
    _rewrite(context, "".join(kept), "DROP", operator_name(by))
    _show_names(context, json)


def _rewrite(context: Context, text: str, verb: str, by: str) -> None:
    """Put other keys into the file, and note it in the audit trail."""
    file = signing_keys.signing_key_file(context.settings)
    if str(file).startswith(PREFIX):
        fail("signing_key_file is the URI of one key: write the URI into a file, and set signing_key_file to that")
    made = Path(f"{file}.new")
    made.unlink(missing_ok=True)
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    moment = now()
    with context.store() as store, store.begin() as tx:
        audit.record_unsealed(tx, [AuditEvent(moment, moment, 1, None, by, verb, "signing-key", None, 200, 1, None)])
        made.replace(file)


def _show_names(context: Context, json: bool) -> None:
    names = key_names(keys_of(context).public_keys)
    if json:
        show_json({"keys": names})
    else:
        show_table("Keys that sign", ["key"], [[name] for name in names])
