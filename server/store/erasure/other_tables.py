"""All tables but the log, read row by row: what names an erased value goes, what mentions it in a text is cleaned.

Tables that other rooms add are read too, by the same rules: a row with a column that is exactly a name of the value, or
the key of a contribution that is erased, goes; in any other text the value is replaced.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Column, LargeBinary, Table, Text, delete, select, tuple_, update

from server.store import __name__ as store_name, __path__ as store_folders, subjects
from server.store.database.engine import Tx
from server.store.database.sql import any_of
from server.store.erasure.tables import metadata
from server.store.keepers.tables import kept_accounts
from server.store.tables import subjects as subject_rows, value_index

# The log has its own rules; of the others no text comes from outside, or an erasure needs them until its end.
LEFT_OUT = frozenset(
    (
        *("objects", "dictionaries", "subjects", "jobs", "erasures", "erased_names", "alembic_version"),
        "migration_lock",
        # Digests with salts, keys and names of logs: what an erasure does to them comes with the rows of the log.
        *("ledger_trees", "ledger_spans", "ledger_tiles", "ledger_heads", "ledger_removals", "ledger_keys"),
        "ledger_statements",
        *("ledger_witnesses", "ledger_witness_sizes", "ledger_other_hubs", "ledger_other_logs"),
    )
)
# Rows that say what was done, or where a feed has come to: what mentions the value there is counted, and stays.
_UNTOUCHED = frozenset(("audit", "checkpoints", "files_read"))
# Rows that go whatever of them mentions the value.
_WHOLE = frozenset(("dead_letters", "match_rows"))
STATUSES = "statuses"


class TraceFinder(Protocol):
    """The traces that are looked for: see ``server.release.erasure.traces``."""

    def is_name(self, text: str) -> bool:
        """Return whether a text is exactly a name of the value, or the key of an erased contribution."""

    def is_in(self, text: bytes) -> bool:
        """Return whether a text mentions the value."""

    def cleaned(self, text: bytes) -> bytes:
        """Return a text, or JSON, in which the value is replaced."""


class TablePlace(NamedTuple):
    """The table that is read, by its place in their order, and the key of the last row; None before the first."""

    table: int
    key: Sequence[Any] | None


CleanStatus = Callable[[str, bytes], bytes]


def names() -> list[str]:
    """Return the names of the tables that are read, in their order."""
    return [table.name for table in _tables()]


def clean(
    tx: Tx, traces: TraceFinder, place: TablePlace, most: int, clean_status: CleanStatus, counts: Counter[str]
) -> TablePlace | None:
    """Clean the next ``most`` rows, add to the ``counts`` what was done, and return the place after; None at the end.

    ``clean_status`` returns the body of a partner's status without what is erased.
    """
    tables = _tables()
    if place.table >= len(tables):
        return None
    table = tables[place.table]
    keys = tuple(table.primary_key.columns)
    read = [*keys, *(column for column in _texts(table) if not column.primary_key)]
    if not _texts(table):
        return TablePlace(place.table + 1, None)
    asked = select(*read).order_by(*keys).limit(most)
    if place.key is not None:
        asked = asked.where(tuple_(*keys) > tuple_(*map(_stored, keys, place.key)))
    rows = tx.execute(asked).all()
    for row in rows:
        _clean(tx, table, dict(zip([column.name for column in read], row, strict=True)), traces, clean_status, counts)
    if len(rows) < most:
        return TablePlace(place.table + 1, None)
    return TablePlace(place.table, [_sent(part) for part in rows[-1][: len(keys)]])


def _clean(
    tx: Tx, table: Table, row: Mapping[str, Any], traces: TraceFinder, clean_status: CleanStatus, counts: Counter[str]
) -> None:
    name = table.name
    mine = [column == row[column.name] for column in table.primary_key.columns]
    if name == STATUSES:
        body = clean_status(row["partner"], bytes(row["body"]))
        if body != bytes(row["body"]):
            tx.execute(update(table).where(*mine).values(body=body))
            counts[name] += 1
        return
    texts = {column.name: row[column.name] for column in _texts(table) if row[column.name] is not None}
    found = {column: text for column, text in texts.items() if traces.is_in(_bytes(text))}
    if _goes(name, texts, found, traces):
        tx.execute(delete(table).where(*mine))
        counts[name] += 1
    elif found and (name in _UNTOUCHED or any(table.c[column].primary_key for column in found)):
        counts[f"stays in {name}"] += 1
    elif found:
        changes = {column: _like(text, traces.cleaned(_bytes(text))) for column, text in found.items()}
        tx.execute(update(table).where(*mine).values(**changes))
        counts[name] += 1


def _goes(name: str, texts: Mapping[str, Any], found: Mapping[str, Any], traces: TraceFinder) -> bool:
    """Return whether a row is removed whole: its table has such rows alone, or a text of it is the value itself."""
    if name in _UNTOUCHED:
        return False
    return (name in _WHOLE and bool(found)) or any(map(traces.is_name, filter(_is_text, texts.values())))


def _is_text(text: Any) -> bool:
    return isinstance(text, str)


def forget_mentioned(tx: Tx, mentioned: Iterable[str]) -> int:
    """Remove from the value index all that mentions one of these values, keys or ids; return the number of rows."""
    wanted = sorted(set(mentioned))
    return tx.execute(delete(value_index).where(any_of(tx, value_index.c.subject, wanted))).rowcount if wanted else 0


def forget_subjects(tx: Tx, names: Iterable[str]) -> int:
    """Remove values whose rows nothing refers to any more, and return their number.

    The number of a value is a digest of its name. Where the next number is another value's, which was found by way of
    this one, its place is kept under a name that says nothing.
    """
    numbers = subjects.numbers(tx, names)
    followers = subjects.names(tx, map(subjects.next_number, numbers.values()))
    for number in sorted(numbers.values()):
        tx.execute(delete(kept_accounts).where(kept_accounts.c.value == number))
        mine = subject_rows.c.number == number
        if subjects.next_number(number) in followers:
            tx.execute(update(subject_rows).where(mine).values(subject=f"erased:{number}"))
        else:
            tx.execute(delete(subject_rows).where(mine))
    return len(numbers)


@cache
def _rooms() -> None:
    """Import the tables of all rooms, those that nobody has used in this process too."""
    for room in iter_modules(store_folders, f"{store_name}."):
        for name in ("tables", "match_tables") if room.ispkg else ():
            if find_spec(f"{room.name}.{name}") is not None:
                import_module(f"{room.name}.{name}")


def _tables() -> list[Table]:
    _rooms()
    return [table for table in metadata.sorted_tables if table.name not in LEFT_OUT and table.primary_key.columns]


@lru_cache(maxsize=256)
def _texts(table: Table) -> tuple[Column[Any], ...]:
    return tuple(column for column in table.columns if isinstance(column.type, Text | LargeBinary))


def _bytes(text: Any) -> bytes:
    return text.encode() if isinstance(text, str) else bytes(text)


def _like(before: Any, text: bytes) -> Any:
    return text.decode() if isinstance(before, str) else text


def _sent(part: Any) -> Any:
    """Return a part of a key as JSON has it."""
    return {"hex": bytes(part).hex()} if isinstance(part, bytes | memoryview) else part


def _stored(column: Column[Any], part: Any) -> Any:
    return bytes.fromhex(part["hex"]) if isinstance(part, dict) else part
