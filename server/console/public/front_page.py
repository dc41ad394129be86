"""The page at ``/``: what this hub is, how it is, how to connect, and whom to ask."""

import re

from flask import Response
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from server.console.public.trend_pages import headlines
from server.console.visit import PageRefused, Visit

_HTML = "text/html"
_MAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", re.ASCII)
_URL = re.compile(r"https?://[!-~]+", re.ASCII)


class NoPage(PageRefused):
    """A client that takes no HTML: for a TAXII client there is nothing at ``/``."""


def show(visit: Visit) -> Response:
    """Show what this is. Raises ``NoPage``."""
    if not takes_html(visit.request.headers.get("Accept")):
        raise NoPage(404, "")
    is_ready = visit.site.is_ready()
    return visit.page(
        "public/front.html",
        is_ready=is_ready,
        contact_link=link_of(visit.site.settings.contact),
        figures=headlines(visit) if is_ready else None,
        amount=visit.language.amount,
    )


def takes_html(accept: str | None) -> bool:
    """Return whether a client with this Accept header takes HTML; without the header it does."""
    asked = parse_accept_header(accept, MIMEAccept)
    return not asked or asked.quality(_HTML) > 0


def link_of(contact: str) -> str:
    """Return where a contact leads, "" for one that is no mail address and no URL."""
    if _MAIL.fullmatch(contact):
        return f"mailto:{contact}"
    return contact if _URL.fullmatch(contact) else ""
