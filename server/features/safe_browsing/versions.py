"""The sorted hash prefixes of one list, in its present version, and the updates of clients from earlier ones.

A version names a list of prefixes by its checksum: processes and nodes that listed the same prefixes agree on it. A
client with room for a part of the list has the prefixes up to a bound, which its version says too.
"""

import hashlib
import sys
import threading
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from server.features.safe_browsing.rice import CodedNumbers, encode

PREFIX = 4
# Above all prefixes: the client has the whole list.
_UNBOUNDED = 0xFFFFFFFF
_TAG, _CHECKSUM = 4, 16
_TOKEN = _TAG + _CHECKSUM + PREFIX
# The changes that are kept for updates: as many steps, a day of one a minute, and as many prefixes.
_MOST_STEPS, _MOST_CHANGES = 1_440, 100_000
# The updates that are kept coded.
_MOST_CODED = 256


class SizeLimits(NamedTuple):
    """The most entries of an update, and of a client's list; 0 is no limit."""

    update: int = 0
    database: int = 0


class ListUpdate(NamedTuple):
    """An update of a client's list, which leads to ``version`` of it.

    Not ``partial``: the client's list is replaced. ``checksum`` is the SHA-256 of the client's list afterwards, None if
    the update changes nothing. ``more``: the limits of the client left out a part that the next update brings.
    """

    version: bytes
    partial: bool
    removals: CodedNumbers | None
    additions: CodedNumbers | None
    checksum: bytes | None
    more: bool


class _Step(NamedTuple):
    """The change from one version, by its checksum, to the next."""

    before: bytes
    added: tuple[int, ...]
    removed: tuple[int, ...]


class _Held(NamedTuple):
    """A client's list: the differences to the present list, sorted, up to its bound."""

    added: list[int]
    removed: list[int]
    bound: int


class HashVersions:
    """One version of a list and the steps that led to it. It never changes; threads share it."""

    def __init__(self, name: str, prefixes: Iterable[int] = (), steps: Sequence[_Step] = ()) -> None:
        """List sorted ``prefixes``, none of them twice. ``name`` tells the versions of several lists apart."""
        self._name = name
        self._tag = hashlib.sha256(name.encode()).digest()[:_TAG]
        self._prefixes = array("I", prefixes)
        self._steps = steps
        self._place = {step.before: place for place, step in enumerate(steps)}
        self._checksum = _checksum(self._prefixes)
        self._place[self._checksum[:_CHECKSUM]] = len(steps)
        self._coded: dict[tuple[bytes, bool], ListUpdate] = {}
        self._coding = threading.Lock()

    def __len__(self) -> int:
        """Return the number of prefixes."""
        return len(self._prefixes)

    def __contains__(self, prefix: int) -> bool:
        """Return whether a prefix is listed."""
        place = bisect_left(self._prefixes, prefix)
        return place < len(self._prefixes) and self._prefixes[place] == prefix

    def is_of(self, version: bytes) -> bool:
        """Return whether a version is one of this list, also if it is not known any more."""
        return len(version) == _TOKEN and version[:_TAG] == self._tag

    def changed(self, added: Collection[int], removed: Collection[int]) -> "HashVersions":
        """Return the next version: none of the ``added`` prefixes was listed, and all of the ``removed`` ones were."""
        step = _Step(self._checksum[:_CHECKSUM], tuple(sorted(added)), tuple(sorted(removed)))
        if not step.added and not step.removed:
            return self
        prefixes, at = array("I"), 0
        gone = set(removed)
        for prefix in sorted({*added, *removed}):
            place = bisect_left(self._prefixes, prefix, at)
            prefixes.extend(self._prefixes[at:place])
            at = place + (prefix in gone)
            if prefix not in gone:
                prefixes.append(prefix)
        prefixes.extend(self._prefixes[at:])
        return HashVersions(self._name, prefixes, _bounded([*self._steps, step]))

    def update(self, version: bytes, limits: SizeLimits = SizeLimits()) -> ListUpdate:  # noqa: B008 - never changes
        """Return the update from a client's version: all prefixes if it is empty, or not known any more.

        An update is coded once for all clients without a limit that matters.
        """
        held = self._held(version)
        key = version if held is not None else b"", held is None
        most = min(limits.database or len(self), len(self))
        with self._coding:
            if (known := self._coded.get(key)) is not None and _fits(known, limits, most, len(self)):
                return known
            made = self._partial(held, most, limits.update) if held is not None else None
            if made is None:
                key = b"", True
                made = self._whole(most, limits.update)
            is_usual = made.version[-PREFIX:] == _UNBOUNDED.to_bytes(PREFIX) and (
                held is None or held.bound == _UNBOUNDED
            )
            if is_usual and not made.more and len(self._coded) < _MOST_CODED:
                self._coded[key] = made
            return made

    def _held(self, version: bytes) -> _Held | None:
        """Return the list that a client has by its version; None if the version is of another list or not known."""
        if not self.is_of(version):
            return None
        place = self._place.get(version[_TAG:-PREFIX])
        if place is None:
            return None
        net: dict[int, int] = {}
        for step in self._steps[place:]:
            for prefix in step.added:
                net[prefix] = net.get(prefix, 0) + 1
            for prefix in step.removed:
                net[prefix] = net.get(prefix, 0) - 1
        bound = int.from_bytes(version[-PREFIX:])
        came = sorted(prefix for prefix, count in net.items() if count > 0 and prefix <= bound)
        went = sorted(prefix for prefix, count in net.items() if count < 0 and prefix <= bound)
        return _Held(came, went, bound)

    def _partial(self, held: _Held, most: int, most_changes: int) -> ListUpdate | None:
        """Return the update of a client's list to the first ``most`` prefixes; None if it has too many changes."""
        have = bisect_right(self._prefixes, held.bound)
        if have > most:
            bound = self._prefixes[most - 1]
            tail = range(self._count_held(held, bound), self._count_held(held, held.bound))
            added = held.added[: bisect_right(held.added, bound)]
            removed = held.removed[: bisect_right(held.removed, bound)]
            upto = most
        else:
            changes = len(held.added) + len(held.removed)
            upto = min(most, have + most_changes - changes) if most_changes else most
            upto = max(have, upto)
            bound, tail = (held.bound if upto == have else self._prefixes[upto - 1]), range(0)
            added, removed = [*held.added, *self._prefixes[have:upto]], held.removed
        if most_changes and len(added) + len(removed) + len(tail) > most_changes:
            return None
        gone = [
            bisect_left(self._prefixes, prefix) - bisect_left(held.added, prefix) + place
            for place, prefix in enumerate(removed)
        ]
        gone.extend(tail)
        return self._update(upto, bound, True, gone, added, upto < most)

    def _whole(self, most: int, most_changes: int) -> ListUpdate:
        upto = min(most, most_changes or most)
        bound = self._prefixes[upto - 1] if upto else _UNBOUNDED
        return self._update(upto, bound, False, [], self._prefixes[:upto], upto < most)

    def _update(
        self, upto: int, bound: int, partial: bool, removals: Sequence[int], additions: Sequence[int], more: bool
    ) -> ListUpdate:
        """Return the update to the first ``upto`` prefixes, which are those up to ``bound``."""
        checksum = self._checksum
        if upto == len(self):
            bound = _UNBOUNDED
        elif removals or additions:
            checksum = _checksum(self._prefixes[:upto])
        return ListUpdate(
            version=self._tag + self._checksum[:_CHECKSUM] + bound.to_bytes(PREFIX),
            partial=partial,
            removals=encode(removals) if removals else None,
            additions=encode(additions) if additions else None,
            checksum=checksum if removals or additions or not partial else None,
            more=more,
        )

    def _count_held(self, held: _Held, bound: int) -> int:
        """Return how many prefixes up to a bound a client's list has."""
        listed = bisect_right(self._prefixes, bound)
        return listed - bisect_right(held.added, bound) + bisect_right(held.removed, bound)


def _fits(known: ListUpdate, limits: SizeLimits, most: int, count: int) -> bool:
    """Return whether a coded update keeps to the limits of another client."""
    entries = sum(coded.entries + 1 for coded in (known.removals, known.additions) if coded is not None)
    return most == count and (not limits.update or entries <= limits.update)


def _bounded(steps: list[_Step]) -> list[_Step]:
    """Return the newest steps that are kept."""
    kept, left = steps[-_MOST_STEPS:], _MOST_CHANGES
    for place, step in reversed([*enumerate(kept)]):
        left -= len(step.added) + len(step.removed)
        if left < 0:
            return kept[place + 1 :]
    return kept


def _checksum(prefixes: "array[int]") -> bytes:
    """Return the SHA-256 of sorted prefixes, each in four bytes, the highest first."""
    octets = array("I", prefixes)
    if sys.byteorder == "little":
        octets.byteswap()
    return hashlib.sha256(octets).digest()
