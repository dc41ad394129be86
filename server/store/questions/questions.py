"""Stored questions, with their recipients and the last answer of each."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from string import ascii_lowercase
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, update

from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.questions.tables import question_recipients, questions

_PAGE = 500
# Length of an id. It has only letters, so that it cannot look like an account number.
_LETTERS = 20
# The time for the answer to a question that names none.
_USUAL_TIME = 3 * 86_400 * 1_000_000
_q, _r = questions.c, question_recipients.c


class Question(NamedTuple):
    """A question: ``asker`` is the partner, None for the operator; ``note`` the key of its note in the inbox.

    ``about`` is the id that the asker named. ``kind`` is what is asked, of a closed list, None for a free question.
    ``asked``, and ``due`` by which an answer is wanted, are in microseconds.
    """

    id: str
    asker: str | None
    note: str | None
    about: str
    text: str
    asked: int
    kind: str | None = None
    due: int | None = None


class Recipient(NamedTuple):
    """A recipient of a question, its number of answers, and its last answer; ``report`` is its own object, if known."""

    partner: str
    answers: int
    answer: str | None = None
    answered: int | None = None
    report: str | None = None


def add(
    tx: Tx, asker: str | None, note: str | None, about: str, text: str, recipients: Mapping[str, str | None]
) -> Question:
    """Add a question to these partners, each with its own object that the question is about, if that is known."""
    id_ = "".join(secrets.choice(ascii_lowercase) for _ in range(_LETTERS))
    asked = now()
    new = Question(id_, asker, note, about, text, asked, due=asked + _USUAL_TIME)
    tx.execute(insert(questions), [new._asdict()])
    rows = [
        {"question": new.id, "partner": partner, "answers": 0, "report": report}
        for partner, report in sorted(recipients.items())
    ]
    if rows:
        tx.execute(insert(question_recipients), rows)
    return new


def set_kind(tx: Tx, id_: str, kind: str, due: int) -> None:
    """Store what a question asks, of the closed list, and by when an answer is wanted (microseconds)."""
    tx.execute(update(questions).where(_q.id == id_).values(kind=kind, due=due))


def asked_about(tx: Tx, askers: Iterable[str], abouts: Iterable[str], since: int = 0) -> list[Question]:
    """Return the questions of these partners about these ids since a moment (microseconds), the latest first."""
    mine = (_q.asker.in_(sorted(askers)), _q.about.in_(sorted(abouts)), _q.asked >= since)
    return [Question(*row) for row in tx.execute(select(questions).where(*mine).order_by(_q.asked.desc(), _q.id))]


def to_partner(
    tx: Tx, partner: str, *, answered: bool = False, after: tuple[int, str] | None = None, limit: int = 100
) -> list[tuple[Question, Recipient]]:
    """Return the questions to a partner without an answer, or with one, the latest first, ``after`` a place."""
    given = _r.answers > 0 if answered else _r.answers == 0
    wanted = select(questions, question_recipients).join_from(question_recipients, questions, _q.id == _r.question)
    wanted = wanted.where(_r.partner == partner, given).order_by(_q.asked.desc(), _q.id).limit(limit)
    if after is not None:
        asked, id_ = after
        wanted = wanted.where(_q.asked <= asked, (_q.asked < asked) | (_q.id > id_))
    width = len(Question._fields)
    return [(Question(*row[:width]), Recipient(*row[width + 1 :])) for row in tx.execute(wanted)]


def count_open(tx: Tx, partner: str, moment: int, most: int) -> tuple[int, int]:
    """Return the number of a partner's questions without an answer, ``most`` at most, and of those due before then."""
    found = [question for question, _ in to_partner(tx, partner, limit=most)]
    return len(found), sum(question.due is not None and question.due < moment for question in found)


def asked_since(tx: Tx, asker: str, moment: int) -> int:
    """Return how many questions a partner has asked since a moment (microseconds)."""
    found: int = tx.execute(select(func.count()).where(_q.asker == asker, _q.asked >= moment)).scalar_one()
    return found


def find(tx: Tx, id_: str, partner: str) -> tuple[Question, Recipient] | None:
    """Return a question to a partner, or None if there is none or it was not a recipient."""
    row = tx.execute(select(question_recipients).where(_r.question == id_, _r.partner == partner)).first()
    question = tx.execute(select(questions).where(_q.id == id_)).first() if row is not None else None
    return (Question(*question), Recipient(*row[1:])) if row is not None and question is not None else None


def by_note(tx: Tx, asker: str, note: str) -> Question | None:
    """Return the question that an asker sent by a note, or None."""
    row = tx.execute(select(questions).where(_q.asker == asker, _q.note == note)).first()
    return None if row is None else Question(*row)


def of(tx: Tx, id_: str) -> tuple[Question, list[Recipient]] | None:
    """Return a question with its recipients in the order of their names, or None."""
    row = tx.execute(select(questions).where(_q.id == id_)).first()
    found = select(question_recipients).where(_r.question == id_).order_by(_r.partner)
    return None if row is None else (Question(*row), [Recipient(*each[1:]) for each in tx.execute(found)])


def add_recipient(tx: Tx, id_: str, partner: str) -> None:
    """Add a recipient of a question."""
    tx.execute(insert(question_recipients).values(question=id_, partner=partner, answers=0))


def answer(tx: Tx, id_: str, partner: str, text: str) -> None:
    """Store a partner's answer, replacing an earlier one."""
    changed = {"answer": text, "answered": now(), "answers": _r.answers + 1}
    tx.execute(update(question_recipients).where(_r.question == id_, _r.partner == partner).values(**changed))


def all_questions(
    tx: Tx, limit: int = 1_000, before: tuple[int, str] | None = None
) -> list[tuple[Question, Sequence[Recipient]]]:
    """Return questions with their recipients, the latest first; ``before`` is a moment and an id."""
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
    """Return the number of the operator's unanswered questions since then (microseconds)."""
    answered = select(_r.question).where(_r.question == _q.id, _r.answers > 0).exists()
    mine = (_q.asker.is_(None), _q.asked >= since, ~answered)
    found: int = tx.execute(select(func.count()).select_from(questions).where(*mine)).scalar_one()
    return found


def forget(tx: Tx, *, before: int) -> int:
    """Remove at most some hundred questions asked ``before`` (microseconds), and return their number."""
    old = list(tx.scalars(select(_q.id).where(_q.asked < before).limit(_PAGE)))
    if old:
        tx.execute(delete(question_recipients).where(_r.question.in_(old)))
        tx.execute(delete(questions).where(_q.id.in_(old)))
    return len(old)
