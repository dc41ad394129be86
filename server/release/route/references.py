"""References between objects: which ids a partner may refer to, and which object it means by an id."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from mappers import marking
from schemas.partner import Partner
from schemas.vocabulary import Tlp
from server.release.context import ReleaseContext
from server.release.fuse.loader import Loader
from server.release.fuse.statements import indicator_subject
from server.release.publish.collections import Publication
from server.release.route import annotation_targets
from server.release.submission import TRANSLATION, Submission
from server.store import collections, inbox, listings, log, partners, value_index
from server.store.engine import Tx

NamedValue = tuple[str, str]


def referable_indicators(tx: Tx, partner: Partner, values: Iterable[NamedValue]) -> Mapping[NamedValue, list[str]]:
    """Return by value (kind and normal form) the ids by which ``partner`` may speak of it; none where it may not know.

    They are the hub's listings where the partner reads them, else the indicators of its own; never both, so that what
    it says of the value is said once. What is revoked is none of them. All values are looked up at once.
    """
    names = {value: value_index.subject_of(*value) for value in values}
    listed = {name: listings.all_of(tracks) for name, tracks in listings.find(tx, names.values()).items()}
    there = _readable(tx, partner, {id_ for ids in listed.values() for id_ in ids})
    space = partners.space(tx, partner.name)
    found = {name: listed.get(name, set()) & there for name in names.values()}
    keys = {
        name: {key for key in of_one if inbox.space(key) == space}
        for name, of_one in value_index.find(tx, {name for name, ids in found.items() if not ids}).items()
    }
    own = _own(tx, partner, {key for of_one in keys.values() for key in of_one})
    return {
        value: sorted(found[name] or {own[key] for key in keys.get(name, ()) if key in own})
        for value, name in names.items()
    }


def _readable(tx: Tx, partner: Partner, ids: set[str]) -> set[str]:
    """Return those listings of the hub that stand where the partner reads."""
    rights = collections.rights(tx, partner.name)
    there: set[str] = set()
    for collection in collections.all_collections(tx) if ids else ():
        if collection.filled_by_release and rights.get(collection.id, (False, False))[0]:
            there |= {id_ for id_, item in log.latest(tx, collection, ids).items() if not item.revoked}
    return there


def _own(tx: Tx, partner: Partner, keys: set[str]) -> dict[str, str]:
    """Return by key the ids of those indicators in the inbox that the partner itself made."""
    return {
        key: item.id
        for key, item in inbox.latest(tx, keys).items()
        if not item.revoked and _creator(item.body) == partner.identity
    }


def _creator(body: bytes) -> str | None:
    creator: str | None = msgspec.json.decode(body).get("created_by_ref")
    return creator


Obj = Mapping[str, Any]


class References:
    """Finds what one partner means by the ids that its objects refer to."""

    def __init__(self, scene: ReleaseContext, partner: Partner, loading: Loader, publication: Publication) -> None:
        """Look for ``partner`` among what ``loading`` and ``publication`` have read."""
        self._scene = scene
        self.partner = partner
        self._loading = loading
        self._publication = publication
        self._listed: dict[str, str] = {}

    def look_up(self, taken: Iterable[Submission]) -> None:
        """Read what these objects and what they refer to are by now, in the partner's space and where it reads."""
        keys: set[str] = set()
        published: set[str] = set()
        refs: set[str] = set()
        for each in taken:
            keys.add(each.key)
            if spoken_of := annotation_targets.refs(each.obj):
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

    def tlp(self, key: str, refs: Iterable[str]) -> Tlp | None:
        """Return the level of an object: its own, and no wider than that of any of the partner's that it speaks of.

        None where one of these bears a marking that is not known.
        """
        tlps = [self._loading.tlp(each) for each in (key, *map(self._key, refs)) if each in self._loading.known]
        return None if None in tlps else marking.narrowest(filter(None, tlps))

    def basis(self, obj: Obj) -> tuple[str, str] | None:
        """Give the keys of an indicator and of the observable that a relationship bases it on, where that is marked."""
        if obj.get("relationship_type") != "based-on" or obj["type"] != "relationship":
            return None
        source, target = self._key(obj["source_ref"]), self._key(obj["target_ref"])
        known = self._loading.known.get(target)
        return (source, target) if known is not None and "created" not in known and marking.refs(known) else None

    def marked(self, definitions: Iterable[str]) -> dict[str, set[str]]:
        """Read what bears the markings of these keys, and give by key the values that it is about."""
        bearing = {key for keys in value_index.find(self._scene.tx, definitions).values() for key in keys}
        self._loading.read(bearing)
        self.read({ref for key in bearing for ref in annotation_targets.refs(self._loading.known[key])})
        self._publication.load({self._scene.annotation_id(key, self._loading.known[key]["type"]) for key in bearing})
        found = {}
        for key in sorted(bearing):
            obj = self._loading.known[key]
            subjects = {indicator_subject(obj), *map(self.subject, annotation_targets.refs(obj))}
            found[key] = {subject for subject in subjects if subject}
        return found

    def meant(self, ref: str) -> str:
        """Give what is meant: the partner's own by its key, else what it reads by its id, else the key of nothing."""
        return ref if self.own(ref) is None and self.reads(ref) else self._key(ref)

    def reads(self, ref: str) -> bool:
        """Tell whether the hub publishes, or published, something under that id where the partner reads."""
        return any(self._is_read(room) for room in self._publication.collections_with(ref))

    def subject(self, ref: str) -> str | None:
        """Give the value that is meant: that of the partner's own report, or of a listing that it reads."""
        own = self.own(ref)
        if own is not None:
            return indicator_subject(own)
        return self._listed.get(ref) if self.reads(ref) else None

    def is_published(self, id_: str) -> bool:
        """Tell whether something under that id that the partner reads is what it said itself."""
        there = self._publication.latest(id_) if self.reads(id_) else None
        return there is not None and there.get("created_by_ref") == self.partner.identity

    def published_as(self, ref: str) -> str:
        """Give the id under which what is meant is published, where that is no value's listing."""
        return self._published(ref) or ref

    def _published(self, ref: str) -> str | None:
        own = self.own(ref)
        if own is None or own["type"] == "indicator" or not annotation_targets.refs(own):
            return None
        return self._scene.annotation_id(self._key(ref), own["type"])

    def _is_read(self, room: str) -> bool:
        return room in self._scene.readable(self.partner.name) or self._scene.private_reader(room) == self.partner.name

    def _key(self, ref: str) -> str:
        return inbox.key(self._scene.registry.spaces[self.partner.name], ref)
