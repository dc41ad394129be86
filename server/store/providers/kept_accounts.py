"""The clocks of providers: the time between a listing of a provider's account and the provider's finding."""

from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple

from sqlalchemy import BigInteger, ScalarSelect, Text, bindparam, case, delete, func, insert, or_, select, update

from server.store import subjects
from server.store.database.engine import Tx
from server.store.database.sql import among, chunks
from server.store.providers.tables import kept_accounts
from server.store.tables import subjects as subject_rows

_k = kept_accounts.c


class KeptAccount(NamedTuple):
    """A provider's value, when it was listed for the provider, and the finding. Moments are in microseconds.

    ``left`` is when it was last removed from the provider's listings, None while it is listed.
    """

    partner: str
    subject: str
    since: int
    left: int | None
    code: str | None
    answered: int | None
    reference: str | None = None


AccountOrder = Literal["time", "value", "finding"]


class AccountFilter(NamedTuple):
    """The accounts in a provider's list: those without a finding, or with ``answered`` those with one.

    ``before`` is the moment before which they were listed, ``slower`` the time that the finding took at least (both
    microseconds). ``ending`` is the end of the value. ``values`` are the only values. They are sorted by ``by``: by
    time the oldest of those that wait first, or the latest finding; by the value with its bank; by the word of the
    finding, which those that wait do not have. ``reverse`` turns the order round.
    """

    answered: bool = False
    before: int | None = None
    slower: int | None = None
    ending: str = ""
    values: frozenset[str] | None = None
    reverse: bool = False
    by: AccountOrder = "time"


class KeptPlace(NamedTuple):
    """A place in a provider's list: the moment it is sorted by (microseconds), and the number of the value."""

    moment: int
    value: int


PlacedAccount = tuple[KeptAccount, KeptPlace]
_WAITING = AccountFilter()


class AnswerCounts(NamedTuple):
    """The counts of one provider: listings without a finding, late ones, the oldest time, and the findings."""

    partner: str
    open: int
    late: int
    oldest: int | None
    answered: int
    in_time: int


def enter(tx: Tx, partner: str, values: Iterable[str], moment: int) -> None:
    """Start waiting for the partner's findings about these values, which are listed for it from this moment on."""
    numbers = subjects.numbers(tx, values)
    _update(tx, partner, numbers.values(), since=moment, left=None, code=None, answered=None, reference=None)
    known = _known(tx, partner, numbers.values())
    rows = [{"partner": partner, "value": number, "since": moment} for number in sorted(set(numbers.values()) - known)]
    if rows:
        tx.execute(insert(kept_accounts), rows)


def leave(tx: Tx, partner: str, values: Iterable[str], moment: int) -> None:
    """Record that these values are no longer listed for the partner, so no finding is needed."""
    _update(tx, partner, subjects.numbers(tx, values).values(), left=moment)


def leave_all(tx: Tx, partner: str, moment: int) -> None:
    """Record that no value is listed for the partner any longer, because it has left."""
    tx.execute(update(kept_accounts).where(_k.partner == partner, _k.left.is_(None)).values(left=moment))


def come_back(tx: Tx, partner: str, values: Iterable[str], moment: int) -> None:
    """Wait again for the partner's findings about these values, which stayed listed while it was gone."""
    since = case((_k.answered.is_(None), moment), else_=_k.since)
    for chunk in chunks(sorted(subjects.numbers(tx, values).values())):
        gone = _MINE.where(_k.left.is_not(None)).values(left=None, since=since)
        tx.execute(gone, {"of": partner, "numbers": chunk})


def answer(tx: Tx, partner: str, values: Iterable[str], code: str, moment: int, reference: str | None = None) -> None:
    """Store the partner's finding about these values. An earlier one's time stays, because it stopped the clock."""
    numbers = subjects.numbers(tx, values).values()
    _update(tx, partner, numbers, code=code, answered=func.coalesce(_k.answered, moment), reference=reference)


def overrule(tx: Tx, subject: str, moment: int) -> None:
    """Invalidate the findings about a value that were made before this moment."""
    for number in subjects.numbers(tx, [subject]).values():
        tx.execute(update(kept_accounts).where(_k.value == number).values(overruled=moment))


def overruled(tx: Tx, subject: str) -> int:
    """Return when findings about a value were last overruled (microseconds), or 0."""
    numbers = subjects.numbers(tx, [subject])
    found = tx.execute(_OVERRULED, {"number": numbers.get(subject)}).scalar() if numbers else None
    return found or 0


def find(
    tx: Tx, partner: str | None = None, *, every: bool = False, values: Iterable[str] | None = None, limit: int = 1_000
) -> list[KeptAccount]:
    """Return values without a finding, the oldest first; with ``every`` also those with one, or no longer listed."""
    asked = _LISTED.order_by(_k.since, subject_rows.c.subject).limit(limit)
    if partner is not None:
        asked = asked.where(_k.partner == partner)
    if not every:
        asked = asked.where(_OPEN)
    if values is not None:
        asked = asked.where(_k.value.in_(sorted(subjects.numbers(tx, values).values())))
    return [KeptAccount(*row) for row in tx.execute(asked)]


def page(
    tx: Tx, partner: str, wanted: AccountFilter = _WAITING, *, after: KeptPlace | None = None, limit: int = 100
) -> list[PlacedAccount]:
    """Return the partner's accounts in the order of ``wanted``, with their places, ``after`` a place."""
    moment = _k.answered if wanted.answered else _k.since
    key = {"time": moment, "value": subject_rows.c.subject, "finding": func.coalesce(_k.code, "")}[wanted.by]
    falls = (wanted.answered and wanted.by == "time") is not wanted.reverse
    asked = _PLACED.where(_k.partner == partner, _k.answered.is_not(None) if wanted.answered else _OPEN)
    asked = asked.order_by(key.desc() if falls else key, _k.value).limit(limit)
    if wanted.before is not None:
        asked = asked.where(_k.since < wanted.before)
    if wanted.slower is not None:
        asked = asked.where(_k.answered - _k.since > wanted.slower)
    if wanted.ending:
        asked = asked.where(subject_rows.c.subject.endswith(wanted.ending, autoescape=True))
    if wanted.values is not None:
        asked = asked.where(_k.value.in_(sorted(subjects.numbers(tx, wanted.values).values())))
    if after is not None:
        # Of other columns a place is the row itself, so that no value is in a link.
        place_of = after.moment if wanted.by == "time" else _key_of(wanted.by, partner, after.value)
        reached, passed = (key <= place_of, key < place_of) if falls else (key >= place_of, key > place_of)
        asked = asked.where(reached, or_(passed, (key == place_of) & (_k.value > after.value)))
    found = [(KeptAccount(*row[:-1]), row[-1]) for row in tx.execute(asked)]
    place = "answered" if wanted.answered else "since"
    return [(kept, KeptPlace(getattr(kept, place), number)) for kept, number in found]


def _key_of(by: AccountOrder, partner: str, number: int) -> ScalarSelect[str]:
    """Return what an account is sorted by, as a part of a statement."""
    if by == "value":
        return select(subject_rows.c.subject).where(subject_rows.c.number == number).scalar_subquery()
    others = kept_accounts.alias()
    mine = select(func.coalesce(others.c.code, "")).where(others.c.partner == partner, others.c.value == number)
    return mine.scalar_subquery()


def count_waiting(tx: Tx, partner: str, due: int) -> tuple[int, int]:
    """Return the number of values without the partner's finding, and how many have waited since before ``due``."""
    late = func.coalesce(func.sum(case((_k.since < due, 1), else_=0)), 0)
    row = tx.execute(select(func.count(), late).where(_k.partner == partner, _OPEN)).one()
    return row[0], row[1]


def answered(tx: Tx, values: Iterable[str], codes: Collection[str]) -> dict[str, int]:
    """Return by value, where the last finding is one of these codes, the time of the first finding (microseconds)."""
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
    """Return each provider's open and late values, and the findings about values listed ``since`` then.

    ``target`` is the time within which a finding should be made. All times are in microseconds.
    """
    found = tx.execute(_COUNTS, {"due": moment - target, "recent": since, "target": target})
    return [AnswerCounts(*row) for row in found]


def move(tx: Tx, number: int, to: int) -> None:
    """Move the data of a value to the number of another one, without overwriting the other's data."""
    there = select(_k.partner).where(_k.value == to).scalar_subquery()
    tx.execute(delete(kept_accounts).where(_k.value == number, _k.partner.in_(there)))
    tx.execute(update(kept_accounts).where(_k.value == number).values(value=to))


def forget(tx: Tx, *, before: int, most: int = 1_000) -> int:
    """Remove rows of values that were delisted ``before`` (microseconds), at most ``most``; return their number.

    Rows decided under dual control stay.
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
_LISTED = select(_k.partner, subject_rows.c.subject, _k.since, _k.left, _k.code, _k.answered, _k.reference).join_from(
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
