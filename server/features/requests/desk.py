"""The desk of one partner: it sends requests and responses under the hub's rules, and reads those that it may see."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from mappers.notes import RequestView
from mappers.records import sent_request
from schemas import timestamp
from schemas.errors import Rejected, rejection_of
from schemas.partner import Partner
from schemas.request import Request, RequestAnswer
from server.features.requests import records as requests, views
from server.features.requests.records import RequestPlace, StoredRequest
from server.features.requests.states import Role
from server.release.contribute import contribute
from server.release.guard.ends import PROGRAM, Sender
from server.release.hub import Hub
from server.release.reasons import Reason
from server.store import partners
from server.store.database.engine import Tx
from server.store.database.times import micros, now
from server.store.item import Item


class Sent(NamedTuple):
    """A request as its sender or addressee sees it after a step, and the hub's message about the step.

    ``held`` is the code of the reason for which the gate holds the request, "" if it does not.
    """

    view: RequestView
    message: str
    held: str = ""

    def written(self) -> dict[str, Any]:
        """Return the request as JSON, with the reason for which it is held."""
        held = {"held": {"reason": self.held, "message": self.message}} if self.held else {}
        return {**self.view.written(), **held}


class StepRefused(NamedTuple):
    """A step that the hub refuses: the id of the request as given, and the reason with its message."""

    id: str
    reason: str
    message: str


class StepsTaken(NamedTuple):
    """The requests that changed, as their party sees them after the step, and the refused steps."""

    views: list[RequestView]
    refused: list[StepRefused]


def send(
    hub: Hub, tx: Tx, partner: Partner, sent: Request | RequestAnswer, sent_as: str = "", *, sender: Sender = PROGRAM
) -> Sent:
    """Send a request, or a response to one, as if the partner had posted it. Raises ``Rejected``.

    ``sent_as`` is the id of its note, by default one made from its content. Sending under a used id changes nothing.
    """
    sent = sent.model_copy(update={"reporter": partner.name})
    note = {**sent_request(sent), "created_by_ref": partner.identity}
    note |= {"id": sent_as} if sent_as else {}
    results = contribute(hub, tx, partner, [Item.of(note)], sender)
    for refused in results.failed:
        raise Rejected(refused.reason or "refused", refused.message)
    for held in results.held:
        stored = requests.sent(tx, partner.name, note["id"])
        if stored is not None and isinstance(sent, Request):
            _keep_names(tx, stored, sent)
        return Sent(show(tx, partner, stored.id if stored else ""), held.message, held.reason)
    message = results.accepted[0].message or ""
    if isinstance(sent, RequestAnswer):
        return Sent(show(tx, partner, sent.request), message)
    stored = requests.sent(tx, partner.name, note["id"])
    if stored is not None:
        _keep_names(tx, stored, sent)
    return Sent(show(tx, partner, stored.id if stored else ""), message)


def _keep_names(tx: Tx, stored: StoredRequest, sent: Request) -> None:
    """Store the names of partners as the sender gave them, so that it reads them back whether they are known or not."""
    request = views.request_of(stored)
    given = request.model_copy(update={"addressee": sent.addressee, "also_to": sent.also_to})
    if given != request:
        requests.change(tx, stored._replace(content=views.content_of(given)))


def take_steps(
    hub: Hub, tx: Tx, partner: Partner, ids: Iterable[str], *, sender: Sender = PROGRAM, **answer: Any
) -> StepsTaken:
    """Give the same response to several requests, each on its own: a refused one does not stop the others.

    ``answer`` are the fields of the response. A request that is named twice gets one response.
    """
    common = {**answer, "reporter": partner.name, "reported_at": timestamp.now()}
    notes: dict[str, dict[str, Any]] = {}
    named: dict[str, str] = {}
    refused: list[StepRefused] = []
    for id_ in dict.fromkeys(ids):
        try:
            sent = RequestAnswer.model_validate({**common, "request": id_})
        except ValidationError as error:
            refusal = rejection_of(error)
            refused.append(StepRefused(id_, refusal.reason, refusal.message))
        else:
            note = sent_request(sent)
            notes[note["id"]], named[note["id"]] = {**note, "created_by_ref": partner.identity}, sent.request
    results = contribute(hub, tx, partner, list(map(Item.of, notes.values())), sender)
    refused += [StepRefused(named[one.id], one.reason or "refused", one.message) for one in results.failed]
    return StepsTaken([show(tx, partner, named[done.id]) for done in results.accepted], refused)


class SentRow(NamedTuple):
    """One of several contents by its place: the id of its request, and why the hub refuses it, or holds it."""

    place: int
    id: str = ""
    reason: str = ""
    message: str = ""


def send_several(
    hub: Hub, tx: Tx, partner: Partner, contents: Sequence[Request | RequestAnswer], *, sender: Sender = PROGRAM
) -> list[SentRow]:
    """Send several requests or responses, each on its own: a refused one stops no other. Return a row for each.

    Two that are equal are one.
    """
    notes: dict[str, dict[str, Any]] = {}
    ids: list[str] = []
    for content in contents:
        note = sent_request(content.model_copy(update={"reporter": partner.name}))
        ids.append(note["id"])
        notes[note["id"]] = {**note, "created_by_ref": partner.identity}
    results = contribute(hub, tx, partner, list(map(Item.of, notes.values())), sender)
    refused = {one.id: SentRow(0, "", one.reason or "refused", one.message) for one in results.failed}
    held = {one.id: one for one in results.held}
    opened = requests.sent_by(tx, partner.name, [id_ for id_ in notes if id_ not in refused])
    rows = []
    for place, (id_, content) in enumerate(zip(ids, contents, strict=True)):
        request = content.request if isinstance(content, RequestAnswer) else opened.get(id_, "")
        if id_ in refused:
            rows.append(refused[id_]._replace(place=place))
            continue
        if isinstance(content, Request) and request:
            _keep_names(tx, requests.find(tx, [request])[request], content)
        if id_ in held:
            rows.append(SentRow(place, request, held[id_].reason, held[id_].message))
        else:
            rows.append(SentRow(place, request))
    return rows


def show(tx: Tx, partner: Partner, id_: str) -> RequestView:
    """Return a request as the partner may see it. Raises the same ``Rejected`` for a hidden and for a missing one."""
    role = requests.role(tx, partner.name, id_)
    if role is None:
        raise Reason.UNKNOWN_REQUEST.rejected()
    return views_of(tx, [(requests.find(tx, [id_])[id_], role)])[0]


def list_(
    tx: Tx,
    partner: Partner,
    *,
    states: Sequence[str] = (),
    role: str | None = None,
    before: RequestPlace | None = None,
    most: int = 100,
) -> list[RequestView]:
    """Return the requests that the partner may see, the newest first."""
    return views_of(tx, requests.of_partner(tx, partner.name, states=states, role=role, before=before, most=most))


def place_of(view: RequestView) -> RequestPlace:
    """Return the place after a request in its party's list."""
    return RequestPlace(micros(view.opened), view.id)


def every(tx: Tx, found: Iterable[StoredRequest]) -> list[RequestView]:
    """Return requests in full, as the operator sees them."""
    return views_of(tx, [(stored, Role.SENDER) for stored in found])


def views_of(tx: Tx, found: Sequence[tuple[StoredRequest, str]]) -> list[RequestView]:
    """Return requests as the parties in these roles see them now."""
    steps, at = requests.steps(tx, [stored.id for stored, _ in found]), now()
    senders = partners.find(tx, {stored.sender for stored, _ in found})
    return [views.view(stored, steps[stored.id], role, at, senders.get(stored.sender)) for stored, role in found]
