"""The pages of dispatch: what operators approve and do by hand, and the answer of an addressee without a login."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from flask import Response
from pydantic import ValidationError

from schemas.errors import Rejected
from server.features.dispatch import outbox, records
from server.features.dispatch.job import preview
from server.features.dispatch.mail_text import defanged
from server.features.dispatch.operations import (
    AnswerReport,
    ApproveMails,
    AssignAddressee,
    CloseAnswer,
    DiscardMail,
    RecordMailedResponse,
    SetContact,
)
from server.features.dispatch.records import RESPONSES, TASKS, Dispatch
from server.operations.operation import Act, Actor
from server.operations.rights import ANYBODY, VIEWERS
from server.operations.run import run
from server.web.shell.routes import BOTH, FORM, WORK, Route, Tab, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark

_MOST_ROWS = 100
_MOST_PREVIEWS = 10
_NO_REPORT = mark("There is no such report.")
_NO_LINK = mark("This link is incomplete or no longer valid. Reply to the mail instead.")
_NOT_DONE = mark("This is no longer possible: somebody else was faster, or a field is wrong. Look at the page again.")
RESPONSE_WORDS: Mapping[str, Translatable] = MappingProxyType(
    {
        "removed": mark("We removed the content"),
        "suspended": mark("We suspended the domain or the customer"),
        "restricted": mark("We restricted it in some countries"),
        "already-gone": mark("It was gone already"),
        "not-ours": mark("It is not ours"),
        "rejected": mark("We do not act on this report"),
        "more-needed": mark("We need more information"),
    }
)
STATE_WORDS: Mapping[str, Translatable] = MappingProxyType(
    {
        "lookup": mark("Looking for the addressee"),
        "ready": mark("Waiting for the next mail"),
        "mailed": mark("In a mail"),
        "form": mark("Takes a web form only"),
        "unknown": mark("No addressee found"),
        "bad": mark("Mails come back"),
        "same": mark("Same addressee as the other report"),
        "ended": mark("Ended before it was sent"),
        "closed": mark("Sent by web form"),
        "gone": mark("Gone, as the hub saw"),
        "responded": mark("Answered"),
        "corrected": mark("Withdrawn"),
    }
)
ROLE_WORDS: Mapping[str, Translatable] = MappingProxyType(
    {"registrar": mark("Registrar"), "network": mark("Hosting network")}
)


def show_all(visit: Visit) -> Response:
    """Show the mails that wait for approval, the tasks, the answers to read, and the latest reports."""
    settings = visit.site.settings
    with visit.site.hub.store.read() as tx:
        approvals = outbox.in_state(tx, "approval", _MOST_PREVIEWS) if settings.dispatch else []
        previews = {mail.id: preview(tx, settings, mail) for mail in approvals}
        answers = outbox.open_answers(tx, _MOST_ROWS)
        answered = {answer.mail: records.of_mail(tx, answer.mail) for answer in answers}
        return visit.page(
            "operator/dispatches.html",
            is_on=settings.dispatch,
            counts=records.count(tx),
            mails=outbox.count(tx),
            approvals=approvals,
            previews=previews,
            tasks=records.in_states(tx, TASKS, _MOST_ROWS),
            answers=answers,
            answered=answered,
            bad=outbox.contacts(tx, ["bad", "form"], _MOST_ROWS),
            latest=records.latest(tx, _MOST_ROWS),
            **_words(),
        )


def show_one(visit: Visit, id: str) -> Response:
    """Show a report with all its fields, ready to copy into a form."""
    with visit.site.hub.store.read() as tx:
        row = records.find(tx, id)
        mail = outbox.find(tx, row.mail) if row is not None and row.mail else None
    if row is None:
        raise PageRefused(404, _NO_REPORT)
    return visit.page("operator/dispatch.html", row=row, mail=mail, is_task=row.state in TASKS, **_words())


def _words() -> dict[str, Any]:
    return {
        "states": STATE_WORDS,
        "responses": RESPONSE_WORDS,
        "roles": ROLE_WORDS,
        "defanged": defanged,
    }


def approve(visit: Visit) -> Response:
    """Approve the mails that were chosen."""
    return _do(visit, lambda: ApproveMails(ids=tuple(visit.fields("id"))), "/console/dispatch")


def discard(visit: Visit) -> Response:
    """Discard a mail."""
    return _do(visit, lambda: DiscardMail(id=visit.field("id", 100)), "/console/dispatch")


def close(visit: Visit) -> Response:
    """Close an answer that was read."""
    return _do(visit, lambda: CloseAnswer(id=visit.field("id", 100)), "/console/dispatch")


def set_contact(visit: Visit) -> Response:
    """Set an address as good."""
    address = visit.field("address", 254)
    return _do(visit, lambda: SetContact(address=address, state="good"), "/console/dispatch")


def respond(visit: Visit, id: str) -> Response:
    """Record a response, or that the form was sent."""
    response, reference = visit.field("response", 20), visit.field("reference", 100)

    def made() -> Act[Any]:
        return RecordMailedResponse.model_validate({"id": id, "response": response, "reference": reference})

    return _do(visit, made, f"/console/dispatch/{id}")


def assign(visit: Visit, id: str) -> Response:
    """Assign an addressee."""
    return _do(visit, lambda: AssignAddressee(id=id, address=visit.field("address", 254)), f"/console/dispatch/{id}")


def _do(visit: Visit, make: Callable[[], Act[Any]], path: str) -> Response:
    try:
        run(visit.site.hub, make(), visit.actor)
    except (ValidationError, LookupError, Rejected):
        raise PageRefused(409, _NOT_DONE) from None
    return visit.go(path)


def answer_by_link(visit: Visit, token: str) -> Response:
    """Show the form for an answer, and record the answer. A page that a scanner opens changes nothing."""
    with visit.site.hub.store.read() as tx:
        row = records.of_token(tx, token)
    if row is None or row.state in ("lookup", "ready", "ended"):
        raise PageRefused(404, _NO_LINK)
    if visit.request.method != "POST" or row.state in ("responded", "corrected"):
        return _answer_page(visit, row, token)
    response = visit.field("response", 20)
    if response not in RESPONSES:
        return _answer_page(visit, row, token, 422)
    given = {"token": token, "response": response, "reference": visit.field("reference", 100)}
    try:
        run(visit.site.hub, AnswerReport.model_validate(given), Actor.anybody())
    except (LookupError, Rejected):
        raise PageRefused(409, _NO_LINK) from None
    return visit.go(f"/dispatch/answer/{token}")


def _answer_page(visit: Visit, row: Dispatch, token: str, status: int = 200) -> Response:
    return visit.page(
        "public/answer_report.html",
        status,
        row=row,
        token=token,
        is_incomplete=status != 200,
        responses=RESPONSE_WORDS,
        shown=defanged(row.value),
    )


ROUTES = (
    Route("/console/dispatch", VIEWERS, show_all, tab=Tab(WORK, 8, mark("Reports by mail"))),
    Route("/console/dispatch/approve", may_run(ApproveMails), approve, methods=FORM),
    Route("/console/dispatch/discard", may_run(DiscardMail), discard, methods=FORM),
    Route("/console/dispatch/close", may_run(CloseAnswer), close, methods=FORM),
    Route("/console/dispatch/contact", may_run(SetContact), set_contact, methods=FORM),
    Route("/console/dispatch/<id>", VIEWERS, show_one),
    Route("/console/dispatch/<id>/respond", may_run(RecordMailedResponse), respond, methods=FORM),
    Route("/console/dispatch/<id>/assign", may_run(AssignAddressee), assign, methods=FORM),
    Route("/dispatch/answer/<token>", ANYBODY, answer_by_link, methods=BOTH, changes=False),
)
