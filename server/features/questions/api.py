"""``/api/questions``: questions of the provider of an account to its reporters, and their answers."""

import re
from datetime import datetime

from schemas import timestamp
from schemas.api.questions import (
    AccountQuestion,
    AccountQuestions,
    AskedQuestions,
    QuestionAnswer,
    QuestionError,
    QuestionResult,
    QuestionResults,
    QuestionsToPartner,
    QuestionToPartner,
)
from schemas.errors import Rejected
from schemas.whole_numbers import whole_number
from server.features.findings.accounts import own_account
from server.features.questions import desk
from server.features.questions.operations import AnswerQuestion, AskAboutAccount
from server.operations.operation import Actor
from server.operations.run import run
from server.release.reasons import Reason
from server.store.questions import questions
from server.web.api.routes import ApiCall, ApiRoute, Parameter, RequestBody, ResponseBody, json_response
from server.web.taxii.auth import inbox_check
from server.web.taxii.errors import TaxiiError
from server.web.taxii.response import TaxiiResponse

_PATH = "/api/questions"
_MOST_BYTES = 64 * 1024
_USUAL, _MOST, _MOST_PARAMETERS = 100, 1_000, 3
_PLACE = re.compile(r"([0-9]{1,18})[.]([a-z]{1,40})", re.ASCII)
_STATES = ("open", "answered")
_EXAMPLE = {
    "listing": "indicator--dc3e8f16-8c62-46f7-ac22-4fffa0fcf743",
    "kind": "payment",
    "text": "Our customer received three payments that day.",
    "deadline": "2d",
}


def _ask(call: ApiCall) -> TaxiiResponse:
    """Ask the reporters; a question that is refused stops no other. Raises ``TaxiiError``."""
    given = call.read(AccountQuestions).questions
    results = [_result(call, question) for question in given]
    return json_response(QuestionResults(results), objects_in=len(given))


def _result(call: ApiCall, asked: AccountQuestion) -> QuestionResult:
    try:
        operation = AskAboutAccount(
            partner=call.partner,
            listing=asked.listing,
            kind=asked.kind,
            text=asked.text,
            deadline=_deadline(asked.deadline),
        )
        check = inbox_check(call.site.quotas, call.partner, 1)
        question = run(call.site.hub, operation, Actor.program(call.partner, call.remote), check=check)
    except Rejected as refusal:
        return QuestionResult(error=QuestionError(refusal.reason, refusal.message))
    return QuestionResult(question=desk.as_asked(question))


def _deadline(given: str | None) -> datetime | None:
    """Return a time that is given as one, or as a duration from now. Raises ``Rejected``."""
    return None if given is None else timestamp.moment_or_duration(given)


def _list(call: ApiCall) -> TaxiiResponse:
    """Return the questions to the partner. Raises ``TaxiiError``."""
    asked = dict(call.query(_MOST_PARAMETERS))
    given = {"state": "open", "limit": str(_USUAL), "next": "", **asked}
    place = _PLACE.fullmatch(given["next"])
    most = whole_number(given["limit"], _MOST)
    known = len(given) == _MOST_PARAMETERS and given["state"] in _STATES
    if not known or not most or ("next" in asked and place is None):
        raise TaxiiError("not-a-list-of-questions")
    after = (int(place[1]), place[2]) if place else None
    with call.site.hub.store.read() as tx:
        found, following = desk.to_partner(
            tx, call.partner, answered=given["state"] == "answered", after=after, most=most
        )
    token = None if following is None else f"{following[0]}.{following[1]}"
    return json_response(QuestionsToPartner(found, token), objects_out=len(found))


def _of_account(call: ApiCall) -> TaxiiResponse:
    """Return the partner's questions about its account. Raises the same ``TaxiiError`` for an absent account."""
    listing = call.arguments["listing"]
    with call.site.hub.store.read() as tx:
        if own_account(tx, call.partner, listing) is None:
            raise TaxiiError("not-found")
        found = desk.asked_about(tx, call.partner, listing)
    return json_response(AskedQuestions(found), objects_out=len(found))


def _answer(call: ApiCall) -> TaxiiResponse:
    """Answer a question to the partner. Raises ``TaxiiError``."""
    text, id_ = call.read(QuestionAnswer).text, call.arguments["id"]
    operation = AnswerQuestion(partner=call.partner, id=id_, text=text)
    check = inbox_check(call.site.quotas, call.partner, 1)
    try:
        done = run(call.site.hub, operation, Actor.program(call.partner, call.remote), check=check)
        for refused in (*done.failed, *done.held):
            raise Rejected(refused.reason or "refused", refused.message)
    except Rejected as refusal:
        if refusal.reason == Reason.TARGET_NOT_VISIBLE.code:
            raise TaxiiError("not-found") from None
        raise TaxiiError("field-refused", field="text", reason=refusal.reason, message=refusal.message) from None
    with call.site.hub.store.read() as tx:
        found = questions.find(tx, id_, call.partner.name)
    if found is None:
        raise TaxiiError("not-found")
    return json_response(desk.as_received(*found, None), objects_in=1)


ROUTES = (
    ApiRoute(
        "ask_about_account",
        "POST",
        _PATH,
        _ask,
        "Ask the reporters of your account: one question, or a list of up to 20",
        ResponseBody(QuestionResults),
        request=RequestBody(AccountQuestions, _MOST_BYTES, "not-questions", example=_EXAMPLE, item=AccountQuestion),
        refuses=(403,),
        name="questions",
    ),
    ApiRoute(
        "questions",
        "GET",
        _PATH,
        _list,
        "List the questions to you about your reports",
        ResponseBody(QuestionsToPartner),
        parameters=(
            Parameter("state", "those without your answer, or those with one", {"enum": [*_STATES]}),
            Parameter("limit", "at most so many, and 1,000", {"type": "integer", "minimum": 1, "maximum": 999_999_999}),
            Parameter(
                "next", "the field next of the previous page", {"type": "string", "pattern": f"^({_PLACE.pattern})$"}
            ),
        ),
        refuses=(400,),
        name="questions-to-partner",
    ),
    ApiRoute(
        "questions_of_account",
        "GET",
        "/api/answers/{listing}/questions",
        _of_account,
        "Read the answers to your questions about one of your accounts",
        ResponseBody(AskedQuestions),
        parameters=(
            Parameter("listing", "the id of the listing in your collection", pattern="indicator--[0-9a-f-]{36}"),
        ),
        refuses=(404,),
    ),
    ApiRoute(
        "answer_question",
        "POST",
        f"{_PATH}/{{id}}/answers",
        _answer,
        "Answer a question about your report",
        ResponseBody(QuestionToPartner),
        request=RequestBody(QuestionAnswer, _MOST_BYTES, "not-an-answer", example={"text": "Yes, with this bank."}),
        parameters=(Parameter("id", "the id of the question", pattern="[a-z]{1,40}"),),
        refuses=(403, 404),
        name="question-answers",
    ),
)
