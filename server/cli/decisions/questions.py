"""``scamfeed ask`` and ``scamfeed questions``: questions to the reporters of a value, and their answers."""

from typing import Annotated, Any

import typer

from schemas.errors import Rejected
from schemas.feedback import MOST_CHARACTERS
from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.release.asking import ask as ask_reporters
from server.release.query import lookup
from server.store import Tx, listings
from server.store.database.times import stamp
from server.store.questions import questions as stored


def ask(
    ctx: typer.Context,
    id_or_value: Annotated[str, typer.Argument(metavar="ID_OR_VALUE", help="a listing's id, or the value itself")],
    question: Annotated[str, typer.Option(help=f"up to {MOST_CHARACTERS} characters, nothing about a person")],
    by: By = None,
    json: Json = False,
) -> None:
    """Ask all who report a value; they read it in their outcomes and are not told who else reports it."""
    context: Context = ctx.obj
    with context.hub() as hub, hub.store.begin() as tx:
        try:
            asked = ask_reporters(hub, tx, question, id_or_value, operator_name(by), _subjects(tx, id_or_value))
        except Rejected as refusal:
            fail(f"--question: {refusal.message}")
        if not asked:
            fail("nobody reports that value")
    if json:
        show_json({"asked": asked})
    else:
        show_table("Asked", ["partners"], [[asked]])


def questions(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="at most so many, the latest")] = 1_000,
    json: Json = False,
) -> None:
    """Show all questions with those who were asked, and their answers."""
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
    if json:
        show_json(rows)
        return
    columns = ["asked", "asker", "question", "partner", "answer", "answered"]
    lines: list[list[Any]] = [[row[column] for column in columns] for row in rows]
    show_table("Questions", columns, lines)


def _subjects(tx: Tx, id_or_value: str) -> set[str]:
    """Return the subjects of a value, or of the value that the hub lists under that id."""
    if id_or_value.startswith("indicator--"):
        return set(listings.subjects(tx, [id_or_value]).values())
    try:
        return set(lookup.subjects(tx, {id_or_value}))
    except Rejected as refusal:
        fail(refusal.message)
