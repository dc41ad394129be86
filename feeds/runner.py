"""One run of a feed: batches, each kept in one transaction with its checkpoint."""

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Literal

from feeds.connector import (
    Answer,
    Batch,
    Connector,
    FeedSettings,
    Misconfigured,
    Pull,
    PullSettings,
    Push,
    PushSettings,
    TryLater,
)
from mappers import identity
from schemas.partner import Partner
from server.release.contribute import Outcome, contribute
from server.store import Store, Tx, checkpoints, collections, deliveries, log, partners
from server.store.collections import Collection, UnknownCollection
from server.store.item import Item
from server.store.partners import UnknownPartner
from server.store.query import Query

_log = logging.getLogger(__name__)

Ending = Literal["done", "stopped", "try-later", "misconfigured", "failed"]


@dataclass
class Run:
    """How a run went. ``read`` is what was looked at; ``reasons`` say why ``rejected`` of it was.

    What is neither accepted nor rejected was known before. ``error`` is None where the run ended well.
    """

    feed: str
    started: datetime
    ended: datetime
    read: int = 0
    accepted: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    error: str | None = None
    ending: Ending = "done"

    @property
    def rejected(self) -> int:
        """Give the number of items that were refused."""
        return self.reasons.total()


class _Undone(Exception):
    """The transaction of a dry run is to leave nothing."""


def run(
    store: Store, feed: Connector[FeedSettings], *, dry_run: bool = False, stop: threading.Event | None = None
) -> Run:
    """Run ``feed`` once, from its checkpoint to the end of what there is, or until ``stop`` between two batches.

    Never raises for what happens in the run: that is in the result, the log and the store. A dry run does everything
    but keep or send.
    """
    now = datetime.now(UTC)
    result = Run(feed.settings.name, started=now, ended=now)
    work = _Work(store, result, stop or threading.Event(), dry_run=dry_run)
    try:
        if isinstance(feed, Pull):
            work.pull(feed)
        elif isinstance(feed, Push):
            work.push(feed)
    except TryLater as error:
        result.error, result.ending = f"try later: {error}", "try-later"
    except Misconfigured as error:
        result.error, result.ending = f"misconfigured: {error}", "misconfigured"
    except Exception as error:  # noqa: BLE001 - the one place that catches all, so that a schedule goes on
        # The text of an unexpected error may hold anything; the store and the page get its type alone.
        _log.exception("run failed feed=%s", result.feed)
        result.error, result.ending = f"unexpected {type(error).__name__}: see the log", "failed"
    result.ended = datetime.now(UTC)
    work.record()
    _log.info(
        "run ended feed=%s connector=%s ending=%s read=%d accepted=%d rejected=%d seconds=%.3f reasons=%s error=%s",
        result.feed,
        feed.name,
        result.ending,
        result.read,
        result.accepted,
        result.rejected,
        (result.ended - result.started).total_seconds(),
        ",".join(f"{reason}:{count}" for reason, count in result.reasons.most_common()) or "-",
        result.error or "-",
    )
    return result


class _Work:
    """The work of one run."""

    def __init__(self, store: Store, result: Run, stop: threading.Event, *, dry_run: bool) -> None:
        self._store = store
        self._run = result
        self._stop = stop
        self._dry_run = dry_run

    def pull(self, feed: Pull[PullSettings]) -> None:
        """Contribute what a partner has for us."""
        partner = self._partner(feed.settings.contribute_as, "contribute_as")
        with self._store.read() as tx:
            checkpoint = checkpoints.load(tx, self._run.feed)
        for batch in feed.pull(checkpoint, self._seen):
            with self._transaction() as tx:
                outcome = _contribute(tx, partner, batch)
                for digest, name in batch.done:
                    checkpoints.mark_seen(tx, self._run.feed, digest, name)
                checkpoints.save(tx, self._run.feed, batch.checkpoint)
            self._count(batch, outcome)
            if self._stopped():
                return

    def push(self, feed: Push[PushSettings]) -> None:
        """Deliver what is new in a collection since the checkpoint; what a page no longer holds is never lost."""
        partner = self._partner(feed.settings.partner, "partner")
        try:
            with self._store.read() as tx:
                collection = self._readable(tx, partner, feed.settings.collection)
                checkpoint = checkpoints.load(tx, self._run.feed) or {}
            after = checkpoint.get("after", -1) if checkpoint.get("collection") == collection.id else -1
            more = True
            while more and not self._stopped():
                with self._store.read() as tx:
                    page = log.page(tx, collection, Query(after=after, limit=feed.settings.batch))
                if page.last is None:
                    return
                # Who acts on an object that was taken back does harm with every second.
                items = sorted(map(Item.of_bytes, page.bodies), key=lambda item: not item.revoked)
                answers = [Answer(item, True, "dry run") for item in items] if self._dry_run else feed.push(items)
                after, more = page.last, page.next is not None
                with self._transaction() as tx:
                    self._deliver(tx, partner, answers)
                    checkpoints.save(tx, self._run.feed, {"collection": collection.id, "after": after})
                self._run.read += len(items)
                self._run.accepted += sum(answer.taken for answer in answers)
                self._run.reasons["refused-by-peer"] += sum(not answer.taken for answer in answers)
        finally:
            self._run.reasons += Counter()
            feed.close()

    def record(self) -> None:
        """Remember how the run went."""
        if self._dry_run:
            return
        one = self._run
        with self._store.begin() as tx:
            checkpoints.record_run(
                tx,
                one.feed,
                started=one.started,
                ended=one.ended,
                read=one.read,
                accepted=one.accepted,
                rejected=one.rejected,
                error=one.error,
            )

    def _partner(self, name: str, setting: str) -> Partner:
        with self._store.read() as tx:
            try:
                return partners.get(tx, name)
            except UnknownPartner as error:
                raise Misconfigured(f"{setting}: {error}; register it first (scamfeed partner add)") from error

    def _readable(self, tx: Tx, partner: Partner, alias: str) -> Collection:
        """Give a collection that ``partner`` may read: what is pushed is what could be pulled."""
        try:
            collection = collections.get(tx, alias)
        except UnknownCollection as error:
            raise Misconfigured(f"collection: {error}") from error
        if collection.kind == "inbox":
            raise Misconfigured(f"collection: {alias} is an inbox, which nobody may read; name a released collection")
        can_read, _ = partners.rights(tx, partner.name).get(collection.id, (False, False))
        if not can_read:
            raise Misconfigured(
                f"collection: {partner.name} may not read {alias}; grant it first (scamfeed partner grant)"
            )
        return collection

    def _seen(self, digest: str) -> bool:
        with self._store.read() as tx:
            return checkpoints.seen(tx, self._run.feed, digest)

    @contextmanager
    def _transaction(self) -> Iterator[Tx]:
        try:
            with self._store.begin() as tx:
                yield tx
                if self._dry_run:
                    raise _Undone
        except _Undone:
            pass

    def _count(self, batch: Batch, outcome: Outcome) -> None:
        refusals = {each.id: "held" for each in outcome.pending} | {each.id: "refused" for each in outcome.failed}
        self._run.read += batch.read
        self._run.reasons.update(batch.rejected)
        for objects in batch.items:
            reasons = [refusals[obj["id"]] for obj in objects if obj["id"] in refusals]
            if reasons:
                self._run.reasons[reasons[0]] += 1
            else:
                self._run.accepted += 1

    def _deliver(self, tx: Tx, partner: Partner, answers: Sequence[Answer]) -> None:
        ordered = sorted(answers, key=lambda answer: answer.text)
        for text, alike in groupby(ordered, key=lambda answer: answer.text):
            deliveries.record(tx, self._run.feed, partner.name, [answer.item for answer in alike], text)

    def _stopped(self) -> bool:
        if self._stop.is_set():
            self._run.ending = "stopped"
        return self._stop.is_set()


def _contribute(tx: Tx, partner: Partner, batch: Batch) -> Outcome:
    objects: dict[str, dict[str, Any]] = {obj["id"]: obj for each in batch.items for obj in each}
    if not objects:
        return Outcome()
    if partner.identity not in objects and any(
        obj.get("created_by_ref") == partner.identity for obj in objects.values()
    ):
        who = identity.to_stix(partner.name, partner.kind)
        if who["id"] == partner.identity:
            objects = {who["id"]: who, **objects}
    return contribute(tx, partner, [Item.of(obj) for obj in objects.values()])
