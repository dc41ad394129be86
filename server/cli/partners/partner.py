"""``scamfeed partner``: the partners, their properties and rights."""

from typing import Annotated, Any

import typer

from feeds.runs.runner import prepare_process
from schemas.partner import Partner, PartnerKind
from server.cli.context import By, Context, Json, operator_name, show_json, show_table
from server.cli.partners import access, leaving, values
from server.cli.partners.access import (
    Match,
    Name,
    Read,
    Write,
    base_of,
    failing,
    find_partner,
    look_at_kept,
    show_client_settings,
    show_new,
)
from server.release.partners import membership
from server.release.partners.connection import client_settings
from server.release.partners.grants import CollectionRights, aliases_of
from server.release.partners.properties import Properties, changed_partner, new_partner
from server.store import partners
from server.store.database.engine import Tx
from server.store.database.times import stamp
from server.store.matching import match_grants

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
DropAnswers = Annotated[
    bool,
    typer.Option(
        "--drop-answers", help="what it answered counts no more for accounts of institutions it keeps no more"
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
    by: By = None,
    json: Json = False,
) -> None:
    """Register a partner and print its client settings, and its credentials this once: only hashes are kept.

    It may always write the inbox.
    """
    context: Context = ctx.obj
    given = Properties(kind, country, trusted, authority, institution, forwards, named, show_publicly, organisation)
    with failing():
        partner = new_partner(name, given)
    prepare_process()
    with context.hub() as hub:
        with hub.store.begin() as tx, failing():
            rights = CollectionRights(read or (), write or (), match or ())
            joined = membership.add(hub, tx, partner, rights, operator_name(by))
            client = client_settings(tx, base_of(context), partner)
        show_new(joined, client, json)
        look_at_kept(hub, joined.job)
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
    drop_answers: DropAnswers = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Change properties of a partner; those that are not named stay."""
    context: Context = ctx.obj
    properties = (kind, country, trusted, authority, institution, forwards, named, show_publicly, organisation)
    given = Properties(*properties, drops_answers=drop_answers)
    prepare_process()
    with context.hub() as hub:
        with hub.store.begin() as tx, failing():
            before = find_partner(tx, name)
            changed = changed_partner(before, given)
            job = membership.change(hub, tx, before, changed, operator_name(by))
            result = described(tx, changed)
        look_at_kept(hub, job)
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
        result, client = described(tx, partner), client_settings(tx, base_of(context), partner)
    if json:
        show_json({**result, **client})
    else:
        _show_partner(result, json)
        show_client_settings(client)


def described(tx: Tx, partner: Partner) -> dict[str, Any]:
    """Return a partner's properties, and what it may read and write."""
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


def _warn_of_keeping_nothing(partner: Partner) -> None:
    """Warn on standard error which institutions of a partner are no account's keeper."""
    for institution in membership.keeping_nothing(partner):
        typer.echo(
            f"scamfeed: warning: {institution} keeps no account: name British accounts by sort codes, as GB:6016",
            err=True,
        )


def _show_partner(result: dict[str, Any], json: bool) -> None:
    if json:
        show_json(result)
        return
    cells = {name: ", ".join(value) if isinstance(value, list) else value for name, value in result.items()}
    show_table("Partner", ["property", "value"], cells.items())


access.register(app)
leaving.register(app)
values.register(app)
