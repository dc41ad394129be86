"""What a transaction of the release rules looks at: the hub, its partners, its rules, and one moment for it all."""

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
from server.release.publish import identities
from server.release.route.policy import FULL, PUBLIC, Policy, in_force
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
from server.store.collections import Collection
from server.store.engine import Tx
from server.store.partners import Registry
from server.store.times import micros


@dataclass
class ReleaseContext:
    """The hub at one moment. ``rooms`` has the collections that the release rules fill, by alias."""

    tx: Tx
    at: datetime
    hub: HubIdentity
    registry: Registry
    policy: Policy
    inbox: Collection
    rooms: dict[str, Collection]

    @cached_property
    def _secret(self) -> bytes:
        return hub_identity.secret(self.tx, "ids")

    def listing_id(self, subject: str, track: str, number: int) -> str:
        """Give the id of the hub's listing of a value in a track, as which of those there."""
        return ids.of_hub(self._secret, "indicator", "listing", subject, track, number)

    def annotation_id(self, key: str, type_: str) -> str:
        """Give the id under which what the inbox has under a key is published, where it speaks of other objects."""
        before = listings.older_id_of(self.tx, key) if self._published_before else None
        return before or ids.of_hub(self._secret, type_, "annotation", key)

    @cached_property
    def _published_before(self) -> bool:
        return listings.has_older_ids(self.tx)

    def key(self, partner: Partner, object_id: str) -> str:
        """Give the key under which the inbox keeps what a partner contributed under that id."""
        return inbox.key(self.registry.spaces[partner.name], object_id)

    def contributor(self, key: str) -> Partner:
        """Give who contributed what the inbox has under a key, be it one who left."""
        return self.registry.by_space[inbox.space(key)]

    @property
    def micros(self) -> int:
        """Give the moment in microseconds since the epoch, as the store counts."""
        return micros(self.at)

    def twins(self, room: str) -> tuple[str, ...]:
        """Give the collections that make up a room: a shared one has a full twin, a personal one is alone."""
        return (room, room + FULL) if room + FULL in self.rooms else (room,)

    @cached_property
    def shared(self) -> list[str]:
        """Give the rooms that many read, without their twins, those that anybody reads first."""
        plain = [a for a, each in self.rooms.items() if each.kind == "released" and not a.endswith(FULL)]
        return sorted(plain, key=lambda alias: (alias != PUBLIC, self.rooms[alias].number))

    def own(self, partner: str, use: collections.PrivateUse = "for") -> str:
        """Give the alias of a partner's own room, by the partner's name; it is there from now on."""
        if (partner, use) not in self._own:
            made = collections.private_collection(self.tx, partner, use)
            self.rooms[made.alias] = made
            self._own[partner, use] = made.alias
        return self._own[partner, use]

    def reader(self, room: str) -> str | None:
        """Give the name of the partner whose own room it is; None for a shared one, and where that partner left."""
        there = self.rooms[room]
        return there.owner if there.use == "for" and there.owner in self.registry.partners else None

    def owner(self, room: str) -> str:
        """Give the name of the partner whose own room it is, be it of one who left; empty for a shared one."""
        return self.rooms[room].owner or ""

    def is_own(self, room: str) -> bool:
        """Tell whether it is one partner's own room, be it that of one who left."""
        return self.rooms[room].kind == "private"

    def reads(self, partner: str) -> frozenset[str]:
        """Give the shared rooms that a partner reads."""
        return frozenset(alias for alias, readers in self.registry.readers.items() if partner in readers)

    def referral(self, countries: Iterable[str]) -> Referral | None:
        """Give whom to turn to for a coerced person's protection: in a country concerned, else at the hub."""
        found = (focal_points.of_country(self.tx, each, FocalFunction.PROTECTION) for each in (*countries, None))
        point = next(filter(None, found), None)
        return Referral(point.partner or self.hub.name, point.contact) if point else None

    def identities(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """Give the hub's identity, and those of the partners of these names as readers may see them."""
        return [self._hub_object, *(self._identities[name] for name in sorted(names) if name in self._identities)]

    @cached_property
    def _own(self) -> dict[tuple[str, str], str]:
        return {(each.owner, each.use): alias for alias, each in self.rooms.items() if each.owner and each.use}

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
        """Give the names of the partners that are new here."""
        rule = self.policy.newcomers
        known = self.registry.by_identity.values()
        return (
            rule.among(
                known,
                {name: since for name, (since, _) in partners.moments(self.tx).items()},
                reputation.totals(self.tx),
                self.at,
            )
            if rule.days
            else frozenset()
        )

    def keeper(self, subject: str) -> str | None:
        """Give the name of the partner whose own a value is registered as; None where it is nobody's."""
        return self._own_values.get(subject)

    @cached_property
    def _own_values(self) -> dict[str, str]:
        return value_index.all_own_values(self.tx)

    def reliability(self, partner: Partner, kind: str) -> float:
        """Say how far a partner's word about a kind is to be relied on, from 0 to 1."""
        known = self._calibrations.get((partner.name, kind))
        return NEWCOMER if known is None else reliability(known)


def open_context(tx: Tx, policy: Policy | None = None, *, waits: bool = True) -> ReleaseContext:
    """Look at the hub as it is now, by the rules in force where no others are given; its rooms stay as they are.

    Whoever contributes at the same time waits until this transaction ends; not so where it only looks (``waits``).
    """
    every = {each.alias: each for each in collections.all_collections(tx)}
    inbox = every.pop("inbox")
    if waits:
        log.lock(tx, [inbox])
    rooms = {alias: each for alias, each in every.items() if each.filled_by_release}
    return ReleaseContext(
        tx, timestamp.now(), hub_identity.load(tx), partners.load_registry(tx), policy or in_force(), inbox, rooms
    )
