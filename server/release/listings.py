"""Under which ids the hub lists a value: one in the shared rooms, one in each own room, the next when that was revoked.

A track is the shared rooms, "", or one own room, by its owner's name.
"""

from collections.abc import Iterable, Iterator
from itertools import count, islice
from typing import Any

from mappers import ids
from server.release.publication import Publication
from server.release.scene import Scene
from server.release.values import Value
from server.store import log


class Listings:
    """The listings there were, and those that come next, as far as ``publication`` was loaded."""

    def __init__(self, scene: Scene, publication: Publication) -> None:
        """Look at what stands in the rooms of ``scene``."""
        self._scene = scene
        self._publication = publication
        self._taken: set[str] = set()

    def there(self, id_: str, track: str) -> dict[str, Any]:
        """Give by room of a track what is out under that id."""
        out = self._publication.out(id_) if id_ else {}
        return {room: obj for room, obj in out.items() if self._scene.owner(room) == track}

    def times(self, listed: list[str], room: str, id_: str) -> int:
        """Give how often the value was listed in that room before, under other ids."""
        return sum(1 for each in listed if each != id_ and self._publication.version(room, each))

    def of(self, value: Value, track: str) -> list[str]:
        """Give the ids under which a track has listed the value, the oldest first."""
        if not value.listings:
            return []
        if not value.claims:
            return [each for each in value.listings if self.there(each, track)]
        first = islice(self._ids(value, track), len(value.ids) + len(self._taken) + 1)
        listed = [each for each in first if each in value.listings]
        # Under another name of the value, or by a rule of before.
        others = sorted(each for each in value.listings.difference(listed) if self.there(each, track))
        return others + listed

    def next(self, value: Value, track: str) -> str:
        """Give the id of the first listing that there was not yet: what was taken back stays so under its id."""
        return next(id_ for id_ in self._ids(value, track) if id_ not in value.ids and id_ not in self._taken)

    def look_ahead(self, values: Iterable[Value]) -> None:
        """Look for values that are to be listed for the first time, or anew: under an id of a partner's none is."""
        self.look(
            (value, track)
            for value in values
            for track in _tracks(value)
            if not any(self.there(each, track) for each in value.listings)
        )

    def look(self, new: Iterable[tuple[Value, str]]) -> None:
        """Find which of the ids that come next for these values, each in a track, a partner has used before."""
        new = list(new)
        while taken := log.latest(self._scene.tx, self._scene.inbox, {self.next(*each) for each in new}).keys():
            self._taken |= taken

    def _ids(self, value: Value, track: str) -> Iterator[str]:
        """Give the ids of a value's listings in a track, in their order."""
        return (ids.listing(self._scene.hub.identity, value.pattern, seq, track) for seq in count())


def _tracks(value: Value) -> Iterator[str]:
    """Give the tracks that a value may be listed in: the shared rooms', empty, and own rooms by their owners."""
    if any(each.rooms.shared for each in value.claims):
        yield ""
    yield from frozenset[str]().union(*(each.rooms.personal for each in value.claims))
