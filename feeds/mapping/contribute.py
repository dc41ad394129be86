"""Contributes files: maps their rows, and puts the objects into an inbox in batches."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple, Protocol

from feeds.mapping.batches import parts
from feeds.mapping.options import Options
from feeds.mapping.records import Named, map_reports_or_records
from feeds.mapping.rows import Duplicate, Mapped, Reject, preface
from feeds.mapping.seen import SeenInFiles
from feeds.readers.rows import Tally
from mappers import ids
from schemas.partner import Partner
from schemas.report import Report
from server.features.reports.operations import contribute_in_parts
from server.operations.operation import Actor
from server.operations.run import Check
from server.release.hub import Hub
from server.release.results import Result, Unpublished
from server.release.route import annotation_targets, references
from server.store.item import Item

# Values in one batch.
BATCH = 1000


class Inbox(Protocol):
    """The inbox of a partner, which the objects of files are put into."""

    def find(self, values: Iterable[Named]) -> Mapping[Named, Sequence[str]]:
        """Return the ids of the indicators of values that the partner can see."""

    def put(self, items: Sequence[Item]) -> Mapping[str, tuple[Result, Unpublished]]:
        """Contribute objects, and return the results of the unpublished ones, by id."""


class HubInbox(NamedTuple):
    """The inbox of ``partner`` at a hub whose store is open here.

    ``actor`` is named in the audit trail, which gets an entry with each batch. ``check`` returns the checks for the
    first transaction of so many objects, and for the others.
    """

    hub: Hub
    partner: Partner
    actor: Actor
    check: Callable[[int], tuple[Check | None, Check | None]] = lambda objects: (None, None)

    def find(self, values: Iterable[Named]) -> Mapping[Named, Sequence[str]]:
        """Return the ids of the indicators of values that the partner can see."""
        with self.hub.store.read() as tx:
            return references.referable_indicators(tx, self.partner, values)

    def put(self, items: Sequence[Item]) -> Mapping[str, tuple[Result, Unpublished]]:
        """Contribute objects, and return the results of the unpublished ones, by id."""
        checks = self.check(len(items))
        return contribute_in_parts(self.hub, self.partner, items, self.actor, most=BATCH, checks=checks)


def contribute_file(
    inbox: Inbox,
    stream: BinaryIO,
    name: str,
    options: Options,
    seen: SeenInFiles | None = None,
    tally: Tally | None = None,
    start: int = 0,
) -> Iterator[Mapped | Duplicate | Reject]:
    """Map ``stream``, put its reports or records into ``inbox`` in batches, and yield the outcome of each value.

    The outcome of a value that is not published is a ``Reject`` with its ``result``. ``tally`` counts the rows, and
    their unread cells. An outcome is yielded after its batch is stored. The first ``start`` outcomes were contributed
    before: they are mapped again, but neither contributed nor yielded. Raises ``UnreadableFile`` after all readable
    rows.
    """
    tally = Tally() if tally is None else tally
    outcomes = map_reports_or_records(stream, name, options, find=inbox.find, tally=tally, seen=seen)
    return contribute_outcomes(inbox, outcomes, name, options, start, tally)


def contribute_outcomes(
    inbox: Inbox,
    outcomes: Iterator[Mapped | Duplicate | Reject],
    name: str,
    options: Options,
    start: int = 0,
    tally: Tally | None = None,
) -> Iterator[Mapped | Duplicate | Reject]:
    """Put the objects of mapped rows into ``inbox`` as ``contribute_file`` does."""
    for part in parts(outcomes, BATCH, start, tally):
        mapped = [outcome for outcome in part.outcomes if isinstance(outcome, Mapped)]
        unpublished = inbox.put(items_of(options, mapped)) if mapped else {}
        for outcome in part.outcomes:
            yield judged(outcome, name, unpublished)
        if part.failure:
            raise part.failure


def items_of(options: Options, mapped: Sequence[Mapped]) -> list[Item]:
    """Return the objects of a batch of mapped rows, those that others refer to first."""
    sender = ids.identity(options.reporter)
    objects = preface(options, {outcome.report.tlp for outcome in mapped})
    items = [Item.of(obj) for obj in objects if obj["id"] == sender]
    items += [Item.of(obj) for outcome in mapped for obj in outcome.objects]
    # Annotations follow the objects that they are about, which may be in a later row.
    return sorted(items, key=lambda item: annotation_targets.processing_order(item.type))


def judged(
    outcome: Mapped | Duplicate | Reject, name: str, unpublished: Mapping[str, tuple[Result, Unpublished]]
) -> Mapped | Duplicate | Reject:
    """Return the outcome of a contributed row: a ``Reject`` with its result if it is not published."""
    if isinstance(outcome, Mapped):
        cases = {obj["id"] for obj in outcome.case}
        for obj in outcome.objects:
            # A value may be published although its case is not: some readers may not see all of the values.
            if obj["id"] in unpublished and obj["id"] not in cases:
                result, why = unpublished[obj["id"]]
                report = outcome.report
                raw, kind = (report.value, report.kind) if isinstance(report, Report) else (obj["id"], obj["type"])
                reason = why.reason or result.value
                message, id_ = why.message, str(obj["id"])
                return Reject(name, outcome.line, raw, kind, reason, message, result, part=outcome.part, id=id_)
    return outcome
