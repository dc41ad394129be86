"""The page of ends that wait for a second person of the organisation."""

from typing import Literal, NamedTuple

from flask import Response

from schemas.errors import Rejected
from server.features.reports.feedback import OwnValue
from server.features.reviews.operations import MOST_ENDS, DecideEnds
from server.operations.rights import PARTNERS
from server.release.ends import SenderDecides, colleagues
from server.store import held_ends, partners
from server.store.held_ends import WaitingEnd
from server.store.item import Item
from server.web.shell.forms import Refusals, own_partner, submit
from server.web.shell.lists import PAGE, moment_and_id, page_of
from server.web.shell.routes import FORM, OWN, Route, Tab, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark

_STATES: dict[str, Literal["approved", "rejected"]] = {"confirm": "approved", "reject": "rejected"}
_NONE_CHOSEN = mark("Choose at least one, and at most five hundred, and whether you confirm or reject them.")
_NOT_WAITING = mark("One of these does not wait any more. Nothing was decided. Open the list again.")
_SAME_PERSON = mark("You sent one of these yourself. Somebody else of your organisation has to confirm it.")
_REFUSALS: Refusals = {
    SenderDecides: (403, _SAME_PERSON),
    LookupError: (409, _NOT_WAITING),
    Rejected: (409, _NOT_WAITING),
}
# The kinds of ends.
KINDS: dict[str, Translatable] = {
    "retracted": mark("Our report, retracted"),
    "changed": mark("Our report, changed so that it ends"),
    "finding": mark("Our finding or opinion about others’ reports"),
}


class ShownEnd(NamedTuple):
    """An end as the page lists it; ``is_own``: the reader of the page sent it."""

    id: str
    what: Translatable
    values: list[OwnValue]
    sent_by: str
    partner: str
    opened: int
    is_own: bool


def show(visit: Visit) -> Response:
    """Show a page of the waiting ends, the oldest first."""
    with visit.site.hub.store.read() as tx:
        names = colleagues(partners.load_registry(tx), own_partner(visit, tx))
        found = held_ends.waiting(tx, names, after=moment_and_id(visit), limit=PAGE + 1)
        waiting = held_ends.count(tx, names)
    shown, following = page_of(visit, found, PAGE, lambda last: (last.review.opened, last.review.object_id))
    return visit.page(
        "partner/ends.html",
        ends=[_shown(visit, row) for row in shown],
        waiting=waiting,
        most=visit.site.settings.ends_per_day,
        following=following,
    )


def decide(visit: Visit) -> Response:
    """Confirm or reject the ticked ends, or all that somebody else sent, as the organisation's second person."""
    state = _STATES.get(visit.field("decision"))
    ids = list(dict.fromkeys(visit.request.form.getlist("id")))
    is_all = visit.field("which") == "all"
    if state is None or not (is_all or 0 < len(ids) <= MOST_ENDS):
        raise PageRefused(422, _NONE_CHOSEN)
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
    operation = DecideEnds(partner=partner, ids=() if is_all else tuple(ids), state=state)
    decided = submit(visit, operation, _REFUSALS)
    return visit.page("partner/ends_decided.html", count=len(decided), is_confirmed=state == "approved")


def _shown(visit: Visit, row: WaitingEnd) -> ShownEnd:
    item = Item.of_bytes(row.end.body)
    what = "finding" if item.type != "indicator" else "retracted" if item.revoked else "changed"
    values = [OwnValue(*subject.split(":", 1)) for subject in row.end.subjects if ":" in subject]
    is_own = row.end.sent_by == visit.known_user.name
    return ShownEnd(
        row.end.review_id, KINDS[what], values, row.end.sent_by, row.review.partner, row.review.opened, is_own
    )


ROUTES = (
    Route("/partner/ends", PARTNERS, show, tab=Tab(OWN, 5, mark("Ends"), also=("/partner/ends/decide",))),
    Route("/partner/ends/decide", may_run(DecideEnds), decide, methods=FORM),
)
