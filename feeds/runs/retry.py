"""Retries dead letters, and objects that a peer refused."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from feeds.connector import Connector, FeedSettings, Misconfigured, Outgoing, Pull, Push, PushSettings, TryLater
from feeds.runs.bisect import Failure, bisect, log_dead_letter
from feeds.runs.filter import select_items
from feeds.runs.lease import lease_run
from feeds.runs.pull import contribute_items
from feeds.runs.push import position, record
from feeds.runs.run import Run, RunContext
from feeds.runs.shared_pages import SharedPages
from schemas.partner import Partner
from server.release.hub import Hub
from server.release.results import Results
from server.store import Tx, deliveries, feed_state, log
from server.store.feed_state import DeadLetter
from server.store.item import Item

# Who has failed so often is tried again only where everything is.
_TRIED_ENOUGH = 3


@dataclass
class RetryResult:
    """Counts of dead letters: ``tried``; ``settled``, delivered or needed no more; ``failed`` again."""

    tried: int = 0
    settled: int = 0
    failed: int = 0
    error: str | None = None


def retry_feed(hub: Hub, feed: Connector[FeedSettings], *, everything: bool = False) -> RetryResult:
    """Try the dead letters of ``feed`` and what its peer refused again, and let the feed run at its next time.

    Items that failed three times already are tried only with ``everything``.
    """
    name = feed.settings.name
    done = RetryResult()
    lease = lease_run(hub.store, name)
    if lease is None:
        done.error = "another node runs it just now; try again when it has ended"
        return done
    now = datetime.now(UTC)
    with lease:
        work = RunContext(hub, Run(name, now, now), threading.Event(), lease, SharedPages(), lambda _: None)
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
            return contribute_items(work.hub, tx, partner, [orjson.loads(letter.body) for letter in some])

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
        outgoing = Outgoing(work.store, collection, work.run.feed, partner.name)
        feed.begin(outgoing)
        for start in range(0, len(letters), feed.settings.batch):
            some = letters[start : start + feed.settings.batch]
            with work.store.read() as tx:
                # What is newest of it now: a later revocation says more than what failed.
                newest = log.latest(tx, collection, [letter.subject for letter in some])
            found = {item.id: item for item in select_items(outgoing, feed.settings, [*newest.values()])}
            there = [letter for letter in some if letter.subject in found]
            answered, failed = bisect([found[letter.subject] for letter in there], feed.push, given_up=True)
            with work.transaction() as tx:
                record(tx, work.run.feed, partner, [answer for answers in answered for answer in answers])
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


# How the answers begin that leave it open whether the peer has the object.
_REFUSED = ("failed", "unclear", "pending")
_MOST = 100_000
# Who was refused so often is tried again only where everything is.


def refused_items(tx: Tx, outgoing: Outgoing, *, everything: bool) -> list[Item]:
    """Return the newest versions of the objects that the partner refused or left open."""
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
    """Deliver refused objects again; return how many were tried and how many are accepted now.

    Raises ``TryLater`` and ``Misconfigured``.
    """
    with work.store.read() as tx:
        items = refused_items(tx, outgoing, everything=everything)
    tried = taken = 0
    for some in _parts(items, feed.settings.batch):
        answered, _ = bisect(select_items(outgoing, feed.settings, some), feed.push, given_up=True)
        answers = [answer for answers in answered for answer in answers]
        tried += len(answers)
        taken += sum(answer.taken for answer in answers)
        with work.transaction() as tx:
            record(tx, work.run.feed, partner, answers)
    return tried, taken


def _parts(items: list[Item], size: int) -> Iterable[list[Item]]:
    """Yield parts of ``size``, revocations first."""
    ordered = sorted(items, key=lambda item: not item.revoked)
    return (ordered[start : start + size] for start in range(0, len(ordered), size))
