"""``POST /api/iso20022``: a message of ISO 20022 that asks or responds; ``GET``: the messages of a request."""

from collections.abc import Sequence

import msgspec

from schemas import timestamp
from schemas.errors import Rejected
from schemas.request import LegalBasis, RequestWord
from server.features.iso20022 import desk, xml
from server.features.iso20022.desk import MessageOutcome
from server.features.iso20022.grammar import is_installed
from server.features.iso20022.reading import MOST_NAMED, MOST_TRANSACTIONS, Defaults, Message
from server.features.iso20022.xml import MessageRefused
from server.operations.operation import Actor
from server.operations.run import run
from server.settings import Settings
from server.web.api.routes import (
    XML,
    ApiCall,
    ApiRoute,
    ApiService,
    Parameter,
    RequestBody,
    ResponseBody,
    json_response,
)
from server.web.taxii.auth import inbox_check
from server.web.taxii.errors import TaxiiError
from server.web.taxii.openapi_schemas import STRING, Schema, ref
from server.web.taxii.response import TaxiiResponse

_PATH = "/api/iso20022"
_ASKS = (RequestWord.RETURN, RequestWord.FREEZE)
_WITHIN: Schema = {"type": "string", "pattern": f"^{timestamp.DURATION}$"}


class Iso20022(ApiService):
    """Messages of ISO 20022, at hubs with the package of the schemas."""

    @classmethod
    def is_offered(cls, settings: Settings) -> bool:
        """Return whether the package is installed."""
        return is_installed()


class RefusedTransaction(msgspec.Struct, omit_defaults=True):
    """Why a transaction is refused: the reason, the message, and for a broken rule the rule with its XPath."""

    reason: str
    message: str
    rule: str = ""
    at: str = ""


class TransactionResult(msgspec.Struct, omit_defaults=True):
    """The result of a transaction: its XPath, and the request with its state, or why it is refused."""

    path: str
    request: str = ""
    state: str = ""
    refused: RefusedTransaction | None = None


class MessageResult(msgspec.Struct):
    """The results of a message. ``not_carried`` are XPaths of texts that no request has, with a number of others."""

    message: str
    id: str
    results: list[TransactionResult]
    not_carried: list[str]
    not_carried_more: int


def _send(call: ApiCall) -> TaxiiResponse:
    partner, hub = call.partner, call.site.hub
    actor, check = Actor.program(partner, call.remote), inbox_check(call.site.quotas, partner, 1)
    defaults = _defaults(call)
    try:
        message = desk.read(call.body(), partner, defaults)
    except MessageRefused as refusal:
        raise _refused(refusal) from None
    outcomes = desk.take(hub, partner, message, lambda operation: run(hub, operation, actor, check=check))
    if all(outcome.refusal is not None for outcome in outcomes):
        raise _refused(outcomes[0].refusal, outcomes[0].path)
    answer = result_of(message, outcomes)
    return json_response(answer, objects_in=len(outcomes))


def result_of(message: Message, outcomes: Sequence[MessageOutcome]) -> MessageResult:
    """Return the outcomes of a message in the form of the API."""
    results = [TransactionResult(one.path, one.request, one.state, _why(one.refusal)) for one in outcomes]
    left = [*message.not_carried, *(path for one in outcomes for path in one.ignored)]
    return MessageResult(message.name, message.id, results, left, message.more)


def _why(refusal: Rejected | None) -> RefusedTransaction | None:
    if refusal is None:
        return None
    rule, at = (refusal.rule, refusal.path) if isinstance(refusal, MessageRefused) else ("", "")
    return RefusedTransaction(refusal.reason, refusal.message, rule, at)


def _refused(refusal: Rejected | None, path: str = "") -> TaxiiError:
    """Return the error of a refused message: 422 for a broken rule of the message, 409 for a rule of requests."""
    assert refusal is not None  # noqa: S101 - the caller has one
    reason, message = refusal.reason, refusal.message
    if isinstance(refusal, MessageRefused):
        rule, at = refusal.rule, refusal.path
        return TaxiiError("message-refused", reason=reason, rule=rule, path=at, message=message)
    if reason.startswith("bad-") or reason == "request-times":
        return TaxiiError("message-refused", reason=reason, rule=reason, path=path, message=message)
    return TaxiiError("transaction-refused", reason=reason, path=path, message=message)


def _defaults(call: ApiCall) -> Defaults:
    given = dict(call.query(3))
    try:
        return desk.defaults(given.pop("within", ""), given.pop("legal_basis", ""), given.pop("asks", ""), given)
    except ValueError:
        raise TaxiiError("not-a-message-default") from None


def _show(call: ApiCall) -> TaxiiResponse:
    with call.site.hub.store.read() as tx:
        try:
            found = desk.write_one(tx, call.partner, call.arguments["id"].removeprefix("note--"))
        except MessageRefused as refusal:
            raise _refused(refusal) from None
        except Rejected:
            raise TaxiiError("not-found") from None
    if found is None:
        raise TaxiiError("not-found")
    return TaxiiResponse(200, found.data, (("Cache-Control", "no-store"),), XML)


_MESSAGE: Schema = {"type": "string", "description": "camt.056, camt.029 or pacs.004, at most 1 MiB"}
_EXAMPLE = (
    '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.056.001.08"><FIToFIPmtCxlReq>…</FIToFIPmtCxlReq></Document>'
)
ROUTES = (
    ApiRoute(
        "send_iso20022",
        "POST",
        _PATH,
        _send,
        f"Send a message of ISO 20022 with 1 to {MOST_TRANSACTIONS} transactions that ask or respond",
        ResponseBody(MessageResult, description=f"the results; the first {MOST_NAMED} texts that are not carried"),
        request=RequestBody(_MESSAGE, xml.MOST_BYTES, media_type=XML, example=_EXAMPLE),
        parameters=(
            Parameter("within", "of camt.056: the time to respond from its creation on, as 10d, 4h", _WITHIN),
            Parameter("legal_basis", "of camt.056", {"enum": [str(basis) for basis in LegalBasis]}),
            Parameter("asks", "of camt.056, in place of the message's word", {"enum": [str(word) for word in _ASKS]}),
        ),
        refuses=(400, 403, 415, 422),
        also=(ResponseBody(ref("error"), 409, description="a rule of requests refuses it"),),
        service=Iso20022,
        name="iso20022",
    ),
    ApiRoute(
        "iso20022",
        "GET",
        f"{_PATH}/{{id}}",
        _show,
        "Get the newest message of a request: camt.056 as its addressee, camt.029 or pacs.004 as its sender",
        ResponseBody(STRING, media_type=XML),
        parameters=(Parameter("id", "the id of the request", pattern="(?:note--)?[0-9a-f-]{36}"),),
        refuses=(422,),
        service=Iso20022,
    ),
)
