"""Decide what remains of each log row after an erasure: all of it, a part, a tombstone, or nothing."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from mappers.annotation import TOMBSTONE_TYPES, tombstone
from mappers.kinds import kind_and_value
from schemas.errors import Rejected
from schemas.hub_report import is_hub_report
from server.release.fuse.statements import indicator_subject
from server.release.traces import HUB, ValueTraces
from server.store import value_index
from server.store.collections import Collection
from server.store.item import compact
from server.store.objects.log_rows import RowChange, StoredRow, id_in_log
from server.store.objects.text_keys import OWN_NAMES, WORDLESS

Obj = dict[str, Any]

_TARGETS = ("sighting_of_ref", "source_ref", "target_ref", "object_ref")
# The name of an object about another value stays, even if it is spelt like the erased value.
_ALL_NAMES = WORDLESS | OWN_NAMES


class Reader(NamedTuple):
    """The meaning of ids in a collection: in a partner's space, or the hub's."""

    collection: Collection
    # The space of the partner that a private collection belongs to.
    owner: int | None

    def space(self, row: StoredRow) -> int:
        """Return the space of the ids in a row, apart from the hub's own."""
        if self.collection.kind == "inbox":
            return row.names.space
        return HUB if self.owner is None else self.owner


class Rewriting:
    """Decides on rows, and counts the changes by object type."""

    def __init__(self, traces: ValueTraces, counts: Counter[str]) -> None:
        """Look for ``traces``, and add to ``counts``."""
        self._traces = traces
        self._counts = counts
        # The values whose reports mention an erased one: their listings may have the same texts.
        self.values: set[int] = set()

    def decide(self, row: StoredRow, reader: Reader, *, was_read: bool = False) -> RowChange | None:
        """Return the change of a row, None if it stays unchanged.

        The spellings in a row that an earlier pass read are erased already: only ids can have been found since.
        """
        traces, space = self._traces, reader.space(row)
        is_hub = reader.collection.filled_by_release
        id_ = id_in_log(row)
        if id_ in traces.ids.get(HUB if is_hub else space, ()):
            return self._end(row, reader)
        if not self._mentions(row.bodies, was_read=was_read):
            return None
        if row.value is not None and row.names.space:
            self.values.add(row.value)
        objects = _read(row)
        if objects is None:
            return self._remove(row)
        if len(objects) > 1:
            # A listing of another value, with its observable.
            return self._clean(row, objects)
        [obj] = objects
        if self._is_the_value(obj):
            self._look_for(id_, space, reader)
            return self._end(row, reader)
        refs = _targets(obj)
        erased = {ref for ref in refs if traces.has(space, ref)}
        if erased and (erased == refs or obj["type"] not in ("opinion", "note", "grouping", "report")):
            self._look_for(id_, HUB if is_hub else space, reader)
            return self._end(row, reader)
        if erased:
            obj = _without(obj, erased)
            self._counts[f"{obj['type']} kept without it"] += 1
        return self._clean(row, [obj], changed=bool(erased))

    def _mentions(self, bodies: Iterable[bytes], *, was_read: bool) -> bool:
        """Return whether one of the bodies has a value, or an id, that is erased."""
        traces = self._traces
        return any((not was_read and traces.is_in(body)) or traces.names_id(body) for body in bodies)

    def _look_for(self, id_: str, space: int, reader: Reader) -> None:
        """From now on, look also for this id, if only its maker can have assigned it.

        Members of an exchange choose ids themselves, and could name an object of the hub.
        """
        if reader.collection.kind != "exchange" and reader.collection.use != "outcomes":
            self._traces.add(space, id_)

    def _end(self, row: StoredRow, reader: Reader) -> RowChange | None:
        """Return the tombstone for readers that may still have to learn of the revocation; the rest is removed."""
        objects = _read(row)
        if objects is None:
            return self._remove(row)
        obj = objects[0]
        type_ = obj["type"]
        if is_hub_report(obj):
            # Its origin publishes a signed tombstone of its own.
            self._counts["hub report versions"] += 1
            return RowChange(row)
        is_to_be_learnt = reader.collection.filled_by_release and row.revoked and row.is_latest
        if is_to_be_learnt and type_ in TOMBSTONE_TYPES:
            left = compact(tombstone(obj))
            if (left,) == row.bodies and row.value is None:
                return None
            self._counts[f"{type_} tombstones"] += 1
            return RowChange(row, (left,))
        self._counts[f"{type_} versions"] += 1
        return RowChange(row)

    def _is_the_value(self, obj: Mapping[str, Any]) -> bool:
        if obj["type"] == "indicator":
            return indicator_subject(obj) in self._traces.subjects
        if "created" in obj:
            return False
        try:
            return value_index.subject_of(*kind_and_value(obj)) in self._traces.subjects
        except Rejected:
            return False

    def _clean(self, row: StoredRow, objects: list[Obj], *, changed: bool = False) -> RowChange | None:
        """Return a row of objects about other values, with a word in place of the value in their texts."""
        try:
            cleaned = [self._cleaned(obj) for obj in objects]
        except RecursionError:
            return self._remove(row)
        if any(self._traces.is_in(compact(obj)) for obj in cleaned):
            self._counts["names of other values that are written alike"] += 1
        if cleaned == objects and not changed:
            return None
        if cleaned != objects:
            self._counts["texts cleaned"] += 1
        return RowChange(row, tuple(compact(obj) for obj in cleaned))

    def _remove(self, row: StoredRow) -> RowChange:
        """Return the removal of a row that cannot be written again without the value."""
        self._counts["versions that cannot be cleaned"] += 1
        return RowChange(row)

    def _cleaned(self, obj: Obj) -> Obj:
        names_a_value = obj["type"] in ("indicator", "language-content") or "created" not in obj
        cleaned: Obj = self._traces.cleaned_object(obj, _ALL_NAMES if names_a_value else WORDLESS)
        return cleaned


def _targets(obj: Mapping[str, Any]) -> set[str]:
    """Return the ids of the objects that an object is about."""
    targets = {obj[name] for name in _TARGETS if isinstance(obj.get(name), str)}
    listed = obj.get("object_refs")
    return targets | {ref for ref in listed if isinstance(ref, str)} if isinstance(listed, list) else targets


def _without(obj: Obj, erased: set[str]) -> Obj:
    return {**obj, "object_refs": [ref for ref in obj["object_refs"] if ref not in erased]}


def _read(row: StoredRow) -> list[Obj] | None:
    """Return the objects of a row; None if one is nested too deeply, or has a number out of range."""
    try:
        return [msgspec.json.decode(body) for body in row.bodies]
    except (RecursionError, msgspec.MsgspecError):
        return None
