"""Cuts the results of mapping into parts, each to be stored before the next is made."""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from feeds.errors import UnreadableFile
from feeds.mapping.rows import Duplicate, Mapped, Reject
from feeds.readers.columns.notes import Tally


class Part(NamedTuple):
    """Some results of mapping, and why there are no more if the file cannot be read further."""

    outcomes: list[Mapped | Duplicate | Reject]
    failure: UnreadableFile | None


def parts(
    outcomes: Iterator[Mapped | Duplicate | Reject], size: int, start: int = 0, tally: Tally | None = None
) -> Iterator[Part]:
    """Yield ``outcomes`` from number ``start`` on in parts of ``size``; the last is shorter and may be empty.

    What was read before a failure is in the last part, beside the failure. Counts in ``tally`` from before ``start``
    are dropped: the caller had them already.
    """
    passed, failure = _pass(outcomes, start) if start else (0, None)
    if tally is not None and start:
        tally.taken()
    part = Part([], failure)
    if failure or passed < start:
        yield part
        return
    while part.failure is None:
        part = _part(islice(outcomes, size))
        yield part
        if len(part.outcomes) < size:
            return


def _pass(outcomes: Iterator[Mapped | Duplicate | Reject], number: int) -> tuple[int, UnreadableFile | None]:
    """Read ``number`` outcomes and keep none; return how many there were, and why there are no more."""
    passed = 0
    try:
        for _ in islice(outcomes, number):
            passed += 1
    except UnreadableFile as error:
        return passed, error
    return passed, None


def _part(outcomes: Iterator[Mapped | Duplicate | Reject]) -> Part:
    had = []
    try:
        for outcome in outcomes:
            had.append(outcome)
    except UnreadableFile as error:
        return Part(had, error)
    return Part(had, None)
