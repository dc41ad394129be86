"""``scamfeed proposal``: what takes two persons; one proposed it, somebody else confirms or rejects it."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from schemas.errors import Rejected
from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.release import two_persons
from server.release.by_two_persons.sentences import english
from server.release.two_person_actions import ACTIONS
from server.release.two_persons import NotAllowed
from server.store.database.engine import Tx
from server.store.database.times import stamp
from server.store.proposals import proposals
from server.store.proposals.proposals import Proposal, UnknownProposal

app = typer.Typer(help="Proposals: actions that take two persons.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="the proposal's id")]


@app.command(name="list")
def list_(
    ctx: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="also those that are decided or expired")] = False,
    limit: Annotated[int, typer.Option(min=1, help="at most so many, the oldest first")] = 1_000,
    json: Json = False,
) -> None:
    """List what waits for a second person."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        rows = [_row(found) for found in proposals.all_proposals(tx, only_open=not every, limit=limit)]
    if json:
        show_json(rows)
        return
    columns = ["id", "action", "proposed_by", "proposed", "expires", "state", "decided_by"]
    show_table("Proposals", columns, [[row[column] for column in columns] for row in rows])


@app.command()
def show(ctx: typer.Context, id_: Id, json: Json = False) -> None:
    """Show exactly what a proposal will do, as who made it read it."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        try:
            found = proposals.find(tx, id_)
        except UnknownProposal as error:
            fail(str(error))
    show_proposal(found, json=json)


@app.command()
def confirm(ctx: typer.Context, id_: Id, by: By = None, json: Json = False) -> None:
    """Do what somebody else proposed, as it was proposed; if that would now be something else, it is void."""
    context: Context = ctx.obj
    with context.hub() as hub:
        with hub.store.begin() as tx:
            try:
                found, done = two_persons.confirm(hub, tx, ACTIONS, id_, operator_name(by))
            except (UnknownProposal, NotAllowed, ValueError, LookupError) as error:
                fail(str(error))
            except Rejected as refusal:
                fail(refusal.message)
        if found.state == "void":
            fail(f"the proposal {id_} is void: what it is about has changed since; propose it anew")
        finish = ACTIONS[found.action].finish
        if finish is not None:
            done = [*done, *finish(hub)]
    if json:
        show_json({**_row(found), "done": english(done)})
    else:
        show_table("Done", ["what"], [[line] for line in english(done)])


@app.command()
def reject(ctx: typer.Context, id_: Id, by: By = None, json: Json = False) -> None:
    """Reject a proposal: it is not done."""
    _end(ctx.obj, two_persons.reject, id_, by, json=json)


@app.command()
def withdraw(ctx: typer.Context, id_: Id, by: By = None, json: Json = False) -> None:
    """Withdraw your own proposal: it is not done."""
    _end(ctx.obj, two_persons.withdraw, id_, by, json=json)


def _end(context: Context, end: Callable[[Tx, str, str], Proposal], id_: str, by: str | None, *, json: bool) -> None:
    """End a proposal without doing it, and show it; ends the program where that is refused."""
    with context.store() as store, store.begin() as tx:
        try:
            found = end(tx, id_, operator_name(by))
        except (UnknownProposal, NotAllowed) as error:
            fail(str(error))
    show_proposal(found, json=json)


def show_proposal(found: Proposal, *, json: bool) -> None:
    """Show a proposal whole, with how it goes on."""
    row = _row(found)
    if json:
        show_json(row)
        return
    lines = [[name.replace("_", " "), value] for name, value in row.items() if name != "effects" and value is not None]
    show_table("Proposal", ["property", "value"], lines)
    show_table("What it does", ["what"], [[line] for line in row["effects"]])
    if found.state == "open":
        show_table("", ["next"], [[f"somebody else: scamfeed proposal confirm {found.id} --by NAME"]])


def _row(found: Proposal) -> dict[str, Any]:
    return {
        "id": found.id,
        "action": found.action,
        "arguments": dict(found.arguments),
        "effects": english(found.effects),
        "note": found.note,
        "proposed_by": found.proposed_by,
        "proposed": stamp(found.proposed),
        "expires": stamp(found.expires),
        "state": found.state,
        "decided_by": found.decided_by,
        "decided": None if found.decided is None else stamp(found.decided),
    }
