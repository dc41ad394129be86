"""``scamfeed objection``: people's objections to listings, for the desk that decides on them."""

from typing import Annotated, Any

import typer

from schemas.api.objection import TEXTS, ObjectionAnswer, UpholdReason
from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.release.key_files import BadKeyFile
from server.release.objections import decide as deciding
from server.release.objections.contacts import Contacts
from server.release.objections.decide import NotOpen
from server.store.database.engine import Tx
from server.store.database.times import now, stamp
from server.store.objections import objections
from server.store.objections.objections import Objection, UnknownObjection

app = typer.Typer(help="Objections: people who object to a listing, and their answer.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="the objection's id")]


@app.command(name="list")
def list_(
    ctx: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="also those to which nothing is listed, and ended ones")] = False,
    limit: Annotated[int, typer.Option(min=1, help="at most so many, the oldest first")] = 1_000,
    json: Json = False,
) -> None:
    """List the objections that wait, those about one value beside each other: grounds, due, keeper."""
    context: Context = ctx.obj
    with context.hub() as hub:
        deciding.route_new(hub)
        with hub.store.read() as tx:
            rows = _rows(tx, objections.all_objections(tx, every=every, limit=limit))
    first = {tuple(row["values"]): row["received"] for row in reversed(rows)}
    rows.sort(key=lambda row: (first[tuple(row["values"])], row["values"], row["received"]))
    if json:
        show_json(rows)
        return
    columns = ["id", "values", "ground", "received", "due", "late", "keeper", "answer"]
    show_table("Objections", columns, [[_cell(row[column]) for column in columns] for row in rows])


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
            row["listed_in"] = sorted(deciding.listed_where(tx, row["values"]).ids)
    if json:
        show_json(row)
    else:
        show_table("Objection", ["property", "value"], [[name, _cell(value)] for name, value in row.items()])


@app.command()
def decide(
    ctx: typer.Context,
    id_: Id,
    clear: Annotated[bool, typer.Option("--clear", help="the listing is wrong: take it back everywhere")] = False,
    uphold: Annotated[bool, typer.Option("--uphold", help="the listing stays")] = False,
    reason: Annotated[UpholdReason | None, typer.Option(help="why the listing stays")] = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Decide an objection, and with it all open ones about the same value; their contacts are erased."""
    if clear == uphold or uphold != (reason is not None):
        fail("give --clear, or --uphold with its --reason")
    context: Context = ctx.obj
    with context.hub() as hub:
        deciding.route_new(hub)
        with hub.store.begin() as tx:
            try:
                contact = _contact(context, objections.find(tx, id_))
                name = operator_name(by)
                done = deciding.clear(hub, tx, id_, name) if reason is None else deciding.uphold(tx, id_, name, reason)
            except (UnknownObjection, NotOpen) as error:
                fail(str(error))
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
    if json:
        show_json(result)
    else:
        show_table("Decided", ["property", "value"], [[name, _cell(value)] for name, value in result.items()])


def _find(tx: Tx, id_: str) -> Objection:
    try:
        return objections.find(tx, id_)
    except UnknownObjection as error:
        fail(str(error))


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


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return " / ".join(map(str, value.values()))
    return ", ".join(value) if isinstance(value, list) else value
