"""Values that only the lines below decide: accounts that wait for their bank, and numbers whose owner is unclear."""

from collections.abc import Iterator, Sequence

from feeds.readers.extraction.classification import Surroundings
from feeds.readers.extraction.numbers_and_handles import bank_columns
from feeds.readers.rows import Row, Unreadable
from schemas.reference.banks.recognition import BankMention

# The bank of an account may stand in a line of its own, at most this many lines above or below.
_NEAR = 3


class DeferredAccounts:
    """Accounts that wait for a line with the name of their bank."""

    def __init__(self) -> None:
        """Start without any."""
        self._waiting: list[tuple[int, Row]] = []
        self._bank: BankMention | None = None
        self._named_at = -_NEAR

    def add(self, number: int, row: Row, above: Sequence[BankMention]) -> Iterator[Row]:
        """Yield an account with the bank of a near line, or else of the heading ``above``; without one, let it wait."""
        bank = self._bank if self._bank and number - self._named_at <= _NEAR else above[-1] if above else None
        if bank:
            yield Row(number, {**row.fields, **bank_columns(bank)})
        else:
            self._waiting.append((number, row))

    def line(self, number: int, named: BankMention | None) -> Iterator[Row]:
        """Record the bank of a line; yield the accounts that waited for it, or that have waited long enough."""
        if named:
            self._bank, self._named_at = named, number
        waiting, self._waiting = self._waiting, []
        for line, row in waiting:
            if named:
                yield Row(line, {**row.fields, **bank_columns(named)})
            elif number - line >= _NEAR:
                yield row
            else:
                self._waiting.append((line, row))

    def all(self) -> Iterator[Row]:
        """Yield all accounts that still wait, without their bank."""
        waiting, self._waiting = self._waiting, []
        yield from (row for _, row in waiting)

    def forget(self) -> None:
        """Forget the last named bank."""
        self._bank = None


class DeferredParagraph:
    """The results of the lines of a paragraph, and the values that wait for its end.

    ``accepted`` is the last line with a value of the scam, ``refused`` the last with a contact or a legitimate value.
    """

    def __init__(self) -> None:
        """Start with the first paragraph."""
        self.accepted = self.refused = -_NEAR
        self._lines: dict[int, bool] = {}
        self._waiting: list[tuple[Row, Unreadable]] = []

    def decide(
        self, row: Row | Unreadable | None, otherwise: Row | Unreadable | None, around: Surroundings
    ) -> Row | Unreadable | None:
        """Return ``row``; None where only a label such as "Phone" would accept it, so that it waits."""
        if around.general and isinstance(row, Unreadable) and isinstance(otherwise, Row):
            self._waiting.append((otherwise, row))
            return None
        return row

    def note(self, number: int, row: Row | Unreadable | None) -> None:
        """Record the result of a line."""
        if isinstance(row, Row):
            self.accepted = number
            self._lines[number] = True
        elif row and row.reason == "not-a-report":
            self.refused = number
            self._lines.setdefault(number, False)

    def end(self) -> Iterator[Row | Unreadable]:
        """Yield the waiting values: accepted where the nearest decided line has a value, else refused."""
        waiting, self._waiting = self._waiting, []
        lines, self._lines = self._lines, {}
        for row, refusal in waiting:
            nearest = min(lines, key=lambda number: abs(number - row.line), default=None)
            yield row if nearest is not None and lines[nearest] else refusal
