"""Stored observations of the hosts of listed values."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

from sqlalchemy import delete, func, insert, or_, select, update

from server.features.liveness.tables import live_hosts, live_values
from server.store.database.engine import Tx
from server.store.tables import subjects

# The reader of changed listings.
READER = "liveness"
Seen = Literal["there", "gone"]
_PAGE = 1_000
_h, _v = live_hosts.c, live_values.c


class LiveHost(NamedTuple):
    """A host, in the order of the table's columns. Moments are microseconds."""

    host: str
    first: int
    checks: int
    next: int
    checked: int | None = None
    seen: Seen | None = None
    since: int | None = None
    gone: int | None = None
    registered: int | None = None
    registered_since: int | None = None


class LiveValue(NamedTuple):
    """A listed value, its host, and when it was listed; ``ended``: when its domain had a new owner."""

    subject: str
    host: str
    listed: int
    ended: int | None
    listing: str


def numbers(tx: Tx) -> Iterator[str]:
    """Yield all telephone numbers that the hub has reports or listings of, in their international form."""
    begin = "phone:"
    asked = select(subjects.c.subject).where(subjects.c.subject.startswith(f"{begin}+", autoescape=True))
    for subject in tx.execute(asked.execution_options(yield_per=_PAGE)).scalars():
        yield subject.removeprefix(begin)


def hosts_known(tx: Tx, after: int | None, most: int) -> list[tuple[int, str]]:
    """Return domains and URLs that the hub has or had reports of, with their numbers, in the order of these."""
    kinds = (subjects.c.subject.startswith(f"{kind}:", autoescape=True) for kind in ("domain", "url"))
    asked = select(subjects.c.number, subjects.c.subject).where(or_(*kinds))
    if after is not None:
        asked = asked.where(subjects.c.number > after)
    return [(row[0], row[1]) for row in tx.execute(asked.order_by(subjects.c.number).limit(most))]


def put_value(tx: Tx, value: LiveValue, first_check: int) -> None:
    """Follow a listed value; one that is followed stays as it is, unless it has a new listing."""
    known = tx.execute(select(live_values).where(_v.subject == value.subject)).first()
    if known is None or LiveValue(*known).listing != value.listing:
        tx.execute(delete(live_values).where(_v.subject == value.subject))
        tx.execute(insert(live_values).values(**value._asdict()))
    if find_host(tx, value.host) is None:
        tx.execute(insert(live_hosts).values(**LiveHost(value.host, value.listed, 0, first_check)._asdict()))


def drop_value(tx: Tx, subject: str) -> None:
    """Follow a value no longer, and its host neither if it has no other value. Ended ones stay for the page."""
    row = tx.execute(select(live_values).where(_v.subject == subject)).first()
    if row is None:
        return
    value = LiveValue(*row)
    if value.ended is None:
        tx.execute(delete(live_values).where(_v.subject == subject))
    others = select(_v.subject).where(_v.host == value.host, _v.ended.is_(None)).limit(1)
    if tx.execute(others).first() is None:
        drop_host(tx, value.host)


def drop_host(tx: Tx, host: str) -> None:
    """Ask about a host no longer: none of its values is followed."""
    tx.execute(delete(live_hosts).where(_h.host == host))


def find_host(tx: Tx, host: str) -> LiveHost | None:
    """Return a host."""
    row = tx.execute(select(live_hosts).where(_h.host == host)).first()
    return None if row is None else LiveHost(*row)


def of_host(tx: Tx, host: str) -> list[LiveValue]:
    """Return the followed values of a host."""
    asked = select(live_values).where(_v.host == host, _v.ended.is_(None)).order_by(_v.subject)
    return [LiveValue(*row) for row in tx.execute(asked)]


def due(tx: Tx, at: int, most: int) -> list[LiveHost]:
    """Return the hosts whose check is due, the longest due first."""
    asked = select(live_hosts).where(_h.next <= at).order_by(_h.next, _h.host).limit(most)
    return [LiveHost(*row) for row in tx.execute(asked)]


def change(tx: Tx, host: str, **to: Any) -> None:
    """Store what was observed."""
    tx.execute(update(live_hosts).where(_h.host == host).values(**to))


def end(tx: Tx, subjects: Iterable[str], at: int) -> None:
    """Store that the listings of values ended."""
    tx.execute(update(live_values).where(_v.subject.in_(sorted(subjects))).values(ended=at))


def gone(tx: Tx, most: int) -> list[tuple[LiveValue, LiveHost]]:
    """Return the values whose host is gone, the latest first."""
    asked = select(live_values, live_hosts).join_from(live_values, live_hosts, _v.host == _h.host)
    asked = asked.where(_h.gone.is_not(None), _v.ended.is_(None)).order_by(_h.gone.desc(), _v.subject).limit(most)
    width = len(LiveValue._fields)
    return [(LiveValue(*row[:width]), LiveHost(*row[width:])) for row in tx.execute(asked)]


def gone_since(tx: Tx, subjects: Iterable[str]) -> dict[str, int]:
    """Return since when values are gone, for those that are."""
    asked = select(_v.subject, _h.gone).join_from(live_values, live_hosts, _v.host == _h.host)
    found = tx.execute(asked.where(_v.subject.in_(sorted(set(subjects))), _h.gone.is_not(None)))
    return {row[0]: row[1] for row in found}


def ended(tx: Tx, most: int) -> list[LiveValue]:
    """Return the values whose listing ended because of a new owner, the latest first."""
    asked = select(live_values).where(_v.ended.is_not(None)).order_by(_v.ended.desc(), _v.subject).limit(most)
    return [LiveValue(*row) for row in tx.execute(asked)]


def count_hosts(tx: Tx) -> int:
    """Return the number of followed hosts."""
    found: int = tx.execute(select(func.count()).select_from(live_hosts)).scalar_one()
    return found


def forget(tx: Tx, *, before: int) -> int:
    """Remove some values that ended ``before`` (microseconds), and return their number."""
    over = select(_v.subject).where(_v.ended < before).limit(_PAGE)
    return tx.execute(delete(live_values).where(_v.subject.in_(over))).rowcount
