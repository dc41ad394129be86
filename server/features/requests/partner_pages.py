"""The pages of requests between institutions: to and from the partner, opened, and taken a step further."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from babel.numbers import get_territory_currencies
from flask import Response

from mappers.notes import RequestView
from schemas import kinds, tabular, timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.request import (
    CLOSINGS,
    DISAGREEMENTS,
    REJECTIONS,
    TAKEDOWNS,
    LegalBasis,
    Request,
    RequestAnswer,
    RequestReason,
    RequestState,
    RequestWord,
)
from schemas.takedown import ServedBy, location_sha256, marked, scripts_of
from server.features.requests import desk, records as requests
from server.features.requests.desk import Sent
from server.features.requests.limits import MOST_AT_ONCE
from server.features.requests.operations import Respond, RespondToSeveral, SendRequest
from server.features.requests.records import RequestPlace
from server.features.requests.serving import served_on_reading
from server.features.requests.states import Role, allowed, responses
from server.operations.operation import Operation
from server.operations.rights import PARTNERS
from server.release.reasons import Reason
from server.store.database.engine import Tx
from server.store.database.times import micros, moment, now
from server.web.shell.banks import BANK_FIELDS, bank_in_form
from server.web.shell.forms import contribute, own_partner
from server.web.shell.hub_texts import text_of
from server.web.shell.lists import PAGE, asked, page_of, place_of
from server.web.shell.routes import BOTH, FORM, OWN, Route, Tab, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark

_PATH = "/partner/requests"
_NO_REQUEST = mark("There is no such request.")
_NO_TIME = mark("Choose by when you ask for an answer.")
_NONE_CHOSEN = mark("Choose at least one request, and a hundred at most.")
_DECISIONS: Mapping[str, RequestState] = MappingProxyType(
    {"confirm": RequestState.OPEN, "decline": RequestState.CLOSED}
)
# The fields of a form for the response to a takedown request.
RESPONSE_FIELDS = ("response", "territory", "reference", "right_addressee")
# The facts from which a template writes a location.
OF_LOCATIONS: Mapping[str, Any] = MappingProxyType(
    {"marked": marked, "scripts_of": scripts_of, "location_sha256": location_sha256}
)
_HOUR = 3_600
# A form that is older is of the moment when it is sent.
_FORM_LASTS = _HOUR * 1_000_000
DEADLINES = (1, 4, 12, 24, 48, 72, 168, 336, 720)
ENDS = (12, 24, 72, 168, 336, 720, 2_160, 4_320)
_FIELDS = (
    *("asks", "value", "kind", *BANK_FIELDS, "reference", "amount", "currency", "addressee", "also_to"),
    *("deadline", "until", "legal_basis", "legal_reference", "uetr", "end_to_end_id", "transaction_hash"),
)
# What each word asks for; about sums of money, and about payments.
ASKED: Mapping[RequestWord, Translatable] = MappingProxyType(
    {
        RequestWord.FREEZE: mark("Keep the money in the account, until a date."),
        RequestWord.TRACE: mark("Say where the money of a payment went on."),
        RequestWord.RETURN: mark("Send the money of a payment back."),
        RequestWord.INFORMATION: mark("Give information about the account, on a basis in law."),
        RequestWord.PRESERVE: mark("Keep records and evidence, before they are deleted."),
    }
)
_OF_MONEY = frozenset((RequestWord.FREEZE, RequestWord.TRACE, RequestWord.RETURN))
_OF_PAYMENT = frozenset((RequestWord.TRACE, RequestWord.RETURN))
# A list: open to me, open from me, and so on, with the states and the role that are asked for.
_OPEN = (RequestState.UNCONFIRMED, RequestState.OPEN, RequestState.ACKNOWLEDGED, RequestState.AGREED)
_LISTS: Mapping[str, tuple[tuple[str, ...], str | None]] = MappingProxyType(
    {
        "": (_OPEN, Role.ADDRESSEE),
        "from": (tuple(state for state in RequestState if state is not RequestState.CLOSED), Role.SENDER),
        "unconfirmed": ((RequestState.UNCONFIRMED,), Role.SENDER),
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
        found = desk.list_(
            tx, partner, states=states, role=role, before=place_of(visit, RequestPlace, int, str), most=PAGE + 1
        )
        counts = requests.count_by_state(tx, partner.name, role)
    shown, following = page_of(visit, found, PAGE, desk.place_of, list=chosen, state=state)
    return visit.page(
        "partner/requests.html",
        partner=partner,
        requests=shown,
        chosen=chosen if chosen in _LISTS else "",
        state=state,
        counts={state: counts[state] for state in RequestState if state in counts},
        following=following,
        **as_written(),
    )


def show_one(visit: Visit, id: str) -> Response:
    """Show one request with its steps, and the forms of the steps that the partner may take."""
    with visit.site.hub.store.read() as tx:
        view = _find(tx, own_partner(visit, tx), id)
    served_on_reading(visit.site.hub.store, [(view.id, view.role)], ServedBy.PAGE)
    with visit.site.hub.store.read() as tx:
        return _request_page(visit, _find(tx, own_partner(visit, tx), id))


def open_one(visit: Visit) -> Response:
    """Show the form of a new request, and send it, as ``POST /api/requests`` would."""
    if visit.request.method != "POST":
        word = asked(visit, "asks")
        if word in TAKEDOWNS:
            return visit.go(f"/partner/takedowns/new?asks={word}")
        return _form(visit, _new(visit, word)) if word in ASKED else _choice(visit)
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
    given = {name: visit.field(name, 2_100) for name in _FIELDS}
    begun = _begun(visit)
    try:
        hours = _hours(given["deadline"], DEADLINES)
        if hours is None:
            return _form(visit, given, _NO_TIME)
        columns = {**given, **_account(visit), "deadline": _after(begun, hours), "until": ""}
        columns["currency"] = given["currency"].upper() if given["amount"] else ""
        if (end := _hours(given["until"], ENDS)) is not None:
            columns["until"] = _after(begun, end)
        view = _send(visit, partner, "request", columns)
    except Rejected as refusal:
        return _form(visit, given, None, text_of(visit.language, refusal))
    return visit.go(f"{_PATH}/{view.id}")


def take_step(visit: Visit, id: str) -> Response:
    """Change a request's state, as its addressee or its sender."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        view = _find(tx, partner, id)
    went_to = ";".join(visit.field("went_to", 20_000).splitlines())
    columns = {name: visit.field(name, 200) for name in ("state", "amount", "reason", *RESPONSE_FIELDS)}
    columns |= {"request": view.id, "went_to": went_to}
    columns["currency"] = str(view.request.currency or "") if columns["amount"] else ""
    try:
        view = _send(visit, partner, "request-answer", columns)
    except Rejected as refusal:
        if refusal.reason == Reason.UNKNOWN_REQUEST.code:
            raise PageRefused(404, _NO_REQUEST) from None
        return _request_page(visit, view, text_of(visit.language, refusal))
    return visit.go(f"{_PATH}/{view.id}")


def decide_hops(visit: Visit) -> Response:
    """Confirm or decline the hops that are ticked, as ``POST /api/requests/answers`` would."""
    ids = list(dict.fromkeys(visit.request.form.getlist("id")))
    state = _DECISIONS.get(visit.field("decision"))
    if state is None or not 0 < len(ids) <= MOST_AT_ONCE:
        raise PageRefused(422, _NONE_CHOSEN)
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
    operation = RespondToSeveral(partner=partner, ids=tuple(ids), response={"state": state})
    done = contribute(visit, operation, partner, len(ids), {Rejected: (422, _NONE_CHOSEN)})
    return visit.page("partner/hops_decided.html", views=done.views, refused=done.refused, state=str(state))


def _send(visit: Visit, partner: Partner, record: str, columns: Mapping[str, str]) -> RequestView:
    """Send a request, or the response to one, in the person's name. Raises ``Rejected`` and ``PageRefused``."""
    defaults = {"reporter": partner.name, "reported_at": timestamp.text(timestamp.now())}
    content = tabular.read_record(record, columns, defaults)
    if not isinstance(content, Request | RequestAnswer):
        raise TypeError(record)
    operation: Operation[Sent]
    if isinstance(content, Request):
        operation = SendRequest(partner=partner, request=content)
    else:
        operation = Respond(partner=partner, response=content)
    return contribute(visit, operation, partner, 1).view


def _find(tx: Tx, partner: Partner, id_: str) -> RequestView:
    try:
        return desk.show(tx, partner, id_)
    except Rejected:
        raise PageRefused(404, _NO_REQUEST) from None


def _request_page(visit: Visit, view: RequestView, refused: str = "") -> Response:
    is_asked_to_act = view.request.is_takedown and view.role == Role.ADDRESSEE
    return visit.page(
        "partner/request.html",
        422 if refused else 200,
        view=view,
        steps=allowed(view.state, Role(view.role), takedown=view.request.is_takedown),
        fitting=responses(view.request, view.state) if is_asked_to_act else (),
        rejections=[reason for reason in RequestReason if reason in REJECTIONS],
        disagreements=[reason for reason in RequestReason if reason in DISAGREEMENTS],
        closings=[reason for reason in RequestReason if reason in CLOSINGS],
        refused=refused,
        **as_written(),
    )


def _choice(visit: Visit) -> Response:
    """Show the choice of the act, on which the fields of the form depend."""
    return visit.page("partner/request_choice.html", words=ASKED)


def _new(visit: Visit, word: str) -> dict[str, str]:
    """Return the fields of a new form, with the kind and the currency that are usual at this hub."""
    currencies = get_territory_currencies(visit.site.settings.country) if visit.site.settings.country else []
    given = dict.fromkeys(_FIELDS, "")
    return given | {"asks": word, "kind": "bank-account", "currency": currencies[0] if currencies else ""}


def _account(visit: Visit) -> dict[str, str]:
    """Return the bank of the account and its country, which only belongs to a bank, or to a number from abroad."""
    bank, country = bank_in_form(visit)
    return {"bank": bank, "country": country if bank or country != visit.site.settings.country else ""}


def _form(visit: Visit, given: Mapping[str, str], problem: Translatable | None = None, refused: str = "") -> Response:
    word = given["asks"] if given["asks"] in ASKED else RequestWord.FREEZE
    return visit.page(
        "partner/request_form.html",
        422 if problem or refused else 200,
        given=given,
        begun=now(),
        word=RequestWord(word),
        meaning=ASKED[RequestWord(word)],
        of_money=word in _OF_MONEY,
        of_payment=word in _OF_PAYMENT,
        bases=[*LegalBasis],
        kinds=[name for name, kind in kinds.every().items() if kind.account or name == "wallet"],
        deadlines=DEADLINES,
        ends=ENDS,
        problem=problem,
        refused=refused,
    )


def as_written() -> dict[str, Any]:
    """Return what a template needs to write the moments, the time left and the amounts of a request."""
    at = now()
    return {
        "moment_of": micros,
        "seconds_left": lambda until: (micros(until) - at) / 1_000_000,
        "amount_of": Decimal,
        **OF_LOCATIONS,
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


ROUTES = (
    Route(
        "/partner/requests",
        PARTNERS,
        show_all,
        tab=Tab(OWN, 3, mark("Requests"), also=("/partner/questions", "/partner/takedowns")),
    ),
    Route("/partner/requests/new", may_run(SendRequest), open_one, methods=BOTH),
    Route("/partner/requests/hops", may_run(RespondToSeveral), decide_hops, methods=FORM),
    Route("/partner/requests/<id>", PARTNERS, show_one),
    Route("/partner/requests/<id>/step", may_run(Respond), take_step, methods=FORM),
)
