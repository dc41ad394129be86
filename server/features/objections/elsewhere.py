"""Objections and other hubs: passed on to the hubs whose partners report the value, and received from them.

Each hub decides about its own partners' reports. Only the value, the ground and the promised day travel, and back one
word. A hub does not pass on an objection that it received from another.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from schemas.api.statements import Ground, ObjectionAnswer
from server.features.objections import records as objections
from server.features.objections.records import Objection
from server.release.peers import party_at
from server.release.session import ReleaseSession
from server.store.database.engine import Tx
from server.store.peer_messages import messages

OBJECTION, ANSWER = "objection", "objection-answer"
MOST_VALUES = 20
# Begins the ids of objections from other hubs.
_RECEIVED = "hub-"


class _Known(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class SentObjection(_Known):
    """An objection as another hub passes it on; ``due`` is when it promised the answer, in microseconds."""

    about: Annotated[tuple[Annotated[str, Field(max_length=2_200)], ...], Field(min_length=1, max_length=MOST_VALUES)]
    ground: Ground
    due: Annotated[int, Field(gt=0, lt=1 << 53)]


class SentAnswer(_Known):
    """The answer of a hub."""

    answer: ObjectionAnswer


def received_id() -> str:
    """Return the id of an objection from another hub."""
    return f"{_RECEIVED}{objections.new_id()}"


def is_received(id_: str) -> bool:
    """Return whether an objection came from another hub."""
    return id_.startswith(_RECEIVED)


def pass_on(session: ReleaseSession, objection: Objection, subjects: Sequence[str]) -> None:
    """Pass an objection on to the hubs whose partners report its values."""
    context = session.context
    if not context.peers or is_received(objection.id):
        return
    known = {asked.hub for asked in objections.hubs_of(context.tx, objection.id)}
    peers = {peer.origin for peer in context.peers}
    hubs: dict[str, set[str]] = {}
    for value in session.load(sorted(subjects)):
        for statement in value.statements:
            if statement.hub in peers:
                hubs.setdefault(statement.hub, set()).add(value.subject)
    for hub, about in sorted(hubs.items()):
        if hub not in known:
            objections.add_hub(context.tx, objection.id, hub, objection.id)
            content = {"about": sorted(about)[:MOST_VALUES], "ground": objection.ground, "due": objection.due}
            messages.put(context.tx, hub, objection.id, OBJECTION, content)


def tell(tx: Tx, ended: Iterable[Objection], answer: ObjectionAnswer) -> None:
    """Tell the hubs that ended objections came from the answer."""
    for objection in ended:
        for asked in objections.hubs_of(tx, objection.id) if is_received(objection.id) else ():
            messages.put(tx, asked.hub, asked.thread, ANSWER, {"answer": str(answer)})


def contact_of(tx: Tx, origin: str) -> bytes:
    """Return the digest that identifies a hub as the one that objects, while its objection is open."""
    return objections.contact_digest(tx, party_at(origin))
