"""The marks of the newest versions of objects in the log, as additions change them."""

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from server.store.database.engine import Tx
from server.store.database.sql import ManyRows
from server.store.objects import rows
from server.store.objects.parts import FULL, LATER, PLAIN

# Stretches of the log are 2**24 microseconds long.
SPAN_BITS = 24
_LARGEST_STEP = 1 << 24


@dataclass(slots=True)
class LogRow:
    """The marks of a row, and those that it is stored with; a new one is stored with none."""

    log: int
    date_added: int
    parts: int
    latest: int = 0
    legacy: int = 0
    stored: tuple[int, int] | None = None


class ObjectVersion(NamedTuple):
    """One version of an object in one variant: a bit of a row."""

    row: LogRow
    part: int
    spec_version: str
    version: int | None

    @property
    def date_added(self) -> int:
        """Return its place in the log."""
        return self.row.date_added + LATER[self.part]

    @property
    def age(self) -> tuple[str, int, int]:
        """Return what sorts the versions of one id; one without versions counts as of the moment it was added."""
        return self.spec_version, self.date_added if self.version is None else self.version, self.date_added


# An object in a variant of a log: the log, the variant's bit, the id.
Place = tuple[int, int, str]
History = dict[Place, list[ObjectVersion]]


class Marks:
    """The marks of the newest versions as they change, counted for the collections and for pages made before."""

    def __init__(self) -> None:
        """Begin with no change."""
        self._changed: dict[tuple[int, int, int], LogRow] = {}
        # By log and variant.
        self._gained: Counter[tuple[int, int]] = Counter()
        # By log, variant and stretch of time.
        self._rewritten: set[tuple[int, int, int]] = set()
        self._grown: set[tuple[int, int]] = set()
        # Of rows that have the only versions of their ids, by log and parts.
        self._only: Counter[tuple[int, int]] = Counter()

    def update(self, versions: Sequence[ObjectVersion]) -> None:
        """Mark, among all versions of one id in one variant, the newest in the newest STIX, and those before it."""
        if not versions:
            return
        if len(versions) == 1 and versions[0].row.stored is None:
            [version] = versions
            self.note(version, version.row.latest | version.part, version.row.legacy & ~version.part)
            return
        newest = newest_of(versions)
        for version in versions:
            row, part = version.row, version.part
            latest = row.latest | part if version is newest else row.latest & ~part
            legacy = row.legacy | part if version.spec_version != newest.spec_version else row.legacy & ~part
            self.note(version, latest, legacy)

    def note_gone(self, version: ObjectVersion) -> None:
        """Note that a version is gone."""
        variant = PLAIN if version.part == PLAIN else FULL
        self._gained[version.row.log, variant] -= bool(version.row.latest & version.part)
        self.note_rewritten(version)

    def note_rewritten(self, version: ObjectVersion) -> None:
        """Note that a version is gone, or has another body."""
        variant = PLAIN if version.part == PLAIN else FULL
        self._rewritten.add((version.row.log, variant, version.date_added >> SPAN_BITS))

    def note(self, version: ObjectVersion, latest: int, legacy: int) -> None:
        """Note the marks that a row has from now on, of which those of one version may differ."""
        row = version.row
        variant = PLAIN if version.part == PLAIN else FULL
        # Marked anew: what is stored counts as before, what is new as nothing.
        gained = bool(latest & version.part) - bool(row.latest & version.part)
        if gained:
            self._gained[row.log, variant] += gained
        if row.stored is None:
            self._grown.add((row.log, variant))
        elif (latest, legacy) != (row.latest, row.legacy):
            self._changed[row.log, row.date_added, row.parts] = row
            self._rewritten.add((row.log, variant, version.date_added >> SPAN_BITS))
        row.latest, row.legacy = latest, legacy

    def note_only_versions(self, row: LogRow, parts: int) -> None:
        """Mark the ``parts`` that a new row has as the newest, as nothing else has the ids of them."""
        row.latest = parts
        self._only[row.log, parts] += 1

    def gained(self) -> Counter[tuple[int, int]]:
        """Return by log and variant how many objects more a listing without filters has."""
        gained = self._gained.copy()
        for (log, parts), count in self._only.items():
            if parts & PLAIN:
                gained[log, PLAIN] += count
            if others := parts & ~PLAIN:
                gained[log, FULL] += count * others.bit_count()
        return gained

    def grown(self) -> set[tuple[int, int]]:
        """Return the logs and variants that have new rows."""
        only = {(log, bit) for log, parts in self._only for bit in (PLAIN, FULL) if parts & bit}
        return self._grown | only

    def write(self, tx: Tx, numbers: Mapping[tuple[int, int], int]) -> None:
        """Write the marks that changed of rows before; ``numbers`` are those of the collections by log and variant."""
        _UPDATE.run(tx, [(row.latest, row.legacy, *key) for key, row in self._changed.items()])
        # A count grows by a random number, so that a database that lost its last changes never comes to a count
        # that was told before, with other rows.
        stretches = [
            (numbers[log, variant], span, 1 + secrets.randbelow(_LARGEST_STEP))
            for log, variant, span in sorted(self._rewritten)
        ]
        _REWRITE.run(tx, stretches)


def newest_of(versions: Sequence[ObjectVersion]) -> ObjectVersion:
    """Return the newest of the versions of one id in one variant."""
    return max(versions, key=_age) if len(versions) > 1 else versions[0]


def _age(version: ObjectVersion) -> tuple[str, int, int]:
    return version.age


def history_of(found: Iterable[rows.Thing]) -> History:
    """Return the stored versions by their places; a row that has several is one."""
    history: History = {}
    known: dict[tuple[int, int, int], LogRow] = {}
    for thing in found:
        key = (thing.log, thing.date_added, thing.parts)
        row = known.get(key)
        if row is None:
            row = known[key] = LogRow(*key, thing.latest, thing.legacy, (thing.latest, thing.legacy))
        for part in LATER:
            if thing.part & part:
                variant = PLAIN if part == PLAIN else FULL
                history.setdefault((thing.log, variant, thing.id), []).append(ObjectVersion(row, part, *thing.version))
    return history


_UPDATE = ManyRows(
    "UPDATE objects SET latest = ?, legacy = ? WHERE collection = ? AND date_added = ? AND parts = ?",
    "UPDATE objects SET latest = new.latest, legacy = new.legacy"
    " FROM unnest({arrays}) AS new(latest, legacy, collection, date_added, parts)"
    " WHERE objects.collection = new.collection AND objects.date_added = new.date_added AND objects.parts = new.parts",
    ("smallint", "smallint", "integer", "bigint", "smallint"),
)
_REWRITE = ManyRows(
    "INSERT INTO rewrites (collection, span, count) VALUES (?, ?, ?)"
    " ON CONFLICT (collection, span) DO UPDATE SET count = rewrites.count + excluded.count",
    "INSERT INTO rewrites (collection, span, count) SELECT * FROM unnest({arrays})"
    " ON CONFLICT (collection, span) DO UPDATE SET count = rewrites.count + excluded.count",
    ("integer", "bigint", "bigint"),
)
