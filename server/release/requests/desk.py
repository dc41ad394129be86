"""The desk of one partner: it sends requests and answers by the hub's own rules, and reads those that it may see."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mappers import request_note
from mappers.request_note import RequestView
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.request import Request, RequestAnswer
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.reasons import Reason
from server.release.requests import views
from server.release.requests.states import Role
from server.store.database.engine import Tx
from server.store.database.times import micros, now
from server.store.item import Item
from server.store.requests import requests
from server.store.requests.requests import Place, StoredRequest


class Sent(NamedTuple):
    """A request as its sender or addressee sees it after a step, and what the hub says to that."""

    view: RequestView
    message: str


def send(hub: Hub, tx: Tx, partner: Partner, sent: Request | RequestAnswer) -> Sent:
    """Send a request, or an answer to one, as if the partner had posted it. Raises ``Rejected``."""
    sent = sent.model_copy(update={"reporter": partner.name})
    note = {**request_note.to_stix(sent), "created_by_ref": partner.identity}
    results = contribute(hub, tx, partner, [Item.of(note)])
    for refused in results.failed:
        raise Rejected(refused.reason or "refused", refused.message)
    message = results.accepted[0].message or ""
    if isinstance(sent, RequestAnswer):
        return Sent(show(tx, partner, sent.request), message)
    stored = requests.sent(tx, partner.name, note["id"])
    return Sent(show(tx, partner, stored.id if stored else ""), message)


def show(tx: Tx, partner: Partner, id_: str) -> RequestView:
    """Return a request as the partner may see it. Raises ``Rejected``, alike for one that is hidden and for none."""
    role = requests.role(tx, partner.name, id_)
    if role is None:
        raise Reason.UNKNOWN_REQUEST.rejected()
    return views.view(requests.find(tx, [id_])[id_], requests.steps(tx, [id_])[id_], role, now())


def list_(
    tx: Tx,
    partner: Partner,
    *,
    states: Sequence[str] = (),
    role: str | None = None,
    before: Place | None = None,
    most: int = 100,
) -> list[RequestView]:
    """Return the requests that the partner may see, the newest first."""
    found = requests.of_partner(tx, partner.name, states=states, role=role, before=before, most=most)
    steps, at = requests.steps(tx, [stored.id for stored, _ in found]), now()
    return [views.view(stored, steps[stored.id], mine, at) for stored, mine in found]


def place_of(view: RequestView) -> Place:
    """Return the place after a request in its party's list."""
    return Place(micros(view.opened), view.id)


def every(tx: Tx, found: Iterable[StoredRequest]) -> list[RequestView]:
    """Return requests as the operator sees them: whole."""
    found = list(found)
    steps, at = requests.steps(tx, [stored.id for stored in found]), now()
    return [views.view(stored, steps[stored.id], Role.SENDER, at) for stored in found]
