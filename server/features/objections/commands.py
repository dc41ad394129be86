"""``scamfeed objection``: people's objections to listings, for the desk that decides on them."""

from typing import Annotated, Any

import typer

from schemas.api.statements import TEXTS, ObjectionAnswer, UpholdReason
from server.cli.acting import WouldDo, acting
from server.cli.context import By, Context, Json, actor, fail, show_properties, show_rows
from server.features.objections import decide as deciding, records as objections
from server.features.objections.contacts import Contacts
from server.features.objections.operations import DecideObjection, ReadContact
from server.features.objections.records import Objection, UnknownObjection
from server.operations.run import run
from server.release.hub import Hub
from server.release.key_files import BadKeyFile
from server.store.database.engine import Tx
from server.store.database.times import now, stamp

app = typer.Typer(help="Objections of people to listings, and the answers.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="the objection's id")]


@app.command(name="list")
def list_(
    ctx: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="also objections to unlisted values, and ended ones")] = False,
    limit: Annotated[int, typer.Option(min=1, help="the maximum number, the oldest first")] = 1_000,
    json: Json = False,
) -> None:
    """List the open objections, those about one value together: ground, due date, provider."""
    context: Context = ctx.obj
    with context.hub() as hub:
        deciding.route_new(hub)
        with hub.store.read() as tx:
            rows = _rows(tx, objections.all_objections(tx, every=every, limit=limit))
    first = {tuple(row["values"]): row["received"] for row in reversed(rows)}
    rows.sort(key=lambda row: (first[tuple(row["values"])], row["values"], row["received"]))
    columns = ["id", "values", "ground", "received", "due", "late", "keeper", "answer"]
    show_rows("Objections", rows, columns, json=json)


@app.command()
def show(ctx: typer.Context, id_: Id, json: Json = False) -> None:
    """Show an objection: its value, where that is listed, and the contact, if the key is here."""
    context: Context = ctx.obj
    with context.hub() as hub:
        deciding.route_new(hub)
        with hub.store.read() as tx:
            found = _find(tx, id_)
            [row] = _rows(tx, [found])
            row["contact"] = _contact(context, found)
            row["other_hubs"] = _hubs(hub, tx, found)
            row["listed_in"] = sorted(deciding.listed_where(tx, row["values"]).ids)
        if found.contact is not None:
            run(hub, ReadContact(id=found.id), actor(None))
    show_properties("Objection", row, json=json)


@app.command()
def decide(
    ctx: typer.Context,
    id_: Id,
    clear: Annotated[bool, typer.Option("--clear", help="the listing is wrong: delist it everywhere")] = False,
    uphold: Annotated[bool, typer.Option("--uphold", help="the listing stays")] = False,
    reason: Annotated[UpholdReason | None, typer.Option(help="why the listing stays")] = None,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Decide an objection, and with it all open ones about the same value; their contacts are erased."""
    if clear == uphold or uphold != (reason is not None):
        fail("give --clear, or --uphold with its --reason")
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        if not dry_run:
            deciding.route_new(act.hub)
        with act.hub.store.read() as tx:
            contact = _contact(ctx.obj, _find(tx, id_))
        done = act.run(DecideObjection(id=id_, reason=reason))
    ended = [objection.id for objection in done.objections]
    public = any(objection.public for objection in done.objections)
    answer = ObjectionAnswer.CLEARED if clear else ObjectionAnswer.STAYS
    told = answer if public else ObjectionAnswer.REVIEWED
    result = {
        "answer": answer,
        "objections": ended,
        "reports_retracted": done.retracted,
        "contact": contact,
        "told": told,
        "told_when": "now" if public else "on the day that was promised",
        "text": TEXTS[told],
    }
    show_properties("Decided", result, json=json)


def _find(tx: Tx, id_: str) -> Objection:
    try:
        return objections.find(tx, id_)
    except UnknownObjection as error:
        fail(str(error))


def _hubs(hub: Hub, tx: Tx, found: Objection) -> list[str]:
    """Return the names of the other hubs that were asked, with their answers, or that asked."""
    names = {peer.origin: peer.name for peer in hub.peers}
    asked = objections.hubs_of(tx, found.id) if names else []
    return [
        f"{names.get(one.hub, one.hub)}: {one.answer}" if one.answer else names.get(one.hub, one.hub) for one in asked
    ]


def _contact(context: Context, found: Objection) -> str | None:
    if found.contact is None:
        return None
    file = context.settings.objection_key_file
    if file is None:
        return "encrypted; objection_key_file is not set here"
    try:
        return Contacts(file).decrypt(found.contact, found.id) or "encrypted with another key"
    except BadKeyFile as error:
        fail(str(error))


def _rows(tx: Tx, found: list[Objection]) -> list[dict[str, Any]]:
    values = objections.subjects_of(tx, [objection.id for objection in found])
    return [
        {
            "id": objection.id,
            "values": values.get(objection.id, []),
            "kind": objection.kind,
            "ground": objection.ground,
            "received": stamp(objection.received),
            "due": stamp(objection.due),
            "late": objection.answer is None and objection.due <= now(),
            "listed": objection.listed,
            "public": objection.public,
            "keeper": objection.keeper,
            "answer": objection.answer,
            "reason": objection.reason,
            "decided": None if objection.decided is None else stamp(objection.decided),
            "decided_by": objection.decided_by,
        }
        for objection in found
    ]


COMMANDS = {"objection": app}
