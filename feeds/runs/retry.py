"""Delivers again: a push from a date on, dead letters, and objects that a peer refused."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from feeds.connector import Connector, FeedSettings, Misconfigured, Outgoing, Pull, Push, PushSettings, TryLater
from feeds.runs.pull import contribute_items
from feeds.runs.push import deliver, position, record, select_items
from feeds.runs.run import Failure, Run, RunContext, bisect, lease_run, log_dead_letter
from schemas.partner import Partner
from server.release.hub import Hub
from server.release.results import Results
from server.store import StoreUnavailable, Tx, deliveries, feed_state, log
from server.store.database.times import micros, stamp
from server.store.feed_state import DeadLetter, LeaseLost
from server.store.item import Item
from server.store.objects.query import Query


@dataclass
class ReplayResult:
    """Counts of a replay, and the ``date_added`` (microseconds) up to which everything is delivered.

    With ``more`` it ended before the checkpoint: at the requested maximum of objects, or by an error. The next replay
    continues from ``up_to``.
    """

    up_to: int
    read: int = 0
    accepted: int = 0
    refused: int = 0
    more: bool = False
    error: str | None = None


def replay_feed(
    hub: Hub,
    feed: Push[PushSettings],
    since: datetime,
    *,
    most: int,
) -> ReplayResult:
    """Deliver the newest version of each object added at or after ``since`` again, at most ``most`` objects.

    The checkpoint does not move; the feed's next run delivers the objects after it. For an object revoked since then,
    only the revocation is delivered. Repeating a replay sends the same messages.
    """
    done = ReplayResult(up_to=micros(since))
    lease = lease_run(hub.store, feed.settings.name)
    if lease is None:
        done.more, done.error = True, "another node is running it; try again when that run has ended"
        return done
    run = Run(feed.settings.name)
    try:
        with lease:
            _replay(RunContext(hub, run, lease), feed, done, most)
    except (TryLater, StoreUnavailable, LeaseLost) as error:
        done.more, done.error = True, f"try later: {error}"
    except Misconfigured as error:
        done.more, done.error = True, f"misconfigured: {error}"
    done.read, done.accepted, done.refused = run.read, run.accepted, run.rejected
    return done


def _replay(work: RunContext, feed: Push[PushSettings], done: ReplayResult, most: int) -> None:
    partner = work.partner(feed.settings.partner, "partner")
    at = position(work, partner, feed.settings)
    end = max(at.after, at.revoked)
    outgoing = Outgoing(
        work.store, at.collection, work.run.feed, partner.name, replay=stamp(done.up_to), peers=work.hub.peers
    )
    try:
        feed.begin(outgoing)
        # ``after`` is exclusive, ``up_to`` is inclusive.
        after = done.up_to - 1
        while after < end:
            if work.run.read >= most:
                done.more = True
                break
            limit = min(feed.settings.batch, most - work.run.read)
            with work.store.read() as tx:
                query = Query(after=after, limit=limit, granted=at.collection.granted)
                page = log.page(tx, at.collection, query)
            deliver(work, feed, outgoing, partner, [*map(Item.of_bytes, page.bodies)])
            after = end if page.next is None or page.last is None else page.last
            done.up_to = after + 1
        if work.lease is not None:
            work.lease.check()
            feed.finish()
    finally:
        work.run.reasons += Counter()
        feed.close()


# Items that failed this often are retried only with ``everything=True``.
_TRIED_ENOUGH = 3


@dataclass
class RetryResult:
    """Counts of dead letters: ``tried``; ``settled`` (delivered or no longer needed); ``failed`` again."""

    tried: int = 0
    settled: int = 0
    failed: int = 0
    error: str | None = None


def retry_feed(hub: Hub, feed: Connector[FeedSettings], *, everything: bool = False) -> RetryResult:
    """Retry the dead letters of ``feed`` and the objects its peer refused; the feed then runs at its next time.

    Items that already failed three times are retried only with ``everything``.
    """
    name = feed.settings.name
    done = RetryResult()
    lease = lease_run(hub.store, name)
    if lease is None:
        done.error = "another node is running it; try again when that run has ended"
        return done
    with lease:
        work = RunContext(hub, Run(name), lease)
        with work.transaction() as tx:
            feed_state.clear_failures(tx, name)
            letters = feed_state.find_dead_letters(tx, name, attempts_below=None if everything else _TRIED_ENOUGH)
        done.tried = len(letters)
        try:
            if isinstance(feed, Pull):
                _pull(work, feed, letters, done)
            elif isinstance(feed, Push):
                _push(work, feed, letters, done, everything=everything)
        except TryLater as error:
            done.error = f"try later: {error}"
        except Misconfigured as error:
            done.error = f"misconfigured: {error}"
    return done


def _pull(work: RunContext, feed: Pull[Any], letters: Sequence[DeadLetter], done: RetryResult) -> None:
    partner = work.partner(feed.settings.contribute_as, "contribute_as")

    def part(some: Sequence[DeadLetter]) -> Results:
        with work.transaction() as tx:
            return contribute_items(work, tx, partner, [orjson.loads(letter.body) for letter in some])

    for start in range(0, len(letters), feed.settings.batch):
        some = letters[start : start + feed.settings.batch]
        _, failed = bisect(some, part, given_up=True)
        with work.transaction() as tx:
            _settle(tx, work, some, failed, done)


def _push(
    work: RunContext, feed: Push[Any], letters: Sequence[DeadLetter], done: RetryResult, *, everything: bool
) -> None:
    partner = work.partner(feed.settings.partner, "partner")
    try:
        collection = position(work, partner, feed.settings).collection
        outgoing = Outgoing(work.store, collection, work.run.feed, partner.name, peers=work.hub.peers)
        feed.begin(outgoing)
        for start in range(0, len(letters), feed.settings.batch):
            some = letters[start : start + feed.settings.batch]
            with work.store.read() as tx:
                # Deliver the newest version: a later revocation replaces the failed version.
                newest = log.latest(tx, collection, [letter.subject for letter in some])
            found = {item.id: item for item in select_items(outgoing, feed.settings, [*newest.values()])}
            there = [letter for letter in some if letter.subject in found]
            answered, failed = bisect([found[letter.subject] for letter in there], feed.push, given_up=True)
            with work.transaction() as tx:
                answers = [answer for answers in answered for answer in answers]
                record(tx, work.run.feed, partner, answers, proves_receipt=feed.proves_receipt)
                _settle(tx, work, there, failed, done)
                gone = [letter.id for letter in some if letter.subject not in found]
                feed_state.remove_dead_letters(tx, work.run.feed, gone)
                done.settled += len(gone)
        tried, taken = push_again(work, feed, outgoing, partner, everything=everything)
        done.tried, done.settled, done.failed = done.tried + tried, done.settled + taken, done.failed + tried - taken
    finally:
        feed.close()


def _settle(
    tx: Tx, work: RunContext, letters: Sequence[DeadLetter], failed: Sequence[Failure], done: RetryResult
) -> None:
    again = {failure.place: failure.error for failure in failed}
    for place, error in again.items():
        letter = letters[place]
        feed_state.add_dead_letter(tx, work.run.feed, letter.subject, letter.body, type(error).__name__)
        log_dead_letter(work.run.feed, letter.subject, error)
    settled = [letter.id for place, letter in enumerate(letters) if place not in again]
    feed_state.remove_dead_letters(tx, work.run.feed, settled)
    done.settled += len(settled)
    done.failed += len(again)


# Beginnings of the answers that do not tell whether the peer has the object.
_REFUSED = ("failed", "unclear", "pending")
_MOST = 100_000
# Objects that were refused this often are retried only with ``everything=True``.


def refused_items(tx: Tx, outgoing: Outgoing, *, everything: bool) -> list[Item]:
    """Return the newest versions of the objects that the partner refused, or did not confirm."""
    named = {
        delivery.object_id
        for answer in _REFUSED
        for delivery in deliveries.history(tx, feed=outgoing.feed, answer=answer, limit=_MOST)
        if delivery.partner == outgoing.partner
    }
    newest = [*log.latest(tx, outgoing.collection, named).values()]
    again = {
        delivery.object_id
        for delivery in deliveries.sent(tx, outgoing.feed, outgoing.partner, newest)
        if delivery.answer.startswith(_REFUSED) and (everything or delivery.attempts < _TRIED_ENOUGH)
    }
    return [item for item in newest if item.id in again]


def push_again(
    work: RunContext, feed: Push[PushSettings], outgoing: Outgoing, partner: Partner, *, everything: bool
) -> tuple[int, int]:
    """Deliver refused objects again; return how many were tried and how many were accepted.

    Raises ``TryLater`` and ``Misconfigured``.
    """
    with work.store.read() as tx:
        items = refused_items(tx, outgoing, everything=everything)
    tried = taken = 0
    # Revocations first.
    ordered = sorted(items, key=lambda item: not item.revoked)
    for start in range(0, len(ordered), feed.settings.batch):
        some = ordered[start : start + feed.settings.batch]
        answered, _ = bisect(select_items(outgoing, feed.settings, some), feed.push, given_up=True)
        answers = [answer for answers in answered for answer in answers]
        tried += len(answers)
        taken += sum(answer.taken for answer in answers)
        with work.transaction() as tx:
            record(tx, work.run.feed, partner, answers, proves_receipt=feed.proves_receipt)
    return tried, taken
