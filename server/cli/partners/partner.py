"""``scamfeed partner``: the partners, their properties and rights."""

import unicodedata
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from feeds.runs.runner import prepare_process
from mappers import common_objects, ids
from schemas.keeper import keeps_nothing, keys_of
from schemas.partner import Partner, PartnerKind
from server.cli.context import By, Context, Json, counting, fail, operator_name, show_json, show_table
from server.cli.partners import access, values
from server.cli.partners.access import (
    Match,
    Name,
    Read,
    Write,
    client_settings,
    credentials_shown_once,
    find_partner,
    grant_collections,
    show_client_settings,
    show_credentials,
)
from server.release import batches, depart, keeping
from server.release.hub import Hub
from server.release.keeping import Keeping
from server.release.publish import identities
from server.store import audit, collections, partners
from server.store.audit import AuditEvent
from server.store.database.engine import Tx
from server.store.database.times import now, stamp
from server.store.keepers import kept_accounts
from server.store.matching import match_grants
from server.store.partners import NameTaken

app = typer.Typer(help="Partners: their properties, access and values.", no_args_is_help=True)

Country = Annotated[str | None, typer.Option(help="ISO 3166-1 alpha-2 code")]
Trusted = Annotated[
    bool | None, typer.Option("--trusted/--not-trusted", help="its answer false-positive disputes a value at once")
]
Authority = Annotated[
    list[str] | None, typer.Option(help="a kind for which its report alone suffices; may be repeated; '' for none")
]
Institution = Annotated[
    list[str] | None,
    typer.Option(
        help="what it keeps: a BIC, a bank code (TH:004), a wallet, platform or numbers; may be repeated; '' for none"
    ),
]
Forwards = Annotated[
    bool | None, typer.Option("--forwards/--no-forwards", help="it may pass on objects of others, unchanged")
]
Named = Annotated[bool | None, typer.Option("--named/--unnamed", help="readers see its name, or only its kind")]
ShownPublicly = Annotated[
    bool | None,
    typer.Option("--show-publicly/--hide-publicly", help="the page for the public names it among those who take part"),
]
Organisation = Annotated[
    str | None,
    typer.Option(help="whose it is, where an organisation has several partners: it counts once; '' for itself"),
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
    forwards: Forwards = None,
    named: Named = None,
    show_publicly: ShownPublicly = None,
    organisation: Organisation = None,
    json: Json = False,
) -> None:
    """Register a partner and print its client settings, and its credentials this once: only hashes are kept.

    It may always write the inbox.
    """
    context: Context = ctx.obj
    name = unicodedata.normalize("NFC", name).strip()
    if name.casefold() == common_objects.PROJECT.casefold():
        fail(f"name: {common_objects.PROJECT} is this project's own, in whose name the hub itself speaks")
    partner = _partner(
        {"name": name, "kind": kind, "identity": ids.identity(name)},
        _given(country, trusted, authority, institution, forwards, named, show_publicly, organisation),
    )
    prepare_process()
    with context.hub() as hub:
        with hub.store.begin() as tx:
            try:
                credentials = partners.add(tx, partner)
            except NameTaken as error:
                back = (
                    f"; it left: scamfeed partner restore {name!r} brings it back"
                    if name in partners.departed_partners(tx)
                    else ""
                )
                fail(f"{error}{back}")
            grant_collections(tx, name, read or [], ["inbox", *(write or [])], match or [])
            if partner.named:
                identities.publish(tx, name)
            client = client_settings(tx, context.settings, partner)
            job = _keep(hub, tx, name, partner.institutions)
        _show_new(credentials_shown_once(partner, credentials), client, json)
        _look_at_kept(hub, job)
    _warn_of_keeping_nothing(partner)


@app.command(name="set")
def set_(
    ctx: typer.Context,
    name: Name,
    kind: Annotated[PartnerKind | None, typer.Option(help="the kind of organisation; the release rules use it")] = None,
    country: Country = None,
    trusted: Trusted = None,
    authority: Authority = None,
    institution: Institution = None,
    forwards: Forwards = None,
    named: Named = None,
    show_publicly: ShownPublicly = None,
    organisation: Organisation = None,
    json: Json = False,
) -> None:
    """Change properties of a partner; those that are not named stay."""
    context: Context = ctx.obj
    prepare_process()
    with context.hub() as hub:
        with hub.store.begin() as tx:
            before = find_partner(tx, name)
            given = _given(country, trusted, authority, institution, forwards, named, show_publicly, organisation)
            changed = _partner(before.model_dump(), {**given, **({"kind": kind} if kind else {})})
            if changed != before:
                partners.change(tx, changed)
                if before.named or changed.named:
                    identities.publish(tx, name)
            job = _keep(hub, tx, changed.name, {*before.institutions} ^ {*changed.institutions})
            result = described(tx, changed)
        _look_at_kept(hub, job)
    _show_partner(result, json)
    _warn_of_keeping_nothing(changed)


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the partners and what each may read and write; partners that left are listed too."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        rows = [described(tx, partner) for partner in partners.all_partners(tx)]
    if json:
        show_json(rows)
        return
    show_table(
        "Partners",
        ["partner", "kind", "country", "reads", "writes", "left"],
        [
            [r["partner"], r["kind"], r["country"] or "", ", ".join(r["reads"]), ", ".join(r["writes"]), r["left"]]
            for r in rows
        ],
    )


@app.command()
def show(ctx: typer.Context, name: Name, json: Json = False) -> None:
    """Show a partner's properties and its client settings; credentials are shown once, by add."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        partner = find_partner(tx, name, gone=True)
        result, client = described(tx, partner), client_settings(tx, context.settings, partner)
    if json:
        show_json({**result, **client})
    else:
        _show_partner(result, json)
        show_client_settings(client)


@app.command()
def remove(
    ctx: typer.Context,
    name: Name,
    retract: Annotated[
        bool, typer.Option("--retract-reports", help="take back all its reports too; --reason is needed")
    ] = False,
    reason: Annotated[str | None, typer.Option(help="the reason of the retraction, for the receipts of others")] = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Remove a partner: its access ends at once; its reports and own values stay.

    What is left to do then is done in batches, and may be stopped: the server goes on with it, and so does the same
    command.
    """
    context: Context = ctx.obj
    if retract != bool(reason):
        fail("--retract-reports and --reason go together")
    prepare_process()
    with context.hub() as hub:
        with hub.store.begin() as tx:
            partner = find_partner(tx, name, gone=retract or name in depart.unfinished(tx))
            job = depart.Departure(hub, partner.name, reason)
            if partner.name not in partners.departed_partners(tx):
                _leave(tx, partner, operator_name(by))
            begun = batches.begin(tx, job)
            moment = partners.departed_partners(tx)[partner.name]
        done = dict(begun.state)
        with counting("reports and receipts done") as count:
            for state in batches.run(hub, job):
                done = dict(state)
                count(done["receipts"] + done["reports"])
    result = {
        "partner": partner.name,
        "identity": partner.identity,
        "left": stamp(moment),
        "receipts_closed": done["receipts"],
        **({"reports_retracted": done["reports"]} if done["reason"] else {}),
    }
    if json:
        show_json(result)
    else:
        show_table("Left", ["property", "value"], result.items())


def _keep(hub: Hub, tx: Tx, name: str, institutions: Iterable[str]) -> Keeping | None:
    """Begin to look at what these institutions keep, whose partner is another from now on; None for no institution."""
    keys = frozenset(key for institution in institutions for key in keys_of(institution))
    return keeping.begin(hub, tx, name, keys) if keys else None


def _warn_of_keeping_nothing(partner: Partner) -> None:
    """Say on standard error which institutions of a partner are no account's keeper."""
    for institution in filter(keeps_nothing, partner.institutions):
        typer.echo(
            f"scamfeed: warning: {institution} keeps no account: name British accounts by sort codes, as GB:6016",
            err=True,
        )


def _look_at_kept(hub: Hub, job: Keeping | None) -> None:
    """List for a keeper what is reported of it, and take back what it keeps no more."""
    if job is not None:
        with counting("accounts looked at") as count:
            for state in batches.run(hub, job):
                count(state["values"])


def _leave(tx: Tx, partner: Partner, operator: str) -> None:
    """End the partner's access, and write it into the audit trail."""
    moment = partners.remove(tx, partner.name)
    kept_accounts.leave_all(tx, partner.name, moment)
    event = AuditEvent(moment, moment, 1, None, operator, "REMOVE", "partner", None, 200, 0, partner.identity)
    audit.record(tx, [event])


@app.command()
def restore(
    ctx: typer.Context,
    name: Name,
    read: Read = None,
    write: Write = None,
    match: Match = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Bring a removed partner back as it was, with new credentials; other grants are given again."""
    context: Context = ctx.obj
    prepare_process()
    with context.hub() as hub:
        with hub.store.begin() as tx:
            partner = find_partner(tx, name, gone=True)
            try:
                credentials = partners.restore(tx, name)
            except NameTaken as error:
                fail(str(error))
            grant_collections(tx, name, read or [], ["inbox", *(write or [])], match or [])
            moment = now()
            event = AuditEvent(
                moment, moment, 1, None, operator_name(by), "RESTORE", "partner", None, 200, 0, partner.identity
            )
            audit.record(tx, [event])
            client = client_settings(tx, context.settings, partner)
            job = _keep(hub, tx, name, partner.institutions)
        _show_new(credentials_shown_once(partner, credentials), client, json)
        _look_at_kept(hub, job)


def _show_new(once: dict[str, str], client: dict[str, Any], json: bool) -> None:
    """Show credentials once, with the settings for the client."""
    if json:
        show_json({**once, **client})
    else:
        show_credentials(once)
        show_client_settings(client)


def described(tx: Tx, partner: Partner) -> dict[str, Any]:
    """Return a partner's properties, and what it may read and write."""
    aliases = {collection.id: collection.alias for collection in collections.all_collections(tx)}
    rights, left = collections.rights(tx, partner.name), partners.departed_partners(tx).get(partner.name)
    properties = partner.model_dump(mode="json")
    return {
        "partner": properties.pop("name"),
        **properties,
        "left": None if left is None else stamp(left),
        "reads": sorted(aliases[id_] for id_, (can_read, _) in rights.items() if can_read),
        "matches": match_grants.aliases(tx, partner.name),
        "writes": sorted(aliases[id_] for id_, (_, can_write) in rights.items() if can_write),
    }


def _given(
    country: str | None,
    trusted: bool | None,
    authority: list[str] | None,
    institution: list[str] | None,
    forwards: bool | None,
    named: bool | None,
    shown_publicly: bool | None,
    organisation: str | None,
) -> dict[str, Any]:
    """Return the properties that the options name."""
    options = {
        "country": country and country.upper(),
        "trusted": trusted,
        "authority": None if authority is None else tuple(dict.fromkeys(word for word in authority if word)),
        "institutions": None if institution is None else tuple(dict.fromkeys(word for word in institution if word)),
        "forwards": forwards,
        "named": named,
        "shown_publicly": shown_publicly,
    }
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if organisation is not None:
        given["organisation"] = unicodedata.normalize("NFC", organisation).strip() or None
    return given


def _partner(before: dict[str, Any], given: dict[str, Any]) -> Partner:
    try:
        return Partner(**{**before, **given})
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        fail(f"{first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}")


def _show_partner(result: dict[str, Any], json: bool) -> None:
    if json:
        show_json(result)
        return
    cells = {name: ", ".join(value) if isinstance(value, list) else value for name, value in result.items()}
    show_table("Partner", ["property", "value"], cells.items())


access.register(app)
values.register(app)
