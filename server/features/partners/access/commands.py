"""``scamfeed partner``: a partner's collections, credentials, throttle and users, and the settings for its client."""

from pathlib import Path
from typing import Annotated, Any

import typer

from schemas.partner import Partner
from server.cli.acting import WouldDo, acting
from server.cli.context import (
    By,
    Context,
    Json,
    PartnerName,
    counting,
    fail,
    find_partner,
    registered,
    show_json,
    show_properties,
    show_rows,
    show_table,
)
from server.features.findings.keeping import Keeping
from server.features.partners.access import listing
from server.features.partners.access.operations import (
    GrantRights,
    NameCredential,
    RegisterCertificate,
    RevokeRights,
    RotateCredentials,
)
from server.features.partners.connection import client_settings
from server.features.partners.grants import CollectionRights
from server.features.partners.membership import Joined
from server.features.partners.operations import LiftThrottle
from server.features.partners.users import changes as users
from server.features.partners.users.operations import (
    AddPartnerUser,
    ChangePartnerUserRole,
    RemovePartnerUser,
    RenewUserLink,
)
from server.features.people.links import Name, show_link
from server.release import batches
from server.release.hub import Hub
from server.store.credentials import Credentials
from server.store.operators.users import PartnerRole

credential_app = typer.Typer(
    help="Credentials of a partner's programs: list them, and record the purpose of each.", no_args_is_help=True
)
user_app = typer.Typer(
    help="Users of a partner: who may log in to its pages, and with which role.", no_args_is_help=True
)

Read = Annotated[list[str] | None, typer.Option(help="alias or id of a collection to read; may be repeated")]
Write = Annotated[list[str] | None, typer.Option(help="alias or id of a collection to write; may be repeated")]

Match = Annotated[
    list[str] | None,
    typer.Option(help="alias or id of a collection to match values against privately; may be repeated"),
]
Position = Annotated[
    PartnerRole, typer.Option(help="reader sees, writer also responds, admin also rotates credentials")
]
_SHOWN_ONCE = "Credentials, shown only this once"
Purpose = Annotated[str, typer.Option(help="what it is for, such as the name of a program")]
AtOnce = Annotated[bool, typer.Option("--now", help="end the older ones at once")]


def grant(
    ctx: typer.Context,
    name: PartnerName,
    read: Read = None,
    write: Write = None,
    match: Match = None,
    by: By = None,
    dry_run: WouldDo = False,
) -> None:
    """Grant a partner the right to read, write or match against collections, from its next request on."""
    rights = CollectionRights(read or (), write or (), match or ())
    with acting(ctx, by, dry_run=dry_run) as act:
        act.run(GrantRights(partner=registered(act.hub, name), collections=rights))


def revoke(
    ctx: typer.Context,
    name: PartnerName,
    collection: Annotated[
        list[str] | None, typer.Argument(help="alias or id of a collection that it may no longer read or write")
    ] = None,
    read: Read = None,
    write: Write = None,
    match: Match = None,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Revoke rights of a partner to collections. It does not see collections to which it has no right.

    If it has not yet read that objects in these collections were revoked, its receipts for them end as no-access: tell
    it in another way.
    """
    rights = CollectionRights(*([*(collection or ()), *(some or ())] for some in (read, write, match)))
    if not any(rights):
        fail("name a collection, or --read, --write or --match with one")
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        ended = act.run(RevokeRights(partner=registered(act.hub, name), collections=rights))
    if json:
        show_json({"partner": name, "receipts_ended": ended})
    elif ended:
        title = f"{name} does not know yet that these objects were revoked; tell it (list: scamfeed receipts --all)"
        show_table(title, ["collection", "receipts ended as no-access"], ended.items())


def certificate(
    ctx: typer.Context,
    name: PartnerName,
    certificate: Annotated[str, typer.Argument(help="a PEM file, or the SHA-256 fingerprint in hexadecimal")],
    now: AtOnce = False,
    purpose: Purpose = "",
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Register a partner's client certificate; older ones work for another week, or end at once with --now.

    For a partner with powers, another person has to confirm it with scamfeed proposal confirm.
    """
    file = Path(certificate)
    try:
        given = file.read_text(encoding="ascii") if file.is_file() else certificate
    except (OSError, UnicodeDecodeError):
        fail(f"{certificate}: cannot be read as a PEM file")
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        partner = registered(act.hub, name)
        done = act.run(RegisterCertificate(partner=partner, certificate=given, at_once=now, purpose=purpose))
    if json:
        show_json({"partner": name, "fingerprint": done})
    else:
        show_table("Certificate", ["property", "value"], [("partner", name), ("SHA-256", done)])


def rotate(
    ctx: typer.Context,
    name: PartnerName,
    now: AtOnce = False,
    purpose: Purpose = "",
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Issue new credentials to a partner; the old ones work for another week, or end at once with --now.

    For a partner with powers, another person has to confirm it with scamfeed proposal confirm.
    """
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        partner = registered(act.hub, name)
        issued = act.run(RotateCredentials(partner=partner, at_once=now, purpose=purpose))
        credentials = _shown_once(partner, issued)
    show_properties(_SHOWN_ONCE, credentials, json=json)


def lift_throttle(ctx: typer.Context, name: PartnerName, by: By = None, dry_run: WouldDo = False) -> None:
    """Lift the throttle of a partner: its next objects are no longer all held for review."""
    with acting(ctx, by, dry_run=dry_run) as act:
        act.run(LiftThrottle(partner=registered(act.hub, name)))


def check_kept(hub: Hub, name: str) -> None:
    """Check the values for a provider whose institutions changed, if its check is unfinished."""
    with counting("accounts checked") as count:
        for state in batches.run(hub, Keeping(hub, name)):
            count(state["values"])


def show_joined(context: Context, hub: Hub, joined: Joined, *, json: bool) -> None:
    """Print the credentials of a partner that joined, this once, with the settings for its client."""
    with hub.store.read() as tx:
        client = client_settings(tx, base_of(context), joined.partner)
    once = _shown_once(joined.partner, joined.credentials)
    if json:
        show_json({**once, **client})
    else:
        show_properties(_SHOWN_ONCE, once, json=False)
        show_client_settings(client)


def _shown_once(partner: Partner, credentials: Credentials) -> dict[str, str]:
    """Return the partner's credentials for printing; they are not stored."""
    return {
        "partner": partner.name,
        "identity": partner.identity,
        "user": credentials.user,
        "password": credentials.password,
        "token": credentials.token,
    }


def base_of(context: Context) -> str:
    """Return the address of the server, "" if the settings do not have it; addresses are then paths."""
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


@credential_app.command("list")
def list_credentials(ctx: typer.Context, partner: PartnerName, json: Json = False) -> None:
    """List the valid credentials of a partner, without secrets."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        found = listing.credentials(tx, find_partner(tx, partner).name)
    rows = [{name: getattr(row, name) for name in row.__struct_fields__} for row in found]
    columns = {"id": "id", "by": "kind", "purpose": "what it is for", "issued": "issued", "expires": "until"}
    show_rows(f"Credentials of {partner}", rows, {**columns, "last_read": "last read"}, json=json)


@credential_app.command("name")
def name_credential(
    ctx: typer.Context,
    partner: PartnerName,
    id: Annotated[str, typer.Argument(help="the id, as scamfeed partner credential list prints it")],
    purpose: Annotated[str, typer.Argument(help='what it is for; "" removes it')],
    by: By = None,
    dry_run: WouldDo = False,
) -> None:
    """Record the purpose of a partner's credential."""
    with acting(ctx, by, dry_run=dry_run) as act:
        act.run(NameCredential(partner=registered(act.hub, partner), credential=id, purpose=purpose))


@user_app.command()
def add(
    ctx: typer.Context,
    partner: PartnerName,
    name: Name,
    role: Position,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Add a user of a partner, and print the one-time link, valid for two days, that sets the password.

    For a partner with powers, another person has to confirm it with scamfeed proposal confirm.
    """
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        secret = act.run(AddPartnerUser(partner=registered(act.hub, partner), user=name, role=role))
    show_link(ctx.obj, name, secret, json=json)


@user_app.command(name="list")
def list_(ctx: typer.Context, partner: PartnerName, json: Json = False) -> None:
    """List the users of a partner."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        found = users.of(tx, find_partner(tx, partner, gone=True))
    rows = [{"name": user.name, "role": user.role, "second_factor": user.totp is not None} for user in found]
    columns = {"name": "name", "role": "role", "second_factor": "second factor"}
    show_rows(f"Users of {partner}", rows, columns, json=json)


@user_app.command()
def link(
    ctx: typer.Context, partner: PartnerName, name: Name, by: By = None, dry_run: WouldDo = False, json: Json = False
) -> None:
    """Print a new link; the existing password, second factor and logins end at once.

    For a partner with powers, another person has to confirm it with scamfeed proposal confirm.
    """
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        secret = act.run(RenewUserLink(partner=registered(act.hub, partner), user=name))
    show_link(ctx.obj, name, secret, json=json)


@user_app.command(name="role")
def role_(
    ctx: typer.Context,
    partner: PartnerName,
    name: Name,
    role: Annotated[PartnerRole, typer.Argument(help="the new role")],
    by: By = None,
    dry_run: WouldDo = False,
) -> None:
    """Change a user's role, from the next request on; open proposals of a reader become void.

    For more rights at a partner with powers, another person has to confirm it with scamfeed proposal confirm.
    """
    with acting(ctx, by, dry_run=dry_run) as act:
        act.run(ChangePartnerUserRole(partner=registered(act.hub, partner), user=name, role=role))


@user_app.command()
def remove(ctx: typer.Context, partner: PartnerName, name: Name, by: By = None, dry_run: WouldDo = False) -> None:
    """Remove a user of a partner; all logins end at once."""
    with acting(ctx, by, dry_run=dry_run) as act:
        act.run(RemovePartnerUser(partner=registered(act.hub, partner, gone=True), user=name))


def register(app: typer.Typer) -> None:
    """Make these commands of ``app``."""
    for command in (grant, revoke, certificate, rotate, lift_throttle):
        app.command()(command)
    app.add_typer(credential_app, name="credential")
    app.add_typer(user_app, name="user")
