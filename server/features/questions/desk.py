"""Questions about accounts as each side reads them: the provider with the answers, a reporter with its own report.

Neither side reads a name. The provider does not read how many were asked, so that silence and the lack of a reporter
look the same; its answers come in the order in which they were given.
"""

from collections.abc import Iterable

from schemas.api.questions import AskedQuestion, QuestionToPartner, RelayedAnswer
from schemas.partner import Partner
from server.store import listings, partners
from server.store.database.engine import Tx
from server.store.database.times import now, stamp
from server.store.questions import questions
from server.store.questions.questions import Question, Recipient

Place = tuple[int, str]


def asked_about(tx: Tx, partner: Partner, listing: str) -> list[AskedQuestion]:
    """Return the partner's questions about an account of its own, under any of its listings, the latest first."""
    subject = listings.subjects(tx, [listing]).get(listing)
    known = listings.all_of(listings.find(tx, [subject])[subject]) if subject is not None else {listing}
    return [_asked(tx, question) for question in questions.asked_about(tx, [partner.name], known)]


def as_asked(question: Question, answers: Iterable[RelayedAnswer] = ()) -> AskedQuestion:
    """Return a question as its asker reads it."""
    return AskedQuestion(
        id=question.id,
        listing=question.about,
        question=question.text,
        kind=question.kind,
        asked=stamp(question.asked),
        due=None if question.due is None else stamp(question.due),
        answers=tuple(answers),
    )


def to_partner(
    tx: Tx, partner: Partner, *, answered: bool, after: Place | None, most: int
) -> tuple[list[QuestionToPartner], Place | None]:
    """Return a page of the questions to a partner, the latest first, and the place of the next page."""
    found = questions.to_partner(tx, partner.name, answered=answered, after=after, limit=most + 1)
    shown = found[:most]
    kinds = _kinds(tx, {question.asker for question, _ in shown if question.asker is not None})
    last = shown[-1][0] if len(found) > most else None
    return [as_received(*one, kinds.get(one[0].asker or "")) for one in shown], last and (last.asked, last.id)


def as_received(question: Question, recipient: Recipient, asker: str | None) -> QuestionToPartner:
    """Return a question as one of those asked reads it; ``asker`` is the kind of the asker, if it is known."""
    ended = recipient.answered or now()
    return QuestionToPartner(
        id=question.id,
        report=recipient.report,
        question=question.text,
        kind=question.kind,
        asker=asker,
        asked=stamp(question.asked),
        due=None if question.due is None else stamp(question.due),
        late=question.due is not None and ended > question.due,
        answer=recipient.answer,
        answered=None if recipient.answered is None else stamp(recipient.answered),
    )


def _asked(tx: Tx, question: Question) -> AskedQuestion:
    found = questions.of(tx, question.id)
    given = [one for one in (found[1] if found else ()) if one.answer is not None and one.answered is not None]
    kinds = _kinds(tx, {one.partner for one in given})
    answers = [
        RelayedAnswer(one.answer or "", stamp(one.answered or 0), kinds.get(one.partner))
        for one in sorted(given, key=lambda one: one.answered or 0)
    ]
    return as_asked(question, answers)


def _kinds(tx: Tx, names: Iterable[str]) -> dict[str, str]:
    return {name: str(partner.kind) for name, partner in partners.find(tx, set(names)).items()}
