"""Matches values against a hub's list: the hub learns only how many, and the partner only which of them are listed."""

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from feeds.client.match.protocol import BlindedValues, KeyOver, MatchHubClient, MatchingHub, MatchState
from feeds.errors import Misconfigured, TryLater
from schemas import timestamp
from schemas.api.lookup import LookupQuestion, NamedReading, RefusedValue, ValueReading, asked_readings, strongest
from schemas.api.matching import (
    MODE,
    ROW,
    ROW_NAME,
    SUITE,
    TAG,
    MatchCollection,
    MatchedListing,
    MatchOutput,
    SortedTags,
    UnreadableRow,
    generation_of,
    input_of,
    is_current,
    prefix_of,
    unseal,
)
from schemas.errors import Rejected
from schemas.vocabulary import Action

logger = logging.getLogger(__name__)

_CHANGE = 1 + TAG
_STRENGTH: Mapping[str, int] = {action: place for place, action in enumerate(Action)}
_TRIES = 3


class SetExpired(TryLater):
    """The copy of the set is too old to act on: sync it."""


class MatchedSite(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The listed domain above a value, or the listed IP address in a URL; see ``schemas.site``."""

    value: str
    kind: str
    grade: Action
    confidence: int | None = None
    disputed: bool = False
    valid_until: str | None = None
    tlp: str | None = None
    id: str | None = None


class MatchResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer about one value; the fields of a listing are set if the value is ``found``. Times are as in STIX.

    ``grade`` is the stronger one of the value and its ``site``; all else describes the value itself.
    """

    value: str
    kind: str | None = None
    normal: str | None = None
    readings: tuple[NamedReading, ...] | None = None
    found: bool
    error: RefusedValue | None = None
    grade: Action | None = None
    confidence: int | None = None
    disputed: bool = False
    hold: dict[str, str] | None = None
    valid_until: str | None = None
    tlp: str | None = None
    id: str | None = None
    site: MatchedSite | None = None


class SyncedSet(NamedTuple):
    """A synced set: its version and size, the numbers of added and removed tags (None: all were read), and its expiry.

    ``seed_replaced``: the hub has derived the ``key`` from a new seed, so that all values have to be requested again.
    """

    version: int
    size: int
    came: int | None
    went: int | None
    octets: int
    expires: str
    key: str
    seed_replaced: bool


class Matcher(AbstractContextManager["Matcher"]):
    """Matches values against one collection of a hub. Threads may share it."""

    def __init__(
        self, url: str, token: str, collection: str = "mule-accounts", state: Path | None = None, **settings: object
    ) -> None:
        """Match against ``collection`` at the hub ``url``; the file ``state`` keeps data between two runs.

        ``settings`` are those of ``MatchingHub``, such as ``allow_private``. Raises ``Misconfigured``.
        """
        try:
            hub = MatchingHub.model_validate({"url": url, **settings})
        except ValueError as error:
            raise Misconfigured(f"{url}: these settings are invalid: {error}") from None
        self._country = hub.country
        self._hub = MatchHubClient(hub, token, collection)
        self._state = MatchState(state, self._hub.url)
        self._asking = threading.RLock()
        self._set: MatchCollection | None = None
        self._tags = SortedTags()
        self._load()

    def __exit__(self, *_: object) -> None:
        self._hub.close()
        self._state.close()

    def sync(self) -> SyncedSet:
        """Update the tags to the hub's state; if possible only changes are read.

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
            raise TryLater(f"{self._hub.url}: the set changed during reading; try again")

    def match(self, values: Iterable[str | LookupQuestion]) -> list[MatchResult]:
        """Return the results for values in any spelling, in the same order.

        The domains above a value are requested like other values, so that the hub cannot distinguish them. A value
        requested before is not requested again while the key is valid. Raises ``SetExpired`` if the copy of the set
        is too old to act on, ``TryLater`` and ``Misconfigured``.
        """
        asked = [LookupQuestion(value) if isinstance(value, str) else value for value in values]
        read = [_read(question, self._country) for question in asked]
        names = {
            name
            for found in read
            if not isinstance(found, RefusedValue)
            for reading in found
            for name in (reading.name, *(parent.name for parent in reading.parents))
        }
        with self._asking:
            for _ in range(_TRIES):
                try:
                    listed = self._listed(sorted(names))
                    break
                except KeyOver:
                    self.sync()
            else:
                raise TryLater(f"{self._hub.url}: the set changed during reading; try again")
        return [_result(question, found, listed) for question, found in zip(asked, read, strict=True)]

    def _listed(self, names: Sequence[str]) -> dict[str, MatchedListing]:
        """Return the listings of values by name. Raises ``KeyOver`` if the set has to be read again."""
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
                # The listing was removed, or the buckets have changed.
                raise KeyOver
            try:
                found[name] = unseal(output, row)
            except UnreadableRow as error:
                raise TryLater(f"{self._hub.url}: serves an invalid row") from error
        return found

    def _present(self) -> MatchCollection:
        """Return the set of the copy. Raises ``SetExpired``."""
        if self._set is None:
            raise SetExpired("the set has not been synced yet: sync it")
        moment = datetime.now(UTC)
        if not timestamp.parse(self._set.issued).timestamp() - 86_400 < moment.timestamp():
            raise SetExpired("the copy of the set is from the future: correct the clock, and sync it")
        if moment >= timestamp.parse(self._set.expires):
            raise SetExpired(f"the copy of the set expired at {self._set.expires}: sync it")
        return self._set

    def _checked(self, described: MatchCollection) -> MatchCollection:
        """Check a hub's description of its set. Raises ``Misconfigured`` and ``TryLater``."""
        if (
            (described.suite, described.mode, described.row) != (SUITE, MODE, ROW)
            or not described.keys
            or described.limits.per_request < 1
        ):
            raise Misconfigured(f"{self._hub.url}: uses a form of matching that this version does not support")
        try:
            public = bytes.fromhex(described.keys[0].public)
            ends = timestamp.parse(described.expires), timestamp.parse(described.issued)
        except (ValueError, Rejected) as error:
            raise TryLater(f"{self._hub.url}: its response has an unknown format") from error
        if ends[0] <= datetime.now(UTC):
            raise TryLater(f"{self._hub.url}: its set is too old to act on; ask its operator")
        self._state.pin(described.keys[0].id, public)
        return described

    def _follow(self, described: MatchCollection) -> SyncedSet | None:
        """Read tags until they are those of the set; None if it changed during this."""
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
                raise TryLater(f"{self._hub.url}: serves unsorted tags") from error
            if tags.digest().hex() != described.sha256:
                if whole.version == described.version:
                    raise TryLater(f"{self._hub.url}: its tags do not match its digest")
                return None
        self._tags, self._set = tags, described
        self._state.store({"set": msgspec.json.encode(described), "tags": tags.octets()})
        self._state.keep_outputs_of(key)
        seeds = {None if before is None else generation_of(before.keys[0].id), generation_of(key)}
        replaced = None not in seeds and len(seeds) > 1
        if replaced:
            logger.warning("match-seed-replaced set=%s key=%s", self._hub.url, key)
        return SyncedSet(described.version, len(tags), came, went, octets, described.expires, key, replaced)

    def _load(self) -> None:
        """Load the copy of the last run; one that cannot be read is ignored."""
        described, tags = self._state.fact("set"), self._state.fact("tags")
        if described is None or tags is None:
            return
        try:
            self._set = msgspec.json.decode(described, type=MatchCollection)
            self._tags = SortedTags.of_octets(tags)
        except (msgspec.MsgspecError, ValueError):
            self._set, self._tags = None, SortedTags()


def _changed(tags: SortedTags, octets: bytes) -> tuple[SortedTags, int, int]:
    """Apply changes to tags; also return the numbers of added and removed ones."""
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


def _read(question: LookupQuestion, country: str) -> list[ValueReading] | RefusedValue:
    try:
        return asked_readings(question.value, question.kind, question.details, country)
    except Rejected as refusal:
        return RefusedValue(refusal.reason, refusal.message)


def _result(
    question: LookupQuestion, found: Sequence[ValueReading] | RefusedValue, listed: Mapping[str, MatchedListing]
) -> MatchResult:
    if isinstance(found, RefusedValue):
        return MatchResult(value=question.value, kind=question.kind, found=False, error=found)
    known = [(reading, listed.get(reading.name), _site(reading, listed)) for reading in found]
    best, listing, site = min(known, key=lambda each: _place(*each[1:]))
    hold = None
    if listing is not None and listing.hold is not None and listing.hold.until > datetime.now(UTC).timestamp():
        given = {"amount": listing.hold.amount, "currency": listing.hold.currency, "until": _time(listing.hold.until)}
        hold = {name: text for name, text in given.items() if text is not None}
    return MatchResult(
        value=question.value,
        kind=best.kind,
        normal=best.normal,
        readings=tuple(_named(*each) for each in known) if len(known) > 1 else None,
        found=listing is not None,
        grade=_grade(listing, site),
        hold=hold,
        site=site,
        **({} if listing is None else _told(listing)),
    )


def _named(reading: ValueReading, listing: MatchedListing | None, site: MatchedSite | None) -> NamedReading:
    return NamedReading(
        kind=reading.kind, normal=reading.normal, found=listing is not None, grade=_grade(listing, site)
    )


def _grade(*listed: MatchedListing | MatchedSite | None) -> Action | None:
    return strongest([each.grade for each in listed if each is not None])


def _site(reading: ValueReading, listed: Mapping[str, MatchedListing]) -> MatchedSite | None:
    """Return the parent with the strongest grade, the nearest of several; None if none is listed."""
    found = [(parent, listing) for parent in reading.parents if (listing := listed.get(parent.name)) is not None]
    if not found:
        return None
    parent, listing = min(found, key=lambda each: _STRENGTH[each[1].grade])
    return MatchedSite(value=parent.value, kind=parent.kind, grade=listing.grade, **_told(listing))


def _told(listing: MatchedListing) -> dict[str, Any]:
    """Return the fields of an answer that come from a listing, except its grade and hold."""
    return {
        "confidence": listing.confidence,
        "disputed": listing.disputed,
        "valid_until": None if listing.valid_until is None else _time(listing.valid_until),
        "tlp": listing.tlp,
        "id": f"indicator--{listing.id}" if listing.id else None,
    }


def _place(listing: MatchedListing | None, site: MatchedSite | None) -> tuple[int, bool]:
    """Return the sort key among all readings of a text: strongest grade first, and the value before its site."""
    grades = [_STRENGTH[each.grade] for each in (listing, site) if each is not None]
    return min(grades, default=len(_STRENGTH)), listing is None


def _time(seconds: int) -> str:
    return timestamp.text(datetime.fromtimestamp(seconds, UTC))
