"""The part of an erasure that reads the log: it finds the rows that may have traces, and changes those that have.

Rows are found by the index of texts, by their ids, by the numbers of their values, and by their values' reports. Rows
that are not indexed yet are all read, and all rows for a value without known beginnings.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from mappers import ids
from server.features.erasures import indexing
from server.features.erasures.rewriting import Reader, Rewriting
from server.release.traces import HUB, ValueTraces
from server.store import collections, partners, subjects
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.objects import log_rows, text_keys
from server.store.objects.log_rows import RowChange
from server.store.objects.text_keys import TextStretch

# Each pass looks for the ids that earlier passes found, and reads the rows added meanwhile.
_MOST_PASSES = 5
# Stretches of the index read for each row of a batch: they are only searched.
_STRETCHES = 4
# The state at the beginning. ``parts`` are the stretches to read, ``at`` and ``after`` the place there; ``read`` has by
# log the place up to which texts were searched, and ``ends`` the one at the beginning of the pass.
FIRST: Mapping[str, Any] = {
    "step": "log",
    "pass": 0,
    "phase": "parts",
    "parts": [],
    "at": 0,
    "after": None,
    "read": {},
    "ends": {},
    "grew": False,
}


def advance(tx: Tx, state: dict[str, Any], traces: ValueTraces, counts: Counter[str], most: int) -> bool:
    """Do the next ``most`` rows of the step; return False at its end. ``state`` is changed."""
    work = _Step(tx, state, traces)
    phase = state["phase"]
    if phase == "index":
        work.find_stretches(most * _STRETCHES)
    elif state["at"] < len(state["parts"]):
        work.change(counts, most)
    else:
        return work.begin_pass()
    return True


def readers_of(tx: Tx) -> list[Reader]:
    """Return the collections whose logs are read, one for each log, with the space of their ids."""
    spaces = partners.load_registry(tx).spaces
    found: list[Reader] = []
    for collection in sorted(collections.all_collections(tx), key=_inbox_first):
        if collection.log == collection.number:
            owner = spaces.get(collection.owner, -1) if collection.owner is not None else None
            found.append(Reader(collection, owner))
    return found


def _inbox_first(collection: Collection) -> tuple[bool, int]:
    return collection.kind != "inbox", collection.number


class _Step:
    """One batch of the step."""

    def __init__(self, tx: Tx, state: dict[str, Any], traces: ValueTraces) -> None:
        self._tx = tx
        self._state = state
        self._traces = traces
        self._beginnings = traces.spellings.beginnings

    def begin_pass(self) -> bool:
        """Begin the next pass, if one is needed."""
        state = self._state
        last = {str(reader.collection.log): reader.collection.last_added for reader in readers_of(self._tx)}
        read = {**state["read"], **state["ends"]}
        parts = [[int(log), read.get(log, -1) + 1, end] for log, end in last.items() if end > read.get(log, -1)]
        number = state["pass"] + 1
        if number > 1 and (number > _MOST_PASSES or not (parts or state["grew"])):
            return False
        looks = number == 1 or state["grew"]
        if looks and self._beginnings is not None:
            # Read now, because rows are indexed during the step.
            parts = [[log, after + 1, end] for log, after, end in indexing.left(self._tx)]
        state |= {"pass": number, "parts": parts, "at": 0, "after": None, "read": read, "ends": last, "grew": False}
        state |= {"phase": "index" if looks else "rows", "place": None}
        return True

    def find_stretches(self, most: int) -> None:
        """Find the next stretches of the index that may have traces; at the end add the rows found without it."""
        state, keys = self._state, text_keys.of(self._tx)
        about = keys.of_ids(id_ for known in self._traces.ids.values() for id_ in known)
        both = about | keys.of_beginnings(self._beginnings or ())
        both |= keys.of_values(map(text_keys.bare, self._traces.subjects))
        read = state["read"]

        def wanted(stretch: TextStretch) -> Set[bytes]:
            return both if stretch.ends > read.get(str(stretch.log), -1) else about

        before = None if state["place"] is None else (state["place"][0], state["place"][1])
        found, following = text_keys.find(self._tx, before, most, wanted)
        state["parts"] += map(list, found)
        if following is not None:
            state["place"] = list(following)
            return
        known = [[log, at, at] for log, at in self._own_places()]
        state |= {"phase": "rows", "parts": self._in_order([*state["parts"], *known])}

    def change(self, counts: Counter[str], most: int) -> None:
        """Change the rows of the next parts that have traces."""
        state, traces = self._state, self._traces
        readers = {reader.collection.log: reader for reader in readers_of(self._tx)}
        rewriting = Rewriting(traces, counts)
        changes: list[RowChange] = []
        # Parts without changes share a batch; a batch locks one log at most.
        while most > 0 and state["at"] < len(state["parts"]):
            log, begins, ends = state["parts"][state["at"]]
            if changes and changes[0].row.log != log:
                break
            reader = readers.get(log)
            if reader is None:
                state |= {"at": state["at"] + 1, "after": None}
                continue
            start = begins - 1 if state["after"] is None else state["after"]
            rows, place = log_rows.between(self._tx, log, start, ends, most)
            end = state["read"].get(str(log), -1)
            decided = (rewriting.decide(row, reader, was_read=row.date_added <= end) for row in rows)
            changes += [change for change in decided if change is not None]
            state |= {"at": state["at"] + 1, "after": None} if place is None else {"after": place}
            most -= max(1, len(rows))
        log_rows.change(self._tx, changes)
        if rewriting.values:
            self._add_places(self._places(rewriting.values))
        state["grew"] = state["grew"] or traces.grew

    def _own_places(self) -> list[tuple[int, int]]:
        """Return the places of the rows about the erased values, and of those with an erased id."""
        tx, known = self._tx, {id_ for of_space in self._traces.ids.values() for id_ in of_space}
        texts = set(map(ids.language_content, self._traces.ids.get(HUB, ())))
        own = subjects.numbers(tx, self._traces.subjects).values()
        return log_rows.places_of_values(tx, own) + log_rows.places_of_ids(tx, known | texts)

    def _places(self, numbers: Iterable[int]) -> list[tuple[int, int]]:
        """Return the places of the rows about other values, and of their listings' texts in other languages."""
        found = log_rows.places_of_values(self._tx, numbers)
        texts = set(map(ids.language_content, log_rows.listings_of(self._tx, numbers)))
        return found + log_rows.places_of_ids(self._tx, texts)

    def _add_places(self, places: Iterable[tuple[int, int]]) -> None:
        """Read these places too, unless they are in a part."""
        parts: list[list[int]] = self._state["parts"]
        new = sorted(set(places))
        parts += [
            [log, place, place]
            for log, place in new
            if not any(log == other and begins <= place <= ends for other, begins, ends in parts)
        ]

    def _in_order(self, parts: Sequence[Sequence[int]]) -> list[list[int]]:
        """Return the parts in the order of their logs, the inbox first; those that overlap are merged."""
        order = {reader.collection.log: number for number, reader in enumerate(readers_of(self._tx))}
        merged: list[list[int]] = []
        for log, begins, ends in sorted(parts, key=lambda part: (order.get(part[0], len(order)), part[1])):
            if merged and merged[-1][0] == log and begins <= merged[-1][2] + 1:
                merged[-1][2] = max(merged[-1][2], ends)
            else:
                merged.append([log, begins, ends])
        return merged
