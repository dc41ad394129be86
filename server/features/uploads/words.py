"""The words of uploads on pages: states, filters, the fields of columns; and rows as pages show them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from schemas import timestamp
from schemas.errors import Rejected
from schemas.fields import PAID_COLUMNS
from server.features.uploads.drafts import State
from server.features.uploads.rows import LEFT_OUT, DraftRow, RowPlace
from server.store.database.times import micros
from server.web.shell.field_words import FIELD_LABELS
from server.web.shell.words import Translatable, mark

_LONGEST_RAW = 200
_LONGEST_AMOUNT = 40


class StateWords(NamedTuple):
    """The words of a state, and the colour of its label."""

    text: Translatable
    colour: str = ""


# Of files, and of their rows.
STATES: Mapping[str, StateWords] = MappingProxyType(
    {
        State.RECEIVING: StateWords(mark("Arriving")),
        State.WAITING: StateWords(mark("Being read")),
        State.READY: StateWords(mark("Ready"), "well"),
        State.FAILED: StateWords(mark("Could not be read"), "ill"),
        State.SENDING: StateWords(mark("Being sent"), "care"),
        State.SENT: StateWords(mark("Sent"), "well"),
        "duplicate": StateWords(mark("Twice in the file")),
        "refused": StateWords(mark("Refused"), "ill"),
        LEFT_OUT: StateWords(mark("Left out")),
        "published": StateWords(mark("Released"), "well"),
        "held": StateWords(mark("Held for review"), "care"),
        "kept": StateWords(mark("Stored, not released"), "care"),
    }
)


class RowFilter(NamedTuple):
    """A choice of rows: its label, and the rows that it takes."""

    text: Translatable
    takes: Callable[[DraftRow], bool]


FILTERS: Mapping[str, RowFilter] = MappingProxyType(
    {
        "refused": RowFilter(mark("Refused rows"), lambda row: row.state == "refused"),
        "held": RowFilter(mark("Held rows"), lambda row: row.state in ("held", "kept")),
        "changed": RowFilter(mark("Changed rows"), lambda row: row.corrected or row.state == LEFT_OUT),
    }
)

# Fields of reports that columns and cells hold, in the order of a form.
_FIELDS = (
    *("value", "kind", "account_number", "bank", "branch", "iban", "country", "reported_at", "first_seen", "last_seen"),
    *("scam_type", "channel", "paid_amount", "paid_currency", "hold_amount", "hold_currency", "platform", "currency"),
    *("reference", "description", "confidence", "tlp"),
)
FIELDS: Mapping[str, Translatable] = MappingProxyType(
    {**{name: FIELD_LABELS[name] for name in _FIELDS}, "ignore": mark("Do not read this column")}
)
# Of columns and cells that were not read.
REASONS: Mapping[str, Translatable] = MappingProxyType(
    {
        "unknown-column": mark("We do not know what this column holds."),
        "personal": mark("The column seems to be about people. It is not read."),
        "empty": mark("The cell of the value is empty."),
        "encoding-guessed": mark("The text is not in Unicode. Check a row with Thai letters."),
        "scale-unclear": mark("It is unclear whether the confidence is of 1 or of 100."),
        "date-ambiguous": mark("Day and month may be in either order. Choose the order below."),
    }
)


class ShownRow(NamedTuple):
    """A row as a page shows it. ``at`` is its date in microseconds, None where the text is no date.

    ``paid`` is the amount that victims paid, ``held`` the amount to hold.
    """

    place: str
    row: DraftRow
    value: str
    at: int | None
    date: str
    paid: str
    held: str


def shown(place: RowPlace, row: DraftRow) -> ShownRow:
    """Return a row for a page."""
    fields = row.fields
    written = ", ".join(f"{name}: {text}" for name, text in fields.items())
    of_account = row.value.rpartition(":")[2] if row.kind == "bank-account" else row.value
    value = of_account or fields.get("value") or fields.get("account_number") or row.raw or written
    date = next((text for name in ("reported_at", "first_seen", "last_seen") if (text := fields.get(name))), "")
    held = " ".join(filter(None, (fields.get("hold_amount"), fields.get("hold_currency"))))[:_LONGEST_AMOUNT]
    paid = _paid(fields)[:_LONGEST_AMOUNT]
    return ShownRow(f"{place.block}-{place.position}", row, value[:_LONGEST_RAW], _moment(date), date[:40], paid, held)


def _paid(fields: Mapping[str, str]) -> str:
    """Return the amount that victims paid as it is understood, or as the file has it."""
    try:
        return " ".join(PAID_COLUMNS.read(fields).values())
    except Rejected:
        return fields.get("paid_amount", "")


def _moment(text: str) -> int | None:
    try:
        return micros(timestamp.parse(text)) if text else None
    except Rejected:
        return None
