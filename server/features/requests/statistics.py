"""Statistics of takedown requests: for each addressee, month and act, how many were asked, and how fast it acted."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from statistics import median
from typing import Any, NamedTuple

from sqlalchemy import and_, func, select

from server.features.liveness import records as liveness
from server.features.requests.records import OUTSIDE, UNANSWERED
from server.features.requests.states import Role
from server.features.requests.tables import request_steps, requests
from server.store.database.engine import Tx
from server.store.database.times import moment

# Maximum number of months, and of requests that are counted, the newest first.
MOST_MONTHS = 36
MOST_COUNTED = 500_000
USUAL_MONTHS = 12
_SECOND = 1_000_000
_FINAL = ("done", "disagreed")


class TakedownFigures(NamedTuple):
    """The figures of one addressee, month and act; "" is no addressee. Medians are seconds, None where none is known.

    ``served`` were provably received, ``answered`` by the addressee itself, ``in_time`` of these before the time was
    over. ``late`` were answered later, or wait and are overdue. ``median_response`` is the time from the receipt to the
    first final response, ``median_removal`` the time until the hub saw that the name is gone.
    """

    addressee: str
    month: str
    asks: str
    requests: int
    served: int
    answered: int
    in_time: int
    late: int
    median_response: int | None
    median_removal: int | None


class TakedownStatistics(NamedTuple):
    """The figures, the newest month first. ``is_whole``: no older request of these months was left out."""

    figures: list[TakedownFigures]
    is_whole: bool


def count_takedowns(
    tx: Tx, at: int, *, addressee: str | None = None, months: int = USUAL_MONTHS, most: int = MOST_COUNTED
) -> TakedownStatistics:
    """Count the takedown requests of the last months until a moment (microseconds), to all or to one addressee."""
    groups: dict[tuple[str, str, str], _Group] = {}
    number = 0
    for part in _parts(_rows(tx, _first_of(at, months), addressee, most + 1)):
        gone = liveness.gone_since(tx, {row.subject for row in part if row.served_at is not None})
        for row in part:
            number += 1
            if number > most:
                break
            name = (row.addressee or "").removeprefix(OUTSIDE)
            month = f"{moment(row.opened):%Y-%m}"
            groups.setdefault((month, name, row.asks), _Group()).add(row, gone.get(row.subject), at)
    # The newest month first, and within it by name.
    ordered = sorted(groups, key=lambda key: key[1:])
    ordered.sort(key=lambda key: key[0], reverse=True)
    figures = [groups[key].figures(key[1], key[0], key[2]) for key in ordered]
    return TakedownStatistics(figures, number <= most)


class _Group:
    def __init__(self) -> None:
        self.requests = self.served = self.answered = self.in_time = self.late = 0
        self.responses: list[int] = []
        self.removals: list[int] = []

    def add(self, row: Any, gone: int | None, at: int) -> None:
        """Count a request; ``gone`` is since when the name of its value is gone."""
        self.requests += 1
        if row.served_at is None:
            return
        self.served += 1
        due = row.served_at + row.allowed
        if row.answered is not None:
            self.answered += 1
            self.in_time += row.answered <= due
            self.late += row.answered > due
            self.responses.append(max(row.answered - row.served_at, 0))
        elif row.state in UNANSWERED and due < at:
            self.late += 1
        if gone is not None and gone >= row.served_at:
            self.removals.append(gone - row.served_at)

    def figures(self, addressee: str, month: str, asks: str) -> TakedownFigures:
        """Return what was counted."""
        counts = (self.requests, self.served, self.answered, self.in_time, self.late)
        return TakedownFigures(addressee, month, asks, *counts, _median(self.responses), _median(self.removals))


def _rows(tx: Tx, since: int, addressee: str | None, most: int) -> Iterable[Any]:
    r, s = requests.c, request_steps.c
    by_itself = and_(s.request == r.id, s.by == str(Role.ADDRESSEE), s.state.in_(_FINAL))
    answered = select(func.min(s.at)).where(by_itself).scalar_subquery().label("answered")
    asked = select(r.addressee, r.asks, r.subject, r.state, r.opened, r.served_at, r.allowed, answered)
    asked = asked.where(r.asks.is_not(None), r.opened >= since)
    if addressee is not None:
        asked = asked.where(r.addressee == addressee)
    return tx.execute(asked.order_by(r.opened.desc()).limit(most))


def _parts(rows: Iterable[Any]) -> Iterator[list[Any]]:
    part: list[Any] = []
    for row in rows:
        part.append(row)
        if len(part) == 1_000:
            yield part
            part = []
    yield part


def _median(found: list[int]) -> int | None:
    return int(median(found)) // _SECOND if found else None


def _first_of(at: int, months: int) -> int:
    """Return the beginning (microseconds) of the month, in UTC, that is the first of so many until now."""
    first = moment(at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(min(months, MOST_MONTHS) - 1):
        first = (first - timedelta(days=1)).replace(day=1)
    return int(first.timestamp()) * _SECOND
