"""The forms for a person's view of the desks, columns and saved filters, and the answers to forms: they are no acts.

The browser keeps columns and filters.
"""

import re

from flask import Response

from server.operations.rights import EVERY_USER, VIEWERS
from server.web.shell.lists import LONGEST, link
from server.web.shell.routes import FORM, Route
from server.web.shell.saved_filters import FILTERS, LONGEST_NAME, with_filter, without_filter
from server.web.shell.sent_forms import show_sent
from server.web.shell.tables import with_hidden
from server.web.shell.visit import COLUMNS, PageRefused, Visit
from server.web.shell.words import mark

_NAME = re.compile(r"[a-z-]{1,30}")
_NO_TABLE = mark("There is no such table.")
_NO_NAME = mark("Give the filter a name of at most 40 characters.")
_REVIEWS = "/console/reviews"
_OF_REVIEWS = ("state", "rule", "partner", "kind", "country", "age")


def choose_columns(visit: Visit) -> Response:
    """Keep which columns of a table the reader sees, and go back to the page."""
    table = visit.field("table")
    if _NAME.fullmatch(table) is None:
        raise PageRefused(422, _NO_TABLE)
    offered, shown = ({int(place) for place in visit.fields(name) if place in _PLACES} for name in ("column", "shown"))
    visit.keep_cookie(COLUMNS, with_hidden(visit.cookie(COLUMNS), table, offered - shown), for_long=True)
    return visit.go(visit.next_path() or "/me")


def save_filter(visit: Visit) -> Response:
    """Keep a filter of the reviews under a name, or remove one."""
    kept, removed = visit.cookie(FILTERS), visit.field("remove", LONGEST_NAME)
    if removed:
        visit.keep_cookie(FILTERS, without_filter(kept, removed), for_long=True)
        return visit.go(_REVIEWS)
    name = " ".join(visit.field("filter-name", LONGEST_NAME).split())
    given = {field: visit.field(field, LONGEST) for field in _OF_REVIEWS}
    if not name:
        raise PageRefused(422, _NO_NAME)
    visit.keep_cookie(FILTERS, with_filter(kept, name, given), for_long=True)
    return visit.go(link(_REVIEWS, **given))


_PLACES = frozenset(map(str, range(40)))
ROUTES = (
    Route("/me/columns", EVERY_USER, choose_columns, methods=FORM),
    Route("/me/filters", VIEWERS, save_filter, methods=FORM),
    Route("/me/sent/<id>", EVERY_USER, show_sent),
)
