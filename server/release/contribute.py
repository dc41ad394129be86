"""What a partner contributes: kept in the inbox, and released at once to whom it concerns and who may know."""

import logging
from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from mappers import companions, ids, pattern
from mappers.indicator import basis, from_stix
from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.report import Report
from schemas.vocabulary import Tlp
from server.release import about, route, shape, visible
from server.release.renew import is_news
from server.release.revoke import revoked
from server.store import collections, log, mentions
from server.store.item import Item
from server.store.store import Tx

logger = logging.getLogger(__name__)

_RESERVED = companions.reserved()
_LISTINGS = range(1, 4)
# What makes an indicator say no report, though it may be right for others.
_FOR_OTHERS = ("pattern-not-comparable", "not-a-kind", "not-an-indicator")


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
    """An object version as it came; ``report`` is what an indicator says, or the refusal of it."""

    item: Item
    obj: dict[str, Any]
    report: Report | Rejected | None = None


def contribute(tx: Tx, partner: Partner, items: Sequence[Item]) -> Outcome:
    """Take ``items`` from ``partner`` into the inbox and release them, all in the caller's transaction.

    Repeating a contribution changes nothing. One bad item never stops the others: it is listed with the reason.
    """
    outcome = Outcome()
    # Reading patterns takes time: before the collections are locked, not while.
    taken = [each for item in items if (each := _read(item, outcome))]
    if taken:
        _Contribution(tx, partner, outcome).take(taken)
    return outcome


def _read(item: Item, outcome: Outcome) -> _Taken | None:
    try:
        obj = shape.read(item)
        report: Report | Rejected | None = None
        if obj["type"] == "indicator":
            try:
                report = from_stix(obj)
            except Rejected as refusal:
                report = refusal
        return _Taken(item, obj, report)
    except Rejected as refusal:
        outcome.failed.append(Refused(item.id, item.version, refusal.message))
    except (KeyError, TypeError, AttributeError, ValueError):
        # Senders write objects of every shape, and one that nobody thought of must not stop the others.
        logger.exception("object not understood id=%s", item.id)
        outcome.failed.append(Refused(item.id, item.version, "not understood: a property is not as STIX 2.1 has it"))
    return None


class _Held(Exception):
    """An object is kept, and not released."""


class _Contribution:
    """One call's worth of contributing: the collections, locked, and what enters each."""

    def __init__(self, tx: Tx, partner: Partner, outcome: Outcome) -> None:
        self._tx = tx
        self._partner = partner
        self._outcome = outcome
        every = {each.alias: each for each in collections.every(tx) if each.kind != "exchange"}
        log.lock(tx, every.values())
        self._inbox = every.pop("inbox")
        self._released = every
        self._known: dict[str, dict[str, Any]] = {}
        self._out: dict[str, dict[str, dict[str, Any]]] = {}
        self._kept: list[Item] = []
        self._entering: dict[str, list[Item]] = defaultdict(list)
        self._levels: dict[str, set[Tlp]] = defaultdict(set)
        self._mentions: list[tuple[str, str]] = []
        self._readable = visible.readable(tx, partner) & every.keys()

    def take(self, taken: Sequence[_Taken]) -> None:
        self._load({each.item.id for each in taken}, {ref for each in taken for ref in about.refs(each.obj)})
        # Indicators first, each id's versions in the order they came: what speaks about one goes no further than it.
        for each in sorted(taken, key=lambda one: about.order(one.item.type)):
            self._take_one(each)
        log.append(self._tx, self._inbox, self._kept)
        mentions.record(self._tx, self._mentions)
        for alias in sorted(self._entering, key=lambda name: self._released[name].number):
            around = companions.of(self._partner.name, self._partner.kind, self._levels[alias])
            log.append(self._tx, self._released[alias], [*map(Item.of, around), *self._entering[alias]])

    def _load(self, names: set[str], spoken_of: Set[str] = frozenset()) -> None:
        """Read the latest versions of those ids: what the inbox has, and what of it is out, and where.

        What others speak of may be out without having been in the inbox.
        """
        self._known |= _objects(log.latest(self._tx, self._inbox, names | spoken_of))
        known = names & self._known.keys() | spoken_of
        for alias, collection in self._released.items():
            found = _objects(log.latest(self._tx, collection, known)) if known else {}
            self._out.setdefault(alias, {}).update(found)

    def _take_one(self, taken: _Taken) -> None:
        try:
            if taken.item.id in _RESERVED:
                self._accept(taken)  # the hub's own copy is what is published
                return
            taken = self._owned(taken)
            if self._says_nothing_new(taken):
                self._accept(taken)
                return
            taken = self._with_first_created(taken)
            held = self._release(taken)
        except Rejected as refusal:
            self._outcome.failed.append(Refused(taken.item.id, taken.item.version, refusal.message))
            return
        self._known[taken.item.id] = taken.obj
        self._kept.append(taken.item)
        if held is None:
            self._accept(taken)
        else:
            self._outcome.pending.append(Refused(taken.item.id, taken.item.version, held))

    def _accept(self, taken: _Taken) -> None:
        self._outcome.accepted.append(Accepted(taken.item.id, taken.item.version))

    def _owned(self, taken: _Taken) -> _Taken:
        """Give the object where it is this partner's to say: only its creator may version or revoke it.

        Somebody else may hold the id that this partner's value has by our rule; then it gets the next one.
        """
        obj = taken.obj
        if "created" not in obj:
            return taken
        mine = self._partner.identity
        creator = _creator(obj)
        if creator is None:
            raise Rejected("not-yours", f"created_by_ref is missing: set it to your own identity, {mine}")
        before = self._known.get(obj["id"])
        if creator == mine and (before is None or _creator(before) == mine):
            return taken
        if creator == mine and isinstance(taken.report, Report):
            spelled = pattern.write(pattern.read(obj["pattern"]))
            if obj["id"] == ids.indicator(mine, spelled):
                return self._under_the_next_id(taken, spelled)
        raise Rejected("not-yours", f"not your own: contribute objects that your identity, {mine}, made")

    def _under_the_next_id(self, taken: _Taken, spelled: str) -> _Taken:
        for listing in _LISTINGS:
            id_ = ids.indicator(self._partner.identity, spelled, listing)
            self._load({id_})
            before = self._known.get(id_)
            if before is None or _creator(before) == self._partner.identity:
                logger.warning("id taken by another id=%s partner=%s", taken.item.id, self._partner.identity)
                obj = {**taken.obj, "id": id_}
                return _Taken(Item.of(obj), obj, taken.report)
        raise Rejected("not-yours", "this id is another partner's; contribute the object under a new id")

    def _says_nothing_new(self, taken: _Taken) -> bool:
        before = self._known.get(taken.item.id)
        if before is None:
            return False
        if before.get("revoked") is True and not taken.item.revoked:  # STIX 2.1 §3.6
            raise Rejected("revoked-before", "this was revoked, which is for ever; if it is active, give it a new id")
        version = Item.of(before).version
        if version is None or taken.item.version is None or taken.item.version <= version:
            return True  # an observable is what it is
        return not is_news(before, taken.obj)

    def _with_first_created(self, taken: _Taken) -> _Taken:
        """Keep ``created`` over all versions (STIX 2.1 §3.6): who maps a file anew does not know the first one."""
        before = self._known.get(taken.item.id)
        if before is None or "created" not in taken.obj or taken.obj["created"] == before["created"]:
            return taken
        obj = {**taken.obj, "created": before["created"]}
        return _Taken(Item.of(obj), obj, taken.report)

    def _release(self, taken: _Taken) -> str | None:
        """Let an object go where it may; gives why it is held back, where it is."""
        if taken.item.revoked and taken.item.version is not None:
            self._take_back(taken.item.id, set(self._released))
            return None
        try:
            if taken.obj["type"] == "indicator":
                self._release_indicator(taken)
            elif about.refs(taken.obj):
                self._release_speech(taken.obj)
        except _Held as held:
            return str(held)
        return None

    def _release_indicator(self, taken: _Taken) -> None:
        obj, report = taken.obj, taken.report
        if isinstance(report, Rejected) or report is None:
            if report is not None and report.reason not in _FOR_OTHERS:
                raise report
            self._take_back(obj["id"], set(self._released))
            raise _Held(f"kept, not released: {report.message if report else 'it says no report'}")
        self._mentions.append((mentions.subject(report.kind, report.value), obj["id"]))
        tlp = route.narrower(route.level(obj), report.tlp)  # a report narrows what its kind asks to
        aliases = route.aliases(route.home_of(report.kind), tlp)
        places = {name for alias in aliases for name in (alias, alias + route.FULL)}
        # A marking holds for every copy: one that is out where this version may not go is taken back.
        self._take_back(obj["id"], self._released.keys() - places)
        if not aliases:
            raise _Held(f"kept, not released: {route.why_nowhere(tlp)}")
        bounded = obj if "valid_until" in obj else {**obj, "valid_until": timestamp.text(report.valid_until)}
        around = basis({"object_marking_refs": [], **bounded}, report)
        beside = [Item.of(each) for each in around]
        for name in places:
            if self._out[name].get(obj["id"], {}).get("revoked") is not True:
                self._enter(name, bounded, tlp)
                if name.endswith(route.FULL):
                    self._entering[name] += beside
                    self._out[name].update((each["id"], each) for each in around)

    def _release_speech(self, obj: dict[str, Any]) -> None:
        """Let go what speaks of other objects: no further than they go, and not where its maker sees none of them."""
        refs = about.refs(obj)
        self._mentions += [(ref, obj["id"]) for ref in refs]
        tlp = about.level(obj, [self._known.get(ref) for ref in refs])
        unseen = about.wants_sight(obj) and not all(map(self._sees, refs))
        places = set() if unseen else about.places(obj, tlp, self._out, self._readable)
        self._take_back(obj["id"], self._released.keys() - places)
        if not places:
            raise _Held(f"kept, not released: {about.why_nowhere(obj, tlp, unseen=unseen)}")
        for name in places:
            if self._out[name].get(obj["id"], {}).get("revoked") is not True:
                self._enter(name, obj, tlp)
                self._entering[name] += map(Item.of, about.beside(obj))

    def _sees(self, ref: str) -> bool:
        """Tell whether an object is the partner's own, or out where it reads."""
        known = self._known.get(ref)
        own = known is not None and _creator(known) == self._partner.identity
        return own or ref in _RESERVED or any(ref in self._out[name] for name in self._readable)

    def _enter(self, name: str, obj: dict[str, Any], tlp: Tlp) -> None:
        self._entering[name].append(Item.of(obj))
        self._levels[name].add(tlp)
        self._out[name][obj["id"]] = obj

    def _take_back(self, id_: str, names: set[str]) -> None:
        """Revoke the object where it is out, as it stands there: a revocation brings no new words with it."""
        for name in names:
            there = self._out[name].get(id_)
            if there is not None and there.get("revoked") is not True:
                last = revoked(there, timestamp.now())
                self._entering[name].append(Item.of(last))
                self._out[name][id_] = last


def _objects(items: dict[str, Item]) -> dict[str, dict[str, Any]]:
    return {id_: msgspec.json.decode(item.body) for id_, item in items.items()}


def _creator(obj: dict[str, Any]) -> str | None:
    """Give the identity that says an object; an identity says itself."""
    creator: str | None = obj["id"] if obj["type"] == "identity" else obj.get("created_by_ref")
    return creator
