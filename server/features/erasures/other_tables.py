"""All tables except the log, read row by row: rows of an erased value are removed, and texts are cleaned.

Each column says in its declaration what an erasure does with it (``Erase``).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Column, ColumnElement, LargeBinary, Table, Text, delete, select, tuple_, update

from server.store import subjects
from server.store.database.engine import Tx
from server.store.database.sql import any_of, chunks
from server.store.providers.tables import kept_accounts
from server.store.tables import Erase, declared, subjects as subject_rows, value_index


class TraceFinder(Protocol):
    """Finds the traces of the value; see ``server.release.traces``."""

    def is_name(self, text: str) -> bool:
        """Return whether a text is exactly a name of the value, or the key of an erased contribution."""

    def exact_names(self) -> Sequence[str]:
        """Return the names of the value, and the keys of the erased contributions."""

    def is_in(self, text: bytes) -> bool:
        """Return whether a text mentions the value."""

    def cleaned(self, text: bytes) -> bytes:
        """Return a text or JSON with the value replaced."""


class TablePlace(NamedTuple):
    """The current table by its position, and the key of the last row; None before the first."""

    table: int
    key: Sequence[Any] | None


CleanStatus = Callable[[str, bytes], bytes]


def names() -> list[str]:
    """Return the names of the tables that are read, in order."""
    return [table.name for table in _tables()]


def clean(
    tx: Tx, traces: TraceFinder, place: TablePlace, most: int, clean_status: CleanStatus, counts: Counter[str]
) -> TablePlace | None:
    """Clean the next ``most`` rows, add the actions to ``counts``, and return the next place; None at the end.

    It stops after a table with changes, so that a transaction changes one table at most. ``clean_status`` returns the
    body of a partner's status without erased data.
    """
    tables, before = _tables(), counts.total()
    while most > 0 and counts.total() == before and place.table < len(tables):
        place, read = _clean_table(tx, tables[place.table], traces, place, most, clean_status, counts)
        most -= read
    return place if place.table < len(tables) else None


def _clean_table(
    tx: Tx,
    table: Table,
    traces: TraceFinder,
    place: TablePlace,
    most: int,
    clean_status: CleanStatus,
    counts: Counter[str],
) -> tuple[TablePlace, int]:
    """Clean the next rows of a table, and return the next place and the number of rows read."""
    if not _texts(table):
        return TablePlace(place.table + 1, None), 0
    if all(rule is Erase.NAME for rule in _rules(table).values()):
        if gone := _remove_named(tx, table, traces.exact_names()):
            counts[table.name] += gone
        return TablePlace(place.table + 1, None), 1
    keys = tuple(table.primary_key.columns)
    read = [*keys, *(column for column in _texts(table) if not column.primary_key)]
    asked = select(*read).order_by(*keys).limit(most)
    if place.key is not None:
        asked = asked.where(tuple_(*keys) > tuple_(*map(_stored, keys, place.key)))
    rows = tx.execute(asked).all()
    for row in rows:
        _clean(tx, table, dict(zip([column.key for column in read], row, strict=True)), traces, clean_status, counts)
    if len(rows) < most:
        return TablePlace(place.table + 1, None), len(rows)
    return TablePlace(place.table, [_sent(part) for part in rows[-1][: len(keys)]]), len(rows)


def _remove_named(tx: Tx, table: Table, names: Sequence[str]) -> int:
    """Remove the rows with one of the names in a column, and return their number."""
    return sum(
        tx.execute(delete(table).where(any_of(tx, column, some))).rowcount
        for column in _texts(table)
        for some in chunks(names)
    )


def _clean(
    tx: Tx, table: Table, row: Mapping[str, Any], traces: TraceFinder, clean_status: CleanStatus, counts: Counter[str]
) -> None:
    name = table.name
    rules = {column: rule for column, rule in _rules(table).items() if row[column] is not None}
    status = next((column for column, rule in rules.items() if rule is Erase.STATUS), None)
    if status is not None:
        body = clean_status(row["partner"], bytes(row[status]))
        if body != bytes(row[status]):
            tx.execute(update(table).where(*_is(table, row)).values({status: body}))
            counts[name] += 1
        return
    found = {column: row[column] for column in rules if traces.is_in(_bytes(row[column]))}
    if any(_is_removed(rule, row[column], column in found, traces) for column, rule in rules.items()):
        tx.execute(delete(table).where(*_is(table, row)))
        counts[name] += 1
    elif any(rules[column] is Erase.STAYS or table.c[column].primary_key for column in found):
        counts[f"stays in {name}"] += 1
    elif found:
        changes = {column: _like(text, traces.cleaned(_bytes(text))) for column, text in found.items()}
        tx.execute(update(table).where(*_is(table, row)).values(**changes))
        counts[name] += 1


def _is(table: Table, row: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    return [column == row[column.key] for column in table.primary_key.columns]


def _is_removed(rule: Erase, text: Any, is_found: bool, traces: TraceFinder) -> bool:
    """Return whether a column removes its row: by its rule, or because its text is the value itself."""
    if rule is Erase.STAYS:
        return False
    return (rule is Erase.ROW and is_found) or (isinstance(text, str) and traces.is_name(text))


def forget_mentioned(tx: Tx, mentioned: Iterable[str]) -> int:
    """Remove from the value index all mentions of these values, keys or ids; return the number of rows."""
    wanted = sorted(set(mentioned))
    return tx.execute(delete(value_index).where(any_of(tx, value_index.c.subject, wanted))).rowcount if wanted else 0


def forget_subjects(tx: Tx, names: Iterable[str]) -> int:
    """Remove values whose rows are no longer referenced, and return their number.

    The number of a value is a digest of its name. If the next number belongs to a value that was found through this
    one, the row stays under a meaningless name.
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
def _tables() -> list[Table]:
    return [table for table in declared().sorted_tables if table.primary_key.columns and not _is_apart(table)]


def _is_apart(table: Table) -> bool:
    """Return whether a table follows rules of its own: it says so, or each of its texts does."""
    return Erase in table.info or (not _texts(table) and any(map(_is_text, table.columns)))


@lru_cache(maxsize=256)
def _texts(table: Table) -> tuple[Column[Any], ...]:
    return tuple(column for column in table.columns if _is_text(column) and _rule(column) is not Erase.APART)


@lru_cache(maxsize=256)
def _rules(table: Table) -> Mapping[str, Erase]:
    return {column.key: _rule(column) for column in _texts(table)}


def _is_text(column: Column[Any]) -> bool:
    return isinstance(column.type, Text | LargeBinary)


def _rule(column: Column[Any]) -> Erase:
    rule: Erase = column.info[Erase]
    return rule


def _bytes(text: Any) -> bytes:
    return text.encode() if isinstance(text, str) else bytes(text)


def _like(before: Any, text: bytes) -> Any:
    return text.decode() if isinstance(before, str) else text


def _sent(part: Any) -> Any:
    """Return a part of a key in JSON form."""
    return {"hex": bytes(part).hex()} if isinstance(part, bytes | memoryview) else part


def _stored(column: Column[Any], part: Any) -> Any:
    return bytes.fromhex(part["hex"]) if isinstance(part, dict) else part
