"""``scamfeed ask`` and ``scamfeed questions``: questions to the reporters of a value, and their answers."""

from typing import Annotated, Any

import typer

from schemas.errors import Rejected
from schemas.feedback import MOST_CHARACTERS
from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.release.guard.personal_data.free_text import find_personal_data
from server.release.query import lookup
from server.release.questions import Relay
from server.release.session import ReleaseSession
from server.store import Tx, audit, listings
from server.store.audit import AuditEvent
from server.store.database.times import now, stamp
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
    text, person = " ".join(question.split()), operator_name(by)
    if not 0 < len(text) <= MOST_CHARACTERS:
        fail(f"--question: has up to {MOST_CHARACTERS} characters")
    if (what := find_personal_data(text, ("TH",))) is not None:
        fail(f"--question: contains {what}, which is passed on to nobody")
    with context.hub() as hub, hub.store.begin() as tx:
        subjects = _subjects(tx, id_or_value)
        session, _ = ReleaseSession.open_locked(hub, tx, lambda _: (None, subjects))
        values = session.load(subjects)
        asked = Relay(session.context, session.feedback).ask(values, text, id_or_value) if subjects else 0
        if not asked:
            fail("nobody reports that value")
        session.release(values, "no longer reported")
        moment = now()
        audit.record_unsealed(
            tx, [AuditEvent(moment, moment, 1, None, person, "ASK", "reporters", None, 200, asked, None)]
        )
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
