"""Answers to look-ups: the listings of each value that one reader may know of."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from mappers.listing import listing_of_bytes
from schemas import timestamp
from schemas.api.lookup import (
    Listing,
    LookupAnswer,
    LookupQuestion,
    LookupResult,
    RefusedValue,
    ValueReading,
    current,
    readings,
    strongest,
)
from schemas.errors import Rejected
from schemas.vocabulary import Action
from server.store import Tx, lookups
from server.store.lookups import ListedBody, ReadableLog

_STRENGTH: Mapping[str, int] = {action: place for place, action in enumerate(Action)}


class CacheSeconds(NamedTuple):
    """For how long an answer may be kept, where the value was found and where not."""

    hit: int
    miss: int


class Answered(NamedTuple):
    """An answer, how many values were found, and the kinds of each that was not."""

    answer: LookupAnswer
    found: int
    missed: list[frozenset[str]]


def answer(
    tx: Tx, questions: Sequence[LookupQuestion], logs: Mapping[int, ReadableLog], cache: CacheSeconds
) -> Answered:
    """Answer by what these logs list now.

    A value that other logs list takes the same steps as one that none lists.
    """
    read = [_read(question) for question in questions]
    names = {reading.name for found in read if not isinstance(found, RefusedValue) for reading in found}
    bodies = lookups.listed(tx, list(names), logs)
    at = timestamp.now()
    results: list[LookupResult] = []
    missed: list[frozenset[str]] = []
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
        result = _result(question, found, bodies, at, cache)
        if not result.found:
            missed.append(frozenset(reading.kind for reading in found))
        results.append(result)
    as_of = timestamp.text(at)
    return Answered(LookupAnswer(as_of, results), sum(result.found for result in results), missed)


def _read(question: LookupQuestion) -> list[ValueReading] | RefusedValue:
    try:
        return readings(question.value, question.kind, question.details)
    except Rejected as refusal:
        return RefusedValue(refusal.reason, refusal.message)


def _result(
    question: LookupQuestion,
    found: Sequence[ValueReading],
    bodies: Mapping[str, Sequence[ListedBody]],
    at: datetime,
    cache: CacheSeconds,
) -> LookupResult:
    """Return the result for the reading whose listings are the strongest, else for the first reading."""
    best, listings = found[0], list[Listing]()
    for reading in found:
        listed = _current(bodies.get(reading.name, ()), at)
        if listed and (not listings or _strength(listed[0]) < _strength(listings[0])):
            best, listings = reading, listed
    return LookupResult(
        value=question.value,
        kind=best.kind,
        normal=best.normal,
        found=bool(listings),
        grade=strongest(listing.grade for listing in listings),
        listings=tuple(listings),
        cache_seconds=_seconds(listings, at, cache.hit) if listings else cache.miss,
    )


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
