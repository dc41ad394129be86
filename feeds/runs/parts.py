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
    part = _part(islice(outcomes, start)) if start else Part([], None)
    if tally is not None and start:
        tally.taken()
    if part.failure or len(part.outcomes) < start:
        yield part._replace(outcomes=[])
        return
    while part.failure is None:
        part = _part(islice(outcomes, size))
        yield part
        if len(part.outcomes) < size:
            return


def _part(outcomes: Iterator[Mapped | Duplicate | Reject]) -> Part:
    had = []
    try:
        for outcome in outcomes:
            had.append(outcome)
    except UnreadableFile as error:
        return Part(had, error)
    return Part(had, None)
