"""Runs a pull: each batch is contributed in its partner's name, in one transaction with its checkpoint."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from feeds.connector import Batch, Gone, Pull, PullSettings
from feeds.mapping.batches import as_of_now
from feeds.mapping.rows import Reject
from feeds.runs.bisect import EXPECTED, bisect, log_dead_letter
from feeds.runs.relist import Relisting, latest_withdrawals, own_revocations
from feeds.runs.run import FailedItem, RunContext
from mappers import identity
from mappers.indicator import from_stix
from schemas.errors import Rejected
from schemas.partner import Partner
from server.release.contribute import prepare_all, take_all
from server.release.hub import Hub
from server.release.results import Result, Results, Unpublished
from server.release.route import references
from server.release.submission import Prepared
from server.store import Tx, feed_state
from server.store.item import Item

_Objects = Sequence[dict[str, Any]]


def pull(work: RunContext, feed: Pull[PullSettings]) -> None:
    """Contribute the partner's new items, from the feed's checkpoint on."""
    partner = work.partner(feed.settings.contribute_as, "contribute_as")
    with work.store.read() as tx:
        checkpoint = feed_state.load_checkpoint(tx, work.run.feed)

    def seen(digest: str) -> bool:
        with work.store.read() as tx:
            return feed_state.has_read_file(tx, work.run.feed, digest)

    def find(values: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Sequence[str]]:
        with work.store.read() as tx:
            return references.referable_indicators(tx, partner, values)

    feed.begin(find)
    for batch in feed.pull(checkpoint, seen):
        try:
            # Reading takes time, so it is done before the transaction makes others wait.
            usual = _Ready.of(work.hub, partner, batch.items)
            with work.store.read() as tx:
                ready = _renamed(tx, work, partner, batch, usual)
            items, dated_ahead = ready.items, ready.dated_ahead
            outcomes = _take(work, partner, batch, ready)
            bad: list[FailedItem] = []
        except EXPECTED:
            raise
        except Exception:  # any error: the item that causes it is found, and becomes a dead letter alone
            if not batch.items:
                raise
            with work.store.read() as tx:
                items, dated_ahead = as_of_now(_relisting(tx, work, partner).renamed(batch.items, batch.gone))
            outcomes, bad = _one_by_one(work, partner, batch, items)
        _count(work, batch, items, outcomes, bad)
        work.run.dated_ahead += dated_ahead
        for reject in (*batch.rejects, *_refused(work, batch, items, outcomes)):
            work.reject(reject)
        work.progress(work.run)
        if work.stopped():
            return


class _Ready(NamedTuple):
    """The items of a batch, prepared; ``dated_ahead`` is the number of those from the future."""

    items: Sequence[_Objects]
    dated_ahead: int
    parts: Sequence[Prepared]

    @classmethod
    def of(cls, hub: Hub, partner: Partner, items: Sequence[_Objects]) -> "_Ready":
        dated, dated_ahead = as_of_now(items)
        return cls(dated, dated_ahead, list(prepare_all(hub, _contributed(partner, dated))))


def _take(work: RunContext, partner: Partner, batch: Batch, ready: _Ready) -> list[Results]:
    """Contribute a batch, each of its parts in a transaction of its own; the checkpoint is kept with the last.

    What is interrupted is contributed again, which changes nothing. A dry run undoes its one transaction.
    """
    if work.dry_run:
        with work.transaction() as tx:
            outcomes = [take_all(work.hub, tx, partner, ready.parts)]
            _keep(tx, work, partner, batch)
        return outcomes
    outcomes = []
    withdrawn = _withdrawn(batch)
    for number, part in enumerate(ready.parts, 1):
        with work.transaction() as tx:
            outcomes.append(take_all(work.hub, tx, partner, [part], leave_for_end=True))
            if number == len(ready.parts) and not withdrawn:
                _keep(tx, work, partner, batch)
    if withdrawn or not ready.parts:
        with work.transaction() as tx:
            _keep(tx, work, partner, batch)
    return outcomes


def _withdrawn(batch: Batch) -> list[Gone]:
    return latest_withdrawals(batch.items, (*batch.gone, *own_revocations(batch.items)))


def _renamed(tx: Tx, work: RunContext, partner: Partner, batch: Batch, usual: _Ready) -> _Ready:
    """Return the batch with the ids that its indicators get here: ``usual``, unless the source lists one again."""
    renamed = _relisting(tx, work, partner).renamed(batch.items, batch.gone)
    unchanged = all(new is old for new, old in zip(renamed, batch.items, strict=True))
    return usual if unchanged else _Ready.of(work.hub, partner, renamed)


def _relisting(tx: Tx, work: RunContext, partner: Partner) -> Relisting:
    return Relisting(work.hub, tx, work.run.feed, partner)


def contribute_items(hub: Hub, tx: Tx, partner: Partner, items: Sequence[_Objects]) -> Results:
    """Contribute the objects of ``items`` as if ``partner`` had posted them."""
    return take_all(hub, tx, partner, prepare_all(hub, _contributed(partner, items)))


def _contributed(partner: Partner, items: Sequence[_Objects]) -> list[Item]:
    """Return the objects of ``items``, each once, with the partner's identity where one of them refers to it."""
    objects: dict[str, dict[str, Any]] = {obj["id"]: obj for item in items for obj in item}
    if partner.identity not in objects and any(
        obj.get("created_by_ref") == partner.identity for obj in objects.values()
    ):
        who = identity.to_stix(partner.name, partner.kind)
        if who["id"] == partner.identity:
            objects = {who["id"]: who, **objects}
    return [Item.of(obj) for obj in objects.values()]


def _one_by_one(
    work: RunContext, partner: Partner, batch: Batch, contributed: Sequence[_Objects]
) -> tuple[list[Results], list[FailedItem]]:
    """Contribute the parts of a batch that fails as a whole; keep its checkpoint only then."""

    def part(items: Sequence[_Objects]) -> Results:
        with work.transaction() as tx:
            return contribute_items(work.hub, tx, partner, items)

    outcomes, failed = bisect(contributed, part, given_up=work.given_up)
    bad = []
    for place, error in failed:
        objects = contributed[place]
        subject = str(next((obj["id"] for obj in objects if obj.get("type") == "indicator"), objects[0].get("id")))
        bad.append(FailedItem(subject, orjson.dumps(objects), error))
        log_dead_letter(work.run.feed, subject, error)
    with work.transaction() as tx:
        work.keep_dead_letters(tx, bad)
        _keep(tx, work, partner, batch)
    return outcomes, bad


def _keep(tx: Tx, work: RunContext, partner: Partner, batch: Batch) -> None:
    relisting = _relisting(tx, work, partner)
    relisting.take_back(_withdrawn(batch))
    for digest, name in batch.done:
        feed_state.record_file(tx, work.run.feed, digest, name)
    feed_state.save_checkpoint(tx, work.run.feed, batch.checkpoint)


def _refused(
    work: RunContext, batch: Batch, items: Sequence[_Objects], outcomes: Sequence[Results]
) -> Iterator[Reject]:
    """Yield the rows that were not published, as they were mapped."""
    unpublished: dict[str, tuple[Result, Unpublished]] = {}
    for outcome in outcomes:
        unpublished |= outcome.unpublished()
    for place, objects in enumerate(items):
        for obj in objects:
            if obj["id"] in unpublished and (obj.get("type") != "grouping" or len(objects) == 1):
                file, line = batch.origins[place] if batch.origins else (work.run.feed, 0)
                result, why = unpublished[obj["id"]]
                yield Reject(file, line, *_value_and_kind(obj), why.reason or result, why.message, result)
                break


def _value_and_kind(obj: dict[str, Any]) -> tuple[str, str | None]:
    """Return value and kind of an indicator, id and type of any other object."""
    try:
        report = from_stix(obj)
    except (Rejected, KeyError):
        return str(obj["id"]), obj.get("type")
    return report.value, report.kind


def _count(
    work: RunContext, batch: Batch, items: Sequence[_Objects], outcomes: Sequence[Results], bad: Sequence[FailedItem]
) -> None:
    refusals: dict[str, str] = {failed.subject: "dead-letter" for failed in bad}
    for outcome in outcomes:
        refusals |= {id_: result.value for id_, (result, _) in outcome.unpublished().items()}
    work.run.read += batch.read
    work.run.accepted += len(batch.gone)
    work.run.reasons.update(batch.rejected)
    work.run.tally.take(batch.tally)
    for objects in items:
        # A case beside an indicator says only what belongs together; what becomes of it is no word on the value.
        own = [obj for obj in objects if obj.get("type") != "grouping" or len(objects) == 1]
        reasons = [refusals[obj["id"]] for obj in own if obj["id"] in refusals]
        if reasons:
            work.run.reasons[reasons[0]] += 1
        else:
            work.run.accepted += 1
