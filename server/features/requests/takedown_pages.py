"""The desk of takedown requests: to and from a partner, with filters, bulk responses, CSV, and a form for orders."""

from collections.abc import Iterator, Sequence
from types import MappingProxyType

from flask import Response

from mappers import wording
from mappers.notes import RequestView
from schemas.errors import Rejected
from schemas.request import REJECTIONS, TAKEDOWNS, LegalBasis, RequestReason, RequestWord
from schemas.takedown import (
    ServedBy,
    TakedownBasis,
    TakedownGround,
    TakedownResponse,
    location_sha256,
)
from server.features.requests import desk, records as requests, statistics_form
from server.features.requests.limits import MOST_AT_ONCE
from server.features.requests.operations import RespondToSeveral, SendSeveral
from server.features.requests.order_files import MOST_ROWS, read_order
from server.features.requests.partner_pages import OF_LOCATIONS, RESPONSE_FIELDS, as_written
from server.features.requests.records import UNANSWERED, RequestPlace, StoredRequest, TakedownFilter
from server.features.requests.serving import served_on_reading
from server.features.requests.states import Role
from server.features.requests.statistics import TakedownStatistics, count_takedowns
from server.operations.rights import PARTNERS
from server.store.database.engine import Tx
from server.store.database.times import now
from server.web.shell.forms import contribute, own_partner
from server.web.shell.hub_texts import text_of
from server.web.shell.lists import PAGE, asked, csv_line, page_of, place_of
from server.web.shell.routes import BOTH, FORM, Route, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import mark

_NONE_CHOSEN = mark("Choose at least one request, and a hundred at most.")
_NO_RESPONSE = mark("Choose what was done.")
_MOST_OF_FILE = 10_000
_MOST_CHARACTERS = 1_000_000
_STATES = MappingProxyType({"open": UNANSWERED, "overdue": UNANSWERED, "done": ("done",), "rejected": ("disagreed",)})
_COMMON = (
    *("asks", "reference", "basis", "legal_basis", "legal_reference", "authority", "addressee", "deadline"),
    *("scam_type", "territory"),
)
_COLUMNS = (
    *("id", "asks", "location", "location_sha256", "state", "response", "sender", "reference", "basis", "authority"),
    *("legal_reference", "opened", "served_at", "due_at", "overdue"),
)


def show_all(visit: Visit) -> Response:
    """Show the takedown requests to the partner, or from it; what it is shown counts as received."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        chosen = _chosen(visit)
        found = requests.takedowns(
            tx, partner.name, chosen, after=place_of(visit, RequestPlace, int, str), most=PAGE + 1
        )
    served_on_reading(visit.site.hub.store, [(stored.id, chosen.role) for stored in found[:PAGE]], ServedBy.PAGE)
    given = {"role": chosen.role, "state": asked(visit, "state"), "asks": chosen.asks, "case": chosen.case_number}
    shown, following = page_of(visit, found, PAGE, lambda last: (last.deadline, last.id), **given)
    with visit.site.hub.store.read() as tx:
        views = _views(tx, partner.name, chosen, shown)
        totals = requests.takedown_totals(tx, partner.name, chosen.role, now())
    return visit.page(
        "partner/takedowns.html",
        views=views,
        totals=totals,
        given=given,
        words=sorted(TAKEDOWNS),
        states=tuple(_STATES),
        responses=[word for word in TakedownResponse if word is not TakedownResponse.RESTRICTED],
        rejections=[reason for reason in RequestReason if reason in REJECTIONS],
        following=following,
        **as_written(),
    )


def write_csv(visit: Visit) -> Response:
    """Write the listed requests as CSV, with the exact location and its digest."""
    chosen = _chosen(visit)
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        found = requests.takedowns(tx, partner.name, chosen, most=_MOST_OF_FILE)
        views = _views(tx, partner.name, chosen, found)
    served_on_reading(visit.site.hub.store, [(stored.id, chosen.role) for stored in found], ServedBy.PAGE)
    return visit.file(_lines(views), "takedowns.csv", "text/csv; charset=utf-8")


def show_statistics(visit: Visit) -> Response:
    """Show the partner the figures about itself as an addressee."""
    months = statistics_form.months_of(visit)
    found = _statistics(visit, months)
    return visit.page("partner/takedown_statistics.html", found=found, months=months, periods=statistics_form.PERIODS)


def write_statistics(visit: Visit) -> Response:
    """Write the same figures as CSV."""
    return statistics_form.csv_of(visit, _statistics(visit, statistics_form.months_of(visit)))


def _statistics(visit: Visit, months: int) -> TakedownStatistics:
    with visit.site.hub.store.read() as tx:
        return count_takedowns(tx, now(), addressee=own_partner(visit, tx).name, months=months)


def respond(visit: Visit) -> Response:
    """Give the same response to the requests that are ticked."""
    ids = list(dict.fromkeys(visit.request.form.getlist("id")))
    if not 0 < len(ids) <= MOST_AT_ONCE:
        raise PageRefused(422, _NONE_CHOSEN)
    given = {name: visit.field(name, 200) for name in ("reason", *RESPONSE_FIELDS)}
    response = {name: text for name, text in given.items() if text}
    if response.get("response") not in list(TakedownResponse):
        raise PageRefused(422, _NO_RESPONSE)
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
    operation = RespondToSeveral(partner=partner, ids=tuple(ids), response=response)
    done = contribute(visit, operation, partner, len(ids), {Rejected: (422, _NO_RESPONSE)})
    return visit.page("partner/takedowns_answered.html", views=done.views, refused=done.refused, **OF_LOCATIONS)


def order(visit: Visit) -> Response:
    """Show the form of one order with many locations, and send a request for each."""
    given = {name: visit.field(name, 200) for name in _COMMON}
    if visit.request.method != "POST":
        word = asked(visit, "asks")
        return _form(visit, given | {"asks": word if word in TAKEDOWNS else RequestWord.TAKE_DOWN})
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
    text = visit.request.form.get("locations", "")[: _MOST_CHARACTERS + 1]
    grounds = ";".join(visit.fields("explanation"))
    common = {name: value for name, value in (given | {"explanation": grounds}).items() if value}
    try:
        rows = read_order(text, partner, common)
    except Rejected as refusal:
        return _form(visit, given, text, text_of(visit.language, refusal))
    found = [row for row in rows if row.content is not None]
    if not rows:
        return _form(visit, given, text)
    contents = tuple(row.content for row in found if row.content is not None)
    sent = contribute(visit, SendSeveral(partner=partner, contents=contents), partner, len(found)) if found else []
    refused = {row.line: text_of(visit.language, Rejected(row.reason, row.message)) for row in rows if not row.content}
    refused |= {
        row.line: text_of(visit.language, Rejected(done.reason, done.message))
        for row, done in zip(found, sent, strict=True)
        if done.reason
    }
    number = len({done.id for done in sent if done.id and not done.reason})
    return visit.page("partner/takedowns_sent.html", number=number, refused=sorted(refused.items()))


def _form(visit: Visit, given: dict[str, str], text: str = "", refused: str = "") -> Response:
    return visit.page(
        "partner/takedown_order.html",
        422 if refused else 200,
        given=given,
        text=text,
        refused=refused,
        words=[word for word in RequestWord if word in TAKEDOWNS and word is not RequestWord.RESTORE],
        bases=[*TakedownBasis],
        laws=[basis for basis in LegalBasis if basis.value.endswith("-order") or basis is LegalBasis.STATUTE],
        grounds=[*TakedownGround],
        scam_types=wording.scam_names(visit.language.code),
        hours=(4, 12, 24, 48, 72, 168),
        most=MOST_ROWS,
    )


def _chosen(visit: Visit) -> TakedownFilter:
    state, word = asked(visit, "state"), asked(visit, "asks")
    return TakedownFilter(
        role=Role.SENDER if asked(visit, "role") == Role.SENDER else Role.ADDRESSEE,
        states=tuple(_STATES.get(state, ())),
        overdue_at=now() if state == "overdue" else None,
        asks=word if word in TAKEDOWNS else "",
        case_number=asked(visit, "case"),
    )


def _views(tx: Tx, partner: str, chosen: TakedownFilter, found: Sequence[StoredRequest]) -> list[RequestView]:
    """Return requests as the partner may see them, as they are stored now."""
    current = requests.find(tx, [stored.id for stored in found])
    return desk.views_of(tx, [(current[stored.id], chosen.role) for stored in found if stored.id in current])


def _lines(views: Sequence[RequestView]) -> Iterator[bytes]:
    yield csv_line(_COLUMNS)
    for view in views:
        written = view.written() | {"location_sha256": location_sha256(view.request.location or "")}
        yield csv_line([str(written.get(name, "")) for name in _COLUMNS])


ROUTES = (
    Route("/partner/takedowns", PARTNERS, show_all),
    Route("/partner/takedowns.csv", PARTNERS, write_csv),
    Route("/partner/takedowns/statistics", PARTNERS, show_statistics),
    Route("/partner/takedowns/statistics.csv", PARTNERS, write_statistics),
    Route("/partner/takedowns/respond", may_run(RespondToSeveral), respond, methods=FORM),
    Route("/partner/takedowns/new", may_run(SendSeveral), order, methods=BOTH),
)
