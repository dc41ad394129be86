"""Runs a pull: contributes each batch in its partner's name, in one transaction with its checkpoint."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from feeds.connector import Batch, Gone, Incoming, Misconfigured, Pull, PullSettings
from feeds.mapping.batches import as_of_now
from feeds.mapping.rows import Reject
from feeds.runs.relist import Relisting, latest_withdrawals, own_revocations
from feeds.runs.run import EXPECTED, FailedItem, RunContext, bisect, log_dead_letter
from mappers import common_objects
from mappers.consensus import as_second_hand
from mappers.report_reader import from_stix
from schemas.errors import Rejected
from schemas.hub_report import OPEN
from schemas.partner import Partner
from server.features.federation import settling
from server.release.contribute import prepare_all, take_all
from server.release.hub import Hub
from server.release.peer_feeds import is_at
from server.release.results import Result, Results, Unpublished
from server.release.route import references
from server.release.submission import Prepared
from server.store import Tx, feed_state
from server.store.item import Item

_Objects = Sequence[dict[str, Any]]
# The objects that were not published, by id, with the result and the reason.
_Unpublished = Mapping[str, tuple[Result, Unpublished]]


def pull(work: RunContext, feed: Pull[PullSettings]) -> None:
    """Contribute the partner's new items, starting at the feed's checkpoint."""
    partner = work.partner(feed.settings.contribute_as, "contribute_as")
    _refuse_of_peer(work, feed)
    with work.store.read() as tx:
        checkpoint = feed_state.load_checkpoint(tx, work.run.feed)

    def seen(digest: str) -> bool:
        with work.store.read() as tx:
            return feed_state.has_read_file(tx, work.run.feed, digest)

    def find(values: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Sequence[str]]:
        with work.store.read() as tx:
            return references.referable_indicators(tx, partner, values)

    feed.prepare(Incoming(work.store, partner))
    feed.begin(find)
    with _closed_at_end(feed.pull(checkpoint, seen)) as batches:
        _contribute_all(work, feed, partner, batches)


def _refuse_of_peer(work: RunContext, feed: Pull[PullSettings]) -> None:
    """Refuse to read listings of a hub whose hub reports are complete here: its reports would count twice.

    Raises ``Misconfigured``.
    """
    url = getattr(feed.settings, "url", None)
    peers = [peer for peer in work.hub.peers if isinstance(url, str) and is_at(peer, url)]
    if not peers:
        return
    with work.store.read() as tx:
        for peer in peers:
            if settling.completed(tx, peer.origin).get(OPEN):
                raise Misconfigured(
                    f"url: {peer.name} is a peer, and its hub reports are complete here; remove the feed, because its "
                    "reports would count twice"
                )


@contextmanager
def _closed_at_end(batches: Iterator[Batch]) -> Iterator[Iterator[Batch]]:
    """Yield the batches; in any case let the connector close its resources at the end."""
    try:
        yield batches
    finally:
        if isinstance(batches, Generator):
            batches.close()


def _contribute_all(work: RunContext, feed: Pull[PullSettings], partner: Partner, batches: Iterator[Batch]) -> None:
    for batch in batches:
        if feed.settings.second_hand:
            batch = replace(batch, items=[[as_second_hand(obj) for obj in objects] for objects in batch.items])
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
        except Exception:  # any error: the item that causes it is found, and only it becomes a dead letter
            if not batch.items:
                raise
            with work.store.read() as tx:
                items, dated_ahead = as_of_now(_relisting(tx, work, partner).renamed(batch.items, batch.gone))
            outcomes, bad = _one_by_one(work, partner, batch, items)
        unpublished = {id_: found for outcome in outcomes for id_, found in outcome.unpublished().items()}
        _count(work, batch, items, unpublished, bad)
        work.run.dated_ahead += dated_ahead
        for reject in (*batch.rejects, *_refused(work, batch, items, unpublished)):
            work.reject(reject)
        work.progress(work.run)
        if work.stopped():
            return


class _Ready(NamedTuple):
    """The prepared items of a batch; ``dated_ahead`` counts those from the future."""

    items: Sequence[_Objects]
    dated_ahead: int
    parts: Sequence[Prepared]

    @classmethod
    def of(cls, hub: Hub, partner: Partner, items: Sequence[_Objects]) -> "_Ready":
        dated, dated_ahead = as_of_now(items)
        return cls(dated, dated_ahead, list(prepare_all(hub, _contributed(partner, dated))))


def _take(work: RunContext, partner: Partner, batch: Batch, ready: _Ready) -> list[Results]:
    """Contribute a batch, each part in its own transaction; the checkpoint is stored with the last part.

    After an interruption the parts are contributed again, which changes nothing. A dry run rolls its one transaction
    back.
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
            work.record_pulled(tx, partner, part.size)
            if number == len(ready.parts) and not withdrawn:
                _keep(tx, work, partner, batch)
    if withdrawn or not ready.parts:
        with work.transaction() as tx:
            _keep(tx, work, partner, batch)
    return outcomes


def _withdrawn(batch: Batch) -> list[Gone]:
    return latest_withdrawals(batch.items, (*batch.gone, *own_revocations(batch.items)))


def _renamed(tx: Tx, work: RunContext, partner: Partner, batch: Batch, usual: _Ready) -> _Ready:
    """Return the batch with the ids of its indicators at this hub: ``usual``, unless the source relists one."""
    renamed = _relisting(tx, work, partner).renamed(batch.items, batch.gone)
    unchanged = all(new is old for new, old in zip(renamed, batch.items, strict=True))
    return usual if unchanged else _Ready.of(work.hub, partner, renamed)


def _relisting(tx: Tx, work: RunContext, partner: Partner) -> Relisting:
    return Relisting(work.hub, tx, work.run.feed, partner)


def contribute_items(work: RunContext, tx: Tx, partner: Partner, items: Sequence[_Objects]) -> Results:
    """Contribute the objects of ``items`` as if ``partner`` had posted them, and record this in the audit trail."""
    objects = _contributed(partner, items)
    work.record_pulled(tx, partner, len(objects))
    return take_all(work.hub, tx, partner, prepare_all(work.hub, objects))


def _contributed(partner: Partner, items: Sequence[_Objects]) -> list[Item]:
    """Return the distinct objects of ``items``, and the partner's identity if an object refers to it."""
    objects: dict[str, dict[str, Any]] = {obj["id"]: obj for item in items for obj in item}
    if partner.identity not in objects and any(
        obj.get("created_by_ref") == partner.identity for obj in objects.values()
    ):
        who = common_objects.identity_object(partner.name, partner.kind)
        if who["id"] == partner.identity:
            objects = {who["id"]: who, **objects}
    return [Item.of(obj) for obj in objects.values()]


def _one_by_one(
    work: RunContext, partner: Partner, batch: Batch, contributed: Sequence[_Objects]
) -> tuple[list[Results], list[FailedItem]]:
    """Contribute the parts of a batch that fails as a whole; store its checkpoint only then."""

    def part(items: Sequence[_Objects]) -> Results:
        with work.transaction() as tx:
            return contribute_items(work, tx, partner, items)

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
    if withdrawn := _withdrawn(batch):
        retracted = _relisting(tx, work, partner).retract(withdrawn)
        work.record_pulled(tx, partner, retracted, verb="RETRACT")
    for digest, name in batch.done:
        feed_state.record_file(tx, work.run.feed, digest, name)
    feed_state.save_checkpoint(tx, work.run.feed, batch.checkpoint)


def _refused(work: RunContext, batch: Batch, items: Sequence[_Objects], unpublished: _Unpublished) -> Iterator[Reject]:
    """Yield the mapped rows that were not published."""
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
    work: RunContext, batch: Batch, items: Sequence[_Objects], unpublished: _Unpublished, bad: Sequence[FailedItem]
) -> None:
    refusals = {failed.subject: "dead-letter" for failed in bad}
    refusals |= {id_: result.value for id_, (result, _) in unpublished.items()}
    work.run.read += batch.read
    work.run.accepted += len(batch.gone)
    work.run.reasons.update(batch.rejected)
    work.run.tally.take(batch.tally)
    for objects in items:
        # A case next to an indicator only groups reports; its rejection says nothing about the value.
        own = [obj for obj in objects if obj.get("type") != "grouping" or len(objects) == 1]
        reasons = [refusals[obj["id"]] for obj in own if obj["id"] in refusals]
        if reasons:
            work.run.reasons[reasons[0]] += 1
        else:
            work.run.accepted += 1
