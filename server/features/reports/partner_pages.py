"""The page of a partner's reports and their results: filtered, searched, page by page, and as CSV."""

from codecs import BOM_UTF8
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from flask import Response

from schemas import kinds, timestamp
from schemas.records import FeedbackEvent
from schemas.report import MAX_VALUE
from server.features.receipts import timeline
from server.features.receipts.timeline import Journey
from server.features.reports import feedback, today
from server.features.reports.feedback import EventFilter, EventPlace, OwnValue
from server.operations.rights import PARTNERS
from server.release.query.typed import typed_value
from server.store.database.engine import Tx
from server.store.database.times import micros, now
from server.web.shell.forms import own_partner
from server.web.shell.lists import LONGEST, PAGE, asked, csv_line, place_of, text_of_place
from server.web.shell.routes import BOTH, OWN, Route, Tab, navigation
from server.web.shell.visit import Visit
from server.web.shell.words import Translatable, mark

_MOST_IN_FILE = 2_000
_PAGES_OF_FILE = 20
# On the first view, below the work of the day.
_LATEST = 10
_COLUMNS = ("at", "event", "kind", "value", "reference", "by_kind", "outcome", "code", "reason", *feedback.STAGES)
_NO_VALUE = mark("Write the value as you reported it, or at least its last four characters.")
_NO_DAY = mark("Write the day as year-month-day, of the common era.")


class _Search(NamedTuple):
    """A search: as it was written, as a filter, and its fault."""

    given: Mapping[str, str]
    wanted: EventFilter
    problem: Translatable | None


class _OwnReport(NamedTuple):
    """One of the partner's own reports of a value that is searched for, and how far it came."""

    id: str
    value: OwnValue
    journey: Journey | None


def show(visit: Visit) -> Response:
    """Show what waits for the partner, a page of events, and its own reports of a value that is searched for."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        search = _search(visit, tx)
        place = place_of(visit, EventPlace, int, int)
        is_first_view = place is None and not any(search.given.values())
        page = feedback.page(tx, partner.name, search.wanted, place, _LATEST if is_first_view else PAGE)
        reports = _own_reports(tx, partner.name, search.wanted)
        work = today.tasks(tx, partner, visit.site.settings)
        counts = today.counts(tx, partner.name)
    rows = [{**row, **_moments(row)} for row in page.rows]
    following = text_of_place(page.following or ())
    return visit.page(
        "partner/reports.html",
        422 if search.problem else 200,
        partner=partner,
        tasks=work,
        now=now(),
        counts=counts,
        ways=[(path, tab.text) for path, tab in navigation(visit.right)[OWN] if path.startswith("/partner/report")],
        rows=rows,
        reports=reports,
        kinds=[*kinds.every()],
        events=[*FeedbackEvent],
        given=search.given,
        problem=search.problem,
        following=following,
        looked_back_to=page.looked_back_to,
        most=_MOST_IN_FILE,
    )


def send_file(visit: Visit) -> Response:
    """Send the latest of the selected events as CSV, up to a limit."""
    rows: list[dict[str, Any]] = []
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        search = _search(visit, tx)
        place: EventPlace | None = None
        for _ in range(_PAGES_OF_FILE):
            page = feedback.page(tx, partner.name, search.wanted, place, _MOST_IN_FILE - len(rows))
            rows, place = rows + page.rows, page.following
            if place is None or len(rows) >= _MOST_IN_FILE:
                break
    lines = [csv_line(_COLUMNS), *(csv_line([row.get(name) for name in _COLUMNS]) for row in rows)]
    # The byte order mark tells spreadsheets that this is UTF-8.
    return visit.file(BOM_UTF8 + b"".join(lines), "reports.csv", "text/csv; charset=utf-8")


def _search(visit: Visit, tx: Tx) -> _Search:
    """Return what is asked for; what cannot be read is left out, and said."""
    given = {name: _given(visit, name) for name in ("event", "kind", "since", "reference")}
    # A value stands in no address, since these are in the logs of proxies.
    given["value"] = visit.field("value", MAX_VALUE)
    if given["event"] not in list(FeedbackEvent):
        given["event"] = ""
    if given["kind"] not in kinds.every():
        given["kind"] = ""
    ids, ending, since, problem = None, "", 0, None
    if given["value"]:
        typed = typed_value(given["value"], visit.site.settings.country)
        ids = feedback.own_reports(tx, own_partner(visit, tx).name, typed.names)
        # An account's number alone is a value of no bank; its last digits find it, too.
        ending = typed.ending if typed.is_number or not ids else ""
        problem = None if ids or ending else _NO_VALUE
    if given["since"]:
        try:
            day = date.fromisoformat(given["since"])
            since = micros(datetime.combine(day, datetime.min.time(), visit.language.zone))
        except ValueError:
            problem = _NO_DAY
    return _Search(given, EventFilter(given["event"], given["kind"], given["reference"], ending, since, ids), problem)


def _own_reports(tx: Tx, partner: str, wanted: EventFilter) -> list[_OwnReport]:
    """Return the partner's own reports of the value that is searched for, also those of which there is no event."""
    ids = sorted(wanted.ids or ())[:PAGE]
    values, journeys = feedback.own_values(tx, partner, ids), timeline.of_reports(tx, partner, ids)
    return [_OwnReport(id_, values[id_], journeys.get(id_)) for id_ in ids if id_ in values]


def _given(visit: Visit, name: str) -> str:
    """Return a field of the form, else of the address."""
    return visit.field(name, LONGEST) or asked(visit, name)


def _moments(row: Mapping[str, Any]) -> dict[str, int | None]:
    """Return the moments of a row as microseconds."""
    return {stage: micros(timestamp.parse(row[stage])) if row[stage] else None for stage in feedback.STAGES}


ROUTES = (
    Route("/partner/", PARTNERS, show, methods=BOTH, changes=False, tab=Tab(OWN, 1, mark("Today"))),
    Route("/partner/reports.csv", PARTNERS, send_file, methods=BOTH, changes=False),
)
