"""The facts that each release needs and that rarely change: read once, and again after a transaction changed them."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from mappers.identity import HubIdentity
from server.release.fuse.newcomers import NewcomerRule
from server.release.fuse.reliability import MOST_BY_ONE
from server.release.publish import identities
from server.release.route.keepers import KeeperIndex
from server.release.route.policy import FULL, PUBLIC, PolicyRule, parse_policy
from server.store import (
    collections,
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
from server.store.database import fact_versions, facts as stored_facts
from server.store.database.engine import Tx
from server.store.database.fact_versions import Facts
from server.store.erasure import erased
from server.store.item import Item
from server.store.partners import Registry
from server.store.policies import policies
from server.store.quotas import Throttle
from server.store.reputation import Calibration, ReportTotals

_Fact = TypeVar("_Fact")
_Kept = dict[str, Any]


class FactCache:
    """The facts that one hub has read, by their versions. Threads share it, and so do all transactions."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self._kept: dict[Facts, tuple[int, _Kept]] = {}

    def at(self, tx: Tx) -> "HubFacts":
        """Return the facts as a transaction finds them, by one statement where none of them has changed."""
        versions = stored_facts.versions(tx)
        return HubFacts(tx, {facts: self._of(facts, versions[facts]) for facts in Facts if facts in versions})

    def _of(self, facts: Facts, version: int) -> _Kept:
        known = self._kept.get(facts)
        if known is None or known[0] != version:
            known = self._kept[facts] = (version, {})
        return known[1]


class HubFacts:
    """The facts of a hub in one transaction, each as at its first use there.

    Nobody changes them in place: other transactions use them, too. Those that the transaction itself has changed before
    it first used them are read for it alone, as nobody else may know of them before it commits.
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
        """The partners, and who reads which collection."""
        return self._fact(Facts.REGISTRY, partners.load_registry)

    @property
    def collections(self) -> Mapping[str, Collection]:
        """All collections by alias; the ends of their logs are as of some earlier moment."""
        return self._fact(Facts.REGISTRY, _collections)

    @property
    def released(self) -> Mapping[str, Collection]:
        """Those that the release rules fill, by alias."""
        return self._fact(Facts.REGISTRY, self._released)

    @property
    def alias_by_number(self) -> Mapping[int, str]:
        """The aliases of those, by their numbers."""
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
    def keepers(self) -> KeeperIndex:
        """The partners that keep values, by these."""
        return self._fact(Facts.REGISTRY, self._keepers)

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
        """True where an older version of the project published any annotation."""
        return self._fact(Facts.REGISTRY, listings.has_older_ids)

    @property
    def decided_rules(self) -> tuple[PolicyRule, ...]:
        """The rules of release that two persons decided on last, none where they never did."""
        return self._fact(Facts.REGISTRY, _decided_rules)

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
        """True where any value is delisted."""
        return self._fact(Facts.VALUES, reviews.has_delisted)

    @property
    def has_erased(self) -> bool:
        """True where any value was erased, and is held since."""
        return self._fact(Facts.VALUES, erased.has_any)

    @property
    def throttles(self) -> Mapping[str, Throttle]:
        """The last throttle of each partner that ever was throttled, by name."""
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

    def _keepers(self, _: Tx) -> KeeperIndex:
        return KeeperIndex(self.registry.partners.values(), self.registry.gone.values())

    def _readable(self, _: Tx) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for alias, readers in self.registry.readers.items():
            for name in readers:
                found.setdefault(name, set()).add(alias)
        return {name: frozenset(aliases) for name, aliases in found.items()}


def _hub_item(tx: Tx) -> Item:
    return Item.of(identities.of_hub(tx))


def _decided_rules(tx: Tx) -> tuple[PolicyRule, ...]:
    found = policies.last_decided(tx)
    return parse_policy(found.rules).rules if found is not None else ()


def _secret_of_ids(tx: Tx) -> bytes:
    return hub_identity.secret(tx, "ids")


def _collections(tx: Tx) -> dict[str, Collection]:
    return {collection.alias: collection for collection in collections.all_collections(tx)}


def _registered(tx: Tx) -> dict[str, int]:
    return {name: since for name, (since, _) in partners.moments(tx).items()}


def _calibrations(tx: Tx) -> dict[tuple[str, str], Calibration]:
    return reputation.calibrations_of(tx, MOST_BY_ONE)
