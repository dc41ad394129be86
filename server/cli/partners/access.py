"""``scamfeed partner``: a partner's collections, credentials and throttle, and the settings for its client."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from schemas.errors import Rejected
from schemas.partner import Partner
from server.cli.context import By, Context, Json, counting, fail, operator_name, show_json, show_table
from server.release import batches
from server.release.hub import Hub
from server.release.keeping import Keeping
from server.release.partners import grants, membership
from server.release.partners.grants import BadGrant, CollectionRights
from server.release.partners.membership import Joined, NotThrottled
from server.release.partners.properties import BadProperties
from server.store import partners
from server.store.collections import UnknownCollection
from server.store.credentials import BadCertificate, Credentials
from server.store.database.engine import Tx
from server.store.partners import NameTaken, UnknownPartner

Name = Annotated[str, typer.Argument(help="the partner's name, as registered")]
Read = Annotated[list[str] | None, typer.Option(help="alias or id of a collection to read; may be repeated")]
Write = Annotated[list[str] | None, typer.Option(help="alias or id of a collection to write; may be repeated")]

Match = Annotated[
    list[str] | None,
    typer.Option(help="alias or id of a collection to match values against privately; may be repeated"),
]


AtOnce = Annotated[bool, typer.Option("--now", help="end the older ones at once")]


@contextmanager
def failing() -> Iterator[None]:
    """End the program with the reason where a partner cannot be made or changed so."""
    try:
        yield
    except (
        BadProperties,
        BadGrant,
        NameTaken,
        UnknownPartner,
        UnknownCollection,
        BadCertificate,
        NotThrottled,
    ) as error:
        fail(str(error))
    except Rejected as refusal:
        fail(f"--contact: {refusal.message}")


def grant(
    ctx: typer.Context, name: Name, read: Read = None, write: Write = None, match: Match = None, by: By = None
) -> None:
    """Let a partner read, write, or match against collections, from its next request on."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx, failing():
        grants.grant(tx, name, CollectionRights(read or (), write or (), match or ()), operator_name(by))


def revoke(
    ctx: typer.Context,
    name: Name,
    collection: Annotated[
        list[str] | None, typer.Argument(help="alias or id of a collection that it may neither read nor write any more")
    ] = None,
    read: Read = None,
    write: Write = None,
    match: Match = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Revoke a partner's rights to collections; without any, it does not see that they exist.

    Receipts for revoked objects that it read there and does not know of yet end as no-access: tell it by other ways.
    """
    context: Context = ctx.obj
    every = collection or []
    rights = CollectionRights(*({*every, *(some or ())} for some in (read, write, match)))
    if not any(rights):
        fail("name a collection, or --read, --write or --match with one")
    with context.store() as store, store.begin() as tx, failing():
        ended = grants.revoke(tx, name, rights, operator_name(by))
    if json:
        show_json({"partner": name, "receipts_ended": ended})
    elif ended:
        title = f"{name} has not learnt that these were taken back; tell it (scamfeed receipts --all names them)"
        show_table(title, ["collection", "receipts ended as no-access"], ended.items())


def certificate(
    ctx: typer.Context,
    name: Name,
    certificate: Annotated[str, typer.Argument(help="a PEM file, or the SHA-256 fingerprint in hexadecimal")],
    now: AtOnce = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Register a partner's client certificate; older ones work for another week, or end at once with --now."""
    context: Context = ctx.obj
    file = Path(certificate)
    with context.store() as store, store.begin() as tx, failing():
        try:
            given = file.read_text(encoding="ascii") if file.is_file() else certificate
        except (OSError, UnicodeDecodeError):
            fail(f"{certificate}: cannot be read as a PEM file")
        partner = find_partner(tx, name)
        fingerprint = membership.set_certificate(tx, partner, given, operator_name(by), at_once=now)
    if json:
        show_json({"partner": name, "fingerprint": fingerprint})
    else:
        show_table("Certificate", ["property", "value"], [("partner", name), ("SHA-256", fingerprint)])


def rotate(ctx: typer.Context, name: Name, now: AtOnce = False, by: By = None, json: Json = False) -> None:
    """Issue new credentials to a partner; the old ones work for another week, or end at once with --now."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        partner = find_partner(tx, name)
        made = membership.rotate(tx, partner, operator_name(by), at_once=now)
    credentials = _shown_once(partner, made)
    if json:
        show_json(credentials)
    else:
        _show_credentials(credentials)


def lift_throttle(ctx: typer.Context, name: Name, by: By = None) -> None:
    """Lift the throttle of a partner, which was set for how much it sent or how much was held."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx, failing():
        membership.lift_throttle(tx, find_partner(tx, name), operator_name(by))


def find_partner(tx: Tx, name: str, *, gone: bool = False) -> Partner:
    """Return the partner of this name, one that left only with ``gone``, or end the program."""
    try:
        return partners.get(tx, name, gone=gone)
    except UnknownPartner as error:
        fail(str(error))


def look_at_kept(hub: Hub, job: Keeping | None) -> None:
    """List for a keeper what is reported of it, and take back what it keeps no more."""
    if job is not None:
        with counting("accounts looked at") as count:
            for state in batches.run(hub, job):
                count(state["values"])


def show_new(joined: Joined, client: dict[str, Any], json: bool) -> None:
    """Print the credentials of a partner that joined, this once, with the settings for its client."""
    once = _shown_once(joined.partner, joined.credentials)
    if json:
        show_json({**once, **client})
    else:
        _show_credentials(once)
        show_client_settings(client)


def _shown_once(partner: Partner, credentials: Credentials) -> dict[str, str]:
    """Return the partner's credentials for printing; nobody can print them again."""
    return {
        "partner": partner.name,
        "identity": partner.identity,
        "user": credentials.user,
        "password": credentials.password,
        "token": credentials.token,
    }


def _show_credentials(credentials: dict[str, str]) -> None:
    show_table("Credentials, shown only this once", ["property", "value"], credentials.items())


def base_of(context: Context) -> str:
    """Return the address of the server, "" where the settings do not name it: what is made of it is a path then."""
    return context.settings.public_url.rstrip("/")


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
