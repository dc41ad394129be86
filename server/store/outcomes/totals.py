"""Totals of outcomes: the records that state some, the selection of counted ones, and the sums by day.

Of repeated records, the newest counts. The sums are updated in the transaction that stores a record, and do not depend
on the order of records.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from datetime import date
from decimal import Context, Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, delete, insert, or_, select, update

from schemas.fields import plain_amount
from server.store.database.engine import Tx
from server.store.database.sql import insert_many
from server.store.outcomes.tables import outcome_records, outcome_totals

# Maximum number of one partner's records about the same subject. More do not count, because each costs as much as all.
MOST_ALIKE = 1_000
_PART = 400
_EPOCH = date(1970, 1, 1).toordinal()
# Enough digits for any sum of amounts.
_EXACT = Context(prec=80)
_NOTHING = Decimal(0)
_NOTHING_FORMERLY: Mapping[bytes, bytes] = MappingProxyType({})
_r, _t = outcome_records.c, outcome_totals.c


class OutcomeTotals(NamedTuple):
    """The totals stated by one outcome record; ``key`` is its key in the inbox.

    ``about`` is a digest of its subject. Records with the same one may be repetitions: always if they have a reference
    (``referenced``), otherwise if their periods overlap. ``day`` is the day on which it counts. ``stated``
    (microseconds) decides which record is the newest. ``number`` counts payments, accounts or messages.
    """

    key: str
    outcome: str
    about: bytes
    referenced: bool
    kind: str
    scam_type: str
    country: str
    day: date
    first_day: date | None
    last_day: date | None
    number: int | None
    victims: int | None
    amount: Decimal | None
    currency: str
    stated: int


class DayTotals(NamedTuple):
    """The sum of a day's counted records of one partner, outcome, kind, scam type, country and currency.

    ``currency`` is empty if no amount was stated. Sums of two outcomes may contain the same money: never add them up.
    """

    day: date
    partner: str
    outcome: str
    kind: str
    scam_type: str
    country: str
    currency: str
    records: int
    number: int
    victims: int
    amount: Decimal


class _Kept(NamedTuple):
    """A stored record, whether it counts, and its partner."""

    totals: OutcomeTotals
    counted: bool
    partner: str


def fold(
    tx: Tx,
    partner: str,
    stated: Iterable[OutcomeTotals],
    ended: Iterable[str] = (),
    *,
    organisation: Iterable[str] = (),
    formerly: Mapping[bytes, bytes] = _NOTHING_FORMERLY,
) -> Set[str]:
    """Count the records ``stated`` by ``partner``, remove those of the ``ended`` keys, and update the sums.

    Records of all partners of its ``organisation`` may be repetitions. ``formerly`` maps stored digests to the ones
    used now. The caller has locked these partners. Return the keys of records that do not count because too many have
    the same subject. A record older than the stored one with its key changes nothing.
    """
    new = {totals.key: totals for totals in stated}
    gone = set(ended) - new.keys()
    about = {totals.about for totals in new.values()}
    before = _find(tx, {partner, *organisation}, {*new, *gone}, about | formerly.keys())
    older = {key for key, totals in new.items() if key in before and before[key].totals.stated > totals.stated}
    for key in older:
        del new[key]
    kept = {
        key: stored.totals._replace(about=formerly.get(stored.totals.about, stored.totals.about))
        for key, stored in before.items()
        if key not in gone and key not in new
    }
    refused = _over(kept, new)
    kept |= {key: totals for key, totals in new.items() if key not in refused}
    by = {key: stored.partner for key, stored in before.items()} | dict.fromkeys(new, partner)
    after = {key: _Kept(totals, counted, by[key]) for key, (totals, counted) in _counting(kept).items()}
    _write(tx, before, after)
    for name, difference in sorted(_differences(before, after).items()):
        _add(tx, name, difference)
    return refused


def totals(
    tx: Tx, partner: str | None = None, since: date | None = None, until: date | None = None, limit: int = 1_000_000
) -> list[DayTotals]:
    """Return the sums by day, the latest first, of one partner or of all; ``until`` is the last day."""
    asked = select(outcome_totals).order_by(_t.day.desc(), *list(_t)[1:7]).limit(limit)
    if partner is not None:
        asked = asked.where(_t.partner == partner)
    if since is not None:
        asked = asked.where(_t.day >= _number(since))
    if until is not None:
        asked = asked.where(_t.day <= _number(until))
    return [DayTotals._make((_day(row[0]), *row[1:-1], Decimal(row[-1]))) for row in tx.execute(asked)]


def added(amounts: Iterable[Decimal]) -> Decimal:
    """Return the exact sum of amounts."""
    total = _NOTHING
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total


def _find(tx: Tx, partners: Set[str], keys: Set[str], about: Set[bytes]) -> dict[str, _Kept]:
    """Return the stored records with these keys, and all that share a current or earlier subject with them."""
    rows = {row.key: row for row in _rows(tx, partners, keys, ())}
    groups = about | {bytes(row.about) for row in rows.values()}
    rows |= {row.key: row for row in _rows(tx, partners, (), groups)}
    return {key: _kept(row) for key, row in rows.items()}


def _rows(tx: Tx, partners: Iterable[str], keys: Iterable[str], about: Iterable[bytes]) -> list[Row[Any]]:
    found: list[Row[Any]] = []
    mine = _r.partner.in_(sorted(partners))
    for column, wanted in ((_r.key, sorted(keys)), (_r.about, sorted(about))):
        for start in range(0, len(wanted), _PART):
            among = wanted[start : start + _PART]
            found += tx.execute(select(outcome_records).where(mine, column.in_(among))).all()
    return found


def _over(kept: Mapping[str, OutcomeTotals], new: Mapping[str, OutcomeTotals]) -> set[str]:
    """Return the keys of new records that exceed the limit for the same subject."""
    alike: dict[bytes, int] = defaultdict(int)
    for totals in kept.values():
        alike[totals.about] += 1
    over = set()
    for key, totals in sorted(new.items()):
        alike[totals.about] += 1
        if alike[totals.about] > MOST_ALIKE:
            over.add(key)
    return over


def _counting(records: Mapping[str, OutcomeTotals]) -> dict[str, tuple[OutcomeTotals, bool]]:
    """Return each record with whether it counts. From the newest on, repetitions do not count."""
    groups: dict[bytes, list[OutcomeTotals]] = defaultdict(list)
    for record in records.values():
        groups[record.about].append(record)
    found: dict[str, tuple[OutcomeTotals, bool]] = {}
    for group in groups.values():
        counting: list[OutcomeTotals] = []
        for record in sorted(group, key=lambda record: (record.stated, record.key), reverse=True):
            counts = not any(_states_again(record, newer) for newer in counting)
            if counts:
                counting.append(record)
            found[record.key] = record, counts
    return found


def _states_again(one: OutcomeTotals, other: OutcomeTotals) -> bool:
    """Return whether two records with the same subject are repetitions, by reference or overlapping periods."""
    if one.referenced:
        return True
    starts = [record.first_day or record.last_day for record in (one, other)]
    ends = [record.last_day or record.first_day for record in (one, other)]
    if None in starts or None in ends:
        return True  # a record without a period covers all days
    return max(filter(None, starts)) <= min(filter(None, ends))


def _write(tx: Tx, before: Mapping[str, _Kept], after: Mapping[str, _Kept]) -> None:
    """Store the changed records."""
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    flags: dict[bool, list[str]] = {True: [], False: []}
    replaced, rows = [], []
    for key in sorted(changed):
        old, new = before.get(key), after.get(key)
        if old is not None and new is not None and old.totals == new.totals:
            flags[new.counted].append(key)
            continue
        if old is not None:
            replaced.append(key)
        if new is not None:
            rows.append(_row(new))
    for counted, keys in flags.items():
        for start in range(0, len(keys), _PART):
            among = keys[start : start + _PART]
            tx.execute(update(outcome_records).where(_r.key.in_(among)).values(counted=counted))
    for start in range(0, len(replaced), _PART):
        tx.execute(delete(outcome_records).where(_r.key.in_(replaced[start : start + _PART])))
    insert_many(tx, outcome_records, rows)


class _Sum(NamedTuple):
    records: int = 0
    number: int = 0
    victims: int = 0
    amount: Decimal = _NOTHING

    def plus(self, other: "_Sum", times: int = 1) -> "_Sum":
        amount = _EXACT.add(self.amount, _EXACT.multiply(other.amount, Decimal(times)))
        return _Sum(
            self.records + times * other.records,
            self.number + times * other.number,
            self.victims + times * other.victims,
            amount,
        )


class _Cell(NamedTuple):
    """The columns of a partner's sum, besides the sums themselves."""

    day: int
    outcome: str
    kind: str
    scam_type: str
    country: str
    currency: str


_CELL = [_t[name] for name in _Cell._fields]


def _differences(before: Mapping[str, _Kept], after: Mapping[str, _Kept]) -> dict[str, dict[_Cell, _Sum]]:
    """Return by partner the changes of its sums, by cell."""
    found: dict[str, dict[_Cell, _Sum]] = defaultdict(lambda: defaultdict(_Sum))
    for times, records in ((-1, before), (1, after)):
        for totals, counted, partner in records.values():
            if counted:
                cell, sums = _cell(totals), found[partner]
                stated = _Sum(1, totals.number or 0, totals.victims or 0, totals.amount or _NOTHING)
                sums[cell] = sums[cell].plus(stated, times)
    return {
        partner: {cell: change for cell, change in sums.items() if change != _Sum()} for partner, sums in found.items()
    }


def _cell(totals: OutcomeTotals) -> _Cell:
    return _Cell(_number(totals.day), totals.outcome, totals.kind, totals.scam_type, totals.country, totals.currency)


def _add(tx: Tx, partner: str, difference: Mapping[_Cell, _Sum]) -> None:
    """Add to the sums of a partner, which the caller has locked."""
    cells = sorted(difference)
    for start in range(0, len(cells), _PART // 4):
        part = cells[start : start + _PART // 4]
        these = or_(*(and_(*(column == is_ for column, is_ in zip(_CELL, cell, strict=True))) for cell in part))
        known = {
            _Cell(*cell): _Sum(records, number, victims, Decimal(amount))
            for *cell, records, number, victims, amount in tx.execute(
                select(*_CELL, _t.records, _t.number, _t.victims, _t.amount).where(_t.partner == partner, these)
            )
        }
        if known:
            tx.execute(delete(outcome_totals).where(_t.partner == partner, these))
        sums = {cell: known.get(cell, _Sum()).plus(difference[cell]) for cell in part}
        rows = [
            {**cell._asdict(), **total._asdict(), "partner": partner, "amount": plain_amount(total.amount)}
            for cell, total in sums.items()
            if total.records
        ]
        if rows:
            tx.execute(insert(outcome_totals), rows)


def _row(kept: _Kept) -> tuple[object, ...]:
    totals = kept.totals
    return (
        totals.key,
        kept.partner,
        totals.outcome,
        totals.about,
        totals.referenced,
        totals.kind,
        totals.scam_type,
        totals.country,
        _number(totals.day),
        None if totals.first_day is None else _number(totals.first_day),
        None if totals.last_day is None else _number(totals.last_day),
        totals.number,
        totals.victims,
        None if totals.amount is None else plain_amount(totals.amount),
        totals.currency,
        totals.stated,
        kept.counted,
    )


def _kept(row: Row[Any]) -> _Kept:
    totals = OutcomeTotals(
        row.key,
        row.outcome,
        bytes(row.about),
        bool(row.referenced),
        row.kind,
        row.scam_type,
        row.country,
        _day(row.day),
        None if row.first_day is None else _day(row.first_day),
        None if row.last_day is None else _day(row.last_day),
        row.number,
        row.victims,
        None if row.amount is None else Decimal(row.amount),
        row.currency,
        row.stated,
    )
    return _Kept(totals, bool(row.counted), row.partner)


def _number(day: date) -> int:
    return day.toordinal() - _EPOCH


def _day(number: int) -> date:
    return date.fromordinal(number + _EPOCH)
