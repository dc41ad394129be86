"""Checks of values against a partner's own copy, in the process that asks."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec

from feeds.connector import Misconfigured
from feeds.mirror import settings
from feeds.mirror.answers import STRENGTH, CheckAnswer, CheckedValue, HubListing, counting, in_order, merge
from feeds.mirror.entries import digest_of_name, milliseconds
from feeds.mirror.packing import time_text, unpack_id, unpack_version
from feeds.mirror.settings import ERROR, NONE, CheckRules
from feeds.mirror.tables import log_fact, open_to_read
from schemas import kinds
from schemas.api.lookup import Listing, LookupQuestion, RefusedValue, ValueReading, readings
from schemas.errors import Rejected
from schemas.kind import NO_DETAILS

_MOST_LISTINGS = 50_000
# Payees come again: a bank asks for most of them more than once a day.
_READINGS = 16_384
# A copy that is from later than now was made when this machine's clock was wrong.
_AHEAD = 300_000
# The generation is that of the same moment as what is found.
_FIND = (
    "SELECT f.value, o.copy, o.id, o.version, o.ends, o.listing FROM facts f "
    "LEFT JOIN names n ON n.name = ? LEFT JOIN objects o ON o.number = n.object WHERE f.name = 'generation'"
)
_decoder = msgspec.json.Decoder(Listing)


class VisibleCopy(NamedTuple):
    """A copy that checks read: of which hub and collection, and up to when it is current (milliseconds)."""

    hub: str
    collection: str
    alias: str
    as_of: int | None
    as_of_text: str | None
    active: int
    digest: str
    error: str | None
    title: str
    log: Mapping[str, Any]


class MirrorState(NamedTuple):
    """The state that checks share: the settings in force, the copies, and what is missing.

    ``generation`` changes with each of these. ``oldest`` is up to when all copies are current, None where one never
    was. ``missing`` are configured collections, as ``hub/collection``, that have no copy; ``errors`` are those of hubs.
    """

    generation: int
    rules: CheckRules
    copies: Mapping[int, VisibleCopy]
    oldest: int | None
    oldest_text: str | None
    missing: tuple[str, ...]
    errors: Mapping[str, str]
    filling: tuple[str, ...]
    most_age: float

    def is_old(self, as_of: int | None, now: int) -> bool:
        """Return whether a copy is too old to block by."""
        return as_of is None or not -_AHEAD <= now - as_of <= self.most_age

    def is_stale(self, now: int) -> bool:
        """Return whether something that is not found may all the same be listed at a hub."""
        return bool(self.missing) or self.is_old(self.oldest, now)

    def word(self, grade: str) -> str:
        """Return the configured word for a grade."""
        return self.rules.actions.get(grade, grade)


class Mirror:
    """A partner's own copy, to check values against.

    It sees each sync as a whole or not at all, and a new one from the next check on. It may be used by several threads.
    """

    def __init__(self, path: Path | str) -> None:
        """Open a copy by its file, or by the mirror's TOML file. Raises ``Misconfigured``."""
        path = Path(path)
        file = path if settings.is_copy(path) else settings.load(path).mirror.file
        self.file = file
        self._turn = threading.Lock()
        self._open()

    def _open(self) -> None:
        inode = self.file.stat().st_ino if self.file.exists() else 0
        with ExitStack() as unless_opened:
            opened = open_to_read(self.file)
            unless_opened.callback(opened.close)
            self._state = _load(opened)
            unless_opened.pop_all()
        # A file that cannot be read yet is tried again.
        self._inode, self._db, self._cursor = inode, opened, opened.cursor()
        # By their numbers, which are never used again within a file.
        self._listings: dict[int, Listing] = {}

    def follow_file(self) -> None:
        """Open the file again if another one has taken its place, as after it was lost and synced anew."""
        with suppress(OSError, Misconfigured, sqlite3.Error), self._turn:
            if self.file.stat().st_ino != self._inode:
                before = self._db
                self._open()
                before.close()

    def __enter__(self) -> Self:
        """Return the mirror itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def check(self, value: str, kind: str | None = None, details: Mapping[str, str] = NO_DETAILS) -> CheckedValue:
        """Return what is known of a value in any spelling; ``details`` are the columns of its kind, as ``bank``."""
        spelled, held = b"", _NOTHING_HELD
        if kind is not None and kind in kinds.every() and not details:
            # A listed value that is spelled in its normal form is found without reading it.
            spelled = digest_of_name(f"{kind}:{value}")
            held = self._find(spelled)
            if held.listings:
                return _found(value, kind, value, held)
        asked = _read(value, kind, tuple(details.items()) if details else ())
        if isinstance(asked, RefusedValue):
            return self._refusal(value, kind, asked)
        answers = [_answer(value, reading, held if name == spelled else self._find(name)) for reading, name in asked]
        return answers[0] if len(answers) == 1 else min(answers, key=_place)

    def check_all(self, questions: Iterable[LookupQuestion]) -> list[CheckedValue]:
        """Return what is known of several values, in their order."""
        return [self.check(question.value, question.kind, question.details) for question in questions]

    def answer(self, results: list[CheckedValue]) -> CheckAnswer:
        """Return results with what holds for all of them."""
        state = self._state
        return CheckAnswer(state.oldest_text, state.is_stale(int(time.time() * 1000)), results)

    def state(self) -> MirrorState:
        """Return the settings in force and the copies, as they are now."""
        with self._turn:
            self._state = _load(self._db)
            return self._state

    def _find(self, name: bytes) -> "_Held":
        """Return what the copies have under a name, and what is known of the copies at the same moment."""
        now = int(time.time() * 1000)
        with self._turn:
            while True:
                rows = self._cursor.execute(_FIND, (name,)).fetchall()
                if rows[0][0] == self._state.generation:
                    state = self._state
                    try:
                        found = [held for row in rows if (held := self._held(state, now, *row)) is not None]
                    except _ListingGone:
                        continue
                    return _Held(state, now, found)
                # What is known of the copies has to be of the moment of what is found.
                self._state = _load(self._db)

    def _held(
        self,
        state: MirrorState,
        now: int,
        _: int,
        copy: int | None,
        id_: bytes | str,
        version: int | str,
        ends: int | None,
        number: int,
    ) -> HubListing | None:
        """Return a listing that was found, None where its copy is not visible, or it has ended."""
        visible = None if copy is None else state.copies.get(copy)
        if visible is None or (ends is not None and ends <= now):
            return None
        listing = self._listings.get(number) or self._listing(number)
        hold = listing.hold
        if hold is not None and milliseconds(hold.until) <= now:
            hold = None
        return HubListing(
            hub=visible.hub,
            as_of=visible.as_of_text,
            stale=state.is_old(visible.as_of, now),
            collection=visible.alias,
            id=unpack_id(id_),
            grade=listing.grade,
            confidence=listing.confidence,
            reporters=listing.reporters,
            reporter_kinds=listing.reporter_kinds,
            scam_type=listing.scam_type,
            holder_status=listing.holder_status,
            disputed=listing.disputed,
            hold=hold,
            referral=listing.referral,
            valid_until=None if ends is None else time_text(ends),
            modified=unpack_version(version),
            tlp=listing.tlp,
            sandbox=listing.sandbox,
        )

    def _listing(self, number: int) -> Listing:
        row = self._db.execute("SELECT body FROM listings WHERE number = ?", (number,)).fetchone()
        if row is None:
            raise _ListingGone(number)
        if len(self._listings) >= _MOST_LISTINGS:
            self._listings.clear()
        self._listings[number] = found = _decoder.decode(row[0])
        return found

    def _refusal(self, value: str, kind: str | None, refused: RefusedValue) -> CheckedValue:
        state = self._state
        return CheckedValue(
            value=value,
            kind=kind,
            found=False,
            error=refused,
            action=state.word(ERROR),
            disputed=False,
            collections=(),
            hubs=(),
            as_of=state.oldest_text,
            stale=state.is_stale(int(time.time() * 1000)),
            listings=(),
            cache_seconds=0,
        )


class _ListingGone(Exception):
    """A listing was deleted after an object was found that had it then: the object has another by now."""


class _Held(NamedTuple):
    """The listings that the copies have of one value at a moment."""

    state: MirrorState
    now: int
    listings: list[HubListing]


_NOTHING_HELD = _Held(MirrorState(-1, CheckRules(), {}, None, None, (), {}, (), 0.0), 0, [])


def _load(db: sqlite3.Connection) -> MirrorState:
    """Read what checks have to know, all of it as of one moment."""
    db.execute("BEGIN")
    try:
        facts = dict(db.execute("SELECT name, value FROM facts").fetchall())
        rows = db.execute(
            "SELECT number, state, hub, collection, alias, as_of, active, digest, error, title FROM copies "
            "WHERE state != 'dropped'"
        ).fetchall()
    finally:
        db.execute("COMMIT")
    copies = {
        number: VisibleCopy(
            hub,
            collection,
            alias or collection,
            as_of,
            _time(as_of),
            active,
            digest,
            error,
            title,
            json.loads(facts.get(log_fact(hub, collection), "{}")),
        )
        for number, state, hub, collection, alias, as_of, active, digest, error, title in rows
        if state == "visible"
    }
    rules = CheckRules.model_validate(json.loads(facts.get("rules", "{}")))
    hubs = {name: json.loads(facts.get(f"hub:{name}", "{}")) for name in rules.wanted}
    times = [copy.as_of for copy in copies.values()]
    oldest = None if not times or None in times else min(time for time in times if time is not None)
    return MirrorState(
        facts["generation"],
        rules,
        copies,
        oldest,
        _time(oldest),
        _missing(rules, copies),
        {name: fact["error"] for name, fact in hubs.items() if fact.get("error")},
        tuple(f"{row[2]}/{row[4] or row[3]}" for row in rows if row[1] == "filling"),
        rules.max_age * 1000,
    )


def _answer(value: str, reading: ValueReading, held: _Held) -> CheckedValue:
    return (_found if held.listings else _not_found)(value, reading.kind, reading.normal, held)


def _not_found(value: str, kind: str, normal: str, held: _Held) -> CheckedValue:
    """Return the answer about a value without a listing that counts; those of a sandbox are shown."""
    state = held.state
    return CheckedValue(
        value=value,
        kind=kind,
        normal=normal,
        found=False,
        action=state.rules.actions.get(NONE, NONE),
        disputed=False,
        collections=(),
        hubs=(),
        as_of=state.oldest_text,
        stale=state.is_stale(held.now),
        listings=tuple(held.listings),
        cache_seconds=0,
        sandbox=bool(held.listings),
    )


def _found(value: str, kind: str, normal: str, held: _Held) -> CheckedValue:
    counted = counting(held.listings, rehearses=held.state.rules.rehearse)
    if not counted:
        return _not_found(value, kind, normal, held)
    listings = in_order(kind, counted)
    merged = merge(kind, listings)
    times = [listing.as_of for listing in listings]
    return CheckedValue(
        value=value,
        kind=kind,
        normal=normal,
        found=True,
        grade=merged.grade,
        action=held.state.rules.actions.get(merged.grade, merged.grade.value),
        confidence=merged.confidence,
        hold=merged.hold,
        valid_until=merged.valid_until,
        disputed=merged.disputed,
        collections=merged.collections,
        hubs=merged.hubs,
        as_of=times[0] if len(times) == 1 else None if None in times else min(filter(None, times)),
        stale=merged.stale,
        listings=tuple(listings),
        cache_seconds=0,
        sandbox=listings[0].sandbox,
    )


def _place(answer: CheckedValue) -> tuple[int, bool]:
    """Return the place of an answer among those for all kinds that a value may be of: the strongest grade first."""
    return len(STRENGTH) if answer.grade is None else STRENGTH[answer.grade], not answer.sandbox


def _time(at: int | None) -> str | None:
    return None if at is None else time_text(at)


def _missing(rules: CheckRules, copies: Mapping[int, VisibleCopy]) -> tuple[str, ...]:
    """Return the configured collections that have no copy."""
    there = {(copy.hub, name) for copy in copies.values() for name in (copy.collection, copy.alias, copy.title, "*")}
    wanted = ((hub, name) for hub, names in rules.wanted.items() for name in names)
    return tuple(f"{hub}/{name}" for hub, name in wanted if (hub, name) not in there)


@lru_cache(maxsize=_READINGS)
def _read(
    value: str, kind: str | None, details: tuple[tuple[str, str], ...]
) -> list[tuple[ValueReading, bytes]] | RefusedValue:
    """Return the ways to read a value, each with the digest it is kept under, or the reason why it is none."""
    try:
        found = readings(value, kind, dict(details))
    except Rejected as refusal:
        return RefusedValue(refusal.reason, refusal.message)
    return [(reading, digest_of_name(reading.name)) for reading in found]
