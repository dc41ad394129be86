"""The operator's pages of requests between institutions: the list by deadline, each with its steps, and assigning."""

from flask import Response

from mappers.notes import RequestView
from schemas.errors import Rejected
from schemas.takedown import location_sha256, marked, scripts_of
from server.features.requests import desk, held, records as requests, statistics_form
from server.features.requests.addressee import INSTITUTIONS
from server.features.requests.operations import AssignRequest, RefuseRequest, ReleaseRequest
from server.features.requests.records import ENDED, HELD, UNANSWERED, UNCONFIRMED, RequestPlace, StoredRequest
from server.features.requests.statistics import count_takedowns
from server.operations.rights import VIEWERS
from server.release.peers import is_remote
from server.store import partners
from server.store.database.engine import Tx
from server.store.database.times import micros, now
from server.store.partners import UnknownPartner
from server.web.shell.forms import go_on, submit
from server.web.shell.lists import PAGE, asked, page_of, place_of
from server.web.shell.routes import FORM, WORK, Route, Tab, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import mark

_LISTS = {
    "open": UNANSWERED,
    "held": (HELD,),
    "unconfirmed": (UNCONFIRMED,),
    "unaddressed": (UNCONFIRMED, *UNANSWERED, "agreed", "disagreed", "done"),
    "agreed": ("agreed",),
    "done": ("done", "disagreed"),
    "closed": (ENDED,),
}
_NO_REQUEST = mark("There is no such request.")
_NOT_HELD = mark("The request is not held any longer, or its addressee cannot receive it. Nothing was changed.")
_NOT_TO = mark("The request cannot be assigned to this partner, or it has an addressee already. Nothing was changed.")


def show_all(visit: Visit) -> Response:
    """Show requests, the next deadline first; the deadlines of overdue ones have passed."""
    chosen = asked(visit, "show")
    chosen = chosen if chosen in _LISTS else "open"
    with visit.site.hub.store.read() as tx:
        found = requests.by_deadline(
            tx,
            _LISTS[chosen],
            unaddressed=chosen == "unaddressed",
            after=place_of(visit, RequestPlace, int, str),
            most=PAGE + 1,
        )
        shown, following = page_of(visit, found, PAGE, lambda last: (last.deadline, last.id), show=chosen)
        views = desk.every(tx, shown)
        totals = requests.current(tx, now())
    return visit.page(
        "operator/requests.html",
        views=views,
        totals=totals,
        chosen=chosen,
        lists=tuple(_LISTS),
        following=following,
        addressees={view.id: _addressee(view, request) for view, request in zip(views, found, strict=False)},
        micros=micros,
        now=now(),
    )


def show_one(visit: Visit, id: str) -> Response:
    """Show a request with all its steps."""
    with visit.site.hub.store.read() as tx:
        view, stored = _find(tx, id)
        institutions = sorted(
            partner.name
            for partner in partners.load_registry(tx).partners.values()
            if partner.kind in INSTITUTIONS and partner.name != view.sender
        )
    return visit.page(
        "operator/request.html",
        view=view,
        addressee=stored.addressee,
        is_elsewhere=is_remote(stored.addressee or ""),
        is_unaddressed=stored.addressee is None and stored.state not in (ENDED, HELD),
        is_held_order=stored.state == HELD and held.is_held_order(stored),
        institutions=institutions,
        micros=micros,
        now=now(),
        marked=marked,
        scripts_of=scripts_of,
        location_sha256=location_sha256,
    )


def show_statistics(visit: Visit) -> Response:
    """Show the figures of all addressees by month and act."""
    months = statistics_form.months_of(visit)
    with visit.site.hub.store.read() as tx:
        found = count_takedowns(tx, now(), months=months)
    return visit.page("operator/takedown_statistics.html", found=found, months=months, periods=statistics_form.PERIODS)


def write_statistics(visit: Visit) -> Response:
    """Write the same figures as CSV."""
    with visit.site.hub.store.read() as tx:
        found = count_takedowns(tx, now(), months=statistics_form.months_of(visit))
    return statistics_form.csv_of(visit, found)


def assign(visit: Visit, id: str) -> Response:
    """Assign a request without an addressee to the provider of the account."""
    with visit.site.hub.store.read() as tx:
        _find(tx, id)
    operation = AssignRequest(id=id, to=visit.field("to", 200))
    submit(visit, operation, {Rejected: (409, _NOT_TO), UnknownPartner: (409, _NOT_TO)})
    return visit.go(f"/console/requests/{id}")


def release(visit: Visit, id: str) -> Response:
    """Let a held request reach its addressee, or propose it where it is an order."""
    return _decide(visit, id, ReleaseRequest(id=id))


def refuse(visit: Visit, id: str) -> Response:
    """Close a held request."""
    return _decide(visit, id, RefuseRequest(id=id))


def _decide(visit: Visit, id_: str, operation: ReleaseRequest | RefuseRequest) -> Response:
    with visit.site.hub.store.read() as tx:
        _find(tx, id_)
    done = submit(visit, operation, {Rejected: (409, _NOT_HELD)})
    return go_on(visit, done, f"/console/requests/{id_}")


def _addressee(view: RequestView, stored: StoredRequest) -> str | None:
    """Return the addressee for a list: the hub of one that is at another hub."""
    return view.hub if stored.addressee is not None and is_remote(stored.addressee) else stored.addressee


def _find(tx: Tx, id_: str) -> tuple[RequestView, StoredRequest]:
    """Return a request as the operator sees it, and as it is stored. Raises ``PageRefused``."""
    found = requests.find(tx, [id_])
    if not found:
        raise PageRefused(404, _NO_REQUEST)
    [stored] = found.values()
    return desk.every(tx, [stored])[0], stored


ROUTES = (
    Route("/console/requests", VIEWERS, show_all, tab=Tab(WORK, 5, mark("Requests"))),
    Route("/console/requests/statistics", VIEWERS, show_statistics),
    Route("/console/requests/statistics.csv", VIEWERS, write_statistics),
    Route("/console/requests/<id>", VIEWERS, show_one),
    Route("/console/requests/<id>/release", may_run(ReleaseRequest), release, methods=FORM),
    Route("/console/requests/<id>/refuse", may_run(RefuseRequest), refuse, methods=FORM),
    Route("/console/requests/<id>/assign", may_run(AssignRequest), assign, methods=FORM),
)
