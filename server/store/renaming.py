"""Bringing the names under which values are known up to what names them now."""

from collections.abc import Iterator

from sqlalchemy import delete, select

from schemas import kinds
from server.store import listings, mentions, reviews
from server.store.bulk import insert_many
from server.store.store import Tx
from server.store.tables import mentions as spoken
from server.store.tables_of_rules import own_values

_BATCH = 1_000


def rename(tx: Tx, kind: str) -> int:
    """Know the values of a kind under their present names; gives how many had another. Doing it again changes nothing.

    Where two partners have one value of their own by two names, the first keeps it.
    """
    renamed = 0
    for subject in _subjects(tx, kind):
        now = mentions.subject(kind, subject.partition(":")[2])
        if now != subject:
            renamed += 1
            mentions.record(tx, [(now, id_) for id_ in mentions.of(tx, [subject])[subject]])
            tx.execute(delete(spoken).where(spoken.c.subject == subject))
            listings.move(tx, subject, now)
            reviews.move(tx, subject, now)
    _rename_own(tx, kind)
    return renamed


def every(tx: Tx) -> int:
    """Do so with all kinds whose values have several names."""
    return sum(rename(tx, kind.name) for kind in kinds.every().values() if kind.has_several_names)


def _subjects(tx: Tx, kind: str) -> Iterator[str]:
    """Give the names of values of a kind, a batch at a time, those that are new meanwhile perhaps too."""
    of_kind = spoken.c.subject.startswith(f"{kind}:", autoescape=True)
    last = f"{kind}:"
    while True:
        asked = select(spoken.c.subject).distinct().where(spoken.c.subject > last, of_kind)
        found = tx.scalars(asked.order_by(spoken.c.subject).limit(_BATCH)).all()
        if not found:
            return
        yield from found
        last = found[-1]


def _rename_own(tx: Tx, kind: str) -> None:
    of_kind = own_values.c.subject.startswith(f"{kind}:", autoescape=True)
    rows = tx.execute(select(own_values.c.subject, own_values.c.partner).where(of_kind)).all()
    named: dict[str, str] = {}
    for subject, partner in sorted((row[0], row[1]) for row in rows):
        named.setdefault(mentions.subject(kind, subject.partition(":")[2]), partner)
    tx.execute(delete(own_values).where(of_kind))
    insert_many(tx, own_values, sorted(named.items()))
