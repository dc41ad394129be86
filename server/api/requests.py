"""The endpoints of requests between institutions: sent, listed, read and answered, in JSON."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from pydantic import ValidationError

from schemas import request_schema, timestamp
from schemas.errors import Rejected, rejection_of
from schemas.partner import Partner
from schemas.request import Request, RequestAnswer, RequestState
from server.api.patience import write_patiently
from server.api.request_openapi import description
from server.release.hub import Hub
from server.release.reasons import Reason
from server.release.requests import desk
from server.release.requests.desk import Sent
from server.release.requests.states import Role
from server.store import Store, Tx
from server.store.objects.fast_reads import NotFast
from server.store.requests.requests import Place
from server.taxii import auth
from server.taxii.errors import TaxiiError
from server.taxii.limits import PartnerQuotas
from server.taxii.negotiation import is_json
from server.taxii.other_endpoints import Description, OtherRequest
from server.taxii.request_body import received
from server.taxii.response import JSON, TaxiiResponse

PREFIX = "/api/requests"

_PATH = re.compile(rf"{PREFIX}(?:/(?:note--)?(?P<id>[0-9a-f-]{{36}})(?P<answers>/answers)?)?/?")
_METHODS = {"requests": ("GET", "POST"), "request": ("GET",), "request-answers": ("POST",)}
_MOST_BYTES = 64 * 1024
_MOST_FIELDS = 8
_USUAL, _MOST = 100, 1_000
_PLACE = re.compile(r"([0-9]{1,18})\.([0-9a-f-]{36})")
# Of the parties alone, and of this moment.
_UNKEPT = ("Cache-Control", "no-store")
_Sent = TypeVar("_Sent", Request, RequestAnswer)
_Done = TypeVar("_Done")
_STATES, _ROLES = frozenset(RequestState), frozenset(Role)


class RequestEndpoints:
    """The endpoints of one application; requests and answers go the way of any contribution."""

    def __init__(self, hub: Hub, quotas: PartnerQuotas) -> None:
        """Send and answer requests at ``hub``; each counts as an object of ``quotas``."""
        self._hub = hub
        self._quotas = quotas

    def describe(self) -> Description:
        """Describe these endpoints for clients."""
        return description()

    def find(self, environ: dict[str, Any]) -> OtherRequest | None:
        """Return the request where its path is one of these."""
        found = _PATH.fullmatch(environ["PATH_INFO"])
        if found is None:
            return None
        route = "requests" if found["id"] is None else "request-answers" if found["answers"] else "request"
        return OtherRequest(route, found["id"] or "", environ)

    def is_open(self, request: OtherRequest) -> bool:
        """Return whether anybody may send the request: nobody but a partner."""
        return False

    def body_limit(self, request: OtherRequest) -> int:
        """Return how many bytes the body may have."""
        return _MOST_BYTES if request.method == "POST" and "POST" in _METHODS[request.route] else 0

    def check(self, request: OtherRequest) -> None:
        """Refuse a method that the route does not have, and a body that is no JSON. Raises ``TaxiiError``."""
        if request.method not in (*_METHODS[request.route], "OPTIONS"):
            raise TaxiiError("method-not-allowed", (("Allow", _allowed(request.route)),))
        if request.method == "POST" and not is_json(request.environ.get("CONTENT_TYPE")):
            raise TaxiiError("not-json")

    def respond(self, store: Store, partner: Partner | None, remote: str, request: OtherRequest) -> TaxiiResponse:
        """Answer a request. Raises ``TaxiiError`` and ``NotFast``."""
        if request.method == "OPTIONS":
            return TaxiiResponse(200, headers=(("Allow", _allowed(request.route)),), content_type=JSON)
        if store.is_fast:
            raise NotFast
        if partner is None:
            raise TaxiiError("not-found")
        if request.route == "request":
            return _answer(200, self._show(partner, request.collection))
        if request.route == "request-answers":
            return _answer(200, self._step(partner, request))
        return _answer(201, self._open(partner, request)) if request.method == "POST" else self._list(partner, request)

    def _show(self, partner: Partner, id_: str) -> dict[str, Any]:
        with self._hub.store.read() as tx:
            return _or_refused(lambda: desk.show(tx, partner, id_).written())

    def _list(self, partner: Partner, request: OtherRequest) -> TaxiiResponse:
        states, role, before, most = _filters(request)
        with self._hub.store.read() as tx:
            found = desk.list_(tx, partner, states=states, role=role, before=before, most=most + 1)
        page = found[:most]
        following = desk.place_of(page[-1]) if len(found) > most else None
        token = None if following is None else f"{following.opened}.{following.id}"
        return _answer(200, {"requests": [view.written() for view in page], "next": token}, len(page))

    def _open(self, partner: Partner, request: OtherRequest) -> dict[str, Any]:
        sent = _or_refused(lambda: _read(Request, _body(request), request_schema.sent_request(), partner))
        return self._send(partner, sent)

    def _step(self, partner: Partner, request: OtherRequest) -> dict[str, Any]:
        body = _body(request)
        known = request_schema.sent_answer()
        more = {"request": request.collection}
        sent = _or_refused(lambda: _read(RequestAnswer, body, known, partner, more))
        return self._send(partner, sent)

    def _send(self, partner: Partner, sent: Request | RequestAnswer) -> dict[str, Any]:
        return _or_refused(lambda: send_exchange(self._hub, self._quotas, partner, sent).view.written())


def send_exchange(
    hub: Hub,
    quotas: PartnerQuotas,
    partner: Partner,
    sent: Request | RequestAnswer,
    record: Callable[[Tx, Sent], None] = lambda tx, done: None,
) -> Sent:
    """Send a request, or the next step of one, as a partner that may write to the inbox; it counts as an object.

    ``record`` notes it in the same transaction. Raises ``TaxiiError`` and ``Rejected``.
    """

    def send(tx: Tx) -> Sent:
        auth.writable(tx, partner, "inbox")
        quotas.charge_objects(tx, partner.name, 1)
        done = desk.send(hub, tx, partner, sent)
        record(tx, done)
        return done

    return write_patiently(hub.store, send)


def _read(
    model: type[_Sent],
    body: Mapping[str, Any],
    known: Mapping[str, Any],
    partner: Partner,
    more: Mapping[str, Any] | None = None,
) -> _Sent:
    """Return what a body says, in the partner's name. Raises ``Rejected``; ``known`` is the schema of the body."""
    if any(name not in known["properties"] for name in body):
        raise Rejected("unknown-property", f"the properties are {', '.join(known['properties'])}")
    given = {name: value for name, value in body.items() if value is not None}
    columns = {**given, **(more or {}), "reporter": partner.name, "reported_at": timestamp.now()}
    try:
        return model.model_validate(columns)
    except ValidationError as error:
        raise rejection_of(error) from None


def _or_refused(do: Callable[[], _Done]) -> _Done:
    """Return what is done, or raise why it is refused as ``TaxiiError``."""
    try:
        return do()
    except Rejected as refusal:
        if refusal.reason == Reason.UNKNOWN_REQUEST.code:
            raise TaxiiError("not-found") from None
        raise TaxiiError("request-refused", reason=refusal.reason, message=refusal.message) from None


def _body(request: OtherRequest) -> dict[str, Any]:
    with received(request.environ, _MOST_BYTES) as (stream, *_):
        try:
            body = msgspec.json.decode(stream.read(-1))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise TaxiiError("not-json-body") from None
    if not isinstance(body, dict):
        raise TaxiiError("request-refused", reason="not-an-object", message="send one JSON object")
    return body


def _filters(request: OtherRequest) -> tuple[list[str], str | None, Place | None, int]:
    """Return the states, the role, the place and the number that are asked for. Raises ``TaxiiError``."""
    query = request.environ.get("QUERY_STRING", "").encode("latin-1").decode(errors="replace")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise TaxiiError("too-many-parameters", most=_MOST_FIELDS) from error
    given = dict(pairs)
    states = [state for state in given.pop("state", "").split(",") if state]
    role, next_, limit = given.pop("role", None), given.pop("next", None), given.pop("limit", str(_USUAL))
    place = _PLACE.fullmatch(next_) if next_ is not None else None
    is_number = limit.isascii() and limit.isdecimal() and len(limit) <= 9 and int(limit) > 0
    known = _STATES.issuperset(states) and (role is None or role in _ROLES)
    if given or not is_number or not known or (next_ is not None and place is None):
        raise TaxiiError("not-a-list-of-requests")
    before = None if place is None else Place(int(place[1]), place[2])
    return states, role, before, min(int(limit), _MOST)


def _answer(status: int, resource: Mapping[str, Any], objects: int = 1) -> TaxiiResponse:
    return TaxiiResponse(status, msgspec.json.encode(resource), (_UNKEPT,), JSON, objects_out=objects)


def _allowed(route: str) -> str:
    methods = ("OPTIONS", *_METHODS[route])
    return ", ".join(("HEAD", *methods) if "GET" in methods else methods)
