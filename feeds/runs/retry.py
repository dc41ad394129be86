"""Trying again what was put aside."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from feeds.connector import Connector, FeedSettings, Misconfigured, Outgoing, Pull, Push, TryLater
from feeds.runs.bisect import Failed, isolate, report
from feeds.runs.filter import wanted
from feeds.runs.lease import claim
from feeds.runs.pull import take
from feeds.runs.push import position, record
from feeds.runs.restate import push_again
from feeds.runs.run import Run, Work
from feeds.runs.shared_pages import Pages
from server.release.results import Results
from server.store import Store, Tx, feed_state, log
from server.store.feed_state import DeadLetter

# Who has failed so often is tried again only where everything is.
_TRIED_ENOUGH = 3


@dataclass
class Retried:
    """What became of the letters: how many were ``tried``, arrived or need not any more, and failed again."""

    tried: int = 0
    settled: int = 0
    failed: int = 0
    error: str | None = None


def retry(store: Store, feed: Connector[FeedSettings], *, everything: bool = False) -> Retried:
    """Try again what was put aside of ``feed`` or refused by its peer, and let it run when its time comes.

    Of what has failed three times already that is done only with ``everything``.
    """
    name = feed.settings.name
    done = Retried()
    claimed = claim(store, name)
    if claimed is None:
        done.error = "another node runs it just now; try again when it has ended"
        return done
    now = datetime.now(UTC)
    with claimed:
        work = Work(store, Run(name, now, now), threading.Event(), claimed, Pages(), lambda _: None)
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


def _pull(work: Work, feed: Pull[Any], letters: Sequence[DeadLetter], done: Retried) -> None:
    partner = work.partner(feed.settings.contribute_as, "contribute_as")

    def part(some: Sequence[DeadLetter]) -> Results:
        with work.transaction() as tx:
            return take(tx, partner, [orjson.loads(letter.body) for letter in some])

    for start in range(0, len(letters), feed.settings.batch):
        some = letters[start : start + feed.settings.batch]
        _, failed = isolate(some, part, given_up=True)
        with work.transaction() as tx:
            _settle(tx, work, some, failed, done)


def _push(work: Work, feed: Push[Any], letters: Sequence[DeadLetter], done: Retried, *, everything: bool) -> None:
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
            found = {item.id: item for item in wanted(outgoing, feed.settings, [*newest.values()])}
            there = [letter for letter in some if letter.subject in found]
            answered, failed = isolate([found[letter.subject] for letter in there], feed.push, given_up=True)
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


def _settle(tx: Tx, work: Work, letters: Sequence[DeadLetter], failed: Sequence[Failed], done: Retried) -> None:
    again = {each.place: each.error for each in failed}
    for place, error in again.items():
        letter = letters[place]
        feed_state.add_dead_letter(tx, work.run.feed, letter.subject, letter.body, type(error).__name__)
        report(work.run.feed, letter.subject, error)
    settled = [letter.id for place, letter in enumerate(letters) if place not in again]
    feed_state.remove_dead_letters(tx, work.run.feed, settled)
    done.settled += len(settled)
    done.failed += len(again)
