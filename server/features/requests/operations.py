"""Send requests between institutions, respond to them, and assign them."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import Field

from mappers.notes import RequestView
from schemas.partner import Partner
from schemas.request import Request, RequestAnswer, RequestState
from server.features.requests import desk, held, hub_requests
from server.features.requests.assign import assign
from server.features.requests.desk import Sent, SentRow, StepsTaken
from server.features.requests.order_files import MOST_ROWS
from server.operations.dual_control import DualControlAction
from server.operations.operation import Actor, DualControlOperation, Operation, Proposed, TrailEntry
from server.operations.rights import ANALYSTS, PARTNER_WRITERS, PROGRAMS
from server.release.hub import Hub
from server.store import partners
from server.store.database.engine import Tx


class _OneStep(Operation[Sent]):
    """The part that sending a request and responding to one share."""

    rights: ClassVar[frozenset[str]] = PARTNER_WRITERS | PROGRAMS
    what: ClassVar[str] = "request"

    partner: Partner = Field(description="the partner in whose name it is done")
    sent_as: str = Field("", description="the id of the note that says it; without it one made from its content")

    def acts_for(self) -> str | None:
        """Return the partner in whose name it is done."""
        return self.partner.name

    def entries(self, result: Sent) -> Iterable[TrailEntry]:
        """Return the entry with the id of the request."""
        return [TrailEntry(self.verb, self.what, partner=self.partner.name, reference=result.view.id)]


class SendRequest(_OneStep):
    """Ask another institution to freeze, trace or return money, for information, or to preserve evidence."""

    name: ClassVar[str] = "request open"
    verb: ClassVar[str] = "OPEN"

    request: Request

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Sent:
        """Send the request by the rules of a contribution. Raises ``Rejected``."""
        return desk.send(hub, tx, self.partner, self.request, self.sent_as, sender=actor.sender)


class Respond(_OneStep):
    """Change the state of a request, as its addressee or as its sender."""

    name: ClassVar[str] = "request answer"
    verb: ClassVar[str] = "RESPOND"

    response: RequestAnswer

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Sent:
        """Send the response by the rules of a contribution. Raises ``Rejected``."""
        return desk.send(hub, tx, self.partner, self.response, self.sent_as, sender=actor.sender)


class RespondToSeveral(Operation[StepsTaken]):
    """Change the state of several requests alike; a request that is refused stops no other."""

    name: ClassVar[str] = "request confirm"
    rights: ClassVar[frozenset[str]] = PARTNER_WRITERS | PROGRAMS
    verb: ClassVar[str] = "RESPOND"
    what: ClassVar[str] = "request"

    partner: Partner = Field(description="the partner that responds")
    ids: tuple[str, ...] = Field(description="the ids of the requests")
    response: Mapping[str, Any] = Field(description="the fields of the response that all have in common")

    def acts_for(self) -> str | None:
        """Return the partner that responds."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> StepsTaken:
        """Send the responses by the rules of a contribution. Raises ``Rejected``."""
        return desk.take_steps(hub, tx, self.partner, self.ids, sender=actor.sender, **self.response)

    def entries(self, result: StepsTaken) -> Iterable[TrailEntry]:
        """Return an entry for each request that was changed."""
        return [TrailEntry(self.verb, self.what, partner=self.partner.name, reference=view.id) for view in result.views]


class AssignRequest(Operation[RequestView]):
    """Assign a request without an addressee to the provider of the account."""

    name: ClassVar[str] = "request assign"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "ASSIGN"
    what: ClassVar[str] = "request"

    id: str = Field(description="the id of the request")
    to: str = Field(description="the name of the provider")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> RequestView:
        """Ask the partner, which may respond from now on; or hold the request. Raises ``Rejected`` and
        ``UnknownPartner``.
        """
        stored = assign(hub, tx, self.id, partners.get(tx, self.to))
        return desk.every(tx, [stored])[0]

    def entries(self, result: RequestView) -> Iterable[TrailEntry]:
        """Return the entry with the id of the request."""
        if result.state is RequestState.HELD:
            return [TrailEntry("HELD", self.what, reference=self.id)]
        return [TrailEntry(self.verb, self.what, partner=self.to, reference=self.id)]


class ReleaseRequest(DualControlOperation[RequestView]):
    """Let a request that the gate holds reach its addressee, although its value is known as harmless or found wrong."""

    name: ClassVar[str] = "request release"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "RELEASE"
    what: ClassVar[str] = "request"
    dual_control: ClassVar[str] = "for an order"
    actions: ClassVar[tuple[DualControlAction, ...]] = (held.RELEASE,)

    id: str = Field(description="the id of the request")

    def second_person(self, hub: Hub, tx: Tx, actor: Actor) -> Proposed | None:
        """Ask a second person for an order."""
        return Proposed(held.RELEASE, {"id": self.id}) if held.is_held_order(held.find(tx, self.id)) else None

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> RequestView:
        """Ask the addressee. Raises ``Rejected``."""
        return desk.every(tx, [held.release(hub, tx, self.id)])[0]

    def entries(self, result: RequestView) -> Iterable[TrailEntry]:
        """Return the entry with the id of the request."""
        return [TrailEntry(self.verb, self.what, partner=result.sender, reference=self.id)]


class RefuseRequest(Operation[RequestView]):
    """Close a request that the gate holds: no addressee is asked."""

    name: ClassVar[str] = "request refuse"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "REFUSE"
    what: ClassVar[str] = "request"

    id: str = Field(description="the id of the request")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> RequestView:
        """Close it, so that its sender reads that it was not released. Raises ``Rejected``."""
        return desk.every(tx, [held.refuse(hub, tx, self.id)])[0]

    def entries(self, result: RequestView) -> Iterable[TrailEntry]:
        """Return the entry with the id of the request."""
        return [TrailEntry(self.verb, self.what, partner=result.sender, reference=self.id)]


class RecordResponse(Operation[RequestView]):
    """Record the response of an addressee of a takedown request that is no partner: by mail, letter or telephone."""

    name: ClassVar[str] = "request record"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "RESPOND"
    what: ClassVar[str] = "request"

    id: str = Field(description="the id of the request")
    response: RequestAnswer

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> RequestView:
        """Store the response. Raises ``Rejected``."""
        return desk.every(tx, [hub_requests.record_response(hub, tx, self.id, self.response)])[0]

    def entries(self, result: RequestView) -> Iterable[TrailEntry]:
        """Return the entry with the id of the request."""
        return [TrailEntry(self.verb, self.what, reference=self.id)]


class SendSeveral(Operation[list[SentRow]]):
    """Send the takedown requests of one file, or a host's responses; a refused one stops no other."""

    name: ClassVar[str] = "request bulk"
    rights: ClassVar[frozenset[str]] = PARTNER_WRITERS | PROGRAMS
    verb: ClassVar[str] = "SEND"
    what: ClassVar[str] = "requests"

    partner: Partner = Field(description="the partner in whose name they are sent")
    contents: tuple[Request | RequestAnswer, ...] = Field(
        max_length=MOST_ROWS, description="the requests, each about its own location, or the responses"
    )

    def acts_for(self) -> str | None:
        """Return the partner in whose name they are sent."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> list[SentRow]:
        """Send them by the rules of a contribution."""
        return desk.send_several(hub, tx, self.partner, self.contents, sender=actor.sender)

    def entries(self, result: list[SentRow]) -> Iterable[TrailEntry]:
        """Return an entry for each request that was sent or responded to."""
        return [
            TrailEntry(self.verb, self.what, partner=self.partner.name, reference=row.id) for row in result if row.id
        ]
