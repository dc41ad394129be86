"""The value index: from a value, or another object, to the contributions that mention it; and partners' own values.

A contribution goes by its key in the inbox, and so does an object of the same contributor that it mentions. A listing
of the hub that it mentions goes by its id. The log itself has the value that each report is about.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from types import MappingProxyType

from sqlalchemy import BigInteger, delete, insert, select, text, update

from schemas import kinds
from server.store import reviews, subjects as values
from server.store.database.direct import fetch
from server.store.database.engine import Tx
from server.store.database.sql import ManyRows, among, any_of, chunks, insert_many
from server.store.keepers import kept_accounts
from server.store.objects import object_ids
from server.store.objects.object_ids import PackedId
from server.store.release_tables import own_values
from server.store.tables import objects, value_index


def subject_of(kind: str, value: str) -> str:
    """Return the name of a normalised value in the index, the same for all forms of one thing."""
    return kinds.name_of(kind, value)


def add(
    tx: Tx, pairs: Iterable[tuple[str, str]], known: Mapping[str, Set[str]] = MappingProxyType({})
) -> list[tuple[str, str]]:
    """Index pairs of a subject and the inbox key of a contribution that mentions it; repeating it changes nothing.

    ``known`` holds the keys of some subjects. Returns the pairs that are not among these. However many contributions
    mention a subject, they are not read.
    """
    new = [(subject, key) for subject, key in sorted(set(pairs)) if key not in known.get(subject, ())]
    values.lock(tx, {subject for subject, _ in new if ":" in subject})
    _ADD.run(tx, new)
    return new


_ADD = ManyRows(
    "INSERT INTO value_index (subject, inbox_key) VALUES (?, ?) ON CONFLICT DO NOTHING",
    "INSERT INTO value_index (subject, inbox_key) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING",
    ("text", "text"),
)


def lock(tx: Tx, subjects: Iterable[str]) -> dict[str, int]:
    """Lock these values until the transaction ends, also those that nobody reported before; return their numbers.

    Whoever reads or changes what is said of a value holds it. All that are known are locked at once, before anything is
    read of them. A transaction that has locked some does not wait for more: it raises ``Contended``.
    """
    return values.lock(tx, subjects)


def first_named(tx: Tx) -> Set[str]:
    """Return the values that nobody named before this transaction, of which it has stored nothing yet."""
    return values.first_named(tx)


def locked(tx: Tx) -> Set[str]:
    """Return the values that the transaction has locked."""
    return values.locked(tx)


def find(tx: Tx, subjects: Iterable[str]) -> dict[str, set[str]]:
    """Return by subject the keys of the contributions that mention it: reports of a value, and annotations."""
    wanted = sorted(set(subjects))
    found: dict[str, set[str]] = {}
    for chunk in chunks(wanted):
        for subject, key in fetch(tx, _MENTIONS, {"subjects": chunk}):
            found.setdefault(subject, set()).add(key)
    # The names of values begin with their kinds, unlike ids and keys.
    numbers = values.stored(tx, (subject for subject in wanted if ":" in subject))
    names = {number: name for name, number in numbers.items()}
    for numbered in chunks(sorted(names)):
        for number, *packed in fetch(tx, _REPORTS, {"numbers": numbered}):
            found.setdefault(names[number], set()).add(object_ids.unpack(PackedId(*packed)))
    return found


_log = objects.c
_MENTIONS = select(value_index.c.subject, value_index.c.inbox_key).where(among(value_index.c.subject, "subjects"))
# Reports are in spaces, and listings in none.
_REPORTS = (
    select(_log.value, _log.space, _log.id_high, _log.id_low, _log.type, _log.type_name, _log.id_text)
    .where(among(_log.value, "numbers", BigInteger), text("value IS NOT NULL"), _log.space > 0)
    .distinct()
)


def values_after(tx: Tx, number: int, most: int) -> dict[int, str]:
    """Return at most so many values by their numbers, in the order of these, from after ``number`` on."""
    return values.after(tx, number, most)


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
            _move(tx, subject, now)
            reviews.move(tx, subject, now)
    _rename_own(tx, kind)
    return renamed


def rename_all(tx: Tx) -> int:
    """Move the values of all kinds that have several names to their present ones; returns how many had another."""
    return sum(rename_kind(tx, kind.name) for kind in kinds.every().values() if kind.has_several_names)


def _move(tx: Tx, subject: str, to: str) -> None:
    """Move what is said of a value, and its listings, to another name."""
    rows = value_index.c
    keys = tx.scalars(select(rows.inbox_key).where(rows.subject == subject)).all()
    tx.execute(delete(value_index).where(rows.subject == subject))
    insert_many(tx, value_index, [(to, key) for key in sorted(set(keys) - find(tx, [to]).get(to, set()))])
    numbers = values.lock(tx, [subject, to])
    tx.execute(update(objects).where(_log.value == numbers[subject]).values(value=numbers[to]))
    kept_accounts.move(tx, numbers[subject], numbers[to])


def _subjects(tx: Tx, kind: str) -> Iterator[str]:
    """Yield the names of values of a kind, a batch at a time, perhaps also those that are added meanwhile."""
    last = -1
    while found := values.after(tx, last, _BATCH):
        last = max(found)
        yield from (name for name in found.values() if name.startswith(f"{kind}:"))


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
