"""The value index: from a value, or another object, to the contributions that mention it; and partners' own values.

A contribution goes by its key in the inbox, and so does an object of the same contributor that it mentions. A listing
of the hub that it mentions goes by its id.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from types import MappingProxyType

from sqlalchemy import delete, insert, select

from schemas import kinds
from server.store import listings, reviews, subjects as values
from server.store.engine import Tx
from server.store.release_tables import own_values
from server.store.sql import any_of, chunks, insert_many
from server.store.tables import value_index


def subject_of(kind: str, value: str) -> str:
    """Return the name of a normalised value in the index, the same for all forms of one thing."""
    return ":".join(kinds.canonical(kind, value))


def add(
    tx: Tx, pairs: Iterable[tuple[str, str]], known: Mapping[str, Set[str]] = MappingProxyType({})
) -> dict[str, set[str]]:
    """Index pairs of a subject and the inbox key of a contribution that mentions it; repeating it changes nothing.

    ``known`` holds the keys of some subjects, which then need not be looked up. Returns by subject all keys that
    mention it, as ``find`` does.
    """
    wanted = sorted(set(pairs))
    known_keys = find(tx, {subject for subject, _ in wanted} - known.keys())
    known_keys |= {subject: set(known[subject]) for subject, _ in wanted if subject in known}
    new = [(subject, object_id) for subject, object_id in wanted if object_id not in known_keys.get(subject, ())]
    insert_many(tx, value_index, new)
    for subject, object_id in new:
        known_keys.setdefault(subject, set()).add(object_id)
    return known_keys


def lock(tx: Tx, subjects: Iterable[str]) -> dict[str, int]:
    """Lock these values until the transaction ends, also those that nobody reported before; return their numbers.

    Whoever reads or changes what is said of a value holds it. All that are known are locked at once, before anything is
    read of them. A transaction that has locked some does not wait for more: it raises ``Contended``.
    """
    return values.lock(tx, subjects)


def locked(tx: Tx) -> Set[str]:
    """Return the values that the transaction has locked."""
    return values.locked(tx)


def find(tx: Tx, subjects: Iterable[str]) -> dict[str, set[str]]:
    """Return by subject the keys of the contributions that mention it."""
    found: dict[str, set[str]] = {}
    columns = select(value_index.c.subject, value_index.c.inbox_key)
    for chunk in chunks(sorted(set(subjects))):
        for subject, object_id in tx.execute(columns.where(any_of(tx, value_index.c.subject, chunk))):
            found.setdefault(subject, set()).add(object_id)
    return found


def values_after(tx: Tx, name: str, most: int) -> list[str]:
    """Return the names of at most so many values that contributions mention, in their order, from after ``name`` on."""
    column = value_index.c.subject
    found: list[str] = []
    while len(found) < most:
        asked = select(column).distinct().where(column > name).order_by(column).limit(most)
        names = tx.scalars(asked).all()
        # Contributions and listings that others mention are in the index too, and their ids have no colon.
        found += [other for other in names if ":" in other]
        if len(names) < most:
            break
        name = names[-1]
    return found[:most]


_BATCH = 1_000


def rename_kind(tx: Tx, kind: str) -> int:
    """Move the values of a kind to their present names, and return how many had another; repeating it changes nothing.

    Where two partners own one value by two names, the first keeps it.
    """
    renamed = 0
    for subject in _subjects(tx, kind):
        now = subject_of(kind, subject.partition(":")[2])
        if now != subject:
            renamed += 1
            add(tx, [(now, id_) for id_ in find(tx, [subject])[subject]])
            tx.execute(delete(value_index).where(value_index.c.subject == subject))
            listings.move(tx, subject, now)
            reviews.move(tx, subject, now)
    _rename_own(tx, kind)
    return renamed


def rename_all(tx: Tx) -> int:
    """Move the values of all kinds that have several names to their present ones; returns how many had another."""
    return sum(rename_kind(tx, kind.name) for kind in kinds.every().values() if kind.has_several_names)


def _subjects(tx: Tx, kind: str) -> Iterator[str]:
    """Yield the names of values of a kind, a batch at a time, perhaps also those that are added meanwhile."""
    of_kind = value_index.c.subject.startswith(f"{kind}:", autoescape=True)
    last = f"{kind}:"
    while True:
        asked = select(value_index.c.subject).distinct().where(value_index.c.subject > last, of_kind)
        found = tx.scalars(asked.order_by(value_index.c.subject).limit(_BATCH)).all()
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
    """Register values, named as by ``subject_of``, as the partner's own: reports of them wait for a person.

    Returns those that are new. Raises ``OwnedByAnother``.
    """
    wanted = sorted(set(subjects))
    owners = owners_of(tx, wanted)
    if set(owners.values()) - {partner}:
        raise OwnedByAnother("one of these is registered as another partner's own; remove it from that one first")
    new = [subject for subject in wanted if subject not in owners]
    if new:
        tx.execute(insert(own_values), [{"subject": subject, "partner": partner} for subject in new])
    return new


def remove_own_values(tx: Tx, partner: str, subjects: Iterable[str]) -> list[str]:
    """Remove values from the partner's own; returns those that were."""
    removed = [subject for subject, owner in owners_of(tx, subjects).items() if owner == partner]
    for chunk in chunks(removed):
        tx.execute(delete(own_values).where(any_of(tx, own_values.c.subject, chunk)))
    return sorted(removed)


def owners_of(tx: Tx, subjects: Iterable[str]) -> dict[str, str]:
    """Return by subject the partner that owns it; subjects without an owner are left out."""
    found: dict[str, str] = {}
    for chunk in chunks(sorted(set(subjects))):
        asked = select(own_values.c.subject, own_values.c.partner).where(any_of(tx, own_values.c.subject, chunk))
        found.update((subject, partner) for subject, partner in tx.execute(asked))
    return found


def all_own_values(tx: Tx, partner: str | None = None) -> dict[str, str]:
    """Return the owners by subject: of all partners, or of one."""
    asked = select(own_values.c.subject, own_values.c.partner).order_by(own_values.c.subject)
    if partner is not None:
        asked = asked.where(own_values.c.partner == partner)
    return {row[0]: row[1] for row in tx.execute(asked)}
