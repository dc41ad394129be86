"""The outcomes of a stream in parts, each to be stored before the next is made."""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from feeds.errors import UnreadableFile
from feeds.mapping.rows import Duplicate, Mapped, Reject
from feeds.readers.columns.notes import Tally


class Part(NamedTuple):
    """Some outcomes of a stream, and why there are no more after them where it cannot be read on."""

    outcomes: list[Mapped | Duplicate | Reject]
    failure: UnreadableFile | None


def parts(
    outcomes: Iterator[Mapped | Duplicate | Reject], size: int, start: int = 0, tally: Tally | None = None
) -> Iterator[Part]:
    """Give ``outcomes`` from number ``start`` on in parts of ``size``; only the last is shorter, it may be empty.

    What was had before a failure is in the last part, beside the failure. What ``tally`` counted of the outcomes before
    ``start`` is forgotten: who had them counted it.
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
