"""``scamfeed ask``, ``questions`` and ``question``: questions to the reporters of a value, and their answers."""

from typing import Annotated

import msgspec
import typer

from schemas.errors import Rejected
from schemas.records import MOST_CHARACTERS
from server.cli.acting import WouldDo, acting
from server.cli.context import (
    By,
    Context,
    Json,
    fail,
    find_partner,
    show_json,
    show_properties,
    show_rows,
    show_table,
)
from server.features.questions import desk
from server.features.questions.operations import AnswerQuestion, AskReporters
from server.release.query import lookup
from server.store import Tx, listings
from server.store.database.times import stamp
from server.store.questions import questions as stored


def ask(
    ctx: typer.Context,
    id_or_value: Annotated[str, typer.Argument(metavar="ID_OR_VALUE", help="the id of a listing, or the value itself")],
    question: Annotated[str, typer.Option(help=f"up to {MOST_CHARACTERS} characters, nothing about a person")],
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Ask all reporters of a value. They read it in their outcomes, and do not learn who else reports the value."""
    with acting(ctx, by, dry_run=dry_run, json=json, refused="--question: ") as act:
        with act.hub.store.read() as tx:
            subjects = _subjects(tx, id_or_value, act.hub.country)
        asked = act.run(AskReporters(question=question, about=id_or_value, subjects=subjects))
    if not asked:
        fail("no partner reports that value")
    if json:
        show_json({"asked": asked})
    else:
        show_table("Asked", ["partners"], [[asked]])


def questions(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="the maximum number, the latest first")] = 1_000,
    json: Json = False,
) -> None:
    """Show all questions with the partners that were asked, and their answers."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        rows = [
            {
                "id": question.id,
                "asked": stamp(question.asked),
                "asker": question.asker or "operator",
                "question": question.text,
                "partner": recipient.partner if recipient else None,
                "answer": recipient.answer if recipient else None,
                "answered": stamp(recipient.answered) if recipient and recipient.answered else None,
            }
            for question, recipients in stored.all_questions(tx, limit)
            for recipient in recipients or (None,)
        ]
    show_rows("Questions", rows, ["asked", "asker", "question", "partner", "answer", "answered"], json=json)


def _subjects(tx: Tx, id_or_value: str, country: str) -> frozenset[str]:
    """Return the subjects of a value, or of the value that the hub lists under that id."""
    if id_or_value.startswith("indicator--"):
        return frozenset(listings.subjects(tx, [id_or_value]).values())
    try:
        return frozenset(lookup.subjects(tx, {id_or_value}, country))
    except Rejected as refusal:
        fail(refusal.message)


app = typer.Typer(help="Questions to a partner about its own reports, and its answers.", no_args_is_help=True)


@app.command(name="list")
def list_(
    ctx: typer.Context,
    partner: Annotated[str, typer.Option(help="the partner that is asked")],
    answered: Annotated[bool, typer.Option("--answered", help="those with an answer instead of open ones")] = False,
    limit: Annotated[int, typer.Option(min=1, help="the maximum number, the latest first")] = 1_000,
    json: Json = False,
) -> None:
    """List the questions to a partner, with their deadlines."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        found, _ = desk.to_partner(tx, find_partner(tx, partner), answered=answered, after=None, most=limit)
    rows = [msgspec.to_builtins(one) for one in found]
    show_rows("Questions", rows, ["id", "asker", "question", "due", "late", "answer"], json=json)


@app.command()
def answer(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(help="the id of the question")],
    partner: Annotated[str, typer.Option(help="the partner that answers")],
    text: Annotated[str, typer.Option(help=f"up to {MOST_CHARACTERS} characters, nothing about a person")],
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Answer a question in the name of a partner. The asker reads the kind of the partner, and no name."""
    with acting(ctx, by, dry_run=dry_run, json=json, refused="--text: ") as act:
        with act.hub.store.read() as tx:
            found = find_partner(tx, partner)
        done = act.run(AnswerQuestion(partner=found, id=id, text=text))
    for refused in (*done.failed, *done.held):
        fail(refused.message)
    show_properties("Answered", {"question": id, "partner": found.name, "by": act.actor.name}, json=json)


COMMANDS = {"ask": ask, "questions": questions, "question": app}
