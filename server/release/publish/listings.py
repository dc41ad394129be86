"""Under which ids the hub lists a value: one in the shared rooms, one in each own room, the next when that was revoked.

A track is the shared rooms, "", or one own room, by its owner's name.
"""

from typing import Any

from server.release.fuse.values import Value
from server.release.publish.collections import Publication
from server.release.scene import Scene
from server.store.listings import Listed


class Listings:
    """The listings there were, and those that come next, as far as ``publication`` was loaded."""

    def __init__(self, scene: Scene, publication: Publication) -> None:
        """Look at what stands in the rooms of ``scene``."""
        self._scene = scene
        self._publication = publication

    def there(self, id_: str, track: str) -> dict[str, Any]:
        """Give by room of a track what is out under that id."""
        out = self._publication.out(id_) if id_ else {}
        return {room: obj for room, obj in out.items() if self._scene.owner(room) == track}

    def times(self, listed: list[str], room: str, id_: str) -> int:
        """Give how often the value was listed in that room before, under other ids."""
        return sum(1 for each in listed if each != id_ and self._publication.version(room, each))

    def next(self, value: Value, track: str) -> str:
        """Give the id of a listing that there was not yet: what was taken back stays so under its id."""
        number = len(value.listed.get(track, ()))
        id_ = self._scene.listing_id(value.subject, track, number)
        self._publication.list_as(Listed(value.subject, track, number, id_))
        return id_
