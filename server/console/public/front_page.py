"""The page at ``/``: three figures, charts, what this hub is, who takes part, how it is, and whom to ask."""

import re
from typing import NamedTuple

from flask import Response
from markupsafe import Markup
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from schemas.partner import Partner
from server.console.public.figure_words import PEOPLE
from server.console.public.published_figures import Headlines, headlines, report_charts
from server.console.visit import PageRefused, Visit
from server.store import StoreUnavailable, collections, focal_points, hub_identity, log, partners
from server.store.focal_points import FocalPoint
from server.store.objects.query import EVERY, Query

_HTML = "text/html"
_MAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", re.ASCII)
_TEL = re.compile(r"tel:\+?[0-9]{3,15}", re.ASCII)
_URL = re.compile(r"https?://[!-~]+", re.ASCII)
_MOST_PARTNERS = 500
# Looking whether the store can be written costs more than all the page.
_READY_SECONDS = 5.0


class NoPage(PageRefused):
    """A client that takes no HTML: for a TAXII client there is nothing at ``/``."""


class PublicFacts(NamedTuple):
    """The public facts about the hub: since when it has reports, who wants to be named, and whom to ask."""

    since: int
    partners: list[Partner]
    contacts: list[tuple[FocalPoint, str]]


def show(visit: Visit) -> Response:
    """Show what this is. Raises ``NoPage``."""
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
        contact_link=link_of(visit.site.settings.contact),
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


def link_of(contact: str) -> str:
    """Return where a contact leads, "" for one that is no mail address, URL or number."""
    if _MAIL.fullmatch(contact):
        return f"mailto:{contact}"
    return contact if _URL.fullmatch(contact) or _TEL.fullmatch(contact) else ""
