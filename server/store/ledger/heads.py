"""Signed checkpoints: the newest of each tree, the stored ones, and the cosignatures of witnesses."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, bindparam, delete, insert, select, update

from schemas.tlog.notes import NoteSignature, SignedNote, latest
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.ledger.growth import Tree
from server.store.ledger.tables import ledger_heads, ledger_trees

_HOUR = 3_600 * 1_000_000
# The longest time that a cosigner may take.
_RECENT = _HOUR // 4


class SignedHead(NamedTuple):
    """A stored checkpoint: its size, when it was signed (microseconds), and its note."""

    size: int
    signed: int
    note: bytes


def unsigned(tx: Tx) -> list[Tree]:
    """Return the trees that have changed since they were signed."""
    return [Tree(*row) for row in tx.execute(_UNSIGNED)]


def all_trees(tx: Tx) -> list[Tree]:
    """Return all trees."""
    return [Tree(*row) for row in tx.execute(select(ledger_trees).order_by(ledger_trees.c.collection))]


def keep(tx: Tx, collection: int, size: int, note: bytes) -> None:
    """Store a signed checkpoint as the newest of a tree, unless a newer one exists already."""
    moment = now()
    newest = update(ledger_trees).where(ledger_trees.c.collection == collection, ledger_trees.c.noted < size)
    if not tx.execute(newest.values(noted=size, signed=moment, note=note)).rowcount:
        return
    mine = _h.collection == collection
    tx.execute(delete(ledger_heads).where(mine, ~_h.cosigned, ~_h.hourly, _h.signed < moment - _RECENT))
    last = tx.execute(select(_h.signed).where(mine, _h.hourly).order_by(_h.size.desc()).limit(1)).scalar()
    is_due = last is None or moment // _HOUR > last // _HOUR
    row = {"collection": collection, "size": size, "signed": moment, "cosigned": False, "hourly": is_due, "note": note}
    tx.execute(insert(ledger_heads).values(**row))


def sign_again(tx: Tx, collection: int, size: int, note: bytes) -> None:
    """Replace the newest checkpoint of a tree by the same one, signed with other keys."""
    newest = update(ledger_trees).where(ledger_trees.c.collection == collection, ledger_trees.c.noted == size)
    tx.execute(newest.values(signed=now(), note=note))


def recent(tx: Tx, collection: int) -> list[bytes]:
    """Return the signed checkpoints of the last minutes, the newest first."""
    asked = select(_h.note).where(_h.collection == collection, _h.signed > now() - _RECENT)
    return [bytes(note) for note in tx.scalars(asked.order_by(_h.size.desc()).limit(_MOST_RECENT))]


def last_hourly(tx: Tx, collection: int) -> SignedHead | None:
    """Return the newest checkpoint of a tree that was the first of its hour, or None."""
    asked = select(_h.size, _h.signed, _h.note).where(_h.collection == collection, _h.hourly)
    row = tx.execute(asked.order_by(_h.size.desc()).limit(1)).first()
    return None if row is None else SignedHead(row[0], row[1], bytes(row[2]))


def cosigned(tx: Tx, collection: int, beyond: int = -1) -> bytes | None:
    """Return the newest cosigned checkpoint of a tree with more than ``beyond`` entries, or None."""
    found: bytes | None = tx.execute(_COSIGNED, {"of_collection": collection, "beyond": beyond}).scalar()
    return found


def cosigned_size(tx: Tx, collection: int) -> int | None:
    """Return the size of the newest cosigned checkpoint of a tree, or None."""
    asked = select(_h.size).where(_h.collection == collection, _h.cosigned).order_by(_h.size.desc()).limit(1)
    found: int | None = tx.execute(asked).scalar()
    return found


def cosign(tx: Tx, collection: int, size: int, note: SignedNote, lines: Sequence[NoteSignature]) -> None:
    """Add cosignatures to a signed checkpoint and store it. A key's newer cosignature replaces its older one."""
    key = (_h.collection == collection, _h.size == size)
    stored = tx.execute(select(_h.note).where(*key).with_for_update()).scalar()
    before = note.signatures if stored is None else SignedNote.parse(bytes(stored)).signatures
    new = {(line.name, line.id) for line in lines}
    kept = (line for line in before if (line.name, line.id) not in new)
    again = (line for line in before if (line.name, line.id) in new)
    whole = bytes(SignedNote(note.text, (*kept, *latest((*again, *lines)))))
    if stored is None:
        row = {"collection": collection, "size": size, "signed": now(), "cosigned": True, "hourly": False}
        tx.execute(insert(ledger_heads).values(**row, note=whole))
    else:
        tx.execute(update(ledger_heads).where(*key).values(cosigned=True, note=whole))
    _thin_cosigned(tx, collection)


def _thin_cosigned(tx: Tx, collection: int) -> None:
    """Of cosigned checkpoints older than a few hours, keep only the last of each hour."""
    asked = select(_h.size, _h.signed).where(
        _h.collection == collection, _h.cosigned, ~_h.hourly, _h.signed < now() - 4 * _HOUR
    )
    rows = tx.execute(asked.order_by(_h.size.desc()).limit(_MOST_RECENT)).all()
    seen: set[int] = set()
    for size, signed in rows:
        if signed // _HOUR in seen:
            tx.execute(delete(ledger_heads).where(_h.collection == collection, _h.size == size))
        seen.add(signed // _HOUR)


_MOST_RECENT = 500
_h = ledger_heads.c
_UNSIGNED = select(ledger_trees).where(ledger_trees.c.noted < ledger_trees.c.size)
ANY_UNSIGNED = _UNSIGNED.limit(1)
_COSIGNED = (
    select(_h.note)
    .where(_h.collection == bindparam("of_collection"), _h.cosigned)
    .where(_h.size > bindparam("beyond", type_=BigInteger))
    .order_by(_h.size.desc())
    .limit(1)
)
