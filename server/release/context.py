"""The context of one release transaction: the hub, its partners and its rules, all at one moment."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from mappers import ids
from schemas import kinds, timestamp
from schemas.partner import FocalFunction, Partner
from schemas.report import Referral
from server.release.facts import HubFacts
from server.release.fuse.confidence import NEWCOMER
from server.release.fuse.reliability import reliability
from server.release.hub import Hub
from server.release.peers import PeerHub
from server.release.publish.drafts import AlikeDrafts
from server.release.route.policy import FULL, Policy
from server.release.route.providers import ProviderIndex
from server.store import collections, focal_points, inbox, listings
from server.store.collections import PrivateUse
from server.store.database.engine import Tx, finish
from server.store.database.times import micros
from server.store.focal_points import FocalPoint

_NOTHING: frozenset[str] = frozenset()


class ReleaseContext:
    """The hub at one moment. ``collections`` are those that the release rules fill, by alias."""

    def __init__(
        self,
        tx: Tx,
        at: datetime,
        facts: HubFacts,
        policy: Policy,
        alike_drafts: AlikeDrafts,
        peers: tuple[PeerHub, ...] = (),
        copies: frozenset[str] = _NOTHING,
        followers: frozenset[str] = _NOTHING,
    ) -> None:
        """Release in the transaction ``tx``, with the state of the hub ``at`` that moment."""
        self.peers = peers
        # Partners whose reports are second-hand.
        self.copies = copies
        # Features that look at each value whose listing changed.
        self.followers = followers
        self.alike_drafts = alike_drafts
        self.tx = tx
        self.at = at
        self.facts = facts
        self.policy = policy
        self.identity = facts.identity
        self.registry = facts.registry
        self.inbox = facts.collections["inbox"]
        self.collections = facts.released
        self._private = facts.private
        self._focal_points: dict[str | None, FocalPoint | None] = {}

    @property
    def exchanges(self) -> bool:
        """Return whether the hub exchanges reports with other hubs: it has peers, or partners that are peers."""
        return bool(self.peers) or self.facts.has_peer_readers

    def listing_id(self, subject: str, track: str, number: int) -> str:
        """Return the id of the listing with that ``number`` of a value in a track."""
        return ids.of_hub(self.facts.secret, "indicator", "listing", subject, track, number)

    def annotation_id(self, key: str, type_: str) -> str:
        """Return the id under which the annotation with that inbox key is published."""
        before = listings.older_id_of(self.tx, key) if self.facts.has_older_ids else None
        return before or ids.of_hub(self.facts.secret, type_, "annotation", key)

    def key(self, partner: Partner, object_id: str) -> str:
        """Return the key of a partner's object in the inbox."""
        return inbox.key(self.registry.spaces[partner.name], object_id)

    def contributor(self, key: str) -> Partner:
        """Return the contributor of the object with that inbox key, also if it has left."""
        return self.registry.by_space[inbox.space(key)]

    @property
    def micros(self) -> int:
        """Return the moment in microseconds since the epoch, as the store counts."""
        return micros(self.at)

    def variants(self, alias: str) -> tuple[str, ...]:
        """Return a shared collection and its full variant; a private collection has no variant."""
        return (alias, alias + FULL) if alias + FULL in self.collections else (alias,)

    @property
    def shared(self) -> list[str]:
        """Return the aliases of the shared collections without their full variants, ``public`` first."""
        return self.facts.shared

    @property
    def alias_by_number(self) -> Mapping[int, str]:
        """Return the aliases of the collections that the release rules fill, by their numbers."""
        if self.collections is self.facts.released:
            return self.facts.alias_by_number
        return {collection.number: alias for alias, collection in self.collections.items()}

    def private_collection(self, partner: str, use: PrivateUse = "for") -> str:
        """Return the alias of the private collection of the partner with that name; create it if there is none."""
        if (partner, use) not in self._private:
            made = collections.private_collection(self.tx, partner, use)
            # Other transactions do not see it before this one commits.
            self.collections = {**self.collections, made.alias: made}
            self._private = {**self._private, (partner, use): made.alias}
        return self._private[partner, use]

    def private_reader(self, alias: str) -> str | None:
        """Return the partner that a private collection is for; None for a shared one, and if that partner left."""
        collection = self.collections[alias]
        return collection.owner if collection.use == "for" and collection.owner in self.registry.partners else None

    def track(self, alias: str) -> str:
        """Return the track of a collection: its owner for a private one, also if the owner left; "" for a
        shared one.
        """
        collection = self.collections[alias]
        return listings.track_of(collection.owner, collection.use)

    def provider(self, alias: str) -> str | None:
        """Return the provider whose accounts a collection lists; None for any other collection, and if the provider
        left.
        """
        collection = self.collections[alias]
        return collection.owner if collection.use == "accounts" and collection.owner in self.registry.partners else None

    def is_private(self, alias: str) -> bool:
        """Return whether it is a partner's private collection, also if that partner left."""
        return self.collections[alias].kind == "private"

    def readable(self, partner: str) -> frozenset[str]:
        """Return the shared collections that a partner reads."""
        return self.facts.readable.get(partner, _NOTHING)

    def reads(self, partner: str, alias: str) -> bool:
        """Return whether a partner reads a collection, either shared or its own."""
        return alias in self.readable(partner) or partner in (self.private_reader(alias), self.provider(alias))

    def referral(self, kind: str, value: str, countries: Iterable[str]) -> Referral | None:
        """Return the contact that protects a coerced person.

        It is the contact in the country of the person's account, otherwise in another country concerned, otherwise the
        hub's.
        """
        own = kinds.get(kind).country_of(value) or None
        found = [self._protection_in(country) for country in dict.fromkeys((own, *countries, None))]
        points = [point for point in found if point is not None]
        point = next((point for point in points if point.partner), points[0] if points else None)
        return Referral(point.partner or self.identity.name, point.contact) if point else None

    def _protection_in(self, country: str | None) -> FocalPoint | None:
        if country not in self._focal_points:
            self._focal_points[country] = focal_points.of_country(self.tx, country, FocalFunction.PROTECTION)
        return self._focal_points[country]

    def identities(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """Return the identities of the partners with these names, as readers may see them."""
        wanted = sorted(names)
        known = self.facts.identities if wanted else {}
        return [known[name] for name in wanted if name in known]

    def is_newcomer(self, partner: Partner) -> bool:
        """Return whether a partner is new here."""
        return self.micros < self._newcomer_until.get(partner.name, 0)

    @cached_property
    def _newcomer_until(self) -> Mapping[str, int]:
        return self.facts.newcomer_until(self.policy.newcomers)

    @cached_property
    def providers(self) -> ProviderIndex:
        """The providers of values, indexed by value."""
        return self.facts.providers

    def owner_of_value(self, subject: str) -> str | None:
        """Return the name of the partner that registered the value as its own, if any."""
        return self.facts.own_values.get(subject)

    def is_frozen(self, subject: str) -> bool:
        """Return whether a proposal to delist the value is open, so that no further collection lists it."""
        return self.facts.frozen_values.get(subject, 0) > self.micros

    def reliability(self, partner: Partner, kind: str) -> float:
        """Return the reliability of a partner's reports of a kind, from 0 to 1."""
        known = self.facts.calibrations.get((partner.name, kind))
        return NEWCOMER if known is None else reliability(known)


def open_context(hub: Hub, tx: Tx) -> ReleaseContext:
    """Return the hub as it is now, with all that the transaction has changed so far."""
    finish(tx)
    facts = hub.facts.at(tx)
    policy, alike_drafts = hub.rules.at(facts)
    return ReleaseContext(tx, timestamp.now(), facts, policy, alike_drafts, hub.peers, hub.copies, hub.followers)
