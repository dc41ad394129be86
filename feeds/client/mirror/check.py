"""Checks of values against a partner's own copy, in the calling process."""

import sqlite3
import threading
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec

from feeds.client.mirror import settings
from feeds.client.mirror.answers import (
    STRENGTH,
    CheckAnswer,
    CheckedPages,
    CheckedSite,
    CheckedValue,
    HubListing,
    MergedListings,
    counting,
    in_order,
    merge,
    protects,
)
from feeds.client.mirror.clock import LocalMoment, moment
from feeds.client.mirror.entries import (
    digest_of_name,
    digest_of_pages,
    milliseconds,
    time_text,
    unpack_id,
    unpack_version,
)
from feeds.client.mirror.settings import ERROR, NONE, UNKNOWN, CheckRules, MirrorSettings
from feeds.client.mirror.state import EMPTY, MirrorState, load
from feeds.client.mirror.tables import NoCopy, open_empty, open_to_read
from feeds.errors import Misconfigured
from schemas import kinds
from schemas.api.lookup import Listing, LookupQuestion, NamedReading, RefusedValue, ValueReading, asked_readings
from schemas.errors import Rejected
from schemas.kind import NO_DETAILS
from schemas.site import KINDS_WITH_PARENTS, MOST_PARENTS, ParentValue

_MOST_LISTINGS = 50_000
# Payees repeat: a bank checks most of them more than once a day.
_READINGS = 16_384
# Reads the generation and the listings in one statement, so that both are of the same moment.
_FIND = (
    "SELECT f.value, n.name, o.copy, o.id, o.version, o.ends, o.listing FROM facts f "
    "LEFT JOIN names n ON n.name {names} LEFT JOIN objects o ON o.number = n.object WHERE f.name = 'generation'"
)
_FIND_SO_MANY = tuple(
    _FIND.format(names="= ?" if many == 1 else f"IN ({','.join('?' * many)})") for many in range(MOST_PARENTS + 2)
)
# Read the newest pages of a host: more than the answer shows, because several collections may list the same page.
_MOST_PAGES, _MOST_READ = 10, 40
_FIND_PAGES = (
    " UNION ALL SELECT f.value, n.name, o.copy, o.id, o.version, o.ends, o.listing FROM facts f CROSS JOIN "  # noqa: S608
    f"(SELECT name, object FROM names WHERE name = ? ORDER BY object DESC LIMIT {_MOST_READ + 1}) n "
    "JOIN objects o ON o.number = n.object WHERE f.name = 'generation'"
)
_decoder = msgspec.json.Decoder(Listing)


class Mirror(AbstractContextManager["Mirror"]):
    """A partner's own copy, to check values against.

    Each check sees a sync completely or not at all, and a new sync from the next check on. Threads may share it.
    """

    def __init__(self, source: Path | str | MirrorSettings) -> None:
        """Open a copy by its file, by loaded settings or by their TOML file. Raises ``Misconfigured``.

        Given settings apply as they are at the time of the call; the settings in the copy's file are those of the last
        sync. With settings the file may be missing: the answer is ``unknown`` until the first sync has ended.
        """
        if isinstance(source, str | Path):
            path = Path(source)
            given = None if settings.is_copy(path) else settings.load(path)
        else:
            given = source
        self.file = path if given is None else given.mirror.file
        self._rules = None if given is None else given.in_force()
        self._turn = threading.Lock()
        self._open()

    @property
    def is_there(self) -> bool:
        """Return whether a sync has created the copy's file."""
        return self._inode is not None

    def _open(self) -> None:
        inode = self.file.stat().st_ino if self.file.exists() else None
        with ExitStack() as unless_opened:
            try:
                opened = open_to_read(self.file)
            except NoCopy:
                if self._rules is None:
                    raise
                opened, inode = open_empty(), None
            unless_opened.callback(opened.close)
            self._state = load(opened, self._rules)
            unless_opened.pop_all()
        # A file that cannot be read yet is retried.
        self._inode, self._db, self._cursor = inode, opened, opened.cursor()
        # The keys are listing numbers, which are never reused within a file.
        self._listings: dict[int, Listing] = {}

    def file_bytes(self) -> int:
        """Return the size of the file in bytes, 0 before the first sync."""
        try:
            return self.file.stat().st_size
        except FileNotFoundError:
            return 0

    def follow_file(self) -> None:
        """Reopen the file if it was replaced, for example by a new sync after a loss."""
        with self._turn:
            self._follow_file()

    def _follow_file(self) -> None:
        with suppress(OSError, Misconfigured, sqlite3.Error):
            if self.file.stat().st_ino != self._inode:
                before = self._db
                self._open()
                before.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def check(self, value: str, kind: str | None = None, details: Mapping[str, str] = NO_DETAILS) -> CheckedValue:
        """Look up a value in any spelling; ``details`` are the columns of its kind, such as ``bank``."""
        country = self._state.country
        checked = self._check(value, kind, details, country)
        # A sync may have stored another country during this check.
        return checked if self._state.country == country else self.check(value, kind, details)

    def _check(self, value: str, kind: str | None, details: Mapping[str, str], country: str) -> CheckedValue:
        spelled, held = "", _NOTHING_HELD
        if kind is not None and kind in kinds.every() and kind not in KINDS_WITH_PARENTS and not details:
            # A listed value in its normal form is found without parsing it.
            spelled = f"{kind}:{value}"
            held = self._find((digest_of_name(spelled),))
            if held.by_name:
                return _answer(value, _AskedValue.of(ValueReading(kind, value, spelled)), held)
        asked = _read(value, kind, tuple(details.items()) if details else (), country)
        if isinstance(asked, RefusedValue):
            # A look-up of no value reads the state again.
            return _refusal(self._find((b"",)), value, kind, asked)
        answers = [
            _answer(value, each, held if each.reading.name == spelled else self._find(each.names, each.pages))
            for each in asked
        ]
        if len(answers) == 1:
            return answers[0]
        return msgspec.structs.replace(min(answers, key=_place), readings=tuple(map(_named, answers)))

    def check_all(self, questions: Iterable[LookupQuestion]) -> list[CheckedValue]:
        """Look up several values; return the answers in the same order."""
        return [self.check(question.value, question.kind, question.details) for question in questions]

    def answer(self, results: list[CheckedValue]) -> CheckAnswer:
        """Combine results into the answer to one request."""
        state = self._state
        return CheckAnswer(state.oldest_text, state.is_stale(moment()), results)

    def state(self) -> MirrorState:
        """Return the settings in force and the state of the copies now."""
        with self._turn:
            if self._inode is None:
                self._follow_file()
            self._state = load(self._db, self._rules)
            return self._state

    def _find(self, names: tuple[bytes, ...], pages: bytes | None = None) -> "_Held":
        """Read the listings under some names, and the state of the copies at the same moment.

        Under the name for the pages of a host only the newest pages are read.
        """
        asked, given = _FIND_SO_MANY[len(names)], names
        if pages is not None:
            asked, given = asked + _FIND_PAGES, (*names, pages)
        here = moment()
        with self._turn:
            if self._inode is None:
                self._follow_file()
            while True:
                rows = self._cursor.execute(asked, given).fetchall()
                if rows[0][0] == self._state.generation:
                    state = self._state
                    unread = pages is not None and sum(row[1] == pages for row in rows) > _MOST_READ
                    found = _Held(state, state.is_stale(here), {}, unread)
                    try:
                        for _, name, *columns in rows:
                            if name is not None and (held := self._held(state, here, *columns)) is not None:
                                found.by_name.setdefault(name, []).append(held)
                    except _ListingGone:
                        continue
                    return found
                # The state of the copies has to be of the same moment as the listings.
                self._state = load(self._db, self._rules)

    def _held(
        self,
        state: MirrorState,
        here: LocalMoment,
        copy: int | None,
        id_: bytes | str,
        version: int | str,
        ends: int | None,
        number: int,
    ) -> HubListing | None:
        """Return a listing found, None if its copy is not visible or the listing has ended."""
        visible = None if copy is None else state.copies.get(copy)
        if visible is None:
            return None
        now = visible.clock.now(here)
        if ends is not None and ends <= now:
            return None
        listing = self._listings.get(number) or self._listing(number)
        hold = listing.hold
        if hold is not None and milliseconds(hold.until) <= now:
            hold = None
        return HubListing(
            hub=visible.hub,
            as_of=visible.as_of_text,
            stale=not visible.span.includes(here),
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
            hubs=listing.hubs,
        )

    def _listing(self, number: int) -> Listing:
        row = self._db.execute("SELECT body FROM listings WHERE number = ?", (number,)).fetchone()
        if row is None:
            raise _ListingGone(number)
        if len(self._listings) >= _MOST_LISTINGS:
            self._listings.clear()
        self._listings[number] = found = _decoder.decode(row[0])
        return found


class _ListingGone(Exception):
    """A listing was deleted after its object was read: by now the object has another listing."""


class _Held(NamedTuple):
    """The listings of values in the copies at one moment, by the digests of their names.

    ``stale``: a copy that is not current may have more listings. ``unread``: the host has more pages than were read.
    """

    state: MirrorState
    stale: bool
    by_name: dict[bytes, list[HubListing]]
    unread: bool = False


_NOTHING_HELD = _Held(EMPTY, True, {})


class _AskedValue(NamedTuple):
    """A value read as one kind, and its parents: ``names`` has their digests in this order.

    ``pages`` is the digest for the pages of the host, if the value is a host.
    """

    reading: ValueReading
    parents: tuple[ParentValue, ...]
    names: tuple[bytes, ...]
    pages: bytes | None

    @classmethod
    def of(cls, reading: ValueReading) -> Self:
        parents, host = reading.parents, reading.host
        names = (reading.name, *(parent.name for parent in parents))
        pages = None if host is None else digest_of_pages(host)
        return cls(reading, parents, tuple(map(digest_of_name, names)), pages)


def _refusal(held: _Held, value: str, kind: str | None, refused: RefusedValue) -> CheckedValue:
    return _unlisted(held.state, ERROR, value=value, kind=kind, error=refused, stale=held.stale, listings=())


def _answer(value: str, asked: _AskedValue, held: _Held) -> CheckedValue:
    """Build the answer about a value; sandbox listings that do not count are shown only if there is no other."""
    state, (kind, normal, _) = held.state, asked.reading
    listed = held.by_name.get(asked.names[0], [])
    own = _merged(kind, listed, state.rules)
    site, of_site = _site(asked, held) if asked.parents and held.by_name else (None, None)
    pages = None if asked.pages is None else _pages(held.by_name.get(asked.pages, []), listed, unread=held.unread)
    decides = own if of_site is None or (own and STRENGTH[own.grade] <= STRENGTH[of_site.grade]) else of_site
    if decides is None:
        return _unlisted(
            state,
            UNKNOWN if held.stale else NONE,
            value=value,
            kind=kind,
            normal=normal,
            unknown=held.stale,
            stale=held.stale,
            listings=tuple(listed),
            pages=pages,
            sandbox=bool(listed),
        )
    collections, hubs = (own.collections, own.hubs) if own else ((), ())
    unknown = held.stale and not protects(decides.grade)
    return CheckedValue(
        value=value,
        kind=kind,
        normal=normal,
        found=own is not None,
        grade=decides.grade,
        action=state.rules.word(UNKNOWN if unknown else decides.grade.value),
        unknown=unknown,
        confidence=decides.confidence,
        hold=decides.hold,
        valid_until=decides.valid_until,
        disputed=any(merged.disputed for merged in (own, of_site) if merged),
        collections=collections,
        hubs=hubs,
        as_of=decides.as_of,
        stale=decides.stale or unknown,
        listings=tuple(own.listings if own else listed),
        site=site,
        pages=pages,
        cache_seconds=0,
        sandbox=decides.sandbox,
    )


def _unlisted(state: MirrorState, answer: str, **about: Any) -> CheckedValue:
    """Build the answer about a value that no copy lists; ``answer`` is one of those without a grade."""
    return CheckedValue(
        found=False,
        action=state.rules.word(answer),
        disputed=False,
        collections=(),
        hubs=(),
        as_of=state.oldest_text,
        cache_seconds=0,
        **about,
    )


def _merged(kind: str, listed: list[HubListing], rules: CheckRules) -> MergedListings | None:
    """Merge the listings of a value; None if none counts."""
    counted = counting(listed, rehearses=rules.rehearse) if listed else listed
    return merge(kind, in_order(kind, counted)) if counted else None


def _site(asked: _AskedValue, held: _Held) -> tuple[CheckedSite, MergedListings] | tuple[None, None]:
    """Return the parent with the strongest grade (the nearest of several), and its merged listings."""
    best: tuple[CheckedSite, MergedListings] | tuple[None, None] = (None, None)
    for parent, name in zip(asked.parents, asked.names[1:], strict=True):
        merged = _merged(parent.kind, held.by_name.get(name, []), held.state.rules)
        if merged and (best[1] is None or STRENGTH[merged.grade] < STRENGTH[best[1].grade]):
            site = CheckedSite(
                value=parent.value,
                kind=parent.kind,
                grade=merged.grade,
                disputed=merged.disputed,
                stale=merged.stale,
                listings=tuple(merged.listings),
            )
            best = (site, merged)
    return best


def _pages(found: list[HubListing], own: list[HubListing], *, unread: bool) -> CheckedPages | None:
    """Return the distinct pages of a host, without the value itself and without sandbox pages."""
    itself = {(held.hub, held.id) for held in own}
    pages: dict[tuple[str, str], HubListing] = {}
    for held in found:
        if not held.sandbox and (held.hub, held.id) not in itself:
            pages.setdefault((held.hub, held.id), held)
    told = sorted([*pages.values()][:_MOST_PAGES], key=lambda held: STRENGTH[held.grade])
    more = unread or len(pages) > _MOST_PAGES
    return CheckedPages(count=len(told), more=more, listings=tuple(told)) if told or more else None


def _named(answer: CheckedValue) -> NamedReading:
    return NamedReading(kind=answer.kind or "", normal=answer.normal or "", found=answer.found, grade=answer.grade)


def _place(answer: CheckedValue) -> tuple[int, bool]:
    """Return the sort key of an answer among those for all kinds that the value may be of: strongest grade first."""
    return len(STRENGTH) if answer.grade is None else STRENGTH[answer.grade], not answer.sandbox


@lru_cache(maxsize=_READINGS)
def _read(
    value: str, kind: str | None, details: tuple[tuple[str, str], ...], country: str
) -> list[_AskedValue] | RefusedValue:
    """Read a value as each possible kind, with the digests to look up; or return the reason why it is refused."""
    try:
        found = asked_readings(value, kind, dict(details), country)
    except Rejected as refusal:
        return RefusedValue(refusal.reason, refusal.message)
    return [_AskedValue.of(reading) for reading in found]
