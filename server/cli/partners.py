"""``scamfeed partner``: who takes part, and what it may read and write."""

import unicodedata
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from mappers import extension, ids
from schemas.partner import Partner, PartnerKind
from server.cli.context import Context, Json, fail, show_json, show_table
from server.store import collections, partners
from server.store.collections import UnknownCollection
from server.store.partners import BadCertificate, NameTaken, UnknownPartner
from server.store.passwords import Credentials
from server.store.store import Tx

app = typer.Typer(help="Partners: who takes part, and what it may read and write.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="the partner's name, as registered")]
Read = Annotated[list[str] | None, typer.Option(help="alias or id of a collection to read; may be repeated")]
Write = Annotated[list[str] | None, typer.Option(help="alias or id of a collection to write; may be repeated")]


@app.command()
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="a name for it, unique in this hub; its user name too")],
    kind: Annotated[PartnerKind, typer.Option(help="what it is; the release rules go by it")],
    country: Annotated[str | None, typer.Option(help="ISO 3166-1 alpha-2 code")] = None,
    read: Read = None,
    write: Write = None,
    json: Json = False,
) -> None:
    """Register a partner and print its credentials, this once: only hashes are kept. It may always write the inbox."""
    context: Context = ctx.obj
    name = unicodedata.normalize("NFC", name).strip()
    if name.casefold() == extension.PROJECT.casefold():
        fail(f"name: {extension.PROJECT} is this project's own, in whose name the hub itself speaks")
    try:
        partner = Partner(name=name, kind=kind, country=country and country.upper(), identity=ids.identity(name))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        fail(f"{first['loc'][0]}: {first['msg']}")
    with context.store() as store, store.begin() as tx:
        try:
            credentials = partners.add(tx, partner)
        except NameTaken as error:
            fail(str(error))
        _grant(tx, name, read or [], ["inbox", *(write or [])])
    _show_credentials(partner, credentials, json)


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the partners and what each may read and write."""
    context: Context = ctx.obj
    rows: list[dict[str, Any]] = []
    with context.store() as store, store.read() as tx:
        aliases = {each.id: each.alias for each in collections.every(tx)}
        for partner in partners.every(tx):
            rights = partners.rights(tx, partner.name)
            rows.append(
                {
                    "partner": partner.name,
                    "kind": partner.kind.value,
                    "country": partner.country,
                    "identity": partner.identity,
                    "reads": sorted(aliases[each] for each, (can_read, _) in rights.items() if can_read),
                    "writes": sorted(aliases[each] for each, (_, can_write) in rights.items() if can_write),
                }
            )
    if json:
        show_json(rows)
        return
    show_table(
        "Partners",
        ["partner", "kind", "country", "reads", "writes"],
        [
            [row["partner"], row["kind"], row["country"] or "", ", ".join(row["reads"]), ", ".join(row["writes"])]
            for row in rows
        ],
    )


@app.command()
def grant(ctx: typer.Context, name: Name, read: Read = None, write: Write = None) -> None:
    """Let a partner read or write collections, from its next request on."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        _grant(tx, name, read or [], write or [])


@app.command()
def revoke(
    ctx: typer.Context,
    name: Name,
    collection: Annotated[list[str], typer.Argument(help="alias or id of a collection")],
) -> None:
    """Take collections from a partner: it can no longer tell that they exist."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        try:
            for alias in collection:
                partners.revoke(tx, name, collections.get(tx, alias))
        except (UnknownCollection, UnknownPartner) as error:
            fail(str(error))


@app.command()
def certificate(
    ctx: typer.Context,
    name: Name,
    certificate: Annotated[str, typer.Argument(help="a PEM file, or the SHA-256 fingerprint in hexadecimal")],
    now: Annotated[bool, typer.Option("--now", help="end the partner's older certificates at once")] = False,
    json: Json = False,
) -> None:
    """Let a client certificate prove a partner; older ones go on working for a week, or end at once with --now."""
    context: Context = ctx.obj
    file = Path(certificate)
    overlap = timedelta(0) if now else partners.OVERLAP
    with context.store() as store, store.begin() as tx:
        try:
            given = file.read_text(encoding="ascii") if file.is_file() else certificate
            fingerprint = partners.set_certificate(tx, name, given, overlap=overlap)
        except (UnknownPartner, BadCertificate, NameTaken) as error:
            fail(str(error))
        except (OSError, UnicodeDecodeError):
            fail(f"{certificate}: cannot be read as a PEM file")
    if json:
        show_json({"partner": name, "fingerprint": fingerprint})
    else:
        show_table("Certificate", ["what", "value"], [("partner", name), ("SHA-256", fingerprint)])


@app.command()
def rotate(
    ctx: typer.Context,
    name: Name,
    now: Annotated[bool, typer.Option("--now", help="end the old credentials at once")] = False,
    json: Json = False,
) -> None:
    """Give a partner new credentials; the old ones go on working for a week, or end at once with --now."""
    context: Context = ctx.obj
    overlap = timedelta(0) if now else partners.OVERLAP
    with context.store() as store, store.begin() as tx:
        try:
            partner, credentials = partners.get(tx, name), partners.rotate(tx, name, overlap=overlap)
        except UnknownPartner as error:
            fail(str(error))
    _show_credentials(partner, credentials, json)


def _grant(tx: Tx, name: str, read: list[str], write: list[str]) -> None:
    try:
        for alias in read:
            collection = collections.get(tx, alias)
            if collection.kind == "inbox":
                fail(f"--read {alias}: nobody reads an inbox; the release rules decide who hears of what is in it")
            partners.grant(tx, name, collection, read=True)
        for alias in write:
            partners.grant(tx, name, collections.get(tx, alias), write=True)
    except (UnknownCollection, UnknownPartner) as error:
        fail(str(error))


def _show_credentials(partner: Partner, credentials: Credentials, json: bool) -> None:
    result = {
        "partner": partner.name,
        "identity": partner.identity,
        "user": credentials.user,
        "password": credentials.password,
        "token": credentials.token,
    }
    if json:
        show_json(result)
    else:
        show_table("Shown once; only hashes are kept", ["what", "value"], result.items())
