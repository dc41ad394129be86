"""Answers to look-ups: the listings of each value that one reader may know of."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from mappers.listing import listing_of_bytes
from schemas import timestamp
from schemas.api.lookup import (
    ListedPage,
    ListedPages,
    ListedSite,
    Listing,
    LookupAnswer,
    LookupQuestion,
    LookupResult,
    NamedReading,
    RefusedValue,
    ValueReading,
    asked_readings,
    current,
    strongest,
)
from schemas.errors import Rejected
from schemas.site import ParentValue
from schemas.vocabulary import Action
from server.features.lookups import queries
from server.features.lookups.queries import ListedBody, ListedValues, PagesOfHost, ReadableLog
from server.store import Tx

_STRENGTH: Mapping[str, int] = {action: place for place, action in enumerate(Action)}


class CacheSeconds(NamedTuple):
    """For how long an answer may be kept, where the value was found and where not."""

    hit: int
    miss: int


class Answered(NamedTuple):
    """An answer, how many values were found, and how many were not that may be numbers."""

    answer: LookupAnswer
    found: int
    numbered: int


def answer(
    tx: Tx, questions: Sequence[LookupQuestion], logs: Mapping[int, ReadableLog], cache: CacheSeconds, country: str = ""
) -> Answered:
    """Answer by what these logs list now; ``country`` is the default for values that cannot be read without one.

    A value that other logs list takes the same steps as one that none lists.
    """
    read = [_read(question, country) for question in questions]
    known = queries.known(tx, _names(read), _hosts(read), logs)
    at = timestamp.now()
    results: list[LookupResult] = []
    numbered = 0
    for question, found in zip(questions, read, strict=True):
        if isinstance(found, RefusedValue):
            results.append(
                LookupResult(
                    value=question.value,
                    kind=question.kind,
                    found=False,
                    error=found,
                    listings=(),
                    cache_seconds=cache.hit,
                )
            )
            continue
        result = _result(question, found, known, at, cache)
        if not result.found:
            numbered += any(reading.value.is_numbered for reading in found)
        results.append(result)
    as_of = timestamp.text(at)
    return Answered(LookupAnswer(as_of, results), sum(result.found for result in results), numbered)


class _Reading(NamedTuple):
    """One way to read a value, the values above it that are asked about too, and the host that it asks about."""

    value: ValueReading
    parents: tuple[ParentValue, ...]
    host: str | None


class _ReadValue(NamedTuple):
    """What is listed about a value that is read in one way, the strongest first: itself, and its site."""

    reading: _Reading
    listings: list[Listing]
    site: ListedSite | None

    @property
    def grade(self) -> Action | None:
        """Return the strongest grade of both, None where nothing is listed."""
        grades = [self.listings[0].grade] if self.listings else []
        return strongest([*grades, self.site.grade] if self.site else grades)

    @property
    def place(self) -> tuple[int, bool]:
        """Return the place among all readings of one text: the strongest grade first, and the value before its site."""
        grade = self.grade
        return len(_STRENGTH) if grade is None else _STRENGTH[grade], not self.listings


def _read(question: LookupQuestion, country: str) -> list[_Reading] | RefusedValue:
    try:
        found = asked_readings(question.value, question.kind, question.details, country)
    except Rejected as refusal:
        return RefusedValue(refusal.reason, refusal.message)
    return [_Reading(reading, reading.parents, reading.host) for reading in found]


def _names(read: Iterable[list[_Reading] | RefusedValue]) -> list[str]:
    """Return the names of all that is asked about, each once."""
    names: dict[str, None] = {}
    for found in read:
        if not isinstance(found, RefusedValue):
            for value, parents, _ in found:
                names[value.name] = None
                names.update((parent.name, None) for parent in parents)
    return list(names)


def _hosts(read: Iterable[list[_Reading] | RefusedValue]) -> list[str]:
    """Return the hosts that are asked about, each once."""
    asked = (reading.host for found in read if not isinstance(found, RefusedValue) for reading in found)
    return list(dict.fromkeys(host for host in asked if host is not None))


def _result(
    question: LookupQuestion,
    found: Sequence[_Reading],
    known: ListedValues,
    at: datetime,
    cache: CacheSeconds,
) -> LookupResult:
    """Return the result for the reading of which the strongest is listed, else for the first reading."""
    bodies = known.bodies
    read = [
        _ReadValue(reading, _current(bodies.get(reading.value.name, ()), at), _site(reading.parents, bodies, at))
        for reading in found
    ]
    best = read[0] if len(read) == 1 else min(read, key=lambda each: each.place)
    listings = [*best.listings, *best.site.listings] if best.site else best.listings
    return LookupResult(
        value=question.value,
        kind=best.reading.value.kind,
        normal=best.reading.value.normal,
        readings=_named(read) if len(read) > 1 else None,
        found=bool(best.listings),
        grade=best.grade,
        listings=tuple(best.listings),
        site=best.site,
        pages=_pages(best.reading, known.pages, at),
        cache_seconds=_seconds(listings, at, cache.hit) if listings else cache.miss,
    )


def _named(read: Sequence[_ReadValue]) -> tuple[NamedReading, ...]:
    """Return the ways in which a value was read, with the answer about each."""
    return tuple(
        NamedReading(
            kind=each.reading.value.kind,
            normal=each.reading.value.normal,
            found=bool(each.listings),
            grade=each.grade,
        )
        for each in read
    )


def _site(
    parents: Sequence[ParentValue], bodies: Mapping[str, Sequence[ListedBody]], at: datetime
) -> ListedSite | None:
    """Return the parent whose listings are the strongest, the nearest of several; None where none is listed."""
    best: ListedSite | None = None
    for parent in parents:
        listings = _current(bodies.get(parent.name, ()), at)
        if listings and (best is None or _strength(listings[0]) < _STRENGTH[best.grade]):
            best = ListedSite(value=parent.value, kind=parent.kind, grade=listings[0].grade, listings=tuple(listings))
    return best


def _pages(reading: _Reading, pages: Mapping[str, PagesOfHost], at: datetime) -> ListedPages | None:
    """Return the listed pages of the host that a value asks about, without the value itself."""
    if reading.host is None or (of_host := pages.get(reading.host)) is None:
        return None
    found = [
        ListedPage(value=url, **{name: getattr(listing, name) for name in listing.__struct_fields__})
        for url, body in of_host.pages.items()
        if url != reading.value.normal
        for listing in _current([body], at)
    ]
    found.sort(key=_strength)
    return ListedPages(count=len(found), more=of_host.more, listings=tuple(found)) if found or of_host.more else None


def _current(bodies: Sequence[ListedBody], at: datetime) -> list[Listing]:
    """Return what lists a value at that time, the strongest first."""
    found = []
    for collection, body in bodies:
        listing = listing_of_bytes(body, collection)
        if listing is not None and (listing := current(listing, at)) is not None:
            found.append(listing)
    if len(found) > 1:
        found.sort(key=lambda listing: (_strength(listing), listing.collection))
    return found


def _strength(listing: Listing) -> int:
    return _STRENGTH[listing.grade]


def _seconds(listings: Sequence[Listing], at: datetime, most: int) -> int:
    """Return for how long listings may be kept: no longer than the first of them, or its hold, stands."""
    ends = [listing.valid_until for listing in listings if listing.valid_until is not None]
    ends += [listing.hold.until for listing in listings if listing.hold is not None]
    left = (int((timestamp.parse(end) - at).total_seconds()) for end in ends)
    return max(0, min([most, *left]))
