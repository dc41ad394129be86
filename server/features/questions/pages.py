"""The pages of questions to reporters, for operators and for the asked partner, and of referrals of coerced people."""

from collections.abc import Mapping
from types import MappingProxyType

from flask import Response

from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.records import MOST_CHARACTERS
from schemas.vocabulary import ReferralAnswer
from server.features.questions import desk
from server.features.questions.operations import AnswerQuestion
from server.features.questions.words import shown
from server.features.referrals.operations import AnswerReferral
from server.features.reports import feedback
from server.operations.rights import PARTNERS, VIEWERS
from server.store import inbox, listings, partners
from server.store.database.engine import Tx
from server.store.database.times import micros, now
from server.store.questions import questions
from server.store.questions.questions import Question, Recipient
from server.store.referrals import referrals
from server.store.referrals.referrals import UnknownReferral
from server.web.shell.forms import contribute, own_partner, submit
from server.web.shell.hub_texts import refusal_text, text_of
from server.web.shell.lists import PAGE, asked, link, moment_and_id, page_of, text_of_place
from server.web.shell.routes import FORM, WORK, Route, Tab, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark

_NO_QUESTION = mark("There is no such question.")
_NO_TEXT = mark("Write an answer of 500 characters at most.")
_MOST = 200
_NO_REFERRAL = mark("There is no such referral.")
_NO_ANSWER = mark("Choose the response of the focal point.")
REFERRAL_ANSWERS: Mapping[str, Translatable] = MappingProxyType(
    {
        ReferralAnswer.ACCEPTED: mark("they take it on"),
        ReferralAnswer.IN_CONTACT: mark("they are in contact"),
        ReferralAnswer.PROTECTED: mark("the person is protected"),
        ReferralAnswer.DECLINED: mark("they decline"),
        ReferralAnswer.NOT_REACHED: mark("the person was not reached"),
        ReferralAnswer.NOT_COERCED: mark("the person is not coerced"),
    }
)


def show_own(visit: Visit) -> Response:
    """Show the questions to the partner: those without an answer, or those with one, the latest first."""
    is_answered = asked(visit, "list") == "answered"
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        after = moment_and_id(visit)
        found, following = desk.to_partner(tx, partner, answered=is_answered, after=after, most=PAGE)
        values = feedback.own_values(tx, partner.name, [one.report for one in found if one.report])
    path = "/partner/questions"
    chosen = "answered" if is_answered else ""
    return visit.page(
        "partner/questions.html",
        questions=found,
        values=values,
        is_answered=is_answered,
        shown=shown,
        following=link(path, list=chosen, after=text_of_place(following)) if following else "",
        moment_of=lambda text: micros(timestamp.parse(text)),
        now=now(),
    )


def show(visit: Visit, id: str) -> Response:
    """Show a question to the partner with its report, and its answer."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        question, recipient = _find(tx, id, partner)
        of = _report(tx, partner, asked(visit, "of") or recipient.report or "")
        return _page(visit, tx, partner, question, recipient, of)


def answer(visit: Visit, id: str) -> Response:
    """Send the partner's response, as a note of a program."""
    text = visit.field("text", 4_000)
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        question, recipient = _find(tx, id, partner)
        of = _report(tx, partner, visit.field("of", 100))
        if not 0 < len(" ".join(text.split())) <= MOST_CHARACTERS:
            return _page(visit, tx, partner, question, recipient, of, text, _NO_TEXT)
    operation = AnswerQuestion(partner=partner, id=id, of=of, text=text)
    try:
        done = contribute(visit, operation, partner, 1)
        refused = "; ".join(refusal_text(visit.language, failed.reason, failed.message) for failed in done.failed)
    except Rejected as refusal:
        refused = text_of(visit.language, refusal)
    with visit.site.hub.store.read() as tx:
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
        words=shown(question.kind, question.text),
        recipient=recipient,
        now=now(),
        of=of,
        value=feedback.own_values(tx, partner.name, [of]).get(of),
        text=text,
        most=MOST_CHARACTERS,
        problem=problem,
        refused=refused,
    )


def _find(tx: Tx, id_: str, partner: Partner) -> tuple[Question, Recipient]:
    """Return a question to the partner. Raises ``PageRefused`` if it is unknown or to others."""
    found = questions.find(tx, id_, partner.name)
    if found is None:
        raise PageRefused(404, _NO_QUESTION)
    return found


def _report(tx: Tx, partner: Partner, of: str) -> str:
    """Return the id of the partner's own object that the question is about. Raises ``PageRefused``."""
    if of not in inbox.of_partner(tx, partners.space(tx, partner.name), [of]):
        raise PageRefused(404, _NO_QUESTION)
    return of


def show_questions(visit: Visit) -> Response:
    """Show questions and their answers, the latest first."""
    with visit.site.hub.store.read() as tx:
        found = questions.all_questions(tx, PAGE + 1, moment_and_id(visit))
        on_page, following = page_of(visit, found, PAGE, lambda last: (last[0].asked, last[0].id))
        values = listings.subjects(tx, (question.about for question, _ in on_page))
    return visit.page(
        "operator/questions.html", found=on_page, following=following, values=values, shown=shown, now=now()
    )


def show_referrals(visit: Visit) -> Response:
    """Show open referrals, the oldest first, or all of them."""
    every = asked(visit, "show") == "all"
    with visit.site.hub.store.read() as tx:
        found = referrals.all_referrals(tx, only_open=not every, limit=_MOST)
        values = listings.subjects(tx, (referral.listing for referral in found))
    return visit.page(
        "operator/referrals.html", found=found, values=values, every=every, answers=REFERRAL_ANSWERS, now=now()
    )


def answer_referral(visit: Visit, id: str) -> Response:
    """Record the response of the focal point, in one word."""
    word = visit.field("answer")
    if word not in list(ReferralAnswer):
        raise PageRefused(422, _NO_ANSWER)
    submit(visit, AnswerReferral(id=id, answer=ReferralAnswer(word)), {UnknownReferral: (404, _NO_REFERRAL)})
    return visit.go("/console/referrals")


ROUTES = (
    Route("/partner/questions", PARTNERS, show_own),
    Route("/partner/questions/<id>", PARTNERS, show),
    Route("/partner/questions/<id>/answer", may_run(AnswerQuestion), answer, methods=FORM),
    Route(
        "/console/questions", VIEWERS, show_questions, tab=Tab(WORK, 6, mark("Questions"), also=("/console/referrals",))
    ),
    Route("/console/referrals", VIEWERS, show_referrals),
    Route("/console/referrals/<id>/answer", may_run(AnswerReferral), answer_referral, methods=FORM),
)
