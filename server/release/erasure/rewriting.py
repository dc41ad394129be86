"""Decide what an erasure leaves of each row of the log: all of it, less, a tombstone, or nothing."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from mappers import observable, tombstone as tombstones
from schemas.errors import Rejected
from server.release.erasure.traces import HUB, ValueTraces
from server.release.fuse.statements import indicator_subject
from server.store import value_index
from server.store.collections import Collection
from server.store.erasure.log_rows import RowChange, StoredRow, id_in_log
from server.store.item import compact

Obj = dict[str, Any]

_TARGETS = ("sighting_of_ref", "source_ref", "target_ref", "object_ref")
# What an object of another value is called by stays, whatever is written like it.
_OWN_NAMES = frozenset(("name", "contents", "value", "number", "account_number", "iban", "address", "user_id"))
_ALL_NAMES = frozenset(("id", "type", "spec_version", "created", "modified", "pattern", "lang")) | _OWN_NAMES
_WORDS = frozenset(("id", "type", "spec_version", "created", "modified", "pattern", "lang"))


class Reader(NamedTuple):
    """The meaning of ids in a collection: as those of a partner's space, or of the hub."""

    collection: Collection
    # The space of the partner that a private collection belongs to.
    owner: int | None

    def space(self, row: StoredRow) -> int:
        """Return the space that ids in a row are of, beside the hub's own."""
        if self.collection.kind == "inbox":
            return row.names.space
        return HUB if self.owner is None else self.owner


class Rewriting:
    """Decides about rows, and counts what was done by the types of the objects."""

    def __init__(self, traces: ValueTraces, counts: Counter[str]) -> None:
        """Look for ``traces``, and add to ``counts``."""
        self._traces = traces
        self._counts = counts

    def decide(self, row: StoredRow, reader: Reader) -> RowChange | None:
        """Return what is left of a row, None where it stays as it is."""
        traces, space = self._traces, reader.space(row)
        is_hub = reader.collection.filled_by_release
        id_ = id_in_log(row)
        if id_ in traces.ids.get(HUB if is_hub else space, ()):
            return self._end(row, reader)
        if not any(traces.is_in(body) or traces.names_id(body) for body in row.bodies):
            return None
        objects: list[Obj] = [msgspec.json.decode(body) for body in row.bodies]
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

    def _look_for(self, id_: str, space: int, reader: Reader) -> None:
        """Look for an id from now on too, if its maker alone can have given it.

        Members of an exchange choose ids themselves, and could name what is the hub's.
        """
        if reader.collection.kind != "exchange" and reader.collection.use != "outcomes":
            self._traces.add(space, id_)

    def _end(self, row: StoredRow, reader: Reader) -> RowChange | None:
        """Return the tombstone of what readers may still have to learn of; all else goes."""
        obj = msgspec.json.decode(row.bodies[0])
        type_ = obj["type"]
        is_to_be_learnt = reader.collection.filled_by_release and row.revoked and row.is_latest
        if is_to_be_learnt and type_ in tombstones.TYPES:
            left = compact(tombstones.tombstone(obj))
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
            return value_index.subject_of(*observable.kind_and_value(obj)) in self._traces.subjects
        except Rejected:
            return False

    def _clean(self, row: StoredRow, objects: list[Obj], *, changed: bool = False) -> RowChange | None:
        """Return a row of objects about something else, with a word in place of the value in their texts."""
        cleaned = [self._cleaned(obj) for obj in objects]
        if any(self._traces.is_in(compact(obj)) for obj in cleaned):
            self._counts["names of other values that are written alike"] += 1
        if cleaned == objects and not changed:
            return None
        if cleaned != objects:
            self._counts["texts cleaned"] += 1
        return RowChange(row, tuple(compact(obj) for obj in cleaned))

    def _cleaned(self, obj: Obj) -> Obj:
        names_a_value = obj["type"] in ("indicator", "language-content") or "created" not in obj
        cleaned: Obj = self._traces.cleaned_object(obj, _ALL_NAMES if names_a_value else _WORDS)
        return cleaned


def _targets(obj: Mapping[str, Any]) -> set[str]:
    """Return the ids of the objects that an object is about."""
    targets = {obj[name] for name in _TARGETS if isinstance(obj.get(name), str)}
    listed = obj.get("object_refs")
    return targets | {ref for ref in listed if isinstance(ref, str)} if isinstance(listed, list) else targets


def _without(obj: Obj, erased: set[str]) -> Obj:
    return {**obj, "object_refs": [ref for ref in obj["object_refs"] if ref not in erased]}
