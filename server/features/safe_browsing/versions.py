"""The sorted hash prefixes of one list, in its present version, and the updates of clients from earlier ones.

A version names a list of prefixes by its checksum: processes and nodes that listed the same prefixes agree on it. A
client with room for a part of the list has the prefixes up to a bound, which its version says too. Only the hub makes
versions: a code in each of them proves it.
"""

import hashlib
import hmac
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
_TAG, _CHECKSUM, _CODE = 4, 16, 8
_CLAIM = _TAG + _CHECKSUM + PREFIX
# The changes that are kept for updates: as many steps, a day of one a minute, and as many prefixes.
_MOST_STEPS, _MOST_CHANGES = 1_440, 20_000
# The updates of clients with a known version that are kept coded.
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


class _Asked(NamedTuple):
    """What an update depends on: the place of the client's version among the steps, None if it has none, and limits."""

    place: int | None
    bound: int
    limits: SizeLimits


class _Coding:
    """An update that one thread codes while others that want the same wait."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.update: ListUpdate | None = None


class HashVersions:
    """One version of a list and the steps that led to it. It never changes; threads share it."""

    def __init__(
        self, name: str, prefixes: Iterable[int] = (), steps: Sequence[_Step] = (), *, secret: bytes = b""
    ) -> None:
        """List sorted ``prefixes``, none of them twice. ``name`` tells the versions of several lists apart.

        ``secret`` is the same in all processes of the hub, and proves which versions are theirs.
        """
        self._name = name
        self._secret = secret
        self._tag = hashlib.sha256(name.encode()).digest()[:_TAG]
        self._prefixes = array("I", prefixes)
        self._steps = steps
        self._place = {step.before: place for place, step in enumerate(steps)}
        self._checksum = _checksum(self._prefixes)
        self._place[self._checksum[:_CHECKSUM]] = len(steps)
        self._coded: dict[_Asked, _Coding] = {}
        self._changing = threading.Lock()

    def __len__(self) -> int:
        """Return the number of prefixes."""
        return len(self._prefixes)

    def __contains__(self, prefix: int) -> bool:
        """Return whether a prefix is listed."""
        place = bisect_left(self._prefixes, prefix)
        return place < len(self._prefixes) and self._prefixes[place] == prefix

    def is_of(self, version: bytes) -> bool:
        """Return whether a version is one of this list, also if it is not known any more."""
        return len(version) == _CLAIM + _CODE and version[:_TAG] == self._tag

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
        return HashVersions(self._name, prefixes, _bounded([*self._steps, step]), secret=self._secret)

    def update(self, version: bytes, limits: SizeLimits = SizeLimits()) -> ListUpdate:  # noqa: B008 - never changes
        """Return the update from a client's version: all prefixes if it is empty, not the hub's, or not known any more.

        A limit below the length of the list counts as the power of two below it, so that few updates are coded. Each
        is coded once for all clients.
        """
        asked = self._asked(version, limits)
        with self._changing:
            coding = self._coded.get(asked)
            if coding is None:
                coding = self._coded[asked] = _Coding()
                self._forget_oldest()
        with coding.lock:
            if coding.update is None:
                coding.update = self._made(asked)
            return coding.update

    def _asked(self, version: bytes, limits: SizeLimits) -> _Asked:
        count = len(self)
        database = _power_below(limits.database) if limits.database < count else 0
        claim, code = version[:_CLAIM], version[_CLAIM:]
        place = self._place.get(version[_TAG : _TAG + _CHECKSUM]) if self.is_of(version) else None
        if place is None or not hmac.compare_digest(code, self._code(claim)):
            update = _power_below(limits.update) if limits.update < (database or count) else 0
            return _Asked(None, _UNBOUNDED, SizeLimits(update, database))
        # No update has more entries: it removes and adds each prefix at most once.
        update = _power_below(limits.update) if limits.update < 2 * count + _MOST_CHANGES else 0
        return _Asked(place, int.from_bytes(claim[-PREFIX:]), SizeLimits(update, database))

    def _code(self, claim: bytes) -> bytes:
        return hmac.digest(self._secret, claim, "sha256")[:_CODE]

    def _forget_oldest(self) -> None:
        """Keep a bounded number of updates from known versions. Those of the whole list are few, and are all kept."""
        if len(self._coded) > _MOST_CODED:
            known = [asked for asked in self._coded if asked.place is not None]
            if len(known) > _MOST_CODED:
                del self._coded[known[0]]

    def _made(self, asked: _Asked) -> ListUpdate:
        most = asked.limits.database or len(self)
        if asked.place is None:
            return self._whole(most, asked.limits.update)
        held = self._held(asked.place, asked.bound)
        return self._partial(held, most, asked.limits.update) or self.update(b"", asked.limits)

    def _held(self, place: int, bound: int) -> _Held:
        """Return the list that a client has by the place and the bound of its version."""
        net: dict[int, int] = {}
        for step in self._steps[place:]:
            for prefix in step.added:
                net[prefix] = net.get(prefix, 0) + 1
            for prefix in step.removed:
                net[prefix] = net.get(prefix, 0) - 1
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
        claim = self._tag + self._checksum[:_CHECKSUM] + bound.to_bytes(PREFIX)
        return ListUpdate(
            version=claim + self._code(claim),
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


def _power_below(limit: int) -> int:
    """Return the highest power of two that is not above a limit; 0, no limit, stays 0."""
    return 1 << limit.bit_length() - 1 if limit else 0


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
