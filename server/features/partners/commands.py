"""``scamfeed partner``: the partners, their properties, own values and contacts, and how they leave and return."""

from typing import Annotated, Any

import typer

from schemas.partner import FocalFunction, Partner, PartnerKind
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
from server.cli.large_work import prepare_process
from server.features.federation.members import commands as members_of_hubs
from server.features.partners import membership
from server.features.partners.access import commands as access
from server.features.partners.access.commands import (
    Match,
    Read,
    Write,
    base_of,
    check_kept,
    show_client_settings,
    show_joined,
)
from server.features.partners.connection import client_settings
from server.features.partners.depart import Departure
from server.features.partners.grants import CollectionRights, aliases_of
from server.features.partners.operations import (
    AddPartner,
    ChangePartner,
    RemovePartner,
    RestorePartner,
    SetFocalPoints,
    SetOwnValues,
)
from server.features.partners.properties import Properties, new_partner
from server.release import batches
from server.release.guard.allowlists.entered import read_subject
from server.store import focal_points, partners, value_index
from server.store.database.engine import Tx
from server.store.database.times import stamp
from server.store.matching import match_grants

app = typer.Typer(help="Partners: their properties, access and values.", no_args_is_help=True)

Country = Annotated[str | None, typer.Option(help="ISO 3166-1 alpha-2 code")]
Trusted = Annotated[
    bool | None,
    typer.Option("--trusted/--not-trusted", help="a value that it calls false-positive is delisted at once"),
]
Authority = Annotated[
    list[str] | None, typer.Option(help="a kind for which its report alone suffices; may be repeated; '' for none")
]
Institution = Annotated[
    list[str] | None,
    typer.Option(
        help="of its values: a BIC, a bank code (TH:004), a wallet, platform or numbers; may be repeated; '' for none"
    ),
]
DropAnswers = Annotated[
    bool,
    typer.Option(
        "--drop-answers", help="its findings no longer count for accounts of institutions that it no longer has"
    ),
]
Vouched = Annotated[
    bool | None,
    typer.Option(
        "--vouched/--not-vouched", help="you vouch for its reports: it needs no record, and has no daily limit"
    ),
]
Forwards = Annotated[
    bool | None, typer.Option("--forwards/--no-forwards", help="it may pass on objects of others, unchanged")
]
Named = Annotated[bool | None, typer.Option("--named/--unnamed", help="readers see its name, or only its kind")]
ShownPublicly = Annotated[
    bool | None,
    typer.Option("--show-publicly/--hide-publicly", help="the public page lists it among the partners of this hub"),
]
Peer = Annotated[
    bool | None, typer.Option("--peer/--no-peer", help="it is another hub: it reads hub reports, and no listings")
]
Organisation = Annotated[
    str | None,
    typer.Option(help="its organisation, if that has several partners; an organisation counts once; '' for itself"),
]


@app.command()
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="a name for it, unique in this hub; its user name too")],
    kind: Annotated[PartnerKind, typer.Option(help="the kind of organisation; the release rules use it")],
    country: Country = None,
    read: Read = None,
    write: Write = None,
    match: Match = None,
    trusted: Trusted = None,
    authority: Authority = None,
    institution: Institution = None,
    vouched: Vouched = None,
    forwards: Forwards = None,
    named: Named = None,
    show_publicly: ShownPublicly = None,
    peer: Peer = None,
    organisation: Organisation = None,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Register a partner and print its client settings, and its credentials this once: only hashes are kept.

    It may always write the inbox. For a partner that is trusted, vouched for, a provider or a peer, has authority,
    or joins the organisation of others, another person has to confirm it with scamfeed proposal confirm, and sees the
    credentials.
    """
    given = Properties(
        kind, country, trusted, authority, institution, vouched, forwards, named, show_publicly, peer, organisation
    )
    prepare_process()
    rights = CollectionRights(read or (), write or (), match or ())
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        partner = new_partner(name, given)
        show_joined(ctx.obj, act.hub, act.run(AddPartner(partner=partner, collections=rights)), json=json)
        check_kept(act.hub, partner.name)
    _warn_of_providing_nothing(partner)


@app.command(name="set")
def set_(
    ctx: typer.Context,
    name: PartnerName,
    kind: Annotated[PartnerKind | None, typer.Option(help="the kind of organisation; the release rules use it")] = None,
    country: Country = None,
    trusted: Trusted = None,
    authority: Authority = None,
    institution: Institution = None,
    vouched: Vouched = None,
    forwards: Forwards = None,
    named: Named = None,
    show_publicly: ShownPublicly = None,
    peer: Peer = None,
    organisation: Organisation = None,
    drop_answers: DropAnswers = False,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Change properties of a partner; the others stay.

    If it becomes trusted, vouched for or a peer, gets authority or institutions, or joins the organisation of others,
    another person has to confirm that with scamfeed proposal confirm.
    """
    shown = (forwards, named, show_publicly, peer, organisation)
    properties = (kind, country, trusted, authority, institution, vouched, *shown)
    given = Properties(*properties, drops_answers=drop_answers)
    prepare_process()
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        proposed = act.run_or_propose(ChangePartner(partner=registered(act.hub, name), properties=given))
        with act.hub.store.read() as tx:
            changed = find_partner(tx, name)
            result = described(tx, changed) | ({"proposal": proposed.id} if proposed else {})
        check_kept(act.hub, name)
    show_properties("Partner", result, json=json)
    _warn_of_providing_nothing(changed)


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the partners with their rights to read and write, also partners that left."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        rows = [described(tx, partner) for partner in partners.all_partners(tx)]
    show_rows("Partners", rows, ["partner", "kind", "country", "reads", "writes", "left"], json=json)


@app.command()
def show(ctx: typer.Context, name: PartnerName, json: Json = False) -> None:
    """Show a partner's properties and its client settings; credentials are shown once, by add."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        partner = find_partner(tx, name, gone=True)
        result, client = described(tx, partner), client_settings(tx, base_of(context), partner)
    if json:
        show_json({**result, **client})
    else:
        show_properties("Partner", result, json=False)
        show_client_settings(client)


@app.command()
def remove(
    ctx: typer.Context,
    name: PartnerName,
    retract: Annotated[
        bool, typer.Option("--retract-reports", help="retract all its reports too; needs --reason")
    ] = False,
    reason: Annotated[str | None, typer.Option(help="the reason of the retraction, for the receipts of others")] = None,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Remove a partner: its access ends at once; its reports and own values stay.

    If many partners read its reports, or the reports are public, another person has to confirm that they are retracted,
    with scamfeed proposal confirm.

    The remaining work is done in batches. If you stop it, the server continues it, and so does the same command.
    """
    if retract != bool(reason):
        fail("--retract-reports and --reason go together")
    prepare_process()
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        hub, partner = act.hub, registered(act.hub, name, gone=True)
        proposed = act.run_or_propose(RemovePartner(partner=partner, reason=reason))
        with hub.store.read() as tx:
            moment = partners.departed_partners(tx)[partner.name]
        done: dict[str, Any] = {"receipts": 0, "reports": 0, "reason": None}
        with counting("reports and receipts done") as count:
            for state in batches.run(hub, Departure(hub, partner.name)):
                done.update(state)
                count(done["receipts"] + done["reports"])
    result = {
        "partner": partner.name,
        "identity": partner.identity,
        "left": stamp(moment),
        "receipts_closed": done["receipts"],
        **({"reports_retracted": done["reports"]} if done["reason"] else {}),
        **({"proposal": proposed.id} if proposed else {}),
    }
    show_properties("Left", result, json=json)


@app.command()
def restore(
    ctx: typer.Context,
    name: PartnerName,
    read: Read = None,
    write: Write = None,
    match: Match = None,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Let a removed partner return with its properties and new credentials; grant its other rights again.

    For a partner with powers, another person has to confirm it with scamfeed proposal confirm.
    """
    prepare_process()
    rights = CollectionRights(read or (), write or (), match or ())
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        done = act.run(RestorePartner(partner=registered(act.hub, name, gone=True), collections=rights))
        show_joined(ctx.obj, act.hub, done, json=json)
        check_kept(act.hub, name)


@app.command()
def own(
    ctx: typer.Context,
    name: PartnerName,
    value: Annotated[
        list[str] | None,
        typer.Argument(help="domains, accounts and so on, alone or after its kind: domain:bank.example"),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="these are no longer its own")] = False,
    list_: Annotated[bool, typer.Option("--list", help="list its own values, and change nothing")] = False,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Register values as a partner's own: reports of them are held for review."""
    if list_ == bool(value):
        fail("name the values, or give --list")
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        subjects = tuple(read_subject(text)[1] for text in value or ())
        partner = registered(act.hub, name, gone=remove or list_)
        if list_:
            with act.hub.store.read() as tx:
                found = list(value_index.all_own_values(tx, name))
        else:
            found = act.run(SetOwnValues(partner=partner, subjects=subjects, removes=remove))
    if json:
        show_json({"partner": name, "removed" if remove else "own" if list_ else "added": found})
    else:
        title = "Its own" if list_ else "No longer its own" if remove else "New among its own"
        show_table(title, ["kind", "value"], [own_value.split(":", 1) for own_value in found])


@app.command("focal-point")
def focal_point(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="the partner's name, as registered [default: the hub itself]")
    ] = None,
    function: Annotated[FocalFunction | None, typer.Option(help="the matter that this contact is for")] = None,
    contact: Annotated[
        str | None, typer.Option(help="the address of a role, a page or the number of a hotline, never of a person")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="remove the contact for this function")] = False,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Set the contact of a partner, or of the hub, for a matter; without options, list the contacts."""
    if function is None and (contact is not None or remove):
        fail("give the --function of the contact")
    if function is not None and remove == (contact is not None):
        fail("give either --contact or --remove")
    whose = focal_points.HUB if name is None else name
    with acting(ctx, by, dry_run=dry_run, json=json, refused="--contact: ") as act:
        partner = None if name is None else registered(act.hub, name)
        if function is not None:
            act.run(SetFocalPoints(partner=partner, contacts={function: contact}))
        with act.hub.store.read() as tx:
            points = focal_points.of(tx, whose)
    found = [{"function": point.function.value, "contact": point.contact} for point in points]
    if json:
        show_json({"partner": name, "focal_points": found})
    else:
        show_rows("Focal points", found, ["function", "contact"], json=False)


def described(tx: Tx, partner: Partner) -> dict[str, Any]:
    """Return a partner's properties and rights."""
    reads, writes = aliases_of(tx, partner.name)
    left = partners.departed_partners(tx).get(partner.name)
    properties = partner.model_dump(mode="json")
    return {
        "partner": properties.pop("name"),
        **properties,
        "left": None if left is None else stamp(left),
        "reads": reads,
        "matches": match_grants.aliases(tx, partner.name),
        "writes": writes,
    }


def _warn_of_providing_nothing(partner: Partner) -> None:
    """Warn on standard error of institutions that are not the provider of any account."""
    for institution in membership.providing_nothing(partner):
        typer.echo(
            f"scamfeed: warning: {institution} is the provider of no account: name British accounts by sort codes,"
            " as GB:6016",
            err=True,
        )


access.register(app)
members_of_hubs.extend(app)

COMMANDS = {"partner": app}
