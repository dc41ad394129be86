"""Facts that each release needs and that rarely change: read once, and reread after a transaction changed them."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from mappers.common_objects import HubIdentity
from server.release.fuse.newcomers import NewcomerRule
from server.release.fuse.reliability import MOST_BY_ONE
from server.release.publish import identities
from server.release.route.policy import FULL, PUBLIC, DecidedTables, parse_policy
from server.release.route.providers import ProviderIndex
from server.store import (
    collections,
    erased,
    hub_identity,
    listings,
    partners,
    quotas,
    reputation,
    reviews,
    value_index,
)
from server.store.allowlist import entries
from server.store.allowlist.entries import AllowlistEntry
from server.store.collections import Collection
from server.store.database import fact_versions, sql
from server.store.database.engine import Tx
from server.store.database.fact_versions import Facts
from server.store.item import Item
from server.store.partners import Registry
from server.store.policies import policies
from server.store.proposals import frozen
from server.store.quotas import Throttle
from server.store.reputation import Calibration, ReportTotals

_Fact = TypeVar("_Fact")
_Kept = dict[str, Any]
_NOTHING: _Kept = {}


class FactCache:
    """The facts that one hub has read, by their versions. All threads and transactions share it."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self._kept: dict[Facts, tuple[int, _Kept]] = {}

    def at(self, tx: Tx) -> "HubFacts":
        """Return the facts as a transaction sees them, with a single statement if none has changed."""
        versions = sql.versions_of_facts(tx)
        return HubFacts(tx, {facts: self._of(facts, versions[facts]) for facts in Facts if facts in versions})

    def may_be_new(self, partner: str, now: int) -> bool:
        """Return whether a partner may be new at ``now`` (microseconds), by the facts last read; reads nothing."""
        known = self._kept.get(Facts.RECORDS, (0, _NOTHING))[1].get("newcomers")
        if known is None or partner not in known[1].partners:
            return True
        return bool(now < known[2].get(partner, 0))

    def _of(self, facts: Facts, version: int) -> _Kept:
        known = self._kept.get(facts)
        if known is None or known[0] != version:
            known = self._kept[facts] = (version, {})
        return known[1]


class HubFacts:
    """The facts of a hub in one transaction, each as of its first use there.

    Never change them in place: other transactions use them too. Facts that the transaction itself changed before their
    first use are read for it alone, because no other transaction may see them before it commits.
    """

    def __init__(self, tx: Tx, kept: Mapping[Facts, _Kept]) -> None:
        """Use what is ``kept``, and add to it what the transaction ``tx`` reads."""
        self._tx = tx
        self._kept = kept
        self._used: _Kept = {}

    @property
    def identity(self) -> HubIdentity:
        """The hub's identity."""
        return self._fact(Facts.REGISTRY, hub_identity.load)

    @property
    def secret(self) -> bytes:
        """The hub's secret for ids."""
        return self._fact(Facts.REGISTRY, _secret_of_ids)

    @property
    def registry(self) -> Registry:
        """The partners, and the readers of each collection."""
        return self._fact(Facts.REGISTRY, partners.load_registry)

    @property
    def collections(self) -> Mapping[str, Collection]:
        """All collections by alias; the ends of their logs may be outdated."""
        return self._fact(Facts.REGISTRY, _collections)

    @property
    def has_peer_readers(self) -> bool:
        """True if a partner is another hub."""
        return self._fact(Facts.REGISTRY, self._has_peer_readers)

    @property
    def released(self) -> Mapping[str, Collection]:
        """The collections that the release rules fill, by alias."""
        return self._fact(Facts.REGISTRY, self._released)

    @property
    def alias_by_number(self) -> Mapping[int, str]:
        """The aliases of the collections that the release rules fill, by their numbers."""
        return self._fact(Facts.REGISTRY, self._alias_by_number)

    @property
    def shared(self) -> list[str]:
        """The aliases of the shared collections without their full variants, ``public`` first."""
        return self._fact(Facts.REGISTRY, self._shared)

    @property
    def private(self) -> Mapping[tuple[str, str], str]:
        """The aliases of partners' private collections, by their owners and uses."""
        return self._fact(Facts.REGISTRY, self._private)

    @property
    def readable(self) -> Mapping[str, frozenset[str]]:
        """The shared collections that each partner reads, by the partner's name."""
        return self._fact(Facts.REGISTRY, self._readable)

    @property
    def providers(self) -> ProviderIndex:
        """The providers of values, indexed by value."""
        return self._fact(Facts.REGISTRY, self._providers)

    @property
    def writers(self) -> Mapping[str, frozenset[str]]:
        """The partners that may write each collection, by its alias."""
        return self._fact(Facts.REGISTRY, collections.writers)

    @property
    def hub_item(self) -> Item:
        """The hub's identity in the feed."""
        return self._fact(Facts.REGISTRY, _hub_item)

    @property
    def identities(self) -> Mapping[str, dict[str, Any]]:
        """The partners' identities in the feed, by name."""
        return self._fact(Facts.REGISTRY, identities.identities)

    @property
    def registered(self) -> Mapping[str, int]:
        """When each partner was registered (microseconds), by name."""
        return self._fact(Facts.REGISTRY, _registered)

    @property
    def has_older_ids(self) -> bool:
        """True if an older version of the project published any annotation."""
        return self._fact(Facts.REGISTRY, listings.has_older_ids)

    @property
    def decided(self) -> DecidedTables:
        """The release rules and deadlines last decided under dual control; empty if there are none."""
        return self._fact(Facts.REGISTRY, _decided)

    @property
    def allowed_values(self) -> Mapping[str, AllowlistEntry]:
        """The values that an operator entered as harmless, by subject."""
        return self._fact(Facts.VALUES, entries.all_current)

    @property
    def own_values(self) -> Mapping[str, str]:
        """The values that partners registered as their own: the partner's name by subject."""
        return self._fact(Facts.VALUES, value_index.all_own_values)

    @property
    def has_delisted(self) -> bool:
        """True if any value is delisted."""
        return self._fact(Facts.VALUES, reviews.has_delisted)

    @property
    def has_erased(self) -> bool:
        """True if any value was erased, and is held since then."""
        return self._fact(Facts.VALUES, erased.has_any)

    @property
    def frozen_values(self) -> Mapping[str, int]:
        """The values that wait for a decision under dual control, by subject, with the latest end of the wait
        (microseconds).
        """
        return self._fact(Facts.VALUES, frozen.until_by_subject)

    @property
    def throttles(self) -> Mapping[str, Throttle]:
        """The last throttle of each partner that was ever throttled, by name."""
        return self._fact(Facts.VALUES, quotas.last_throttles)

    @property
    def calibrations(self) -> Mapping[tuple[str, str], Calibration]:
        """The right and wrong reports of each partner, by partner and kind."""
        return self._fact(Facts.RECORDS, _calibrations)

    @property
    def totals(self) -> Mapping[str, ReportTotals]:
        """The right and wrong reports of each partner, over all kinds."""
        return self._fact(Facts.RECORDS, reputation.totals)

    def newcomer_until(self, rule: NewcomerRule) -> Mapping[str, int]:
        """Return until when (microseconds) each partner that may be new is, by its name."""
        kept = self._kept.get(Facts.RECORDS, {})
        known: tuple[NewcomerRule, Registry, Mapping[str, int]] | None = kept.get("newcomers")
        if known is not None and known[0] == rule and known[1] is self.registry and not self._changed(Facts.RECORDS):
            return known[2]
        found = rule.until(self.registry.by_identity.values(), self.registered, self.totals)
        if not self._changed(Facts.RECORDS) and not self._changed(Facts.REGISTRY):
            kept["newcomers"] = (rule, self.registry, found)
        return found

    def _fact(self, facts: Facts, load: Callable[[Tx], _Fact]) -> _Fact:
        name = load.__name__
        if name not in self._used:
            kept = {} if self._changed(facts) else self._kept.get(facts, {})
            if name not in kept:
                kept[name] = load(self._tx)
            self._used[name] = kept[name]
        return cast("_Fact", self._used[name])

    def _changed(self, facts: Facts) -> bool:
        return facts in fact_versions.changed_in(self._tx)

    def _released(self, _: Tx) -> dict[str, Collection]:
        return {alias: collection for alias, collection in self.collections.items() if collection.filled_by_release}

    def _alias_by_number(self, _: Tx) -> dict[int, str]:
        return {collection.number: alias for alias, collection in self.released.items()}

    def _shared(self, _: Tx) -> list[str]:
        plain = [
            alias
            for alias, collection in self.collections.items()
            if collection.kind == "released" and not alias.endswith(FULL)
        ]
        return sorted(plain, key=lambda alias: (alias != PUBLIC, self.collections[alias].number))

    def _private(self, _: Tx) -> dict[tuple[str, str], str]:
        return {
            (collection.owner, collection.use): alias
            for alias, collection in self.released.items()
            if collection.owner and collection.use
        }

    def _providers(self, _: Tx) -> ProviderIndex:
        return ProviderIndex(self.registry.partners.values(), self.registry.gone.values())

    def _has_peer_readers(self, _: Tx) -> bool:
        return any(partner.peer for partner in self.registry.partners.values())

    def _readable(self, _: Tx) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for alias, readers in self.registry.readers.items():
            for name in readers:
                found.setdefault(name, set()).add(alias)
        return {name: frozenset(aliases) for name, aliases in found.items()}


def _hub_item(tx: Tx) -> Item:
    return Item.of(identities.of_hub(tx))


def _decided(tx: Tx) -> DecidedTables:
    found = policies.last_decided(tx)
    if found is None:
        return DecidedTables()
    read = parse_policy(found.rules)
    return DecidedTables(read.rules, read.deadlines)


def _secret_of_ids(tx: Tx) -> bytes:
    return hub_identity.secret(tx, "ids")


def _collections(tx: Tx) -> dict[str, Collection]:
    return {collection.alias: collection for collection in collections.all_collections(tx)}


def _registered(tx: Tx) -> dict[str, int]:
    return {name: since for name, (since, _) in partners.moments(tx).items()}


def _calibrations(tx: Tx) -> dict[tuple[str, str], Calibration]:
    return reputation.calibrations_of(tx, MOST_BY_ONE)
