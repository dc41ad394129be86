"""``scamfeed partner``: a partner's collections, credentials and throttle, and the settings for its client."""

from collections.abc import Set
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from schemas.partner import Partner
from server.cli.context import Context, Json, fail, show_json, show_table
from server.cli.partners.collections import path
from server.release.guard import volume
from server.settings import Settings
from server.store import collections, partners, retractions
from server.store.collections import CertificateNeeded, UnknownCollection
from server.store.credentials import BadCertificate, Credentials
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.matching import match_grants
from server.store.matching.match_grants import NotMatchable
from server.store.partners import NameTaken, UnknownPartner

Name = Annotated[str, typer.Argument(help="the partner's name, as registered")]
Read = Annotated[list[str] | None, typer.Option(help="alias or id of a collection to read; may be repeated")]
Write = Annotated[list[str] | None, typer.Option(help="alias or id of a collection to write; may be repeated")]

Match = Annotated[
    list[str] | None,
    typer.Option(help="alias or id of a collection to match values against privately; may be repeated"),
]


def grant(ctx: typer.Context, name: Name, read: Read = None, write: Write = None, match: Match = None) -> None:
    """Let a partner read, write, or match against collections, from its next request on."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        grant_collections(tx, name, read or [], write or [], match or [])


def revoke(
    ctx: typer.Context,
    name: Name,
    collection: Annotated[
        list[str] | None, typer.Argument(help="alias or id of a collection that it may neither read nor write any more")
    ] = None,
    read: Read = None,
    write: Write = None,
    match: Match = None,
    json: Json = False,
) -> None:
    """Revoke a partner's rights to collections; without any, it does not see that they exist.

    Receipts for revoked objects that it read there and does not know of yet end as no-access: tell it by other ways.
    """
    context: Context = ctx.obj
    every = collection or []
    no_read, no_write, no_match = ({*every, *(rights or ())} for rights in (read, write, match))
    if not no_read | no_write | no_match:
        fail("name a collection, or --read, --write or --match with one")
    with context.store() as store, store.begin() as tx:
        try:
            ended = _revoke(tx, name, no_read, no_write, no_match)
        except (UnknownCollection, UnknownPartner) as error:
            fail(str(error))
    if json:
        show_json({"partner": name, "receipts_ended": ended})
    elif ended:
        title = f"{name} has not learnt that these were taken back; tell it (scamfeed receipts --all names them)"
        show_table(title, ["collection", "receipts ended as no-access"], ended.items())


def _revoke(tx: Tx, name: str, no_read: Set[str], no_write: Set[str], no_match: Set[str]) -> dict[str, int]:
    """End the rights to these collections; return how many receipts ended by that, of each where any did."""
    ended: dict[str, int] = {}
    for alias in sorted(no_read | no_write | no_match):
        found = collections.get(tx, alias)
        if alias in no_match:
            match_grants.revoke(tx, name, found)
        collections.revoke(tx, name, found, read=alias in no_read, write=alias in no_write)
        if alias in no_read and (count := retractions.end_access(tx, name, found)):
            ended[found.alias] = count
    return ended


def certificate(
    ctx: typer.Context,
    name: Name,
    certificate: Annotated[str, typer.Argument(help="a PEM file, or the SHA-256 fingerprint in hexadecimal")],
    now: Annotated[bool, typer.Option("--now", help="end the partner's older certificates at once")] = False,
    json: Json = False,
) -> None:
    """Register a partner's client certificate; older ones work for another week, or end at once with --now."""
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
        show_table("Certificate", ["property", "value"], [("partner", name), ("SHA-256", fingerprint)])


def rotate(
    ctx: typer.Context,
    name: Name,
    now: Annotated[bool, typer.Option("--now", help="end the old credentials at once")] = False,
    json: Json = False,
) -> None:
    """Issue new credentials to a partner; the old ones work for another week, or end at once with --now."""
    context: Context = ctx.obj
    overlap = timedelta(0) if now else partners.OVERLAP
    with context.store() as store, store.begin() as tx:
        credentials = credentials_shown_once(find_partner(tx, name), partners.rotate(tx, name, overlap=overlap))
    if json:
        show_json(credentials)
    else:
        show_credentials(credentials)


def grant_collections(tx: Tx, name: str, read: list[str], write: list[str], match: list[str]) -> None:
    """Grant a partner collections, or end the program with the reason why not."""
    try:
        for alias in read:
            collection = collections.get(tx, alias)
            if collection.kind == "inbox":
                fail(f"--read {alias}: nobody reads an inbox; the release rules decide who may see its content")
            if collection.owner is not None:
                fail(f"--read {alias}: this is one partner's own collection, which nobody else reads")
            collections.grant(tx, name, collection, read=True)
        for alias in write:
            collections.grant(tx, name, collections.get(tx, alias), write=True)
        for alias in match:
            match_grants.grant(tx, name, collections.get(tx, alias))
    except NotMatchable as error:
        fail(f"--match {error}")
    except (UnknownCollection, UnknownPartner, CertificateNeeded) as error:
        fail(str(error))


def find_partner(tx: Tx, name: str, *, gone: bool = False) -> Partner:
    """Return the partner of this name, one that left only with ``gone``, or end the program."""
    try:
        return partners.get(tx, name, gone=gone)
    except UnknownPartner as error:
        fail(str(error))


def credentials_shown_once(partner: Partner, credentials: Credentials) -> dict[str, str]:
    """Return the partner's credentials for printing; nobody can print them again."""
    return {
        "partner": partner.name,
        "identity": partner.identity,
        "user": credentials.user,
        "password": credentials.password,
        "token": credentials.token,
    }


def show_credentials(credentials: dict[str, str]) -> None:
    """Print what ``credentials_shown_once`` returns."""
    show_table("Credentials, shown only this once", ["property", "value"], credentials.items())


def lift_throttle(ctx: typer.Context, name: Name) -> None:
    """Lift the throttle of a partner, which was set for how much it sent or how much was held."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        find_partner(tx, name)
        if not volume.lift_throttle(tx, name, now()):
            fail(f"{name}: this partner is not throttled")


_LOGINS = (
    "HTTP Basic with user and password",
    "Authorization: Bearer with the token",
    "a client certificate that was registered (scamfeed partner certificate)",
)
_RECIPES = "docs/clients.md"


def client_settings(tx: Tx, settings: Settings, partner: Partner) -> dict[str, Any]:
    """Return the server's addresses, the partner's collections, and how it logs in.

    Unless the settings name the server, the addresses are paths below it.
    """
    base = settings.public_url.rstrip("/")
    rights = collections.rights(tx, partner.name)
    return {
        "discovery": f"{base}/taxii2/",
        "api_root": f"{base}/feed/",
        "collections": [
            {
                "alias": collection.alias,
                "id": collection.id,
                "title": collection.title,
                "url": base + path(collection),
                "read": rights[collection.id][0],
                "write": rights[collection.id][1] and not collection.filled_by_release,
            }
            for collection in collections.all_collections(tx)
            if collection.id in rights
        ],
        "login": list(_LOGINS),
        "recipes": _RECIPES,
    }


def show_client_settings(client: dict[str, Any]) -> None:
    """Print what ``client_settings`` returns."""
    where = (
        ""
        if "://" in client["discovery"]
        else " (paths below the server's address; with the setting public_url, whole addresses)"
    )
    rows = [["discovery", client["discovery"]], ["API root", client["api_root"]]]
    rows += [["log in by", login] for login in client["login"]]
    rows.append(["settings of clients", client["recipes"]])
    show_table(f"For its client{where}", ["property", "value"], rows)
    show_table(
        "Its collections",
        ["alias", "id", "title", "reads", "writes"],
        [[row["alias"], row["id"], row["title"], row["read"], row["write"]] for row in client["collections"]],
    )


def register(app: typer.Typer) -> None:
    """Make these commands of ``app``."""
    for command in (grant, revoke, certificate, rotate, lift_throttle):
        app.command()(command)
