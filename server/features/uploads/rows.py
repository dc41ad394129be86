"""The rows of an upload as they are understood, in blocks: about a page each, so that pages and batches are short."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import func, insert, select, update

from feeds.mapping.preview import DUPLICATE, REFUSED, UnderstoodRow
from feeds.mapping.rows import Duplicate, Mapped, Reject
from server.features.uploads.drafts import Upload
from server.features.uploads.tables import upload_rows
from server.release.results import Result
from server.store.database.engine import Tx

# Rows of a block, except that the values of one line are never in two blocks; and values of a line that are kept so.
BLOCK = 50
_MOST_OF_LINE = 500
LEFT_OUT = "left-out"
# States by the result of the contribution.
STATES = {Result.PUBLISHED: "published", Result.HELD: "held", Result.KEPT: "kept", Result.REFUSED: REFUSED}
_r = upload_rows.c


class DraftRow(UnderstoodRow, omit_defaults=True, frozen=True):
    """A row of an upload: as understood, and whether a person changed it; after sending, its state is its result."""

    corrected: bool = False


class RowBlock(NamedTuple):
    """Consecutive rows of an upload, and their number."""

    number: int
    rows: list[DraftRow]


class RowPlace(NamedTuple):
    """The place of a row: its block, and its position in it."""

    block: int
    position: int


_DECODER = msgspec.json.Decoder(list[DraftRow])


def in_blocks(rows: Iterable[DraftRow]) -> Iterator[list[DraftRow]]:
    """Yield rows in blocks that end where a line ends."""
    block: list[DraftRow] = []
    for row in rows:
        if len(block) >= BLOCK and (row.place == 1 or len(block) >= _MOST_OF_LINE):
            yield block
            block = []
        block.append(row)
    if block:
        yield block


def add(tx: Tx, upload: str, reading: int, blocks: Iterable[RowBlock]) -> None:
    """Store blocks of a reading."""
    rows = [{"upload": upload, "reading": reading, "number": block.number, **_values(block.rows)} for block in blocks]
    if rows:
        tx.execute(insert(upload_rows), rows)


def replace(tx: Tx, upload: Upload, block: RowBlock) -> None:
    """Store the changed rows of a block."""
    mine = (_r.upload == upload.id, _r.reading == upload.reading, _r.number == block.number)
    tx.execute(update(upload_rows).where(*mine).values(_values(block.rows)))


def blocks(tx: Tx, upload: Upload, start: int = 0, most: int = 1, only: str = "") -> list[RowBlock]:
    """Return the next blocks of an upload; ``only`` those with rows that are refused, held or changed."""
    mine = [_r.upload == upload.id, _r.reading == upload.reading, _r.number >= start]
    if only:
        mine.append(_r[only] > 0)
    asked = select(_r.number, _r.body).where(*mine).order_by(_r.number).limit(most)
    return [RowBlock(number, _DECODER.decode(bytes(body))) for number, body in tx.execute(asked)]


def find(tx: Tx, upload: Upload, place: RowPlace) -> tuple[RowBlock, DraftRow] | None:
    """Return a row with its block, or None."""
    found = blocks(tx, upload, place.block)
    if not found or found[0].number != place.block or not 0 <= place.position < len(found[0].rows):
        return None
    return found[0], found[0].rows[place.position]


def number_of_blocks(tx: Tx, upload: Upload) -> int:
    """Return the number of blocks of an upload."""
    asked = select(func.count()).where(_r.upload == upload.id, _r.reading == upload.reading)
    return int(tx.execute(asked).scalar_one())


def with_row(block: RowBlock, place: RowPlace, row: DraftRow) -> RowBlock:
    """Return a block with another row at a place."""
    rows = list(block.rows)
    rows[place.position] = row
    return RowBlock(block.number, rows)


def draft(row: UnderstoodRow) -> DraftRow:
    """Return a row that was just understood, as it is stored."""
    return msgspec.convert(row, DraftRow, from_attributes=True)


def with_result(row: DraftRow, outcome: Mapped | Duplicate | Reject) -> DraftRow:
    """Return a row with the result of its contribution."""
    if isinstance(outcome, Reject):
        state = STATES[outcome.result]
        return msgspec.structs.replace(row, state=state, reason=outcome.reason, message=outcome.message)
    return msgspec.structs.replace(row, state=DUPLICATE if isinstance(outcome, Duplicate) else "published")


def number_of_changed(tx: Tx, upload: Upload) -> int:
    """Return the number of rows of an upload that a person changed."""
    asked = select(func.coalesce(func.sum(_r.changed), 0)).where(_r.upload == upload.id, _r.reading == upload.reading)
    return int(tx.execute(asked).scalar_one())


def counts_of(rows: Sequence[DraftRow]) -> Counter[str]:
    """Return the numbers of rows by state."""
    return Counter(row.state for row in rows)


def changed_by(counts: dict[str, int], before: Sequence[DraftRow], after: Sequence[DraftRow]) -> dict[str, int]:
    """Return the numbers by state after some rows changed."""
    total = Counter(counts)
    total.subtract(counts_of(before))
    total.update(counts_of(after))
    return {state: number for state, number in total.items() if number}


def _values(rows: list[DraftRow]) -> dict[str, Any]:
    return {
        "rows": len(rows),
        "refused": sum(row.state == REFUSED for row in rows),
        "held": sum(row.state in ("held", "kept") for row in rows),
        "changed": sum(row.corrected or row.state == LEFT_OUT for row in rows),
        "body": msgspec.json.encode(rows),
    }
