"""``scamfeed partner``: what a partner may read and write, and how it proves who it is."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from schemas.partner import Partner
from server.cli.context import Context, Json, fail, show_json, show_table
from server.store import collections, partners, retractions
from server.store.collections import UnknownCollection
from server.store.credentials import BadCertificate, Credentials
from server.store.engine import Tx
from server.store.partners import NameTaken, UnknownPartner

Name = Annotated[str, typer.Argument(help="the partner's name, as registered")]
Read = Annotated[list[str] | None, typer.Option(help="alias or id of a collection to read; may be repeated")]
Write = Annotated[list[str] | None, typer.Option(help="alias or id of a collection to write; may be repeated")]


def grant(ctx: typer.Context, name: Name, read: Read = None, write: Write = None) -> None:
    """Let a partner read or write collections, from its next request on."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        granted(tx, name, read or [], write or [])


def revoke(
    ctx: typer.Context,
    name: Name,
    collection: Annotated[
        list[str] | None, typer.Argument(help="alias or id of a collection that it may neither read nor write any more")
    ] = None,
    read: Read = None,
    write: Write = None,
    json: Json = False,
) -> None:
    """Take from a partner the right to read or write collections; without either it cannot tell that they exist.

    Receipts of what it read there and was taken back, and of which it has not learnt, end as no-access: tell it.
    """
    context: Context = ctx.obj
    whole = set(collection or ())
    if not whole and not read and not write:
        fail("name a collection, or --read or --write with one")
    ended: dict[str, int] = {}
    with context.store() as store, store.begin() as tx:
        try:
            for alias in dict.fromkeys([*whole, *(read or ()), *(write or ())]):
                found = collections.get(tx, alias)
                no_read = alias in whole or alias in (read or ())
                collections.revoke(tx, name, found, read=no_read, write=alias in whole or alias in (write or ()))
                if no_read and (count := retractions.end_access(tx, name, found)):
                    ended[found.alias] = count
        except (UnknownCollection, UnknownPartner) as error:
            fail(str(error))
    if json:
        show_json({"partner": name, "receipts_ended": ended})
    elif ended:
        title = f"{name} has not learnt that these were taken back; tell it (scamfeed receipts --all names them)"
        show_table(title, ["collection", "receipts ended as no-access"], ended.items())


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
        told = shown_once(known(tx, name), partners.rotate(tx, name, overlap=overlap))
    if json:
        show_json(told)
    else:
        show_once(told)


def granted(tx: Tx, name: str, read: list[str], write: list[str]) -> None:
    """Grant a partner collections, or end the program where it cannot be."""
    try:
        for alias in read:
            collection = collections.get(tx, alias)
            if collection.kind == "inbox":
                fail(f"--read {alias}: nobody reads an inbox; the release rules decide who hears of what is in it")
            if collection.kind == "private":
                fail(f"--read {alias}: this is one partner's own collection, which nobody else reads")
            collections.grant(tx, name, collection, read=True)
        for alias in write:
            collections.grant(tx, name, collections.get(tx, alias), write=True)
    except (UnknownCollection, UnknownPartner) as error:
        fail(str(error))


def known(tx: Tx, name: str, *, gone: bool = False) -> Partner:
    """Give the partner of this name, one that left only where ``gone``, or end the program where there is none."""
    try:
        return partners.get(tx, name, gone=gone)
    except UnknownPartner as error:
        fail(str(error))


def shown_once(partner: Partner, credentials: Credentials) -> dict[str, str]:
    """Give what a partner is told of its credentials; nobody can give it again."""
    return {
        "partner": partner.name,
        "identity": partner.identity,
        "user": credentials.user,
        "password": credentials.password,
        "token": credentials.token,
    }


def show_once(told: dict[str, str]) -> None:
    """Print what ``shown_once`` gives."""
    show_table("Shown once; only hashes are kept", ["what", "value"], told.items())


def register(app: typer.Typer) -> None:
    """Make these commands of ``app``."""
    for command in (grant, revoke, certificate, rotate):
        app.command()(command)
