"""What a partner contributes: kept in the inbox, and released at once to whom it concerns and who may know."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from mappers import companions
from mappers.indicator import from_stix
from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.report import Report
from schemas.vocabulary import Tlp
from server.release import route
from server.release.renew import is_news
from server.release.revoke import revoked
from server.store import collections, log, mentions
from server.store.item import Item
from server.store.store import Tx


class Accepted(NamedTuple):
    """An object version that is kept, and released as far as its kind and marking allow."""

    id: str
    version: int | None


class Refused(NamedTuple):
    """An object version that is not released (pending: kept all the same; failed: not kept), and why."""

    id: str
    version: int | None
    message: str


@dataclass
class Outcome:
    """What became of each object: every one is in one of the lists."""

    accepted: list[Accepted] = field(default_factory=list)
    pending: list[Refused] = field(default_factory=list)
    failed: list[Refused] = field(default_factory=list)


class _Taken(NamedTuple):
    item: Item
    obj: dict[str, Any]


def subject(kind: str, value: str) -> str:
    """Give the name under which ``server.store.mentions`` knows a value in its normal form."""
    return f"{kind}:{value}"


def contribute(tx: Tx, partner: Partner, items: Sequence[Item]) -> Outcome:
    """Take ``items`` from ``partner`` into the inbox and release them, all in the caller's transaction.

    Repeating a contribution changes nothing. One bad item never stops the others: it is listed with the reason.
    """
    return _Contribution(tx, partner).take(items)


class _Contribution:
    """One call's worth of contributing: the collections, locked, and what enters each."""

    def __init__(self, tx: Tx, partner: Partner) -> None:
        self._tx = tx
        self._partner = partner
        self._collections = {each.alias: each for each in collections.every(tx) if each.kind != "exchange"}
        self._inbox = self._collections["inbox"]
        log.lock(tx, self._collections.values())
        self._entering: dict[str, list[_Taken]] = defaultdict(list)
        self._levels: dict[str, set[Tlp]] = defaultdict(set)
        self._said: dict[str, _Said | None] = {}
        self._mentions: list[tuple[str, str]] = []
        self._outcome = Outcome()

    def take(self, items: Sequence[Item]) -> Outcome:
        known = log.latest(self._tx, self._inbox, {item.id for item in items})
        kept: list[_Taken] = []
        for item in items:
            taken = _Taken(item, msgspec.json.decode(item.body))
            if refusal := self._not_theirs(taken, known):
                self._outcome.failed.append(Refused(item.id, item.version, refusal))
            elif self._is_back_after_revocation(taken, known):
                message = "this was revoked, which is for ever; if it is active again, contribute it under a new id"
                self._outcome.failed.append(Refused(item.id, item.version, message))
            elif self._says_nothing_new(taken, known):
                self._outcome.accepted.append(Accepted(item.id, item.version))
            else:
                kept.append(self._with_first_created(taken, known))
        kept = self._release(kept)
        log.append(self._tx, self._inbox, [taken.item for taken in kept])
        mentions.record(self._tx, self._mentions)
        self._publish()
        return self._outcome

    def _not_theirs(self, taken: _Taken, known: Mapping[str, Item]) -> str | None:
        """Say why an object is not this partner's to contribute: only its creator may version or revoke it."""
        obj = taken.obj
        if "created" not in obj or obj["type"] == "marking-definition":
            return None
        creator = obj["id"] if obj["type"] == "identity" else obj.get("created_by_ref")
        if creator == self._partner.identity:
            return None
        if creator is None:
            return f"created_by_ref is missing: set it to your own identity, {self._partner.identity}"
        return f"not your own: contribute objects whose created_by_ref is your identity, {self._partner.identity}"

    def _is_back_after_revocation(self, taken: _Taken, known: Mapping[str, Item]) -> bool:
        before = known.get(taken.item.id)
        return before is not None and before.revoked and not taken.item.revoked  # STIX 2.1 §3.6

    def _says_nothing_new(self, taken: _Taken, known: Mapping[str, Item]) -> bool:
        before = known.get(taken.item.id)
        if before is None:
            return False
        if before.version is None or taken.item.version is None or taken.item.version <= before.version:
            return True  # an observable is what it is
        return not is_news(msgspec.json.decode(before.body), taken.obj)

    def _with_first_created(self, taken: _Taken, known: Mapping[str, Item]) -> _Taken:
        """Keep ``created`` over all versions (STIX 2.1 §3.6): who maps a file anew does not know the first one."""
        before = known.get(taken.item.id)
        if before is None or "created" not in taken.obj:
            return taken
        created = msgspec.json.decode(before.body)["created"]
        return taken if taken.obj["created"] == created else _taken({**taken.obj, "created": created})

    def _release(self, kept: list[_Taken]) -> list[_Taken]:
        """Choose for each object where it goes; gives those to keep."""
        staying: list[_Taken] = []
        # Indicators first: what speaks about them goes no further than they.
        for taken in sorted(kept, key=lambda each: each.item.type != "indicator"):
            obj = taken.obj
            try:
                if taken.item.revoked:
                    self._take_back(taken)
                elif obj["type"] == "indicator":
                    taken = self._enter_indicator(taken)
                elif obj["type"] == "sighting":
                    self._mentions.append((obj["sighting_of_ref"], obj["id"]))
                    self._enter(taken, route.SIGHTINGS, self._allowed(self._level_about(obj, obj["sighting_of_ref"])))
            except Rejected as refusal:
                self._outcome.failed.append(Refused(taken.item.id, taken.item.version, refusal.message))
                continue
            except _Held as held:
                self._outcome.pending.append(Refused(taken.item.id, taken.item.version, str(held)))
            else:
                self._outcome.accepted.append(Accepted(taken.item.id, taken.item.version))
            staying.append(taken)
        self._enter_around(staying)
        return staying

    def _allowed(self, tlp: Tlp) -> Tlp:
        if not route.may_be_released(tlp):
            raise _Held(f"kept, not released: TLP:{tlp.value.upper()} reaches only whom it names, and it names nobody")
        return tlp

    def _enter_indicator(self, taken: _Taken) -> _Taken:
        try:
            report = from_stix(taken.obj)
        except Rejected as refusal:
            if refusal.reason in ("pattern-not-comparable", "not-a-kind", "not-an-indicator"):
                raise _Held(f"kept, not released: {refusal.message}") from refusal
            raise
        self._mentions.append((subject(report.kind, report.value), taken.item.id))
        taken = _bounded(taken, report)
        said = self._said[taken.item.id] = _Said(route.home_of(report.kind), route.level(taken.obj))
        self._enter(taken, said.home, self._allowed(said.tlp))
        return taken

    def _enter(self, taken: _Taken, home: str, tlp: Tlp) -> None:
        for alias in route.aliases(home, tlp):
            for name in (alias, alias + route.FULL):
                self._entering[name].append(taken)
                self._levels[name].add(tlp)

    def _enter_around(self, kept: Iterable[_Taken]) -> None:
        """Let what an indicator is based on follow it into the full collections."""
        bonds = [t for t in kept if t.obj["type"] == "relationship" and t.obj["relationship_type"] == "based-on"]
        if not bonds:
            return
        observables = {taken.item.id: taken for taken in kept if taken.item.version is None}
        missing = {bond.obj["target_ref"] for bond in bonds} - observables.keys()
        found = log.latest(self._tx, self._inbox, missing)
        observables |= {id_: _Taken(item, msgspec.json.decode(item.body)) for id_, item in found.items()}
        for bond in bonds:
            said = self._what_is_said(bond.obj["source_ref"])
            target = observables.get(bond.obj["target_ref"])
            if said is None or target is None or bond.item.revoked:
                continue
            for alias in route.aliases(said.home, self._level_about(bond.obj, bond.obj["source_ref"])):
                full = alias + route.FULL
                self._entering[full] += [taken for taken in (target, bond) if route.admits(full, taken.obj)]

    def _level_about(self, obj: Mapping[str, Any], indicator_id: str) -> Tlp:
        """Give the level of what speaks about an indicator: its own, and never a wider one than the indicator's.

        Of an indicator that is not here, it is not known how wide that is.
        """
        said = self._what_is_said(indicator_id)
        return route.narrower(route.level(obj), said.tlp if said else Tlp.AMBER)

    def _what_is_said(self, indicator_id: str) -> "_Said | None":
        """Give where an indicator of this or an earlier contribution is read, and at which level."""
        if indicator_id not in self._said:
            self._said[indicator_id] = None
            item = log.latest(self._tx, self._inbox, [indicator_id]).get(indicator_id)
            if item is not None and item.type == "indicator":
                indicator = msgspec.json.decode(item.body)
                with suppress(Rejected):
                    home = route.home_of(from_stix(indicator).kind)
                    self._said[indicator_id] = _Said(home, route.level(indicator))
        return self._said[indicator_id]

    def _take_back(self, taken: _Taken) -> None:
        """Revoke the object wherever it is, as it stands there: a revocation brings no new words with it."""
        at = timestamp.parse(taken.obj["modified"])
        for alias, collection in self._collections.items():
            if collection is self._inbox:
                continue
            for item in log.latest(self._tx, collection, [taken.item.id]).values():
                self._entering[alias].append(_taken(revoked(msgspec.json.decode(item.body), at)))

    def _publish(self) -> None:
        for alias in sorted(self._entering, key=lambda name: self._collections[name].number):
            around = companions.of(self._partner.name, self._partner.kind, self._levels[alias])
            entering = [Item.of(obj) for obj in around] + [taken.item for taken in self._entering[alias]]
            log.append(self._tx, self._collections[alias], entering)


class _Said(NamedTuple):
    """What matters of an indicator to those who speak about it: whose readers act on it, and its level."""

    home: str
    tlp: Tlp


class _Held(Exception):
    """An object is kept, and not released."""


def _bounded(taken: _Taken, report: Report) -> _Taken:
    """Give an indicator without an end its kind's time to live: every active indicator ends."""
    if "valid_until" in taken.obj:
        return taken
    return _taken({**taken.obj, "valid_until": timestamp.text(report.valid_until)})


def _taken(obj: dict[str, Any]) -> _Taken:
    return _Taken(Item.of(obj), obj)
