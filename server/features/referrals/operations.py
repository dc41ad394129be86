"""Record referrals of coerced account holders, and the responses to them."""

from collections.abc import Iterable
from typing import ClassVar

import msgspec
from pydantic import Field

from mappers import extension
from schemas.errors import Rejected
from schemas.partner import FocalFunction
from schemas.vocabulary import HolderStatus, ReferralAnswer
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import ANALYSTS, COMMANDS
from server.release.hub import Hub
from server.release.publish.referrals import answer, refer
from server.release.query import lookup
from server.store import collections, focal_points, listings, log, partners
from server.store.database.engine import Tx
from server.store.referrals.referrals import StoredReferral


class Refer(Operation[StoredReferral]):
    """Record that the holder of a coerced account was referred; nothing about the person is stored."""

    name: ClassVar[str] = "referral add"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "REFER"
    what: ClassVar[str] = "referral"

    id_or_value: str = Field(description="the id of a listing, or the value itself")
    to: str | None = Field(description="the partner with the focal point for protection; none: the hub's own")
    partner: str | None = Field(None, description="the partner that refers, if it is not the hub")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> StoredReferral:
        """Record the referral once. Raises ``Rejected`` and ``UnknownPartner``."""
        to = focal_points.HUB if self.to is None else partners.get(tx, self.to).name
        if not any(point.function is FocalFunction.PROTECTION for point in focal_points.of(tx, to)):
            message = f"{to or 'hub'} has no focal point for protection: set it with scamfeed partner focal-point"
            raise Rejected("no-focal-point", message)
        referrer = None if self.partner is None else partners.get(tx, self.partner).name
        listing = _coerced_listing(tx, self.id_or_value, hub.country)
        if listing is None:
            raise Rejected("not-coerced", "no listing with a coerced holder has that id or value")
        return refer(hub, tx, listing, to, actor.name, referrer)

    def entries(self, result: StoredReferral) -> Iterable[TrailEntry]:
        """Return the entry with the id of the referral."""
        return [TrailEntry(self.verb, self.what, partner=result.partner, reference=result.id)]


class AnswerReferral(Operation[StoredReferral]):
    """Record the response of the focal point to a referral."""

    name: ClassVar[str] = "referral answer"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "ANSWER"
    what: ClassVar[str] = "referral"

    id: str = Field(description="the id of the referral")
    answer: ReferralAnswer

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> StoredReferral:
        """Record the response in place of an earlier one. Raises ``UnknownReferral``."""
        return answer(hub, tx, self.id, self.answer, actor.name)

    def entries(self, result: StoredReferral) -> Iterable[TrailEntry]:
        """Return the entry with the id of the referral."""
        return [TrailEntry(self.verb, self.what, reference=self.id)]


def _coerced_listing(tx: Tx, id_or_value: str, country: str) -> str | None:
    """Return the id of an active listing with a coerced holder, None if there is none. Raises ``Rejected``."""
    ids = {id_or_value}
    if not id_or_value.startswith("indicator--"):
        found = listings.find(tx, lookup.subjects(tx, ids, country))
        ids = {id_ for tracks in found.values() for id_ in listings.all_of(tracks)}
    for collection in collections.all_collections(tx):
        if not collection.filled_by_release:
            continue
        for id_, item in sorted(log.latest(tx, collection, ids).items()):
            context = extension.context_of(msgspec.json.decode(item.body))
            if not item.revoked and context.get("holder_status") == HolderStatus.COERCED:
                return id_
    return None
