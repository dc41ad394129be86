"""Requests between institutions as JSON: sent, listed, read and answered."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from pydantic import ValidationError

from schemas import timestamp
from schemas.errors import Rejected, rejection_of
from schemas.json_schema import common_answer_schema, request_view_schema, sent_answer_schema, sent_request_schema
from schemas.partner import Partner
from schemas.request import TAKEDOWNS, Request, RequestAnswer, RequestState
from schemas.takedown import ServedBy
from schemas.whole_numbers import whole_number
from server.features.requests import desk
from server.features.requests.limits import MOST_AT_ONCE
from server.features.requests.operations import Respond, RespondToSeveral, SendRequest, SendSeveral
from server.features.requests.order_files import MOST_BYTES, MOST_ROWS
from server.features.requests.records import RequestPlace
from server.features.requests.serving import served_on_reading
from server.features.requests.states import Role
from server.features.requests.statistics import MOST_MONTHS, USUAL_MONTHS, TakedownFigures, count_takedowns
from server.operations.operation import Actor, Operation
from server.operations.run import run
from server.release.reasons import Reason
from server.store.database.times import now
from server.web.api.routes import (
    ApiCall,
    ApiRoute,
    NamedSchema,
    Parameter,
    RequestBody,
    ResponseBody,
    json_response,
)
from server.web.taxii.auth import inbox_check
from server.web.taxii.errors import TaxiiError
from server.web.taxii.openapi_schemas import STRING, Schema, ref
from server.web.taxii.response import TaxiiResponse

_PATH = "/api/requests"
_MOST_BYTES, _MOST_BYTES_OF_SEVERAL = 64 * 1024, 512 * 1024
_MOST_PARAMETERS = 8
_USUAL, _MOST = 100, 1_000
# The reasons that concern one field, independent of the store.
_OF_A_FIELD = ("bad-", Reason.REQUEST_TIMES.code)
_FIELD = re.compile(r"([a-z_0-9.]{1,100})(?:: | has to be )")
_PLACE = re.compile(r"([0-9]{1,18})\.([0-9a-f-]{36})")
_Sent = TypeVar("_Sent", Request, RequestAnswer)
_Done = TypeVar("_Done")
_STATES, _ROLES = frozenset(RequestState), frozenset(Role)
# Stands for each of several requests while their common response is validated.
_ANY_REQUEST = "00000000-0000-4000-8000-000000000000"


def _show(call: ApiCall) -> TaxiiResponse:
    with call.site.hub.store.read() as tx:
        view = _or_refused(lambda: desk.show(tx, call.partner, _id(call)))
    served_on_reading(call.site.hub.store, [(view.id, view.role)], ServedBy.API)
    return _response(view.written())


def _list(call: ApiCall) -> TaxiiResponse:
    states, role, before, most = _filters(call)
    with call.site.hub.store.read() as tx:
        found = desk.list_(tx, call.partner, states=states, role=role, before=before, most=most + 1)
    page = found[:most]
    served_on_reading(call.site.hub.store, [(view.id, view.role) for view in page], ServedBy.API)
    following = desk.place_of(page[-1]) if len(found) > most else None
    token = None if following is None else f"{following.opened}.{following.id}"
    return _response({"requests": [view.written() for view in page], "next": token}, len(page))


def _statistics(call: ApiCall) -> TaxiiResponse:
    """Return the figures about the partner as an addressee. Raises ``TaxiiError``."""
    given = dict(call.query(_MOST_PARAMETERS))
    months = given.pop("months", str(USUAL_MONTHS))
    is_number = months.isascii() and months.isdecimal() and len(months) <= 2 and 0 < int(months) <= MOST_MONTHS
    if given or not is_number:
        raise TaxiiError("not-statistics")
    with call.site.hub.store.read() as tx:
        found = count_takedowns(tx, now(), addressee=call.partner.name, months=int(months))
    return _response({"statistics": [one._asdict() for one in found.figures], "whole": found.is_whole})


def _open(call: ApiCall) -> TaxiiResponse:
    """Send one request, or each of a list. Raises ``TaxiiError``."""
    body = _decoded(call)
    if isinstance(body, list) or (isinstance(body, dict) and "requests" in body):
        return _open_several(call, {"requests": body} if isinstance(body, list) else body)
    body = _object(body)
    sent = _well_formed(lambda: _read(Request, body, sent_request_schema(), call.partner))
    return json_response(_run(call, SendRequest(partner=call.partner, request=sent)).written(), 201, objects_out=1)


def _open_several(call: ApiCall, body: Mapping[str, Any]) -> TaxiiResponse:
    """Send each request of a list on its own; a refused one stops no other. Raises ``TaxiiError``."""
    given = body["requests"]
    if body.keys() != {"requests"} or not isinstance(given, list) or not 0 < len(given) <= MOST_AT_ONCE:
        text = f"requests: send one request, or a list of 1 to {MOST_AT_ONCE} and nothing beside it"
        raise TaxiiError("field-refused", field="requests", reason="no-requests", message=text)
    results: list[dict[str, Any]] = []
    for one in given:
        try:
            results.append({"request": _sent(call, one)})
        except Rejected as refusal:
            results.append({"error": _error_of(refusal)})
        except TaxiiError as error:
            if not results:
                raise
            # Those before are stored: the others say that they were not tried.
            results.append({"error": {"reason": error.code, "message": error.description}})
    return _response({"requests": results}, sum("request" in result for result in results))


def _sent(call: ApiCall, given: Any) -> Mapping[str, Any]:
    """Send one request of a list, and return it as its sender sees it. Raises ``Rejected`` and ``TaxiiError``."""
    if not isinstance(given, dict):
        raise Rejected("not-an-object", "send one JSON object for each request")
    sent = _read(Request, given, sent_request_schema(), call.partner)
    check = inbox_check(call.site.quotas, call.partner, 1)
    operation = SendRequest(partner=call.partner, request=sent)
    return run(call.site.hub, operation, Actor.program(call.partner, call.remote), check=check).written()


def _error_of(refusal: Rejected) -> dict[str, str]:
    """Return the error of one request of a list: with the field that a single request's status 422 names."""
    error = {"reason": refusal.reason, "message": refusal.message}
    found = _FIELD.match(refusal.message) if refusal.reason.startswith(_OF_A_FIELD) else None
    return {"field": found[1], **error} if found else error


def _step(call: ApiCall) -> TaxiiResponse:
    body, more = _body(call), {"request": _id(call)}
    sent = _well_formed(lambda: _read(RequestAnswer, body, sent_answer_schema(), call.partner, more))
    return _response(_run(call, Respond(partner=call.partner, response=sent)).view.written())


def _step_several(call: ApiCall) -> TaxiiResponse:
    answer = _body(call)
    ids = answer.pop("requests", None)
    for name in (name for name, value in answer.items() if value is None):
        raise TaxiiError("field-refused", field=name, reason="null", message=f"{name}: leave it out, or give a value")
    if not isinstance(ids, list) or not 0 < len(ids) <= MOST_AT_ONCE or any(type(id_) is not str for id_ in ids):
        text = f"requests: name the ids of 1 to {MOST_AT_ONCE} requests"
        raise TaxiiError("field-refused", field="requests", reason="no-requests", message=text)
    any_one = {"request": _ANY_REQUEST}
    _well_formed(lambda: _read(RequestAnswer, answer, common_answer_schema(), call.partner, any_one))
    done = _run(call, RespondToSeveral(partner=call.partner, ids=tuple(ids), response=answer), len(ids))
    refused = [one._asdict() for one in done.refused]
    return _response({"requests": [view.written() for view in done.views], "refused": refused}, len(ids))


def _send_order(call: ApiCall) -> TaxiiResponse:
    """Send a takedown request for each location of one order; a refused one stops no other. Raises ``TaxiiError``."""
    body = _body(call)
    order, locations = body.get("order"), body.get("locations")
    if body.keys() != {"order", "locations"} or not isinstance(order, dict) or not isinstance(locations, list):
        text = "locations: send order, an object of what the requests have in common, and locations, a list of texts"
        raise TaxiiError("field-refused", field="locations", reason="no-locations", message=text)
    if not 0 < len(locations) <= MOST_ROWS or any(type(location) is not str for location in locations):
        text = f"locations: name 1 to {MOST_ROWS} locations, each as text"
        raise TaxiiError("field-refused", field="locations", reason="no-locations", message=text)
    _well_formed(lambda: _check_names(order, _COMMON_ORDER))
    results: list[dict[str, Any]] = []
    contents: dict[int, Request] = {}
    refused: list[Rejected] = []
    for place, location in enumerate(locations):
        try:
            contents[place] = _read(Request, {**order, "location": location}, _ORDERED, call.partner)
            results.append({})
        except Rejected as refusal:
            refused.append(refusal)
            results.append({"error": _error_of(refusal)})
    if not contents and _is_of_order(refused):
        raise _field_refused(refused[0])
    if contents:
        sent = _run(call, SendSeveral(partner=call.partner, contents=tuple(contents.values())), len(contents))
        for place, row in zip(contents, sent, strict=True):
            why = _error_of(Rejected(row.reason, row.message)) if row.reason else {}
            is_stored = {"request": row.id} if row.id else {}
            results[place] = is_stored | ({"held" if row.id else "error": why} if why else {})
    return _response({"results": results}, len(contents))


def _is_of_order(refused: list[Rejected]) -> bool:
    """Return whether all locations are refused for one mistake in what they have in common."""
    alike = len({(refusal.reason, refusal.message) for refusal in refused}) == 1
    return alike and not refused[0].message.startswith("location")


def _id(call: ApiCall) -> str:
    return call.arguments["id"].removeprefix("note--")


def _run(call: ApiCall, operation: Operation[_Done], objects: int = 1) -> _Done:
    check = inbox_check(call.site.quotas, call.partner, objects)
    return _or_refused(lambda: run(call.site.hub, operation, Actor.program(call.partner, call.remote), check=check))


def _read(
    model: type[_Sent],
    body: Mapping[str, Any],
    known: Mapping[str, Any],
    partner: Partner,
    more: Mapping[str, Any] | None = None,
) -> _Sent:
    """Return what a body says, in the partner's name. Raises ``Rejected``; ``known`` is the schema of the body."""
    _check_names(body, known)
    given = {name: value for name, value in body.items() if value is not None}
    columns = {**given, **(more or {}), "reporter": partner.name, "reported_at": timestamp.now()}
    try:
        return model.model_validate(columns)
    except ValidationError as error:
        raise rejection_of(error) from None


def _check_names(body: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    if any(name not in known["properties"] for name in body):
        raise Rejected("unknown-property", f"the properties are {', '.join(known['properties'])}")


def _well_formed(read: Callable[[], _Done]) -> _Done:
    """Return what is read of a body, or raise which of its fields is refused as ``TaxiiError``."""
    try:
        return read()
    except Rejected as refusal:
        raise _field_refused(refusal) from None


def _field_refused(refusal: Rejected) -> TaxiiError:
    """Return the error for a field; the complaint about one begins with its name."""
    found = _FIELD.match(refusal.message)
    named = found[1] if found else "$"
    return TaxiiError("field-refused", field=named, reason=refusal.reason, message=refusal.message)


def _or_refused(do: Callable[[], _Done]) -> _Done:
    """Return what is done, or raise why it is refused as ``TaxiiError``."""
    try:
        return do()
    except Rejected as refusal:
        if refusal.reason == Reason.UNKNOWN_REQUEST.code:
            raise TaxiiError("not-found") from None
        if refusal.reason.startswith(_OF_A_FIELD):
            raise _field_refused(refusal) from None
        raise TaxiiError("request-refused", reason=refusal.reason, message=refusal.message) from None


def _body(call: ApiCall) -> dict[str, Any]:
    return _object(_decoded(call))


def _decoded(call: ApiCall) -> Any:
    try:
        return msgspec.json.decode(call.body())
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise TaxiiError("not-json-body") from None


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise TaxiiError("field-refused", field="$", reason="not-an-object", message="send one JSON object")
    return body


def _filters(call: ApiCall) -> tuple[list[str], str | None, RequestPlace | None, int]:
    """Return the states, the role, the place and the number that are asked for. Raises ``TaxiiError``."""
    given = dict(call.query(_MOST_PARAMETERS))
    states = [state for state in given.pop("state", "").split(",") if state]
    role, next_, limit = given.pop("role", None), given.pop("next", None), given.pop("limit", str(_USUAL))
    place = _PLACE.fullmatch(next_) if next_ is not None else None
    number = whole_number(limit, _MOST)
    known = _STATES.issuperset(states) and (role is None or role in _ROLES)
    if given or not number or not known or (next_ is not None and place is None):
        raise TaxiiError("not-a-list-of-requests")
    before = None if place is None else RequestPlace(int(place[1]), place[2])
    return states, role, before, number


def _response(resource: Mapping[str, Any], objects: int = 1) -> TaxiiResponse:
    return json_response(resource, objects_out=objects)


_STATE = "|".join(RequestState)
_EXAMPLE = {
    "asks": "freeze",
    "of": {"kind": "bank-account", "value": "TH:KASITHBK:1234567890"},
    "reference": "C-2026-117",
    "amount": "800000",
    "currency": "THB",
    "deadline": "2026-12-01T12:00:00Z",
    "legal_basis": "scheme-rules",
}
_ID = "97ed4827-7b6f-4491-a06f-b548d5a7512d"
_REFUSAL: Schema = {
    "type": "object",
    "properties": {"id": STRING, "reason": STRING, "message": STRING},
    "required": ["id", "reason", "message"],
}
_ANSWERED = NamedSchema(
    "answered_requests",
    {
        "type": "object",
        "properties": {
            "requests": {"type": "array", "items": ref("request_view")},
            "refused": {"type": "array", "items": _REFUSAL, "description": "those of which no step was taken, and why"},
        },
        "required": ["requests", "refused"],
    },
)
_PAGE = NamedSchema(
    "request_page",
    {
        "type": "object",
        "properties": {
            "requests": {"type": "array", "items": ref("request_view")},
            "next": {"anyOf": [STRING, {"type": "null"}]},
        },
        "required": ["requests", "next"],
    },
)
_COUNT: Schema = {"type": "integer", "minimum": 0}
_SECONDS: Schema = {"anyOf": [_COUNT, {"type": "null"}], "description": "seconds; null: none is known"}
_FIGURES = NamedSchema(
    "takedown_statistics",
    {
        "type": "object",
        "properties": {
            "statistics": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "addressee": STRING,
                        "month": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$", "description": "in UTC"},
                        "asks": {"enum": sorted(TAKEDOWNS)},
                        **dict.fromkeys(("requests", "served", "answered", "in_time", "late"), _COUNT),
                        **dict.fromkeys(("median_response", "median_removal"), _SECONDS),
                    },
                    "required": list(TakedownFigures._fields),
                },
            },
            "whole": {"type": "boolean", "description": "false: the oldest requests of these months are left out"},
        },
        "required": ["statistics", "whole"],
    },
)
_VIEW = NamedSchema("request_view", request_view_schema())
_SENT = NamedSchema("sent_request", sent_request_schema())
# Each is refused alone, also for its form.
_SENT_LIST: Schema = {
    "type": "array",
    "items": {"description": "a sent_request"},
    "minItems": 1,
    "maxItems": MOST_AT_ONCE,
}
_SENT_SEVERAL = NamedSchema(
    "sent_requests",
    {
        "oneOf": [
            ref("sent_request"),
            _SENT_LIST,
            {
                "type": "object",
                "properties": {"requests": _SENT_LIST},
                "required": ["requests"],
                "additionalProperties": False,
            },
        ]
    },
    (_SENT,),
)


def _result_of(request: Schema) -> Schema:
    """Return the schema of a result in a list: the request or the error, and nothing else."""
    error: Schema = {
        "type": "object",
        "properties": {"field": STRING, "reason": STRING, "message": STRING},
        "required": ["reason", "message"],
        "additionalProperties": False,
    }
    one: Schema = {"minProperties": 1, "maxProperties": 1, "additionalProperties": False}
    return {"type": "object", "properties": {"request": request, "error": error}, **one}


_SENT_RESULTS = NamedSchema(
    "sent_request_results",
    {
        "type": "object",
        "properties": {
            "requests": {
                "type": "array",
                "description": "the results in the order of the requests: the request, or why it is refused",
                "items": _result_of(ref("request_view")),
            }
        },
        "required": ["requests"],
    },
)
_COMMON = common_answer_schema()
_IDS: Schema = {"type": "array", "items": STRING, "minItems": 1, "maxItems": MOST_AT_ONCE}
_SENT_ANSWERS = NamedSchema(
    "sent_request_answers",
    {**_COMMON, "properties": {"requests": _IDS, **_COMMON["properties"]}, "required": ["requests"]},
)
_ORDERED = sent_request_schema()
# The fields that the requests of one order share.
_COMMON_ORDER: Schema = {
    **_ORDERED,
    "properties": {name: schema for name, schema in _ORDERED["properties"].items() if name not in ("of", "location")},
}
_SENT_ORDER = NamedSchema(
    "sent_order",
    {
        "type": "object",
        "properties": {
            "order": _COMMON_ORDER,
            "locations": {
                "type": "array",
                "items": {"type": "string"},
                "minItems": 1,
                "maxItems": MOST_ROWS,
            },
        },
        "required": ["order", "locations"],
        "additionalProperties": False,
    },
)
_ORDER_RESULTS = NamedSchema(
    "sent_order_results",
    {
        "type": "object",
        "properties": {
            "results": {
                "type": "array",
                "description": "in the order of the locations: the id of each request, or why it is refused",
                "items": _result_of(STRING),
            }
        },
        "required": ["results"],
    },
)
_EXAMPLE_ORDER = {
    "order": {
        **{"asks": "take-down", "addressee": "Example Platform", "reference": "C-2026-118", "basis": "notice"},
        "explanation": ["obtains-money"],
    },
    "locations": ["https://shop.example.com/pay", "https://shop.example.com/Pay"],
}
_REFUSED = (ResponseBody(ref("error"), 409, description="a rule refuses it"),)
_ONE = Parameter("id", "the id of the request", pattern="(?:note--)?[0-9a-f-]{36}")
ROUTES = (
    ApiRoute(
        "requests",
        "GET",
        _PATH,
        _list,
        "List the requests to you, from you, and those that you may follow",
        ResponseBody(_PAGE),
        parameters=(
            Parameter(
                "state",
                f"of {', '.join(RequestState)}; several with commas",
                {"type": "string", "pattern": f"^(({_STATE})(,({_STATE}))*)?$"},
            ),
            Parameter("role", "what you are to the request", {"enum": [str(role) for role in Role]}),
            Parameter("limit", "at most so many, and 1,000", {"type": "integer", "minimum": 1, "maximum": 999_999_999}),
            Parameter(
                "next",
                "where the page before this one ended",
                {"type": "string", "pattern": "^[0-9]{1,18}[.][0-9a-f-]{36}$"},
            ),
        ),
    ),
    ApiRoute(
        "open_request",
        "POST",
        _PATH,
        _open,
        "Send a request, or a list of up to 100",
        ResponseBody(_VIEW, 201),
        request=RequestBody(_SENT_SEVERAL, _MOST_BYTES_OF_SEVERAL, example=_EXAMPLE),
        refuses=(403,),
        also=(ResponseBody(_SENT_RESULTS, 200, description="the results of a list"), *_REFUSED),
        name="requests",
    ),
    ApiRoute(
        "takedown_statistics",
        "GET",
        f"{_PATH}/statistics",
        _statistics,
        "Get statistics of the takedown requests to you, by month and act",
        ResponseBody(_FIGURES),
        parameters=(
            Parameter(
                "months",
                "until now, with this one",
                {"type": "integer", "minimum": 1, "maximum": MOST_MONTHS, "default": USUAL_MONTHS},
            ),
        ),
    ),
    ApiRoute("request", "GET", f"{_PATH}/{{id}}", _show, "Get a request", ResponseBody(_VIEW), parameters=(_ONE,)),
    ApiRoute(
        "answer_request",
        "POST",
        f"{_PATH}/{{id}}/answers",
        _step,
        "Respond to a request, or close it",
        ResponseBody(_VIEW),
        request=RequestBody(
            NamedSchema("sent_request_answer", sent_answer_schema()),
            _MOST_BYTES,
            example={"state": "agreed", "amount": "300000", "currency": "THB"},
        ),
        parameters=(_ONE,),
        refuses=(403,),
        also=_REFUSED,
        name="request-answers",
    ),
    ApiRoute(
        "send_order",
        "POST",
        f"{_PATH}/orders",
        _send_order,
        "Send one takedown request for each of many locations",
        ResponseBody(_ORDER_RESULTS),
        request=RequestBody(_SENT_ORDER, MOST_BYTES, example=_EXAMPLE_ORDER),
        refuses=(403,),
        also=_REFUSED,
        name="orders",
    ),
    ApiRoute(
        "answer_requests",
        "POST",
        f"{_PATH}/answers",
        _step_several,
        "Send one response to several requests",
        ResponseBody(_ANSWERED),
        request=RequestBody(_SENT_ANSWERS, _MOST_BYTES, example={"requests": [_ID], "state": "open"}),
        refuses=(403,),
        also=_REFUSED,
        name="answers",
    ),
)
