"""Runs a push: each page of a collection is delivered, then recorded in one transaction with the position after it.

Revoked objects and all others are two orders with a position each, so that neither waits for the other.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from feeds.connector import Answer, Misconfigured, Outgoing, Push, PushSettings
from feeds.runs.bisect import bisect, log_dead_letter
from feeds.runs.filter import select_items
from feeds.runs.run import FailedItem, RunContext
from feeds.runs.shared_pages import SharedPage
from schemas.partner import Partner
from server.store import Tx, collections, deliveries, feed_state
from server.store.collections import Collection, UnknownCollection
from server.store.item import Item


class Position(NamedTuple):
    """A partner's position in a collection: ``after`` in active, ``revoked`` in revoked objects."""

    collection: Collection
    after: int
    revoked: int


def push(work: RunContext, feed: Push[PushSettings]) -> None:
    """Deliver what is new in a collection since the checkpoint."""
    partner = work.partner(feed.settings.partner, "partner")
    try:
        at = position(work, partner, feed.settings)
        outgoing = Outgoing(work.store, at.collection, work.run.feed, partner.name)
        feed.begin(outgoing)
        if work.dry_run:
            feed.check()
        more = True
        while more and not work.stopped():
            before = at
            page, at, more = _due(work, feed.settings, at)
            if at == before:
                break
            answers, bad = deliver(work, feed, select_items(outgoing, feed.settings, page.items))
            with work.transaction() as tx:
                record(tx, work.run.feed, partner, answers)
                work.keep_dead_letters(tx, bad)
                kept = {"collection": at.collection.id, "after": at.after, "revoked": at.revoked}
                feed_state.save_checkpoint(tx, work.run.feed, kept)
            work.run.read += len(page.items)
            count(work, answers, bad)
            work.progress(work.run)
        if work.lease is not None and not work.stopped():
            work.lease.check()
            feed.finish()
    finally:
        work.run.reasons += Counter()
        feed.close()


def _due(work: RunContext, settings: PushSettings, at: Position) -> tuple[SharedPage, Position, bool]:
    """Return the next page, the position after it, and whether there may be more.

    Revocations go first, however far behind the rest is: a partner that acts on a revoked indicator does harm.
    """
    page = work.pages.get(work.store, at.collection, at.revoked, settings.batch, revoked=True)
    at = at._replace(revoked=page.last)
    if page.items:
        return page, at, True
    page = work.pages.get(work.store, at.collection, at.after, settings.batch, revoked=False)
    return page, at._replace(after=page.last), page.more


def position(work: RunContext, partner: Partner, settings: PushSettings) -> Position:
    """Return the collection that ``partner`` may read, and its position there."""
    with work.store.read() as tx:
        collection = readable(tx, partner, settings.collection)
        checkpoint = feed_state.load_checkpoint(tx, work.run.feed) or {}
    if checkpoint.get("collection") != collection.id:
        # Of what was withdrawn before the partner was let in, it learns nothing.
        return Position(collection, -1, collection.granted or -1)
    after = checkpoint.get("after", -1)
    return Position(collection, after, checkpoint.get("revoked", after))


def deliver(work: RunContext, feed: Push[PushSettings], items: Sequence[Item]) -> tuple[list[Answer], list[FailedItem]]:
    """Deliver ``items``; those that the connector fails on are found, and the rest is delivered all the same."""
    if work.lease is None:
        return [Answer(item, True, "dry run") for item in items], []
    work.lease.check()
    answered, failed = bisect(items, feed.push, given_up=work.given_up)
    bad = [FailedItem(items[place].id, b"", error) for place, error in failed]
    for item in bad:
        log_dead_letter(work.run.feed, item.subject, item.error)
    return [answer for answers in answered for answer in answers], bad


def record(tx: Tx, feed: str, partner: Partner, answers: Sequence[Answer]) -> None:
    """Record what was sent to ``partner`` and what it answered."""
    ordered = sorted(answers, key=lambda answer: answer.text)
    for text, alike in groupby(ordered, key=lambda answer: answer.text):
        deliveries.record(tx, feed, partner.name, [answer.item for answer in alike], text)


def count(work: RunContext, answers: Sequence[Answer], bad: Sequence[FailedItem]) -> None:
    """Count accepted and refused objects, and dead letters."""
    work.run.accepted += sum(answer.taken for answer in answers)
    work.run.reasons["refused-by-peer"] += sum(not answer.taken for answer in answers)
    work.run.reasons["dead-letter"] += len(bad)


def readable(tx: Tx, partner: Partner, alias: str) -> Collection:
    """Return a collection that ``partner`` may read, since a push sends only that. Raises ``Misconfigured``."""
    try:
        collection = collections.get(tx, alias)
    except UnknownCollection as error:
        raise Misconfigured(f"collection: {error}") from error
    if collection.kind == "inbox":
        raise Misconfigured(f"collection: {alias} is an inbox, which nobody may read; name a released collection")
    right = collections.right(tx, partner.name, collection.id)
    if right is None or not right[1]:
        raise Misconfigured(f"collection: {partner.name} may not read {alias}; grant it first (scamfeed partner grant)")
    return right[0]
