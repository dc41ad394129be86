"""Which objects speak of a value or of another object: the way from a value to its indicators and their sightings."""

from collections.abc import Iterable

from sqlalchemy import insert, select

from server.store.lists import any_of
from server.store.store import Tx
from server.store.tables import mentions

_CHUNK = 5_000


def subject(kind: str, value: str) -> str:
    """Give the name under which a value in its normal form is known here."""
    return f"{kind}:{value}"


def record(tx: Tx, pairs: Iterable[tuple[str, str]]) -> None:
    """Remember that of each pair the second, an object id, speaks of the first; repeating it changes nothing."""
    wanted = sorted(set(pairs))
    there = of(tx, {subject for subject, _ in wanted})
    new = [(subject, object_id) for subject, object_id in wanted if object_id not in there.get(subject, ())]
    if new:
        tx.execute(insert(mentions), [{"subject": subject, "object_id": object_id} for subject, object_id in new])


def of(tx: Tx, subjects: Iterable[str]) -> dict[str, set[str]]:
    """Give by subject the ids of the objects that speak of it."""
    found: dict[str, set[str]] = {}
    columns = select(mentions.c.subject, mentions.c.object_id)
    wanted = sorted(set(subjects))
    for start in range(0, len(wanted), _CHUNK):
        for subject, object_id in tx.execute(
            columns.where(any_of(tx, mentions.c.subject, wanted[start : start + _CHUNK]))
        ):
            found.setdefault(subject, set()).add(object_id)
    return found
