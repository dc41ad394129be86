"""The context of one release transaction: the hub, its partners, its rules, and one moment for all of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from mappers import ids
from mappers.identity import HubIdentity
from schemas import timestamp
from schemas.consensus import Referral
from schemas.partner import FocalFunction, Partner
from server.release.fuse.confidence import NEWCOMER
from server.release.fuse.reliability import MOST_BY_ONE, reliability
from server.release.hub import Hub
from server.release.publish import identities
from server.release.route.policy import FULL, PUBLIC, Policy
from server.store import (
    collections,
    focal_points,
    hub_identity,
    inbox,
    listings,
    log,
    partners,
    reputation,
    value_index,
)
from server.store.collections import Collection, PrivateUse
from server.store.engine import Tx
from server.store.partners import Registry
from server.store.times import micros


@dataclass
class ReleaseContext:
    """The hub at one moment. ``collections`` are those that the release rules fill, by alias."""

    tx: Tx
    at: datetime
    identity: HubIdentity
    registry: Registry
    policy: Policy
    inbox: Collection
    collections: dict[str, Collection]

    @cached_property
    def _secret(self) -> bytes:
        return hub_identity.secret(self.tx, "ids")

    def listing_id(self, subject: str, track: str, number: int) -> str:
        """Return the id of a value's listing of that ``number`` in a track."""
        return ids.of_hub(self._secret, "indicator", "listing", subject, track, number)

    def annotation_id(self, key: str, type_: str) -> str:
        """Return the id under which the annotation of that key in the inbox is published."""
        before = listings.older_id_of(self.tx, key) if self._has_older_ids else None
        return before or ids.of_hub(self._secret, type_, "annotation", key)

    @cached_property
    def _has_older_ids(self) -> bool:
        return listings.has_older_ids(self.tx)

    def key(self, partner: Partner, object_id: str) -> str:
        """Return the key of a partner's object in the inbox."""
        return inbox.key(self.registry.spaces[partner.name], object_id)

    def contributor(self, key: str) -> Partner:
        """Return the contributor of the object of that key in the inbox, also where it has left."""
        return self.registry.by_space[inbox.space(key)]

    @property
    def micros(self) -> int:
        """Return the moment in microseconds since the epoch, as the store counts."""
        return micros(self.at)

    def variants(self, alias: str) -> tuple[str, ...]:
        """Return a shared collection with its full variant; a private collection has no other."""
        return (alias, alias + FULL) if alias + FULL in self.collections else (alias,)

    @cached_property
    def shared(self) -> list[str]:
        """Return the aliases of the shared collections without their full variants, ``public`` first."""
        plain = [
            alias
            for alias, collection in self.collections.items()
            if collection.kind == "released" and not alias.endswith(FULL)
        ]
        return sorted(plain, key=lambda alias: (alias != PUBLIC, self.collections[alias].number))

    def private_collection(self, partner: str, use: PrivateUse = "for") -> str:
        """Return the alias of a partner's private collection, by the partner's name; makes it where there is none."""
        if (partner, use) not in self._private:
            made = collections.private_collection(self.tx, partner, use)
            self.collections[made.alias] = made
            self._private[partner, use] = made.alias
        return self._private[partner, use]

    def private_reader(self, alias: str) -> str | None:
        """Return the partner that a private collection is for; None for a shared one, and where that partner left."""
        collection = self.collections[alias]
        return collection.owner if collection.use == "for" and collection.owner in self.registry.partners else None

    def track(self, alias: str) -> str:
        """Return the track of a collection: the owner of a private one, also where it left; "" for a shared one."""
        return self.collections[alias].owner or ""

    def is_private(self, alias: str) -> bool:
        """Return whether it is a partner's private collection, also where that partner left."""
        return self.collections[alias].kind == "private"

    def readable(self, partner: str) -> frozenset[str]:
        """Return the shared collections that a partner reads."""
        return frozenset(alias for alias, readers in self.registry.readers.items() if partner in readers)

    def reads(self, partner: str, alias: str) -> bool:
        """Return whether a partner reads a collection, be it shared or its own."""
        return alias in self.readable(partner) or self.private_reader(alias) == partner

    def referral(self, countries: Iterable[str]) -> Referral | None:
        """Return whom to turn to for a coerced person's protection: in a country concerned, else at the hub."""
        found = (focal_points.of_country(self.tx, country, FocalFunction.PROTECTION) for country in (*countries, None))
        point = next(filter(None, found), None)
        return Referral(point.partner or self.identity.name, point.contact) if point else None

    def identities(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """Return the hub's identity, and those of the partners of these names as readers may see them."""
        return [self._hub_object, *(self._identities[name] for name in sorted(names) if name in self._identities)]

    @cached_property
    def _private(self) -> dict[tuple[str, str], str]:
        return {
            (collection.owner, collection.use): alias
            for alias, collection in self.collections.items()
            if collection.owner and collection.use
        }

    @cached_property
    def _hub_object(self) -> dict[str, Any]:
        return identities.of_hub(self.tx)

    @cached_property
    def _identities(self) -> dict[str, dict[str, Any]]:
        return identities.identities(self.tx)

    @cached_property
    def _calibrations(self) -> dict[tuple[str, str], reputation.Calibration]:
        return reputation.calibrations_of(self.tx, MOST_BY_ONE)

    @cached_property
    def newcomers(self) -> frozenset[str]:
        """Return the names of the partners that are new here."""
        rule = self.policy.newcomers
        if not rule.days:
            return frozenset()
        registered = {name: since for name, (since, _) in partners.moments(self.tx).items()}
        return rule.among(self.registry.by_identity.values(), registered, reputation.totals(self.tx), self.at)

    def owner_of_value(self, subject: str) -> str | None:
        """Return the name of the partner that registered a value as its own, None where nobody did."""
        return self.own_values.get(subject)

    @cached_property
    def own_values(self) -> dict[str, str]:
        """Return the values that partners registered as their own: the partner's name by subject."""
        return value_index.all_own_values(self.tx)

    def reliability(self, partner: Partner, kind: str) -> float:
        """Return the reliability of a partner's reports of a kind, from 0 to 1."""
        known = self._calibrations.get((partner.name, kind))
        return NEWCOMER if known is None else reliability(known)


def open_context(hub: Hub, tx: Tx, *, waits: bool = True) -> ReleaseContext:
    """Return the hub as it is now.

    Other contributions wait until this transaction ends; with ``waits`` false they do not, and it may only read.
    """
    by_alias = {collection.alias: collection for collection in collections.all_collections(tx)}
    inbox = by_alias.pop("inbox")
    if waits:
        log.lock(tx, [inbox])
    released = {alias: collection for alias, collection in by_alias.items() if collection.filled_by_release}
    return ReleaseContext(
        tx, timestamp.now(), hub_identity.load(tx), partners.load_registry(tx), hub.policy, inbox, released
    )
