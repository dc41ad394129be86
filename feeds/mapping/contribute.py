"""Contribution of files: mapped, and contributed batch by batch, as if the partner had posted them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO

from feeds.mapping.dedup import SeenValues
from feeds.mapping.options import Options
from feeds.mapping.records import map_records
from feeds.mapping.rows import Duplicate, Mapped, Reject, map_stream, preface
from feeds.readers.columns.notes import Tally
from feeds.runs.parts import parts
from schemas.partner import Partner
from schemas.report import Report
from server.release import batches
from server.release.contribute import prepare_all, take_all
from server.release.hub import Hub
from server.release.results import Result, Unpublished
from server.release.route import annotation_targets, references
from server.store.item import Item

# Values in one transaction.
BATCH = 1000


def contribute_file(
    hub: Hub,
    partner: Partner,
    stream: BinaryIO,
    name: str,
    options: Options,
    seen: SeenValues | None = None,
    tally: Tally | None = None,
    start: int = 0,
) -> Iterator[Mapped | Duplicate | Reject]:
    """Map ``stream``, contribute its reports, a transaction a batch, and yield the outcome of each value.

    The outcome of a value that is not published is a ``Reject`` with its ``result``. ``tally`` counts the rows, and
    their cells that are not read. An outcome is yielded after its batch is stored. The first ``start`` outcomes were
    contributed before: they are mapped again, and neither contributed nor yielded. Raises ``UnreadableFile`` after all
    rows that could be read.
    """
    return _contributed(hub, partner, name, options, map_stream(stream, name, options, seen, tally), start, tally)


def contribute_records(
    hub: Hub,
    partner: Partner,
    stream: BinaryIO,
    name: str,
    options: Options,
    seen: set[str] | None = None,
    tally: Tally | None = None,
    start: int = 0,
) -> Iterator[Mapped | Duplicate | Reject]:
    """Do the same with a file of records; a value in them stands for its indicators visible to ``partner``."""

    def find(values: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Sequence[str]]:
        with hub.store.read() as tx:
            return references.referable_indicators(tx, partner, values)

    return _contributed(
        hub, partner, name, options, map_records(stream, name, options, seen, find, tally), start, tally
    )


def _contributed(
    hub: Hub,
    partner: Partner,
    name: str,
    options: Options,
    outcomes: Iterator[Mapped | Duplicate | Reject],
    start: int,
    tally: Tally | None,
) -> Iterator[Mapped | Duplicate | Reject]:
    for part in parts(outcomes, BATCH, start, tally):
        mapped = [outcome for outcome in part.outcomes if isinstance(outcome, Mapped)]
        messages = _contribute(hub, partner, options, mapped) if mapped else {}
        for outcome in part.outcomes:
            yield _judged(outcome, name, messages)
        if part.failure:
            raise part.failure


def _contribute(
    hub: Hub, partner: Partner, options: Options, mapped: list[Mapped]
) -> dict[str, tuple[Result, Unpublished]]:
    """Contribute one batch, and return the results of the objects that are not published, by id."""
    objects = preface(options, {outcome.report.tlp for outcome in mapped})
    items = [Item.of(obj) for obj in objects if obj["id"] == partner.identity]
    items += [Item.of(obj) for outcome in mapped for obj in outcome.objects]
    # Annotations come after the objects that they are about, which may be in a later row.
    items.sort(key=lambda item: annotation_targets.processing_order(item.type))
    unpublished: dict[str, tuple[Result, Unpublished]] = {}
    while items:
        most = batches.at_once(hub.store, BATCH)
        # Reading takes time, so it is done before the transaction makes others wait.
        parts = list(prepare_all(hub, items[:most]))
        with hub.store.begin() as tx:
            unpublished |= take_all(hub, tx, partner, parts).unpublished()
        items = items[most:]
    return unpublished


def _judged(
    outcome: Mapped | Duplicate | Reject, name: str, unpublished: dict[str, tuple[Result, Unpublished]]
) -> Mapped | Duplicate | Reject:
    if isinstance(outcome, Mapped):
        cases = {obj["id"] for obj in outcome.case}
        for obj in outcome.objects:
            # A value may be published although its case is not: some readers may not see all of the values.
            if obj["id"] in unpublished and obj["id"] not in cases:
                result, why = unpublished[obj["id"]]
                report = outcome.report
                raw, kind = (report.value, report.kind) if isinstance(report, Report) else (obj["id"], obj["type"])
                return Reject(name, outcome.line, raw, kind, why.reason or result, why.message, result)
    return outcome
