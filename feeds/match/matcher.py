"""Match values against the list of a hub: it learns how many, not which; the partner learns what is listed, no more."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from feeds.connector import Misconfigured, TryLater
from feeds.match.function import BlindedValues
from feeds.match.hub_client import KeyOver, MatchHubClient, MatchingHub
from feeds.match.state import MatchState
from schemas import timestamp
from schemas.api.lookup import LookupQuestion, RefusedValue, ValueReading, readings
from schemas.api.matching import (
    MODE,
    ROW,
    ROW_NAME,
    SUITE,
    TAG,
    MatchCollection,
    MatchedListing,
    MatchOutput,
    UnreadableRow,
    input_of,
    is_current,
    prefix_of,
    unseal,
)
from schemas.api.tags import SortedTags
from schemas.errors import Rejected
from schemas.vocabulary import Action

_CHANGE = 1 + TAG
_STRENGTH: Mapping[str, int] = {action: place for place, action in enumerate(Action)}
_TRIES = 3


class SetExpired(TryLater):
    """The copy of the set is too old to be acted on: sync it."""


class MatchResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer about one value; what a listing tells is there where the value is ``found``. Times are as in STIX."""

    value: str
    kind: str | None = None
    normal: str | None = None
    found: bool
    error: RefusedValue | None = None
    grade: Action | None = None
    confidence: int | None = None
    disputed: bool = False
    hold: dict[str, str] | None = None
    valid_until: str | None = None
    tlp: str | None = None
    id: str | None = None


class SyncedSet(NamedTuple):
    """A set as it was synced: its version and size, what came and what went (None: all was read), and its end."""

    version: int
    size: int
    came: int | None
    went: int | None
    octets: int
    expires: str


class Matcher:
    """Matches values against one collection of a hub. Threads may share it."""

    def __init__(
        self, url: str, token: str, collection: str = "mule-accounts", state: Path | None = None, **settings: object
    ) -> None:
        """Match against ``collection`` at the hub ``url``; ``state`` is the file of what is kept between two runs.

        ``settings`` are those of ``MatchingHub``, as ``allow_private``. Raises ``Misconfigured``.
        """
        try:
            hub = MatchingHub.model_validate({"url": url, **settings})
        except ValueError as error:
            raise Misconfigured(f"{url}: cannot be asked with these settings: {error}") from None
        self._hub = MatchHubClient(hub, token, collection)
        self._state = MatchState(state, self._hub.url)
        self._asking = threading.RLock()
        self._set: MatchCollection | None = None
        self._tags = SortedTags()
        self._load()

    def __enter__(self) -> Self:
        """Return the matcher itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections and the file."""
        self._hub.close()
        self._state.close()

    def sync(self) -> SyncedSet:
        """Bring the tags to where the hub has them; only changes are read where they are known there.

        Raises ``TryLater`` and ``Misconfigured``.
        """
        with self._asking:
            for _ in range(_TRIES):
                described = self._checked(self._hub.collection())
                try:
                    synced = self._follow(described)
                except KeyOver:
                    continue
                if synced is not None:
                    return synced
            raise TryLater(f"{self._hub.url}: the set changes while it is read; try again")

    def match(self, values: Iterable[str | LookupQuestion]) -> list[MatchResult]:
        """Return the results for values in any spelling, in their order.

        A value that was asked before is not asked again, as long as the key holds. Raises ``SetExpired`` where the copy
        of the set may not be acted on any more, ``TryLater`` and ``Misconfigured``.
        """
        asked = [LookupQuestion(value) if isinstance(value, str) else value for value in values]
        read = [_read(question) for question in asked]
        names = {reading.name for found in read if not isinstance(found, RefusedValue) for reading in found}
        with self._asking:
            for _ in range(_TRIES):
                try:
                    listed = self._listed(sorted(names))
                    break
                except KeyOver:
                    self.sync()
            else:
                raise TryLater(f"{self._hub.url}: the set changes while it is read; try again")
        return [_result(question, found, listed) for question, found in zip(asked, read, strict=True)]

    def _listed(self, names: Sequence[str]) -> dict[str, MatchedListing]:
        """Return by name what lists the values. Raises ``KeyOver`` where the set has to be read anew for that."""
        described = self._present()
        key = described.keys[0]
        outputs = self._state.outputs(key.id, names)
        missing = [name for name in names if name not in outputs]
        for start in range(0, len(missing), described.limits.per_request):
            some = missing[start : start + described.limits.per_request]
            blinded = BlindedValues([input_of(name) for name in some])
            opened = blinded.outputs(*self._hub.evaluate(key.id, blinded.octets), bytes.fromhex(key.public))
            new = list(zip(some, opened, strict=True))
            self._state.add_outputs(key.id, new)
            outputs |= dict(new)
        at = datetime.now(UTC)
        hits = {name: output for name, output in outputs.items() if output.tag in self._tags}
        found = self._rows(described, hits)
        return {name: listing for name, listing in found.items() if is_current(listing, at)}

    def _rows(self, described: MatchCollection, hits: Mapping[str, MatchOutput]) -> dict[str, MatchedListing]:
        buckets: dict[str, dict[bytes, bytes]] = {}
        found: dict[str, MatchedListing] = {}
        for name, output in hits.items():
            prefix = prefix_of(output.row_name, described.bits)
            if prefix not in buckets:
                octets = self._hub.rows(described.keys[0].id, prefix)
                cut = [octets[at : at + ROW] for at in range(0, len(octets), ROW)]
                buckets[prefix] = {row[:ROW_NAME]: row[ROW_NAME:] for row in cut}
            row = buckets[prefix].get(output.row_name)
            if row is None:
                # It went, or the buckets are others now.
                raise KeyOver
            try:
                found[name] = unseal(output, row)
            except UnreadableRow as error:
                raise TryLater(f"{self._hub.url}: serves a row that cannot be read") from error
        return found

    def _present(self) -> MatchCollection:
        """Return the set that the copy is of. Raises ``SetExpired``."""
        if self._set is None:
            raise SetExpired("there is no copy of the set yet: sync it")
        moment = datetime.now(UTC)
        if not timestamp.parse(self._set.issued).timestamp() - 86_400 < moment.timestamp():
            raise SetExpired("the copy of the set is from the future: set the clock, and sync it")
        if moment >= timestamp.parse(self._set.expires):
            raise SetExpired(f"the copy of the set was good until {self._set.expires}: sync it")
        return self._set

    def _checked(self, described: MatchCollection) -> MatchCollection:
        """Return what a hub tells of its set. Raises ``Misconfigured`` and ``TryLater``."""
        if (
            (described.suite, described.mode, described.row) != (SUITE, MODE, ROW)
            or not described.keys
            or described.limits.per_request < 1
        ):
            raise Misconfigured(f"{self._hub.url}: matches in another way than this version knows")
        try:
            public = bytes.fromhex(described.keys[0].public)
            ends = timestamp.parse(described.expires), timestamp.parse(described.issued)
        except (ValueError, Rejected) as error:
            raise TryLater(f"{self._hub.url}: answers in another form") from error
        if ends[0] <= datetime.now(UTC):
            raise TryLater(f"{self._hub.url}: its set is too old to be acted on; ask its operator")
        self._state.pin(described.keys[0].id, public)
        return described

    def _follow(self, described: MatchCollection) -> SyncedSet | None:
        """Read tags until they are those of the set; None where it changed meanwhile."""
        key, before = described.keys[0].id, self._set
        came: int | None = None
        went: int | None = None
        octets = 0
        tags: SortedTags | None = None
        if before is not None and before.keys[0] == described.keys[0] and before.version <= described.version:
            try:
                read = self._hub.tags(key, before.version)
            except KeyOver:
                read = None
            if read is not None:
                octets = len(read.octets)
                tags, came, went = _changed(self._tags, read.octets)
        if tags is None or tags.digest().hex() != described.sha256:
            came = went = None
            whole = self._hub.tags(key)
            octets += len(whole.octets)
            try:
                tags = SortedTags.of_octets(whole.octets)
            except ValueError as error:
                raise TryLater(f"{self._hub.url}: serves tags in no order") from error
            if tags.digest().hex() != described.sha256:
                if whole.version == described.version:
                    raise TryLater(f"{self._hub.url}: its tags have another digest than it tells")
                return None
        self._tags, self._set = tags, described
        self._state.store({"set": msgspec.json.encode(described), "tags": tags.octets()})
        self._state.keep_outputs_of(key)
        return SyncedSet(described.version, len(tags), came, went, octets, described.expires)

    def _load(self) -> None:
        """Load the copy of the last run; one that cannot be read is none."""
        described, tags = self._state.fact("set"), self._state.fact("tags")
        if described is None or tags is None:
            return
        try:
            self._set = msgspec.json.decode(described, type=MatchCollection)
            self._tags = SortedTags.of_octets(tags)
        except (msgspec.MsgspecError, ValueError):
            self._set, self._tags = None, SortedTags()


def _changed(tags: SortedTags, octets: bytes) -> tuple[SortedTags, int, int]:
    """Return tags after changes, and how many came and went."""
    changed = SortedTags.of_octets(tags.octets())
    came = went = 0
    for at in range(0, len(octets), _CHANGE):
        tag = octets[at + 1 : at + _CHANGE]
        if octets[at : at + 1] == b"+":
            changed.add(tag)
            came += 1
        else:
            changed.discard(tag)
            went += 1
    return changed, came, went


def _read(question: LookupQuestion) -> list[ValueReading] | RefusedValue:
    try:
        return readings(question.value, question.kind, question.details)
    except Rejected as refusal:
        return RefusedValue(refusal.reason, refusal.message)


def _result(
    question: LookupQuestion, found: Sequence[ValueReading] | RefusedValue, listed: Mapping[str, MatchedListing]
) -> MatchResult:
    if isinstance(found, RefusedValue):
        return MatchResult(value=question.value, kind=question.kind, found=False, error=found)
    hits = [reading for reading in found if reading.name in listed]
    best = min(hits, key=lambda reading: _STRENGTH[listed[reading.name].grade], default=found[0])
    listing = listed.get(best.name)
    if listing is None:
        return MatchResult(value=question.value, kind=best.kind, normal=best.normal, found=False)
    hold = None
    if listing.hold is not None and listing.hold.until > datetime.now(UTC).timestamp():
        given = {"amount": listing.hold.amount, "currency": listing.hold.currency, "until": _time(listing.hold.until)}
        hold = {name: text for name, text in given.items() if text is not None}
    return MatchResult(
        value=question.value,
        kind=best.kind,
        normal=best.normal,
        found=True,
        grade=listing.grade,
        confidence=listing.confidence,
        disputed=listing.disputed,
        hold=hold,
        valid_until=None if listing.valid_until is None else _time(listing.valid_until),
        tlp=listing.tlp,
        id=f"indicator--{listing.id}" if listing.id else None,
    )


def _time(seconds: int) -> str:
    return timestamp.text(datetime.fromtimestamp(seconds, UTC))
