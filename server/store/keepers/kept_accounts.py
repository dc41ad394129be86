"""The clocks of keepers: since when each knows of a listing of what it keeps, until it answers."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Text, bindparam, case, delete, func, insert, or_, select, update

from server.store import subjects
from server.store.database.engine import Tx
from server.store.database.sql import among, chunks
from server.store.keepers.tables import kept_accounts
from server.store.tables import subjects as subject_rows

_k = kept_accounts.c


class KeptAccount(NamedTuple):
    """A value that a partner keeps, since when it is listed for that partner, and the answer; moments in microseconds.

    ``left`` is when it was last taken from the partner's listings, None while it is there.
    """

    partner: str
    subject: str
    since: int
    left: int | None
    code: str | None
    answered: int | None


class KeptPlace(NamedTuple):
    """A place in a partner's list: the moment by which it is ordered (microseconds), and the number of the value."""

    moment: int
    value: int


PlacedAccount = tuple[KeptAccount, KeptPlace]


class AnswerCounts(NamedTuple):
    """The counts of one partner: listings that wait for its answer, how many too long, since when; and its answers."""

    partner: str
    open: int
    late: int
    oldest: int | None
    answered: int
    in_time: int


def enter(tx: Tx, partner: str, values: Iterable[str], moment: int) -> None:
    """Begin to wait for the partner's answer about these values, which are listed for it from this moment on."""
    numbers = subjects.numbers(tx, values)
    _update(tx, partner, numbers.values(), since=moment, left=None, code=None, answered=None)
    known = _known(tx, partner, numbers.values())
    rows = [{"partner": partner, "value": number, "since": moment} for number in sorted(set(numbers.values()) - known)]
    if rows:
        tx.execute(insert(kept_accounts), rows)


def leave(tx: Tx, partner: str, values: Iterable[str], moment: int) -> None:
    """Note that these values are not listed for the partner any more: it need not answer."""
    _update(tx, partner, subjects.numbers(tx, values).values(), left=moment)


def leave_all(tx: Tx, partner: str, moment: int) -> None:
    """Note that nothing is listed for the partner any more: it takes part no more."""
    tx.execute(update(kept_accounts).where(_k.partner == partner, _k.left.is_(None)).values(left=moment))


def come_back(tx: Tx, partner: str, values: Iterable[str], moment: int) -> None:
    """Wait again for the partner's answer about these values, which stayed listed while it was gone."""
    since = case((_k.answered.is_(None), moment), else_=_k.since)
    for chunk in chunks(sorted(subjects.numbers(tx, values).values())):
        gone = _MINE.where(_k.left.is_not(None)).values(left=None, since=since)
        tx.execute(gone, {"of": partner, "numbers": chunk})


def answer(tx: Tx, partner: str, values: Iterable[str], code: str, moment: int) -> None:
    """Note the partner's answer about these values; of an earlier one the time stays, by which its clock stopped."""
    numbers = subjects.numbers(tx, values).values()
    _update(tx, partner, numbers, code=code, answered=func.coalesce(_k.answered, moment))


def overrule(tx: Tx, subject: str, moment: int) -> None:
    """Let the answers about a value that came before this moment count no more."""
    for number in subjects.numbers(tx, [subject]).values():
        tx.execute(update(kept_accounts).where(_k.value == number).values(overruled=moment))


def overruled(tx: Tx, subject: str) -> int:
    """Return when answers about a value were last overruled (microseconds), 0 if they never were."""
    numbers = subjects.numbers(tx, [subject])
    found = tx.execute(_OVERRULED, {"number": numbers.get(subject)}).scalar() if numbers else None
    return found or 0


def find(
    tx: Tx, partner: str | None = None, *, every: bool = False, values: Iterable[str] | None = None, limit: int = 1_000
) -> list[KeptAccount]:
    """List what waits for an answer, the oldest first, or with ``every`` what is answered or gone, too."""
    asked = _LISTED.order_by(_k.since, subject_rows.c.subject).limit(limit)
    if partner is not None:
        asked = asked.where(_k.partner == partner)
    if not every:
        asked = asked.where(_OPEN)
    if values is not None:
        asked = asked.where(_k.value.in_(sorted(subjects.numbers(tx, values).values())))
    return [KeptAccount(*row) for row in tx.execute(asked)]


def waiting(tx: Tx, partner: str, *, after: KeptPlace | None = None, limit: int = 100) -> list[PlacedAccount]:
    """Return what waits for the partner's answer, each with its place, the oldest first, after a place."""
    asked = _PLACED.where(_k.partner == partner, _OPEN).order_by(_k.since, _k.value).limit(limit)
    if after is not None:
        asked = asked.where(_k.since >= after.moment, _is_beyond(_k.since > after.moment, _k.since, after))
    found = [(KeptAccount(*row[:-1]), row[-1]) for row in tx.execute(asked)]
    return [(kept, KeptPlace(kept.since, number)) for kept, number in found]


def answered_by(tx: Tx, partner: str, *, after: KeptPlace | None = None, limit: int = 100) -> list[PlacedAccount]:
    """Return what the partner answered, each with its place, the latest answer first, after a place."""
    asked = _PLACED.where(_k.partner == partner, _k.answered.is_not(None))
    asked = asked.order_by(_k.answered.desc(), _k.value).limit(limit)
    if after is not None:
        asked = asked.where(_k.answered <= after.moment, _is_beyond(_k.answered < after.moment, _k.answered, after))
    found = [(KeptAccount(*row[:-1]), row[-1]) for row in tx.execute(asked)]
    return [(kept, KeptPlace(kept.answered or 0, number)) for kept, number in found]


def count_waiting(tx: Tx, partner: str, due: int) -> tuple[int, int]:
    """Count what waits for the partner's answer, and of that what has waited since before ``due`` (microseconds)."""
    late = func.coalesce(func.sum(case((_k.since < due, 1), else_=0)), 0)
    row = tx.execute(select(func.count(), late).where(_k.partner == partner, _OPEN)).one()
    return row[0], row[1]


def _is_beyond(is_past: ColumnElement[bool], moment: ColumnElement[int], place: KeptPlace) -> ColumnElement[bool]:
    return or_(is_past, (moment == place.moment) & (_k.value > place.value))


def answered(tx: Tx, values: Iterable[str], codes: Collection[str]) -> dict[str, int]:
    """Return of values that a keeper last answered by one of these codes when it first answered (microseconds)."""
    found: dict[str, int] = {}
    asked = select(subject_rows.c.subject, _k.answered).join_from(
        kept_accounts, subject_rows, subject_rows.c.number == _k.value
    )
    asked = asked.where(_IN, _k.code.in_(sorted(codes)), _k.answered.is_not(None))
    for chunk in chunks(sorted(subjects.numbers(tx, values).values())):
        for subject, at in tx.execute(asked, {"numbers": chunk}):
            found[subject] = max(at, found.get(subject, at))
    return found


def counts(tx: Tx, target: int, moment: int, since: int) -> list[AnswerCounts]:
    """Return the open and the late ones of each partner, and of those that were listed ``since`` then the answers.

    ``target`` is the time in which an answer should come; all in microseconds.
    """
    found = tx.execute(_COUNTS, {"due": moment - target, "recent": since, "target": target})
    return [AnswerCounts(*row) for row in found]


def move(tx: Tx, number: int, to: int) -> None:
    """Move what is stored of a value to the number of another, which takes nothing from what that one has."""
    there = select(_k.partner).where(_k.value == to).scalar_subquery()
    tx.execute(delete(kept_accounts).where(_k.value == number, _k.partner.in_(there)))
    tx.execute(update(kept_accounts).where(_k.value == number).values(value=to))


def forget(tx: Tx, *, before: int, most: int = 1_000) -> int:
    """Remove rows of values that are listed no more since ``before`` (microseconds), some; return their number.

    One that two persons decided stays.
    """
    over = select(_k.partner, _k.value).where(_k.left < before, _k.overruled.is_(None)).limit(most)
    rows = [{"of": row[0], "number": row[1]} for row in tx.execute(over)]
    if rows:
        tx.execute(_FORGET, rows)
    return len(rows)


def _known(tx: Tx, partner: str, numbers: Iterable[int]) -> set[int]:
    found: set[int] = set()
    for chunk in chunks(sorted(numbers)):
        found.update(tx.scalars(_KNOWN, {"of": partner, "numbers": chunk}))
    return found


def _update(tx: Tx, partner: str, numbers: Iterable[int], **values: object) -> None:
    for chunk in chunks(sorted(numbers)):
        tx.execute(_MINE.values(**values), {"of": partner, "numbers": chunk})


_OPEN = _k.answered.is_(None) & _k.left.is_(None)
_IN = among(_k.value, "numbers", BigInteger)
_MINE = update(kept_accounts).where(_k.partner == bindparam("of", type_=Text), _IN)
_KNOWN = select(_k.value).where(_k.partner == bindparam("of", type_=Text), _IN)
_OVERRULED = select(func.max(_k.overruled)).where(_k.value == bindparam("number", type_=BigInteger))
_FORGET = delete(kept_accounts).where(
    _k.partner == bindparam("of", type_=Text), _k.value == bindparam("number", type_=BigInteger)
)
_LISTED = select(_k.partner, subject_rows.c.subject, _k.since, _k.left, _k.code, _k.answered).join_from(
    kept_accounts, subject_rows, subject_rows.c.number == _k.value
)
_PLACED = _LISTED.add_columns(_k.value)
_DUE = bindparam("due", type_=BigInteger)
_RECENT = _k.answered.is_not(None) & (_k.since >= bindparam("recent", type_=BigInteger))
_COUNTS = (
    select(
        _k.partner,
        func.sum(case((_OPEN, 1), else_=0)),
        func.sum(case((_OPEN & (_k.since < _DUE), 1), else_=0)),
        func.min(case((_OPEN, _k.since))),
        func.sum(case((_RECENT, 1), else_=0)),
        func.sum(case((_RECENT & (_k.answered - _k.since <= bindparam("target", type_=BigInteger)), 1), else_=0)),
    )
    .where(or_(_OPEN, _k.since >= bindparam("recent", type_=BigInteger)))
    .group_by(_k.partner)
    .order_by(_k.partner)
)
