"""Commands about reports by mail: show them, approve the first ones, and record what addressees did."""

from typing import Annotated, Any

import typer

from server.cli.context import By, Context, Json, actor, show_json, show_table
from server.features.dispatch import outbox, records
from server.features.dispatch.operations import (
    ApproveMails,
    AssignAddressee,
    CloseAnswer,
    DiscardMail,
    RecordMailedResponse,
    SetContact,
)
from server.operations.operation import Act
from server.operations.run import run
from server.setup import hub_of
from server.store.database.times import stamp

app = typer.Typer(help="Reports by mail to registrars and networks that are no partners.", no_args_is_help=True)

_MOST = 1_000
_Id = Annotated[str, typer.Argument(help="the id of the report")]
_Reference = Annotated[str, typer.Option(help="the addressee's own reference")]


@app.command("list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the latest reports, the mails that wait for approval, and the answers to read."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        rows = [
            {
                "id": row.id,
                "reference": row.reference,
                "value": row.value,
                "role": row.role,
                "to": row.address,
                "state": row.state,
                "response": row.response,
                "made": stamp(row.made),
            }
            for row in records.latest(tx, _MOST)
        ]
        approvals = [{"id": mail.id, "to": mail.address} for mail in outbox.in_state(tx, "approval", _MOST)]
        answers = [{"id": answer.id, "at": stamp(answer.at)} for answer in outbox.open_answers(tx, _MOST)]
    if json:
        show_json({"reports": rows, "approvals": approvals, "answers": answers})
        return
    columns = ["id", "value", "role", "to", "state", "response", "made"]
    show_table("Reports", columns, [[row[name] if row[name] is not None else "" for name in columns] for row in rows])
    show_table("Mails that wait for approval", ["id", "to"], [[mail["id"], mail["to"]] for mail in approvals])
    show_table("Answers to read", ["id", "at"], [[answer["id"], answer["at"]] for answer in answers])


@app.command()
def approve(
    ctx: typer.Context,
    ids: Annotated[list[str], typer.Argument(help="the ids of the mails")],
    by: By = None,
) -> None:
    """Approve mails that wait, so that they are sent."""
    _run(ctx, ApproveMails(ids=tuple(ids)), by)


@app.command()
def discard(ctx: typer.Context, id: Annotated[str, typer.Argument(help="the id of the mail")], by: By = None) -> None:
    """Discard a mail that waits for approval; its reports end."""
    _run(ctx, DiscardMail(id=id), by)


@app.command()
def contact(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(help="the e-mail address")],
    state: Annotated[str, typer.Argument(help="good, bad or form")],
    form: Annotated[str, typer.Option(help="the address of the web form")] = "",
    by: By = None,
) -> None:
    """Set whether an address gets reports by mail, or takes a web form only."""
    _run(ctx, SetContact.model_validate({"address": address, "state": state, "form": form}), by)


@app.command()
def assign(
    ctx: typer.Context,
    id: _Id,
    address: Annotated[str, typer.Argument(help="the e-mail address for abuse")],
    by: By = None,
) -> None:
    """Send a report without an addressee to an address."""
    _run(ctx, AssignAddressee(id=id, address=address), by)


@app.command()
def respond(
    ctx: typer.Context,
    id: _Id,
    response: Annotated[str, typer.Argument(help=f"{', '.join(records.RESPONSES)}, or sent-by-form")],
    reference: _Reference = "",
    by: By = None,
) -> None:
    """Record what an addressee did, or that the report was sent by its web form."""
    given: dict[str, Any] = {"id": id, "response": response, "reference": reference}
    _run(ctx, RecordMailedResponse.model_validate(given), by)


@app.command()
def close(ctx: typer.Context, id: Annotated[str, typer.Argument(help="the id of the answer")], by: By = None) -> None:
    """Close an answer by mail after you have read it."""
    _run(ctx, CloseAnswer(id=id), by)


def _run(ctx: typer.Context, operation: Act[Any], by: str | None) -> None:
    context: Context = ctx.obj
    with context.store() as store:
        run(hub_of(context.settings, store), operation, actor(by))


COMMANDS = {"dispatch": app}
