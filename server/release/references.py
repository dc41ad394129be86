"""What a partner means by an id: what it contributed under it itself, else what it reads here, else nothing.

What is hidden from the partner and what is not there are the same to it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.partner import Partner
from server.release import about
from server.release.intake import TRANSLATION, Taken
from server.release.loading import Loading
from server.release.publication import Publication
from server.release.scene import Scene
from server.release.values import subject_of
from server.store import inbox, listings

Obj = Mapping[str, Any]


class References:
    """Finds what one partner means by the ids that its objects refer to."""

    def __init__(self, scene: Scene, partner: Partner, loading: Loading, publication: Publication) -> None:
        """Look for ``partner`` among what ``loading`` and ``publication`` have read."""
        self._scene = scene
        self.partner = partner
        self._loading = loading
        self._publication = publication
        self._listed: dict[str, str] = {}

    def look_up(self, taken: Iterable[Taken]) -> None:
        """Read what these objects and what they refer to are by now, in the partner's space and where it reads."""
        keys: set[str] = set()
        published: set[str] = set()
        refs: set[str] = set()
        for each in taken:
            keys.add(each.key)
            if spoken_of := about.refs(each.obj):
                refs.update(spoken_of)
                published |= {each.item.id, self._scene.annotation_id(each.key, each.item.type)}
            elif each.item.type == TRANSLATION:
                keys.add(self._key(str(each.obj.get("object_ref"))))
        self.read(refs, keys)
        self._publication.load(published)

    def read(self, refs: set[str], keys: Iterable[str] = ()) -> None:
        """Read what the partner may mean by ``refs``, and what the inbox has under ``keys``."""
        self._loading.read({*keys, *map(self._key, refs)})
        self._publication.load(refs | {id_ for ref in refs if (id_ := self._published(ref))})
        self._listed |= listings.subjects(self._scene.tx, refs - self._listed.keys())

    def own(self, ref: str) -> Obj | None:
        """Give what the partner itself contributed under that id."""
        return self._loading.known.get(self._key(ref))

    def meant(self, ref: str) -> str:
        """Give what is meant: the partner's own by its key, else what it reads by its id, else the key of nothing."""
        return ref if self.own(ref) is None and self.reads(ref) else self._key(ref)

    def reads(self, ref: str) -> bool:
        """Tell whether the hub publishes, or published, something under that id where the partner reads."""
        return any(self._is_read(room) for room in self._publication.stood(ref))

    def subject(self, ref: str) -> str | None:
        """Give the value that is meant: that of the partner's own report, or of a listing that it reads."""
        own = self.own(ref)
        if own is not None:
            return subject_of(own)
        return self._listed.get(ref) if self.reads(ref) else None

    def is_published(self, id_: str) -> bool:
        """Tell whether something under that id that the partner reads is what it said itself."""
        there = self._publication.standing(id_) if self.reads(id_) else None
        return there is not None and there.get("created_by_ref") == self.partner.identity

    def published_as(self, ref: str) -> str:
        """Give the id under which what is meant is published, where that is no value's listing."""
        return self._published(ref) or ref

    def _published(self, ref: str) -> str | None:
        own = self.own(ref)
        if own is None or own["type"] == "indicator" or not about.refs(own):
            return None
        return self._scene.annotation_id(self._key(ref), own["type"])

    def _is_read(self, room: str) -> bool:
        return room in self._scene.reads(self.partner.name) or self._scene.reader(room) == self.partner.name

    def _key(self, ref: str) -> str:
        return inbox.key(self._scene.registry.spaces[self.partner.name], ref)
