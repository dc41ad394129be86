"""Determines a file's conventions for dates and confidence from whole columns: day or month first, of 1 or of 100.

Rows wait, at most some thousands, until a cell of their column decides; without such a cell nothing is guessed.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from feeds.readers.columns.cell_meanings import is_empty_word
from feeds.readers.columns.dates import DateReading, DayMonthOrder, Moment, read_date
from feeds.readers.columns.vocabulary import vocabulary
from feeds.readers.rows import FileRow, Note, Notes, Row, Unreadable
from schemas import timestamp
from schemas.errors import Rejected
from schemas.report import FIELDS

_ENDS = ("valid_until", "hold_until")
_STARTS = tuple(name for name, field in FIELDS.items() if field.is_time and name not in ("last_seen", *_ENDS))
_END = "_until"
_TIMES = (*_STARTS, "last_seen", *_ENDS)
# A report without these would claim more than its reporter did, or claim it for another time.
_NEEDED = {"reported_at", *_ENDS}
_MOST_WAITING = 20_000
_MANY = 4096
_OLDEST = date(2000, 1, 1)
_DAY = timedelta(days=1)
_FURTHEST_END = timedelta(days=20 * 366)
# The earliest time zone of the earth begins its day this long before UTC.
_EARLIEST_ZONE = timedelta(hours=14)
_LAST = time(23, 59, 59, 999_000)
_NOT_A_DATE = "not a known form of a date or time: write it as 2026-01-31T08:00:00Z or as 2026-01-31"
_AMBIGUOUS = (
    "date-ambiguous",
    "day and month may be in either order, and no date of the column decides: set the order (--date-order "
    "day-first or month-first, date_order of a feed), or write it as 2026-01-31",
)


@dataclass(frozen=True)
class Conventions:
    """Conventions of a file that are known beforehand.

    ``zone`` is the time zone of dates and times without one, None if unknown (then UTC). ``order`` is the order of day
    and month, ``usual`` the one of the file's country, which applies unless a date of the file shows another.
    ``known`` is the time when the file was written: nothing in it was seen later.
    """

    known: datetime
    zone: tzinfo | None = None
    order: DayMonthOrder | None = None
    usual: DayMonthOrder | None = None


def settled(rows: Iterable[FileRow], conventions: Conventions) -> Iterator[FileRow]:
    """Yield ``rows`` with their times in UTC in the form of RFC 3339, and their confidence from 0 to 100.

    A bare date is the beginning of its day; as an end it is the end of its day. A time that cannot be read is noted;
    if the report needs it, its row is refused.
    """
    columns, waiting = ColumnConventions(conventions), deque[FileRow]()
    for row in rows:
        if isinstance(row, Row) and len(row.fields) > 1:
            columns.learn(row.fields)
        elif not waiting:
            yield row
            continue
        if not waiting and not columns.open:
            yield columns.settle(row)
            continue
        waiting.append(row)
        if not columns.open or len(waiting) >= _MOST_WAITING:
            columns.open.clear()
            yield from map(columns.settle, waiting)
            waiting.clear()
    yield from map(columns.settle, waiting)


class ColumnConventions:
    """The conventions shown by a file's cells so far. ``open`` are the columns that rows wait for."""

    def __init__(self, conventions: Conventions, times: Sequence[str] = _TIMES) -> None:
        """Start without any cell; the columns ``times`` contain times."""
        self._times = times
        self._conventions = conventions
        self._orders: dict[str, set[DayMonthOrder]] = {}
        self._scales: set[int] = set()
        self._noted: dict[tuple[Notes, tuple[tuple[str, str], ...]], Notes] = {}
        # Times that no other cell can change.
        self._clear: dict[tuple[str, str], str] = {}
        self.open: set[str] = set()

    def learn(self, fields: Mapping[str, str]) -> None:
        """Learn from a row's cells, and mark columns as open that only other rows can decide."""
        for field in self._times:
            if text := fields.get(field):
                reading = read_date(text)
                if reading.order:
                    self._orders.setdefault(field, set()).add(reading.order)
                    self.open.discard(field)
                elif reading.other and self._shown_order(field) is None and field not in self._orders:
                    self.open.add(field)
        if level := fields.get("confidence"):
            self._learn_scale(level)

    def _learn_scale(self, level: str) -> None:
        number = _number(level)
        if number is None:
            return
        if 0 < number < 1 or number > 1:
            self._scales.add(1 if number < 1 else 100)
            self.open.discard("confidence")
        elif not self._scales:
            self.open.add("confidence")

    def settle(self, row: FileRow) -> FileRow:
        """Return a row with its times and its confidence in the form of reports."""
        if not isinstance(row, Row) or len(row.fields) < 2:
            return row
        changed: dict[str, str] = {}
        unread: list[tuple[str, str]] = []
        for field in _TIMES:
            if text := row.fields.get(field):
                try:
                    changed[field] = self.time(field, text)
                except Rejected as refusal:
                    if field in _NEEDED:
                        message = f"{field}: {refusal.message}"
                        refused = Unreadable.of(row.line, row.fields.get("value") or text, refusal.reason, message)
                        return refused._replace(notes=row.notes, place=row.place, values=row.values, part=row.part)
                    changed[field] = ""
                    unread.append((field, refusal.reason))
        if level := row.fields.get("confidence"):
            changed["confidence"], fault = self._level(level)
            if fault:
                unread.append(("confidence", fault))
        if not changed:
            return row
        fields = {field: text for field, text in {**row.fields, **changed}.items() if text or field not in changed}
        return row._replace(fields=fields, notes=self._notes_with(row.notes, tuple(unread)) if unread else row.notes)

    def _notes_with(self, notes: Notes, unread: tuple[tuple[str, str], ...]) -> Notes:
        if (known := self._noted.get((notes, unread))) is None:
            if len(self._noted) > _MANY:
                self._noted.clear()
            known = self._noted[notes, unread] = notes + [Note("cell", field, fault) for field, fault in unread]
        return known

    def _order(self, field: str) -> DayMonthOrder | None:
        """Return the order of day and month in a column: the one that its file shows, otherwise the usual one."""
        return self._shown_order(field) or (None if self._orders else self._conventions.usual)

    def _shown_order(self, field: str) -> DayMonthOrder | None:
        """Return the order of day and month in a column: by its own cells, else by the file's other columns."""
        if self._conventions.order:
            return self._conventions.order
        seen = self._orders.get(field) or {order for orders in self._orders.values() for order in orders}
        return next(iter(seen)) if len(seen) == 1 else None

    def time(self, field: str, text: str) -> str:
        """Return a time in UTC, "" for an empty word. Raises ``Rejected``."""
        if (known := self._clear.get((field, text))) is not None:
            return known
        reading = read_date(text)
        if not reading.moments:
            if is_empty_word(text, vocabulary()):
                return ""
            try:
                return timestamp.text(timestamp.parse(text))
            except Rejected:
                raise Rejected(f"bad-{field.replace('_', '-')}", _NOT_A_DATE) from None
        written = timestamp.text(self._in_utc(field, self._moment(field, reading)))
        if not reading.other:
            if len(self._clear) > _MANY:
                self._clear.clear()
            self._clear[field, text] = written
        return written

    def _moment(self, field: str, reading: DateReading) -> Moment:
        """Return the only possible moment. Raises ``Rejected`` if there are several."""
        moments = reading.moments
        if reading.other:
            order = self._order(field)
            if order is None:
                raise Rejected(*_AMBIGUOUS)
            moments = reading.moments if order == "day-first" else reading.other
        if reading.century:
            latest = self._conventions.known.date() + (_FURTHEST_END if field in _ENDS else _DAY)
            moments = tuple(moment for moment in moments if _OLDEST <= moment.day <= latest)
        if len(moments) != 1:
            raise Rejected("date-ambiguous", "the year has two digits and may be of two centuries: write all four")
        return moments[0]

    def _in_utc(self, field: str, moment: Moment) -> datetime:
        known, zone = self._conventions.known, moment.zone or self._conventions.zone or UTC
        try:
            if moment.clock is not None:
                return datetime.combine(moment.day, moment.clock, zone).astimezone(UTC)
            begin = datetime.combine(moment.day, time(), zone).astimezone(UTC)
            end = datetime.combine(moment.day, _LAST, zone).astimezone(UTC)
        except (ValueError, OverflowError):
            raise Rejected(f"bad-{field.replace('_', '-')}", _NOT_A_DATE) from None
        if field.endswith(_END):
            return end
        if field == "last_seen":
            return max(begin, min(end, known))
        if self._conventions.zone is None and timedelta(0) < begin - known <= _EARLIEST_ZONE:
            return known
        return begin

    def _level(self, text: str) -> tuple[str, str]:
        """Return a confidence from 0 to 100, or "" and the reason if its scale is unclear."""
        number = _number(text)
        if number is None:
            return text, ""
        if number not in (0, 1):
            return str(round(number * 100 if number < 1 else number)), ""
        if self._scales == {1}:
            return str(round(number * 100)), ""
        if number == 0 or self._scales == {100} or (text == "1" and not self._scales):
            return str(int(number)), ""
        return "", "scale-unclear"


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number <= 100 else None
