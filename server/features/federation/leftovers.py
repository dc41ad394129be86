"""Leftovers: values that only second-hand reports list, such as fused listings pulled from hubs before they were peers.

Their reports remain after the first reports are retracted elsewhere, because nobody retracts the copies here.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from mappers.consensus import may_be_second_hand
from server.release.fuse.statements import ReportedValue
from server.release.hub import Hub
from server.release.retract import Retracted, retract_all
from server.release.session import ReleaseSession
from server.store import inbox, partners, value_index
from server.store.database.engine import Tx

REASON = "only second-hand reports list it"
_AT_ONCE = 500


class Leftover(NamedTuple):
    """A listed value without any first-hand report: the keys of its second-hand reports, by partner."""

    subject: str
    reports: dict[str, list[str]]


class LeftoverBatch(NamedTuple):
    """The leftovers of a batch, and the number of the last value in the index.

    ``looked_at`` and ``loaded`` are the values looked at so far, and those of them with a second-hand report, which
    were loaded.
    """

    looked_at: int
    loaded: int
    found: Sequence[Leftover]
    last: int


def find(hub: Hub, after: int = -1) -> Iterator[LeftoverBatch]:
    """Search all values after a number, a batch in each read-only transaction; yield each batch."""
    looked_at = loaded = 0
    while True:
        with hub.store.read() as tx:
            numbers = value_index.values_after(tx, after, _AT_ONCE)
            if not numbers:
                return
            candidates = sorted(_with_second_hand(hub, tx, numbers.values()))
            found = among(hub, tx, candidates)
        after, looked_at, loaded = max(numbers), looked_at + len(numbers), loaded + len(candidates)
        yield LeftoverBatch(looked_at, loaded, found, after)


def among(hub: Hub, tx: Tx, subjects: Sequence[str]) -> list[Leftover]:
    """Return the leftovers among these values."""
    session = ReleaseSession.open(hub, tx)
    return [_leftover(value) for value in session.load(subjects) if _is_leftover(value, session.context.at)]


def retract(hub: Hub, tx: Tx, subjects: Sequence[str]) -> list[Retracted]:
    """Retract the second-hand reports of those values that are still leftovers; none of them counts as wrong.

    Values that police hold stay.
    """
    value_index.lock(tx, subjects)
    done: list[Retracted] = []
    for leftover in among(hub, tx, subjects):
        for name, keys in sorted(leftover.reports.items()):
            partner = partners.get(tx, name, gone=True)
            done += retract_all(hub, tx, keys, partner, REASON, spared=set())
    return done


def _with_second_hand(hub: Hub, tx: Tx, subjects: Iterable[str]) -> set[str]:
    """Return the values that a second-hand report may be about.

    A value takes far longer to load than its reports to be searched for the mark, and few values have a second-hand
    report.
    """
    spaces = hub.facts.at(tx).registry.spaces
    copied = {spaces[name] for name in hub.copies if name in spaces}
    mentions = value_index.find(tx, subjects)
    keys = {key for found in mentions.values() for key in found if inbox.is_key(key)}
    marked = {key for key, item in inbox.latest(tx, keys).items() if may_be_second_hand(item.body)}
    marked |= {key for key in keys if inbox.space(key) in copied}
    return {subject for subject, found in mentions.items() if not marked.isdisjoint(found)}


def _is_leftover(value: ReportedValue, at: datetime) -> bool:
    alive = [statement for statement in value.statements if statement.report.valid_until > at]
    return bool(alive) and all(statement.second_hand and not statement.hub for statement in alive)


def _leftover(value: ReportedValue) -> Leftover:
    reports: dict[str, list[str]] = {}
    for statement in value.statements:
        reports.setdefault(statement.partner.name, []).append(statement.key)
    return Leftover(value.subject, reports)
