"""Questions as they are stored, with those who were asked and the last answer of each."""

import secrets
from collections.abc import Iterable, Sequence
from string import ascii_lowercase
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, update

from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.questions.tables import question_recipients, questions

_PAGE = 500
# Of an id: letters alone, so that none looks like somebody's number.
_LETTERS = 20
_q, _r = questions.c, question_recipients.c


class Question(NamedTuple):
    """A question: ``asker`` is the partner, None for the operator; ``note`` the key of its note in the inbox.

    ``about`` is the id that the asker named; ``asked`` is in microseconds.
    """

    id: str
    asker: str | None
    note: str | None
    about: str
    text: str
    asked: int


class Recipient(NamedTuple):
    """A partner that was asked, how often it answered, and its last answer."""

    partner: str
    answers: int
    answer: str | None = None
    answered: int | None = None


def add(tx: Tx, asker: str | None, note: str | None, about: str, text: str, recipients: Iterable[str]) -> Question:
    """Add a question to these partners."""
    id_ = "".join(secrets.choice(ascii_lowercase) for _ in range(_LETTERS))
    new = Question(id_, asker, note, about, text, now())
    tx.execute(insert(questions), [new._asdict()])
    rows = [{"question": new.id, "partner": partner, "answers": 0} for partner in sorted(set(recipients))]
    if rows:
        tx.execute(insert(question_recipients), rows)
    return new


def asked_since(tx: Tx, asker: str, moment: int) -> int:
    """Return how many questions a partner asked since then (microseconds)."""
    return tx.execute(select(func.count()).where(_q.asker == asker, _q.asked >= moment)).scalar_one()


def find(tx: Tx, id_: str, partner: str) -> tuple[Question, Recipient] | None:
    """Return a question that was put to a partner; None where there is none, or where others were asked."""
    row = tx.execute(select(question_recipients).where(_r.question == id_, _r.partner == partner)).first()
    question = tx.execute(select(questions).where(_q.id == id_)).first() if row is not None else None
    return (Question(*question), Recipient(*row[1:])) if row is not None and question is not None else None


def answer(tx: Tx, id_: str, partner: str, text: str) -> None:
    """Store a partner's answer, in place of an earlier one."""
    changed = {"answer": text, "answered": now(), "answers": _r.answers + 1}
    tx.execute(update(question_recipients).where(_r.question == id_, _r.partner == partner).values(**changed))


def all_questions(
    tx: Tx, limit: int = 1_000, before: tuple[int, str] | None = None
) -> list[tuple[Question, Sequence[Recipient]]]:
    """Return questions, the latest first, with those who were asked; before a moment and an id."""
    wanted = select(questions).order_by(_q.asked.desc(), _q.id).limit(limit)
    if before is not None:
        asked, id_ = before
        wanted = wanted.where(_q.asked <= asked, (_q.asked < asked) | (_q.id > id_))
    found = [Question(*row) for row in tx.execute(wanted)]
    recipients: dict[str, list[Recipient]] = {question.id: [] for question in found}
    ids = list(recipients)
    for start in range(0, len(ids), _PAGE):
        among = select(question_recipients).where(_r.question.in_(ids[start : start + _PAGE])).order_by(_r.partner)
        for row in tx.execute(among):
            recipients[row[0]].append(Recipient(*row[1:]))
    return [(question, recipients[question.id]) for question in found]


def unanswered(tx: Tx, since: int) -> int:
    """Count the operator's questions asked since then (microseconds) that nobody has answered yet."""
    answered = select(_r.question).where(_r.question == _q.id, _r.answers > 0).exists()
    mine = (_q.asker.is_(None), _q.asked >= since, ~answered)
    return tx.execute(select(func.count()).select_from(questions).where(*mine)).scalar_one()


def forget(tx: Tx, *, before: int) -> int:
    """Remove questions asked ``before`` (microseconds), some hundred at most; return their number."""
    old = list(tx.scalars(select(_q.id).where(_q.asked < before).limit(_PAGE)))
    if old:
        tx.execute(delete(question_recipients).where(_r.question.in_(old)))
        tx.execute(delete(questions).where(_q.id.in_(old)))
    return len(old)
