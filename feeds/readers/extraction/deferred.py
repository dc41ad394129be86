"""What in a text is decided only by the lines below it: an account's bank, and whose a number is."""

from collections.abc import Iterator, Sequence

from feeds.readers.extraction.classification import Surroundings
from feeds.readers.extraction.numbers_and_handles import bank_columns
from feeds.readers.rows import Row, Unreadable
from schemas.reference.banks.recognition import BankMention

# An account's bank may stand in a line of its own, so many lines above or below.
_NEAR = 3


class DeferredAccounts:
    """Accounts whose bank stands in a line of its own."""

    def __init__(self) -> None:
        """Begin without any."""
        self._waiting: list[tuple[int, Row]] = []
        self._bank: BankMention | None = None
        self._named_at = -_NEAR

    def add(self, number: int, row: Row, above: Sequence[BankMention]) -> Iterator[Row]:
        """Give an account with the bank that a line near it, or else the heading ``above``, names; or let it wait."""
        bank = self._bank if self._bank and number - self._named_at <= _NEAR else above[-1] if above else None
        if bank:
            yield Row(number, {**row.fields, **bank_columns(bank)})
        else:
            self._waiting.append((number, row))

    def line(self, number: int, named: BankMention | None) -> Iterator[Row]:
        """Take note of the bank of a line; give the accounts that waited for it, or long enough."""
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
        """Give all that still wait, without their bank."""
        waiting, self._waiting = self._waiting, []
        yield from (row for _, row in waiting)

    def forget(self) -> None:
        """Forget the bank that was named."""
        self._bank = None


class DeferredParagraph:
    """What the lines of a paragraph gave, and what waits for its end.

    ``taken`` is the last line that gave a value, ``spared`` the last that named a contact or somebody's real one.
    """

    def __init__(self) -> None:
        """Begin the first paragraph."""
        self.taken = self.spared = -_NEAR
        self._lines: dict[int, bool] = {}
        self._waiting: list[tuple[Row, Unreadable]] = []

    def later(
        self, row: Row | Unreadable | None, otherwise: Row | Unreadable | None, around: Surroundings
    ) -> Row | Unreadable | None:
        """Put off what a label such as "Phone" alone speaks for; return what is decided."""
        if around.general and isinstance(row, Unreadable) and isinstance(otherwise, Row):
            self._waiting.append((otherwise, row))
            return None
        return row

    def note(self, number: int, row: Row | Unreadable | None) -> None:
        """Remember what a line gave."""
        if isinstance(row, Row):
            self.taken = number
            self._lines[number] = True
        elif row and row.reason == "not-a-report":
            self.spared = number
            self._lines.setdefault(number, False)

    def end(self) -> Iterator[Row | Unreadable]:
        """Give what waited: values where the nearest line that says so gave one, and no contact."""
        waiting, self._waiting = self._waiting, []
        lines, self._lines = self._lines, {}
        for row, refusal in waiting:
            nearest = min(lines, key=lambda number: abs(number - row.line), default=None)
            yield row if nearest is not None and lines[nearest] else refusal
