"""The operator's pages of requests between institutions: by deadline, whole, and assigned where nobody is asked."""

from urllib.parse import urlencode

from flask import Response

from mappers.request_note import RequestView
from schemas.errors import Rejected
from server.console.operator.places import after_of
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.release.requests import desk
from server.release.requests.addressee import INSTITUTIONS
from server.release.requests.assign import assign as assign_to
from server.store import partners
from server.store.database.engine import Tx
from server.store.database.times import micros, now
from server.store.partners import UnknownPartner
from server.store.requests import requests
from server.store.requests.requests import ENDED, UNANSWERED, Place, StoredRequest

_PAGE = 50
_LISTS = {
    "open": UNANSWERED,
    "unaddressed": (*UNANSWERED, "agreed", "disagreed", "done"),
    "agreed": ("agreed",),
    "done": ("done", "disagreed"),
    "closed": (ENDED,),
}
_NO_REQUEST = mark("There is no such request.")
_NOT_TO = mark("The request cannot be given to this partner, or somebody is asked already. Nothing was changed.")


def show_all(visit: Visit) -> Response:
    """Show requests, the next deadline first; of those that are overdue it has passed."""
    chosen = visit.request.args.get("show", "")
    chosen = chosen if chosen in _LISTS else "open"
    after = after_of(visit)
    with visit.site.hub.store.read() as tx:
        found = requests.by_deadline(
            tx,
            _LISTS[chosen],
            unaddressed=chosen == "unaddressed",
            after=Place(*after) if after is not None else None,
            most=_PAGE + 1,
        )
        views = desk.every(tx, found[:_PAGE])
        totals = requests.current(tx, now())
    following = ""
    if len(found) > _PAGE:
        last = found[_PAGE - 1]
        following = "/console/requests?" + urlencode({"show": chosen, "after": f"{last.deadline}.{last.id}"})
    return visit.page(
        "operator/requests.html",
        views=views,
        totals=totals,
        chosen=chosen,
        lists=tuple(_LISTS),
        following=following,
        addressees={request.id: request.addressee for request in found},
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
        is_unaddressed=stored.addressee is None and stored.state != ENDED,
        institutions=institutions,
        micros=micros,
        now=now(),
    )


def assign(visit: Visit, id: str) -> Response:
    """Assign a request that nobody is asked by to the partner that keeps the account."""
    hub = visit.site.hub
    with hub.store.begin() as tx:
        _find(tx, id)
        try:
            assign_to(hub, tx, id, partners.get(tx, visit.field("to", 200)), visit.known_user.name)
        except (Rejected, UnknownPartner):
            raise PageRefused(409, _NOT_TO) from None
    return visit.go(f"/console/requests/{id}")


def _find(tx: Tx, id_: str) -> tuple[RequestView, StoredRequest]:
    """Return a request as the operator sees it, and as it is stored. Raises ``PageRefused``."""
    found = requests.find(tx, [id_])
    if not found:
        raise PageRefused(404, _NO_REQUEST)
    [stored] = found.values()
    return desk.every(tx, [stored])[0], stored
