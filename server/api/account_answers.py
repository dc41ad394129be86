"""``POST /api/answers``: what a keeper answers about what it keeps, as JSON for a case system."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from schemas.api.account_answers import (
    AccountAnswer,
    AccountAnswerResult,
    AccountAnswersRequest,
    AccountAnswersResponse,
)
from schemas.api.lookup import RefusedValue, readings
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.qualification import QualificationCode
from server.api.openapi_parts import operation, plain
from server.api.patience import write_patiently
from server.observe import record_write
from server.release.answering import AnswerResult, GivenAnswer, answer_all
from server.release.hub import Hub
from server.store import Store, Tx
from server.store.objects.fast_reads import NotFast
from server.taxii import auth
from server.taxii.errors import TaxiiError
from server.taxii.limits import PartnerQuotas
from server.taxii.openapi_schemas import ref
from server.taxii.other_endpoints import Description, OtherRequest, RouteMethods
from server.taxii.request_body import received
from server.taxii.response import JSON, TaxiiResponse

PATH = "/api/answers"
_ROUTE = "answers"
_MOST_BYTES = 512 * 1024
# Answers of one transaction: others wait to write no longer than these take.
_AT_ONCE = 20
_UNKEPT = ("Cache-Control", "no-store")
_METHODS = RouteMethods({_ROUTE: "POST"})
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

_requests = msgspec.json.Decoder(AccountAnswersRequest)


class AnswerEndpoints:
    """The endpoint of one hub at which keepers answer."""

    def __init__(self, hub: Hub, quotas: PartnerQuotas) -> None:
        """Contribute answers to ``hub``; they count among the objects of ``quotas``."""
        self._hub = hub
        self._quotas = quotas

    def describe(self) -> Description:
        """Describe the endpoint for clients."""
        _, models = msgspec.json.schema_components(
            (AccountAnswersRequest, AccountAnswersResponse), ref_template="#/components/schemas/{name}"
        )
        asked = operation("answers", "Answer for accounts that you keep", ref("AccountAnswersResponse"), 400, 403, 413)
        asked["responses"] |= {
            code: {"$ref": f"#/components/responses/{code}"}
            for code in ("415", "422")
            if code not in asked["responses"]
        }
        asked["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": ref("AccountAnswersRequest"), "example": _EXAMPLE}},
        }
        return Description({PATH: {"post": asked}}, {name: plain(model) for name, model in models.items()})

    def find(self, environ: dict[str, Any]) -> OtherRequest | None:
        """Return the request where its path is this one."""
        path: str = environ["PATH_INFO"]
        return OtherRequest(_ROUTE, "", environ) if path.rstrip("/") == PATH else None

    def is_open(self, request: OtherRequest) -> bool:
        """Return that nobody answers without credentials."""
        return False

    def body_limit(self, request: OtherRequest) -> int:
        """Return how many bytes the body may have; 0 for a request without one."""
        return _MOST_BYTES if request.method == "POST" else 0

    def check(self, request: OtherRequest) -> None:
        """Refuse another method, and a body that is no JSON. Raises ``TaxiiError``."""
        _METHODS.check(request)

    def respond(self, store: Store, partner: Partner | None, remote: str, request: OtherRequest) -> TaxiiResponse:
        """Contribute the answers of ``partner``. Raises ``TaxiiError`` and ``NotFast``."""
        if (allowed := _METHODS.options(request)) is not None:
            return allowed
        if store.is_fast:
            raise NotFast
        if partner is None:
            raise TaxiiError("not-found")
        asked = _asked(request)
        read = [_read(answer) for answer in asked]
        given = [answer for answer in read if isinstance(answer, GivenAnswer)]
        done = iter(self._contribute(partner, remote, given))
        results = [
            _refused(answer, found) if isinstance(found, Rejected) else _result(answer, next(done))
            for answer, found in zip(asked, read, strict=True)
        ]
        body = msgspec.json.encode(AccountAnswersResponse(results))
        return TaxiiResponse(200, body, (_UNKEPT,), JSON, objects_in=len(asked))

    def _contribute(self, partner: Partner, remote: str, given: list[GivenAnswer]) -> list[AnswerResult]:
        def record(tx: Tx, done: Sequence[AnswerResult]) -> None:
            record_write(
                tx,
                partner=partner.name,
                remote=remote,
                method="POST",
                route=_ROUTE,
                collection=auth.writable(tx, partner, "inbox").id,
                status=200,
                objects=sum(1 for result in done if result.answer and not result.refused),
                reference=None,
            )

        return contribute_answers(self._hub, self._quotas, partner, given, record)


def contribute_answers(
    hub: Hub,
    quotas: PartnerQuotas,
    partner: Partner,
    given: Sequence[GivenAnswer],
    record: Callable[[Tx, Sequence[AnswerResult]], None],
) -> list[AnswerResult]:
    """Contribute answers in parts, each in a transaction of its own; all of them are charged before the first.

    ``record`` notes in the same transaction what became of a part. Raises ``TaxiiError``.
    """
    done: list[AnswerResult] = []
    for start in range(0, len(given), _AT_ONCE):
        part, cost = given[start : start + _AT_ONCE], 0 if start else len(given)

        def contribute(tx: Tx, part: Sequence[GivenAnswer] = part, cost: int = cost) -> list[AnswerResult]:
            auth.writable(tx, partner, "inbox")
            if cost:
                quotas.charge_objects(tx, partner.name, cost)
            results = answer_all(hub, tx, partner, part)
            record(tx, results)
            return results

        done += write_patiently(hub.store, contribute)
    return done


def _asked(request: OtherRequest) -> list[AccountAnswer]:
    """Return the answers in a body. Raises ``TaxiiError``."""
    with received(request.environ, _MOST_BYTES) as (body, _):
        try:
            return _requests.decode(body.read()).answers
        except msgspec.ValidationError:
            raise TaxiiError("not-answers") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise TaxiiError("not-json-body") from None


def _read(answer: AccountAnswer) -> GivenAnswer | Rejected:
    """Return an answer about all that its value may mean, or why that is no value."""
    if (answer.value is None) == (answer.listing is None):
        return Rejected("no-subject", "give either a value or the id of a listing")
    if answer.code not in set(QualificationCode):
        return Rejected("unknown-code", f"there is no such code; there are: {', '.join(QualificationCode)}")
    code = QualificationCode(answer.code)
    if answer.listing is not None:
        return GivenAnswer(answer.listing, code, answer.note, answer.reference)
    try:
        found = readings(answer.value or "", answer.kind, answer.details)
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
