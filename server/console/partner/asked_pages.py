"""The page of a question about one of the partner's reports, and its answer; neither side learns who the other is."""

import uuid
from typing import Any

from flask import Response

from mappers import extension, marking
from schemas import timestamp
from schemas.feedback import MOST_CHARACTERS
from schemas.partner import Partner
from schemas.vocabulary import Tlp
from server.api.patience import write_patiently
from server.console.operator.trail import note
from server.console.partner.own import asked, own_partner, quotas_of, refusal_of
from server.console.visit import PageRefused, Visit
from server.console.words import Translatable, mark
from server.release.contribute import contribute
from server.release.query import feedback
from server.release.results import Results
from server.store import inbox, partners
from server.store.database.engine import Tx
from server.store.item import Item
from server.store.questions import questions
from server.store.questions.questions import Question, Recipient
from server.taxii import auth
from server.taxii.errors import TaxiiError

_NO_QUESTION = mark("There is no such question.")
_NO_ANSWER = mark("Write an answer of 500 characters at most.")


def show(visit: Visit, id: str) -> Response:
    """Show a question that was put to the partner, beside its own report, and the answer that it gave."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        question, recipient = _find(tx, id, partner)
        return _page(visit, tx, partner, question, recipient, _report(tx, partner, asked(visit, "of")))


def answer(visit: Visit, id: str) -> Response:
    """Pass the partner's answer back, as the note that a program would send."""
    user, text = visit.known_user, visit.field("text", 4_000)
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        question, recipient = _find(tx, id, partner)
        of = _report(tx, partner, visit.field("of", 100))
        if not 0 < len(" ".join(text.split())) <= MOST_CHARACTERS:
            return _page(visit, tx, partner, question, recipient, of, text, _NO_ANSWER)

    def send(tx: Tx) -> Results:
        auth.writable(tx, partner, "inbox")
        quotas_of(visit).charge_objects(tx, partner.name, 1)
        done = contribute(visit.site.hub, tx, partner, [Item.of(_answering(partner, of, id, text))])
        note(tx, "ANSWER", "question", user, id, status=403 if done.failed else 200)
        return done

    try:
        done = write_patiently(visit.site.hub.store, send)
    except TaxiiError as error:
        raise refusal_of(error) from None
    with visit.site.hub.store.read() as tx:
        refused = "; ".join(failed.message for failed in done.failed)
        question, recipient = _find(tx, id, partner)
        return _page(visit, tx, partner, question, recipient, of, text if refused else "", None, refused)


def _page(
    visit: Visit,
    tx: Tx,
    partner: Partner,
    question: Question,
    recipient: Recipient,
    of: str,
    text: str = "",
    problem: Translatable | None = None,
    refused: str = "",
) -> Response:
    return visit.page(
        "partner/question.html",
        422 if problem or refused else 200,
        question=question,
        recipient=recipient,
        of=of,
        value=feedback.own_values(tx, partner.name, [of]).get(of),
        text=text,
        most=MOST_CHARACTERS,
        problem=problem,
        refused=refused,
    )


def _find(tx: Tx, id_: str, partner: Partner) -> tuple[Question, Recipient]:
    """Return a question that was put to the partner. Raises ``PageRefused``, alike for others' and for none."""
    found = questions.find(tx, id_, partner.name)
    if found is None:
        raise PageRefused(404, _NO_QUESTION)
    return found


def _report(tx: Tx, partner: Partner, of: str) -> str:
    """Return the id of the partner's own object that is asked about. Raises ``PageRefused``."""
    if of not in inbox.of_partner(tx, partners.space(tx, partner.name), [of]):
        raise PageRefused(404, _NO_QUESTION)
    return of


def _answering(partner: Partner, of: str, question: str, text: str) -> dict[str, Any]:
    moment = timestamp.text(timestamp.now())
    return {
        "type": "note",
        "spec_version": "2.1",
        "id": f"note--{uuid.uuid4()}",
        "created_by_ref": partner.identity,
        "created": moment,
        "modified": moment,
        "content": text,
        "object_refs": [of],
        "object_marking_refs": [marking.ref(Tlp.AMBER_STRICT)],
        "extensions": {extension.ID: extension.build(answer_to=question)},
    }
