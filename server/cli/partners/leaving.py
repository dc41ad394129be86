"""``scamfeed partner remove`` and ``restore``: how a partner leaves, and comes back."""

from typing import Annotated

import typer

from feeds.runs.runner import prepare_process
from schemas.partner import Partner
from server.cli.context import By, Context, Json, counting, fail, operator_name, show_json, show_table
from server.cli.partners.access import (
    Match,
    Name,
    Read,
    Write,
    base_of,
    failing,
    find_partner,
    look_at_kept,
    show_new,
)
from server.release import batches, depart
from server.release.by_two_persons.departures import Left, leave
from server.release.hub import Hub
from server.release.partners import membership
from server.release.partners.connection import client_settings
from server.release.partners.grants import CollectionRights
from server.release.two_persons import NotAllowed
from server.store import Tx, partners
from server.store.database.times import stamp


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

    Where many read its reports, or anybody, a second person confirms that they are taken back: by proposal confirm.

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
            (departure, proposal) = _leave(hub, tx, partner, reason, operator_name(by))
            moment = partners.departed_partners(tx)[partner.name]
        done = dict(departure.state)
        with counting("reports and receipts done") as count:
            for state in batches.run(hub, departure.job):
                done = dict(state)
                count(done["receipts"] + done["reports"])
    result = {
        "partner": partner.name,
        "identity": partner.identity,
        "left": stamp(moment),
        "receipts_closed": done["receipts"],
        **({"reports_retracted": done["reports"]} if done["reason"] else {}),
        **({"proposal": proposal.id} if proposal else {}),
    }
    if json:
        show_json(result)
    else:
        show_table("Left", ["property", "value"], result.items())


def _leave(hub: Hub, tx: Tx, partner: Partner, reason: str | None, by: str) -> Left:
    try:
        return leave(hub, tx, partner, reason, by)
    except NotAllowed as error:
        fail(str(error))


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
        with hub.store.begin() as tx, failing():
            partner = find_partner(tx, name, gone=True)
            rights = CollectionRights(read or (), write or (), match or ())
            joined = membership.restore(hub, tx, partner, rights, operator_name(by))
            client = client_settings(tx, base_of(context), partner)
        show_new(joined, client, json)
        look_at_kept(hub, joined.job)


def register(app: typer.Typer) -> None:
    """Make these commands of ``app``."""
    app.command()(remove)
    app.command()(restore)
