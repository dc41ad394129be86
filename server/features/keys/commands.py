"""``scamfeed key``: show the hub's signing keys, and renew them with an overlap."""

from pathlib import Path
from typing import Annotated

import typer

from schemas.tlog.signatures import key_names, new_key
from server import signing_keys
from server.cli.acting import WouldDo, acting
from server.cli.context import By, Context, Json, fail, hsm_key, keys_of, show_json, show_table
from server.features.keys.operations import DropKey, RenewKey
from server.release.hsm import PREFIX

app = typer.Typer(name="key", help="Show and renew the keys by which the hub signs.", no_args_is_help=True)


@app.command("show")
def show(ctx: typer.Context, json: Json = False) -> None:
    """Print the public keys in PEM, for checks of the hub's signatures; with --json, also their names."""
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
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Make a new key; it and the earlier keys sign from now on, until the earlier ones are dropped."""
    context: Context = ctx.obj
    keys = keys_of(context, dry_run=dry_run)
    new = new_key() if pkcs11 is None else f"{hsm_key(pkcs11).uri}\n"
    operation = RenewKey(file=_file(context), keys=new + "".join(keys.entries))
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        act.run(operation)
    _show_names(context, json)


@app.command("drop")
def drop(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(help="the key's name, from its beginning")],
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Remove an old key: its signatures can still be checked with its public key, and it signs no longer."""
    context: Context = ctx.obj
    keys = keys_of(context, dry_run=dry_run)
    kept = [
        entry for name, entry in zip(key_names(keys.public_keys), keys.entries, strict=True) if not name.startswith(key)
    ]
    if len(kept) != len(keys.entries) - 1:
        fail(f"{key}: not the name of one key; scamfeed key show --json has the names")
    if not kept:
        fail("it is the only key: make a new one first, with scamfeed key renew")
    operation = DropKey(file=_file(context), keys="".join(kept))
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        act.run(operation)
    _show_names(context, json)


def _file(context: Context) -> Path:
    """Return the file of the keys, or end the program where the setting is one key of an HSM."""
    file = signing_keys.signing_key_file(context.settings)
    if str(file).startswith(PREFIX):
        fail("signing_key_file is the URI of one key: write the URI into a file, and set signing_key_file to that")
    return file


def _show_names(context: Context, json: bool) -> None:
    names = key_names(keys_of(context).public_keys)
    if json:
        show_json({"keys": names})
    else:
        show_table("Keys that sign", ["key"], [[name] for name in names])


COMMANDS = {"key": app}
