"""The pages of requests between institutions: to and from the partner, opened, and taken a step further."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from flask import Response

from mappers.request_note import RequestView
from schemas import kinds, tabular, timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.request import (
    CLOSINGS,
    DISAGREEMENTS,
    LegalBasis,
    Request,
    RequestAnswer,
    RequestReason,
    RequestState,
    RequestWord,
)
from server.api.requests import send_exchange
from server.console.operator.trail import note
from server.console.partner.own import PAGE, asked, link, own_partner, place_of, quotas_of, refusal_of
from server.console.visit import PageRefused, Visit
from server.console.words import Translatable, mark
from server.release.reasons import Reason
from server.release.requests import desk
from server.release.requests.states import Role, allowed
from server.store.database.engine import Tx
from server.store.database.times import micros, moment, now
from server.store.requests.requests import Place
from server.taxii.errors import TaxiiError

_PATH = "/partner/requests"
_NO_REQUEST = mark("There is no such request.")
_NO_TIME = mark("Choose by when you ask for an answer.")
_HOUR = 3_600
# A form that is older is of the moment when it is sent.
_FORM_LASTS = _HOUR * 1_000_000
DEADLINES = (1, 4, 12, 24, 48, 72, 168, 336, 720)
ENDS = (12, 24, 72, 168, 336, 720, 2_160, 4_320)
_FIELDS = (
    *("asks", "value", "kind", "bank", "country", "reference", "amount", "currency", "addressee", "also_to"),
    *("deadline", "until", "legal_basis", "legal_reference", "uetr", "end_to_end_id", "transaction_hash"),
)
# A list: open to me, open from me, and so on, with the states and the role that are asked for.
_OPEN = (RequestState.OPEN, RequestState.ACKNOWLEDGED, RequestState.AGREED)
_LISTS: Mapping[str, tuple[tuple[str, ...], str | None]] = MappingProxyType(
    {
        "": (_OPEN, Role.ADDRESSEE),
        "from": (tuple(state for state in RequestState if state is not RequestState.CLOSED), Role.SENDER),
        "followed": ((), Role.FOLLOWER),
        "all": ((), None),
    }
)


def show_all(visit: Visit) -> Response:
    """Show a page of requests: those to the partner that are open, those from it, those that it follows, or all."""
    chosen, state = asked(visit, "list"), asked(visit, "state")
    states, role = _LISTS.get(chosen, _LISTS[""])
    if state in list(RequestState):
        states = (state,)
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        found = desk.list_(tx, partner, states=states, role=role, before=_place(visit), most=PAGE + 1)
    following = ""
    if len(found) > PAGE:
        place = desk.place_of(found[PAGE - 1])
        following = link(_PATH, list=chosen, state=state, before=f"{place.opened}~{place.id}")
    return visit.page(
        "partner/requests.html",
        partner=partner,
        requests=found[:PAGE],
        chosen=chosen if chosen in _LISTS else "",
        state=state,
        states=[*RequestState],
        following=following,
        **_as_written(),
    )


def show_one(visit: Visit, id: str) -> Response:
    """Show one request with its steps, and the forms of the steps that the partner may take."""
    with visit.site.hub.store.read() as tx:
        return _request_page(visit, _find(tx, own_partner(visit, tx), id))


def open_one(visit: Visit) -> Response:
    """Show the form of a new request, and send it, as ``POST /api/requests`` would."""
    if visit.request.method != "POST":
        return _form(visit)
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
    given = {name: visit.field(name, 2_100) for name in _FIELDS}
    begun = _begun(visit)
    try:
        hours = _hours(given["deadline"], DEADLINES)
        if hours is None:
            return _form(visit, given, _NO_TIME)
        columns = {**given, "currency": given["currency"].upper(), "deadline": _after(begun, hours), "until": ""}
        if (end := _hours(given["until"], ENDS)) is not None:
            columns["until"] = _after(begun, end)
        view = _send(visit, partner, "request", columns)
    except Rejected as refusal:
        return _form(visit, given, None, refusal.message)
    return visit.go(f"{_PATH}/{view.id}")


def take_step(visit: Visit, id: str) -> Response:
    """Change a request's state, as its addressee or its sender."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        view = _find(tx, partner, id)
    went_to = ";".join(visit.field("went_to", 20_000).splitlines())
    columns = {name: visit.field(name, 100) for name in ("state", "amount", "reason")}
    columns |= {"request": view.id, "went_to": went_to}
    columns["currency"] = str(view.request.currency or "") if columns["amount"] else ""
    try:
        view = _send(visit, partner, "request-answer", columns)
    except Rejected as refusal:
        if refusal.reason == Reason.UNKNOWN_REQUEST.code:
            raise PageRefused(404, _NO_REQUEST) from None
        return _request_page(visit, view, refusal.message)
    return visit.go(f"{_PATH}/{view.id}")


def _send(visit: Visit, partner: Partner, record: str, columns: Mapping[str, str]) -> RequestView:
    """Send a request or the answer to one, noted by the person's name. Raises ``Rejected`` and ``PageRefused``."""
    user = visit.known_user
    defaults = {"reporter": partner.name, "reported_at": timestamp.text(timestamp.now())}
    content = tabular.read_record(record, columns, defaults)
    assert isinstance(content, Request | RequestAnswer)  # noqa: S101 - the records of these two names
    verb = "REQUEST" if isinstance(content, Request) else content.state.upper()
    try:
        done = send_exchange(
            visit.site.hub,
            quotas_of(visit),
            partner,
            content,
            lambda tx, sent: note(tx, verb, "request", user, sent.view.id),
        )
    except TaxiiError as error:
        raise refusal_of(error) from None
    return done.view


def _find(tx: Tx, partner: Partner, id_: str) -> RequestView:
    try:
        return desk.show(tx, partner, id_)
    except Rejected:
        raise PageRefused(404, _NO_REQUEST) from None


def _request_page(visit: Visit, view: RequestView, refused: str = "") -> Response:
    return visit.page(
        "partner/request.html",
        422 if refused else 200,
        view=view,
        steps=allowed(view.state, Role(view.role)),
        disagreements=[reason for reason in RequestReason if reason in DISAGREEMENTS],
        closings=[reason for reason in RequestReason if reason in CLOSINGS],
        refused=refused,
        **_as_written(),
    )


def _form(
    visit: Visit, given: Mapping[str, str] | None = None, problem: Translatable | None = None, refused: str = ""
) -> Response:
    return visit.page(
        "partner/request_form.html",
        422 if problem or refused else 200,
        given=given or dict.fromkeys(_FIELDS, ""),
        begun=now(),
        words=[*RequestWord],
        bases=[*LegalBasis],
        kinds=[name for name, kind in kinds.every().items() if kind.account or name == "wallet"],
        deadlines=DEADLINES,
        ends=ENDS,
        problem=problem,
        refused=refused,
    )


def _as_written() -> dict[str, Any]:
    """Return what a template needs to write the moments, the time left and the amounts of a request."""
    at = now()
    return {
        "moment_of": micros,
        "seconds_left": lambda until: (micros(until) - at) / 1_000_000,
        "amount_of": Decimal,
    }


def _begun(visit: Visit) -> int:
    """Return the moment of the form, so that sending it twice is sending the same; now for one that is old."""
    given, at = visit.field("begun", 20), now()
    begun = int(given) if given.isascii() and given.isdecimal() else 0
    return begun if at - _FORM_LASTS < begun <= at else at


def _hours(given: str, known: tuple[int, ...]) -> int | None:
    return next((hours for hours in known if str(hours) == given), None)


def _after(begun: int, hours: int) -> str:
    return timestamp.text(timestamp.to_millisecond(moment(begun) + timedelta(hours=hours)))


def _place(visit: Visit) -> Place | None:
    parts = place_of(asked(visit, "before"), 2)
    return None if parts is None else Place(int(parts[0]), parts[1])
