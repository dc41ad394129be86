"""The value index: from a value, or another object, to the contributions that mention it; and partners' own values."""

from collections.abc import Iterable, Iterator, Mapping, Set
from types import MappingProxyType

from sqlalchemy import delete, insert, select

from schemas import kinds
from server.store import listings, reviews
from server.store.engine import Tx
from server.store.release_tables import own_values
from server.store.sql import any_of, chunks, insert_many
from server.store.tables import value_index, value_index as spoken


def subject_of(kind: str, value: str) -> str:
    """Give the name under which a value in its normal form is known here, the same for all forms of one thing."""
    return ":".join(kinds.canonical(kind, value))


def add(
    tx: Tx, pairs: Iterable[tuple[str, str]], known: Mapping[str, Set[str]] = MappingProxyType({})
) -> dict[str, set[str]]:
    """Remember that of each pair the second, a key of the inbox, speaks of the first; repeating it changes nothing.

    ``known`` says of some subjects which keys speak of them by now, so that they need not be asked for. Gives by
    subject all keys that speak of it then, as ``of`` does.
    """
    wanted = sorted(set(pairs))
    there = find(tx, {subject for subject, _ in wanted} - known.keys())
    there |= {subject: set(known[subject]) for subject, _ in wanted if subject in known}
    new = [(subject, object_id) for subject, object_id in wanted if object_id not in there.get(subject, ())]
    insert_many(tx, value_index, new)
    for subject, object_id in new:
        there.setdefault(subject, set()).add(object_id)
    return there


def find(tx: Tx, subjects: Iterable[str]) -> dict[str, set[str]]:
    """Give by subject the keys of the contributions that speak of it."""
    found: dict[str, set[str]] = {}
    columns = select(value_index.c.subject, value_index.c.inbox_key)
    for chunk in chunks(sorted(set(subjects))):
        for subject, object_id in tx.execute(columns.where(any_of(tx, value_index.c.subject, chunk))):
            found.setdefault(subject, set()).add(object_id)
    return found


_BATCH = 1_000


def rename_kind(tx: Tx, kind: str) -> int:
    """Know the values of a kind under their present names; gives how many had another. Doing it again changes nothing.

    Where two partners have one value of their own by two names, the first keeps it.
    """
    renamed = 0
    for subject in _subjects(tx, kind):
        now = subject_of(kind, subject.partition(":")[2])
        if now != subject:
            renamed += 1
            add(tx, [(now, id_) for id_ in find(tx, [subject])[subject]])
            tx.execute(delete(spoken).where(spoken.c.subject == subject))
            listings.move(tx, subject, now)
            reviews.move(tx, subject, now)
    _rename_own(tx, kind)
    return renamed


def rename_all(tx: Tx) -> int:
    """Do so with all kinds whose values have several names."""
    return sum(rename_kind(tx, kind.name) for kind in kinds.every().values() if kind.has_several_names)


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
        named.setdefault(subject_of(kind, subject.partition(":")[2]), partner)
    tx.execute(delete(own_values).where(of_kind))
    insert_many(tx, own_values, sorted(named.items()))


class OwnedByAnother(ValueError):
    """The value is registered as another partner's own."""


def add_own_values(tx: Tx, partner: str, subjects: Iterable[str]) -> list[str]:
    """Register values, named as ``mentions.subject`` does, as the partner's own; gives those that are new.

    Raises ``AnothersOwn``.
    """
    wanted = sorted(set(subjects))
    there = owners_of(tx, wanted)
    if set(there.values()) - {partner}:
        raise OwnedByAnother("one of these is registered as another partner's own; remove it there first")
    new = [subject for subject in wanted if subject not in there]
    if new:
        tx.execute(insert(own_values), [{"subject": subject, "partner": partner} for subject in new])
    return new


def remove_own_values(tx: Tx, partner: str, subjects: Iterable[str]) -> list[str]:
    """Take values off the partner's own; gives those that were."""
    gone = [subject for subject, owner in owners_of(tx, subjects).items() if owner == partner]
    for chunk in chunks(gone):
        tx.execute(delete(own_values).where(any_of(tx, own_values.c.subject, chunk)))
    return sorted(gone)


def owners_of(tx: Tx, subjects: Iterable[str]) -> dict[str, str]:
    """Give by subject the partner whose own it is; what is nobody's is left out."""
    found: dict[str, str] = {}
    for chunk in chunks(sorted(set(subjects))):
        asked = select(own_values.c.subject, own_values.c.partner).where(any_of(tx, own_values.c.subject, chunk))
        found.update((subject, partner) for subject, partner in tx.execute(asked))
    return found


def all_own_values(tx: Tx, partner: str | None = None) -> dict[str, str]:
    """Give by subject whose own it is: of all partners, or of one."""
    asked = select(own_values.c.subject, own_values.c.partner).order_by(own_values.c.subject)
    if partner is not None:
        asked = asked.where(own_values.c.partner == partner)
    return {row[0]: row[1] for row in tx.execute(asked)}
