"""The value index: maps a value or object to the contributions that mention it. Also partners' own values.

Contributions, and objects of the same contributor, are identified by their inbox key. A listing of the hub is
identified by its id. The log itself stores the value of each report.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from types import MappingProxyType

from sqlalchemy import BigInteger, case, delete, insert, literal, select, text, update

from schemas import kinds
from server.store import reviews, subjects as values
from server.store.database.direct import fetch
from server.store.database.engine import Tx
from server.store.database.sql import ManyRows, among, any_of, chunks, insert_many
from server.store.objects import host_pages, object_ids
from server.store.objects.object_ids import PackedId
from server.store.providers import kept_accounts
from server.store.release_tables import own_values
from server.store.tables import objects, value_index


def subject_of(kind: str, value: str) -> str:
    """Return the name of a normalised value in the index, the same for all forms of one thing."""
    return kinds.name_of(kind, value)


def add(
    tx: Tx, pairs: Iterable[tuple[str, str]], known: Mapping[str, Set[str]] = MappingProxyType({})
) -> list[tuple[str, str]]:
    """Index pairs of a subject and the inbox key of a contribution that mentions it. Repeating it changes nothing.

    ``known`` holds the keys of some subjects. Return the pairs that are not in it. Contributions that mention a subject
    are not read.
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
    """Lock these values, including unreported ones, until the transaction ends. Return their numbers.

    A transaction that reads or changes the data of a value must hold it. Lock all known values at once, before reading
    any of their data. A transaction that holds some does not wait for more, but raises ``Contended``.
    """
    return values.lock(tx, subjects)


def first_named(tx: Tx) -> Set[str]:
    """Return the values that this transaction was the first to name, and about which it has stored nothing yet."""
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
# Reports have a space; listings have none.
_REPORTS = (
    select(_log.value, _log.space, _log.id_high, _log.id_low, _log.type, _log.type_name, _log.id_text)
    .where(among(_log.value, "numbers", BigInteger), text("value IS NOT NULL"), _log.space > 0)
    .distinct()
)


def values_after(tx: Tx, number: int, most: int) -> dict[int, str]:
    """Return at most ``most`` values by number, in ascending order after ``number``."""
    return values.after(tx, number, most)


_BATCH = 1_000


def rename_kind(tx: Tx, kind: str) -> int:
    """Move the values of a kind to their current names, and return how many changed. Repeating it changes nothing.

    If two partners own a value under two names, the first keeps it.
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
    """Move the values of all kinds with several names to their current ones, and return how many changed."""
    return sum(rename_kind(tx, kind.name) for kind in kinds.every().values() if kind.has_several_names)


def _move(tx: Tx, subject: str, to: str) -> None:
    """Move the data of a value, and its listings, to another name."""
    rows = value_index.c
    keys = tx.scalars(select(rows.inbox_key).where(rows.subject == subject)).all()
    tx.execute(delete(value_index).where(rows.subject == subject))
    insert_many(tx, value_index, [(to, key) for key in sorted(set(keys) - find(tx, [to]).get(to, set()))])
    numbers = values.lock(tx, [subject, to])
    tx.execute(
        update(objects)
        .where(_log.value == numbers[subject])
        .values(value=numbers[to], host=case((_log.space == 0, literal(host_pages.number_of(to), BigInteger))))
    )
    kept_accounts.move(tx, numbers[subject], numbers[to])


def _subjects(tx: Tx, kind: str) -> Iterator[str]:
    """Yield the names of values of a kind, a batch at a time, possibly with concurrent additions."""
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
    """Register values, named as by ``subject_of``, as the partner's own. Reports of them are held for review.

    Return the new ones. Raises ``OwnedByAnother``.
    """
    wanted = sorted(set(subjects))
    owners = owners_of(tx, wanted)
    if set(owners.values()) - {partner}:
        raise OwnedByAnother("one of these values is registered as another partner's own; remove it there first")
    new = [subject for subject in wanted if subject not in owners]
    if new:
        tx.execute(insert(own_values), [{"subject": subject, "partner": partner} for subject in new])
    return new


def remove_own_values(tx: Tx, partner: str, subjects: Iterable[str]) -> list[str]:
    """Remove values from the partner's own, and return the removed ones."""
    removed = [subject for subject, owner in owners_of(tx, subjects).items() if owner == partner]
    for chunk in chunks(removed):
        tx.execute(delete(own_values).where(any_of(tx, own_values.c.subject, chunk)))
    return sorted(removed)


def owners_of(tx: Tx, subjects: Iterable[str]) -> dict[str, str]:
    """Return the owning partner by subject. Subjects without an owner are left out."""
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
