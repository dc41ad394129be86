"""Trying again what a peer refused: the newest version of each object whose delivery it answered with a failure."""

from collections.abc import Iterable

from feeds.connector import Outgoing, Push, PushSettings
from feeds.runs.bisect import isolate
from feeds.runs.filter import wanted
from feeds.runs.push import record
from feeds.runs.run import Work
from schemas.partner import Partner
from server.store import Tx, deliveries, log
from server.store.item import Item

# How the answers begin that leave it open whether the peer has the object.
_REFUSED = ("failed", "unclear", "pending")
_MOST = 100_000
# Who was refused so often is tried again only where everything is.
_TRIED_ENOUGH = 3


def refused(tx: Tx, outgoing: Outgoing, *, everything: bool) -> list[Item]:
    """Give the newest versions of the objects that the partner has not taken, as far as it said so."""
    named = {
        each.object_id
        for answer in _REFUSED
        for each in deliveries.history(tx, feed=outgoing.feed, answer=answer, limit=_MOST)
        if each.partner == outgoing.partner
    }
    newest = [*log.latest(tx, outgoing.collection, named).values()]
    again = {
        each.object_id
        for each in deliveries.sent(tx, outgoing.feed, outgoing.partner, newest)
        if each.answer.startswith(_REFUSED) and (everything or each.attempts < _TRIED_ENOUGH)
    }
    return [item for item in newest if item.id in again]


def push_again(
    work: Work, feed: Push[PushSettings], outgoing: Outgoing, partner: Partner, *, everything: bool
) -> tuple[int, int]:
    """Deliver again what was refused; give how many objects were tried, and how many are taken now.

    Raises ``TryLater`` and ``Misconfigured``.
    """
    with work.store.read() as tx:
        items = refused(tx, outgoing, everything=everything)
    tried = taken = 0
    for some in _parts(items, feed.settings.batch):
        answered, _ = isolate(wanted(outgoing, feed.settings, some), feed.push, given_up=True)
        answers = [answer for answers in answered for answer in answers]
        tried += len(answers)
        taken += sum(answer.taken for answer in answers)
        with work.transaction() as tx:
            record(tx, work.run.feed, partner, answers)
    return tried, taken


def _parts(items: list[Item], size: int) -> Iterable[list[Item]]:
    """Cut into parts; revocations go first."""
    ordered = sorted(items, key=lambda item: not item.revoked)
    return (ordered[start : start + size] for start in range(0, len(ordered), size))
