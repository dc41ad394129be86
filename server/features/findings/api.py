"""``/api/answers``: a provider's reported accounts with their facts, and its findings, as JSON for a case system."""

import re
from functools import partial
from urllib.parse import urlencode

from schemas import timestamp
from schemas.api.accounts import AccountFacts, AccountList
from schemas.api.lookup import RefusedValue, readings
from schemas.api.statements import AccountAnswer, AccountAnswerResult, AccountAnswersRequest, AccountAnswersResponse
from schemas.errors import Rejected
from schemas.vocabulary import QualificationCode
from schemas.whole_numbers import whole_number
from server.features.findings import accounts
from server.features.findings.accounts import MICROSECOND, ORDERS, AccountSearch, ReportedAccount
from server.features.findings.accounts_file import csv_of
from server.features.findings.answering import AnswerResult, GivenAnswer
from server.features.findings.facts import entry_of, facts_of
from server.features.findings.operations import ReportFindings, run_in_parts
from server.operations.operation import Actor
from server.store.providers.kept_accounts import KeptPlace
from server.web.api.routes import ApiCall, ApiRoute, Parameter, RequestBody, ResponseBody, json_response
from server.web.taxii.auth import inbox_check
from server.web.taxii.errors import TaxiiError
from server.web.taxii.openapi_schemas import STRING
from server.web.taxii.response import TaxiiResponse

_PATH = "/api/answers"
_CSV_PATH, _CSV = f"{_PATH}.csv", "text/csv; charset=utf-8"
_WORDS = {"state": ("waiting", "answered"), "order": ("usual", *ORDERS), "overdue": ("false", "true")}
_DEFAULTS = {**{name: words[0] for name, words in _WORDS.items()}, "bank": "", "age": "", "limit": "100", "next": ""}
_MOST = 1_000
_MOST_PARAMETERS = 8
_PLACE = re.compile(r"([0-9]{1,18})[.]([0-9]{1,19})", re.ASCII)
_MOST_NUMBER = 2**63 - 1
_EXAMPLE = {
    "answers": [
        {
            "value": "1234567890",
            "kind": "bank-account",
            "details": {"bank": "004", "country": "TH"},
            "code": "genuine",
        }
    ]
}


def _list(call: ApiCall) -> TaxiiResponse:
    """Return a page of the partner's accounts. Raises ``TaxiiError``."""
    target = call.site.settings.answer_target // MICROSECOND
    rows, token = _page(call, target)
    return json_response(AccountList([entry_of(row, target) for row in rows], token), objects_out=len(rows))


def _list_csv(call: ApiCall) -> TaxiiResponse:
    """Return a page of the partner's accounts as CSV, with a link to the next page. Raises ``TaxiiError``."""
    target = call.site.settings.answer_target // MICROSECOND
    rows, token = _page(call, target)
    given = {**dict(call.query(_MOST_PARAMETERS)), "next": token}
    link = (("Link", f'<{_CSV_PATH}?{urlencode(given)}>; rel="next"'),) if token else ()
    return TaxiiResponse(200, csv_of(rows, target), link, _CSV, objects_out=len(rows))


def _page(call: ApiCall, target: int) -> tuple[list[ReportedAccount], str | None]:
    """Return the accounts that the URL asks for, and the token of the next page. Raises ``TaxiiError``."""
    asked, after, most = _asked(call, target)
    with call.site.hub.store.read() as tx:
        found = accounts.search(tx, call.partner, asked, after, most)
        rows = accounts.with_listings(tx, call.partner, found.accounts, target)
    return rows, None if found.following is None else f"{found.following.moment}.{found.following.value}"


def _show(call: ApiCall) -> TaxiiResponse:
    """Return the facts about one account. Raises the same ``TaxiiError`` for an absent one and for another's."""
    target = call.site.settings.answer_target // MICROSECOND
    with call.site.hub.store.read() as tx:
        kept = accounts.own_account(tx, call.partner, call.arguments["listing"])
        if kept is None:
            raise TaxiiError("not-found")
        [account] = accounts.with_listings(tx, call.partner, [kept], target)
        facts = facts_of(call.site.hub, tx, call.partner, account, target)
    return json_response(facts, objects_out=1)


def _asked(call: ApiCall, target: int) -> tuple[AccountSearch, KeptPlace | None, int]:
    """Return what the URL asks for, the place to go on from, and the number. Raises ``TaxiiError``."""
    asked = dict(call.query(_MOST_PARAMETERS))
    given = {**_DEFAULTS, **asked}
    place, age = _PLACE.fullmatch(given["next"]), timestamp.duration(given["age"])
    bank, most = given["bank"], whole_number(given["limit"], _MOST)
    if not (
        given.keys() == _DEFAULTS.keys()
        and all(given[name] in words for name, words in _WORDS.items())
        and most
        and (place or "next" not in asked)
        and (age is not None or "age" not in asked)
    ):
        raise TaxiiError("not-a-list-of-accounts")
    if bank not in ("", *call.partner.institutions):
        raise TaxiiError("not-your-institution")
    wanted = accounts.filter_of(
        target,
        answered=given["state"] == "answered",
        overdue=given["overdue"] == "true",
        age=0 if age is None else age // MICROSECOND,
        order=given["order"],
    )
    after = None if place is None else KeptPlace(int(place[1]), min(int(place[2]), _MOST_NUMBER))
    return AccountSearch(wanted, bank), after, most


def _report(call: ApiCall) -> TaxiiResponse:
    """Contribute the findings of the partner. Raises ``TaxiiError``."""
    hub, partner = call.site.hub, call.partner
    asked = call.read(AccountAnswersRequest).answers
    read = [_read(answer, hub.country) for answer in asked]
    given = tuple(answer for answer in read if isinstance(answer, GivenAnswer))
    operation = ReportFindings(partner=partner, findings=given)
    check = partial(inbox_check, call.site.quotas, partner)
    done = iter(run_in_parts(hub, operation, Actor.program(partner, call.remote), check))
    results = [
        _refused(answer, found) if isinstance(found, Rejected) else _result(answer, next(done))
        for answer, found in zip(asked, read, strict=True)
    ]
    return json_response(AccountAnswersResponse(results), objects_in=len(asked))


def _read(answer: AccountAnswer, country: str) -> GivenAnswer | Rejected:
    """Return a finding on all readings of its value, or the reason why it is refused."""
    if (answer.value is None) == (answer.listing is None):
        return Rejected("no-subject", "give either a value or the id of a listing")
    if answer.code not in set(QualificationCode):
        return Rejected("unknown-code", f"there is no such code; there are: {', '.join(QualificationCode)}")
    code = QualificationCode(answer.code)
    if answer.listing is not None:
        return GivenAnswer(answer.listing, code, answer.note, answer.reference)
    try:
        found = readings(answer.value or "", answer.kind, answer.details, country)
    except Rejected as refusal:
        return refusal
    subjects = frozenset(reading.name for reading in found)
    return GivenAnswer(subjects, code, answer.note, answer.reference)


def _refused(answer: AccountAnswer, refusal: Rejected) -> AccountAnswerResult:
    return AccountAnswerResult(code=answer.code, error=RefusedValue(refusal.reason, refusal.message))


def _result(answer: AccountAnswer, found: AnswerResult) -> AccountAnswerResult:
    error = RefusedValue(found.refused.reason, found.refused.message) if found.refused else None
    counts = found.answer if error is None else None
    return AccountAnswerResult(code=answer.code, listing=found.listing, answer=counts, held=found.held, error=error)


_SEARCH = (
    Parameter("state", "those that wait for a finding, or those that have one", {"enum": [*_WORDS["state"]]}),
    Parameter("overdue", "only those without a finding in time", {"enum": [*_WORDS["overdue"]]}),
    Parameter("bank", "only those of one of your institutions, as it is registered"),
    Parameter(
        "age",
        "only those reported at least so long ago: 4h, 7d",
        {"type": "string", "pattern": f"^({timestamp.DURATION})$"},
    ),
    Parameter(
        "order",
        "the oldest first, or the latest finding; or reverse, by the account with its bank, or by the finding",
        {"enum": [*_WORDS["order"]]},
    ),
    Parameter("limit", "at most so many, and 1,000", {"type": "integer", "minimum": 1, "maximum": 999_999_999}),
    Parameter("next", "the field next of the previous page", {"type": "string", "pattern": f"^({_PLACE.pattern})$"}),
)
_LISTING = Parameter("listing", "the id of the listing in your collection", pattern="indicator--[0-9a-f-]{36}")
ROUTES = (
    ApiRoute(
        "accounts",
        "GET",
        _PATH,
        _list,
        "List your accounts that others report",
        ResponseBody(AccountList),
        parameters=_SEARCH,
        refuses=(400, 422),
    ),
    ApiRoute(
        "accounts-csv",
        "GET",
        _CSV_PATH,
        _list_csv,
        "List your accounts that others report as CSV, with a link to the next page",
        ResponseBody(STRING, media_type="text/csv"),
        parameters=_SEARCH,
        refuses=(400, 422),
    ),
    ApiRoute(
        "account",
        "GET",
        f"{_PATH}/{{listing}}",
        _show,
        "Get the facts about one of your accounts",
        ResponseBody(AccountFacts),
        parameters=(_LISTING,),
        refuses=(404,),
    ),
    ApiRoute(
        "answers",
        "POST",
        _PATH,
        _report,
        "Report findings on your accounts",
        ResponseBody(AccountAnswersResponse),
        request=RequestBody(AccountAnswersRequest, 512 * 1024, "not-answers", example=_EXAMPLE, item=AccountAnswer),
        refuses=(403,),
    ),
)
