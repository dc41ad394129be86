"""The first pages of the public and of operators: the hub and its health, the operators' tasks, and the users."""

from datetime import timedelta
from typing import Any, NamedTuple

from flask import Response
from markupsafe import Markup
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from schemas.partner import Partner
from server.features.overview import queries
from server.features.overview.pulse import charts
from server.features.overview.queries import Pulse
from server.features.overview.tasks import tasks
from server.features.trends.figure_words import PEOPLE
from server.features.trends.published_figures import Headlines, headlines, report_charts
from server.operations.rights import ANYBODY, VIEWERS
from server.store import (
    StoreUnavailable,
    collections,
    feed_state,
    focal_points,
    hub_identity,
    log,
    partners,
    quotas,
    read_progress,
)
from server.store.database.engine import Tx
from server.store.database.times import micros, now
from server.store.focal_points import FocalPoint
from server.store.liveness import heartbeats, silences
from server.store.objects.query import EVERY, Query
from server.store.providers import kept_accounts
from server.web.shell.contact_links import link_of
from server.web.shell.routes import WORK, Route, Tab
from server.web.shell.visit import NoPage, Visit
from server.web.shell.words import mark

_HTML = "text/html"
_MOST_PARTNERS = 500
# Looking whether the store can be written costs more than all the page.
_READY_SECONDS = 5.0
_MONTH = 30 * 86_400 * 1_000_000
_MOST_ROWS = 100
# A reader that is further behind (seconds) is named at once; the others are in a folded list.
_BEHIND = 3_600.0
_TO_DO = {
    hub_identity.NO_FOCAL_POINT: mark(
        "Accounts of people who act under coercion are listed, and no contact for their protection is set. Set a focal "
        "point: scamfeed partner focal-point"
    ),
    hub_identity.UNKNOWN_RECIPIENT: mark(
        "Reports or requests of this partner include or exclude readers that are not registered here. Ask for the "
        "registered names, or add the partner."
    ),
    hub_identity.MANY_ENDS: mark(
        "This partner’s organisation ended more listings within 24 hours than it may. The rest waits for a review, and "
        "stays listed. Ask the partner whether it is meant."
    ),
    hub_identity.MANY_BLOCKS: mark(
        "This partner’s organisation alone reported more values to block in one hour than it may. The rest is listed "
        "as a warning until a review. Ask the partner whether it is meant."
    ),
}


class PublicFacts(NamedTuple):
    """Public facts about the hub: the date of its first report, the partners that want to be named, and the contact."""

    since: int
    partners: list[Partner]
    contacts: list[tuple[FocalPoint, str]]


def show_front(visit: Visit) -> Response:
    """Show the published figures, a box to check a value, and how to join. Raises ``NoPage``."""
    if not takes_html(visit.request.headers.get("Accept")):
        raise NoPage(404, "")
    figures: Headlines | None = None
    charts: list[Markup] = []
    facts: PublicFacts | None = None
    is_ready = visit.site.figures.of("ready", visit.site.is_ready, _READY_SECONDS)
    if is_ready:
        try:
            figures, charts, facts = headlines(visit), report_charts(visit), facts_of(visit)
        except StoreUnavailable:
            is_ready = False
    return visit.page(
        "public/front.html",
        is_ready=is_ready,
        figures=figures,
        charts=charts if figures else [],
        facts=facts,
        amount=visit.language.whole_amount,
        people_words={word: visit.language.text(text) for word, text in PEOPLE.items()},
    )


def facts_of(visit: Visit) -> PublicFacts:
    """Return what anybody may know of the hub, as of up to a minute ago. Raises ``StoreUnavailable``."""

    def read() -> PublicFacts:
        with visit.site.hub.store.read() as tx:
            points = focal_points.of(tx, focal_points.HUB)
            inboxes = [found for found in collections.all_collections(tx) if found.kind == "inbox"]
            first = [log.page(tx, inbox, Query(versions=EVERY, limit=1)).first for inbox in inboxes]
            since = min(filter(None, (hub_identity.load(tx).created, *first)))
            named = partners.shown_publicly(tx, _MOST_PARTNERS)
        return PublicFacts(since, named, [(point, link_of(point.contact)) for point in points])

    return visit.site.figures.of("facts", read)


def takes_html(accept: str | None) -> bool:
    """Return whether a client with this Accept header takes HTML; without the header it does."""
    asked = parse_accept_header(accept, MIMEAccept)
    return not asked or asked.quality(_HTML) > 0


def show_overview(visit: Visit) -> Response:
    """Show today's tasks by urgency, the pulse, and the lists; each query is bounded, for a hub of any size."""
    settings = visit.site.settings

    def count() -> Pulse:
        with visit.site.hub.store.read() as tx:
            return queries.read(tx, now())

    with visit.site.hub.store.read() as tx:
        values = _lists(visit, tx)
        found = tasks(tx, now(), settings.retraction_target, settings.answer_target)
    return visit.page(
        "operator/overview.html",
        **values,
        tasks=[task for task in found if task.number],
        idle=[task for task in found if not task.number],
        charts=charts(visit.language, visit.site.figures.of("pulse", count)),
        now=now(),
    )


def _lists(visit: Visit, tx: Tx) -> dict[str, Any]:
    """Return the lists: what needs attention first, then the health of the parts."""
    target = visit.site.settings.answer_target // timedelta(microseconds=1)
    moment = now()
    answers = kept_accounts.counts(tx, target, moment, moment - _MONTH)
    lags = sorted(read_progress.lags(tx), key=lambda lag: -lag.seconds)
    runs = sorted(feed_state.last_runs(tx).values(), key=lambda run: (run.error is None, run.feed))
    return {
        "answers": sorted((counted for counted in answers if counted.open), key=lambda c: (-c.late, c.oldest or 0))[
            :_MOST_ROWS
        ],
        "slowed": quotas.current_throttles(tx)[:_MOST_ROWS],
        "warnings": [(_TO_DO.get(warning.name, warning.name), warning) for warning in hub_identity.all_warnings(tx)],
        "quiet": silences.current(tx)[:_MOST_ROWS],
        "feeds": [(run, micros(run.ended)) for run in runs][:_MOST_ROWS],
        "behind": [lag for lag in lags if lag.seconds >= _BEHIND][:_MOST_ROWS],
        "lags": lags[:_MOST_ROWS],
        "beats": heartbeats.last_beats(tx),
        "collections": [found for found in collections.all_collections(tx) if found.kind != "private"],
    }


ROUTES = (
    Route("/", ANYBODY, show_front),
    Route("/console/", VIEWERS, show_overview, tab=Tab(WORK, 1, mark("Overview"))),
)
