"""References between objects: which ids a partner may refer to, and which object it means by an id.

Hidden and missing objects give the same result.
"""

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
from server.store.database.engine import Tx

NamedValue = tuple[str, str]  # kind and normal form
Obj = Mapping[str, Any]


class References:
    """Finds the objects that one partner means by the ids in its own objects.

    An id means the partner's own contribution with it; if there is none, the object with it that the partner reads
    here; otherwise nothing.
    """

    def __init__(self, context: ReleaseContext, partner: Partner, loader: Loader, publication: Publication) -> None:
        """Find objects of ``partner`` among those that ``loader`` and ``publication`` have read."""
        self._context = context
        self.partner = partner
        self._loader = loader
        self._publication = publication
        self._subjects: dict[str, str] = {}

    def look_up(self, submissions: Iterable[Submission]) -> None:
        """Read the stored versions of these objects, and of the objects that they refer to."""
        keys: set[str] = set()
        published: set[str] = set()
        refs: set[str] = set()
        for submission in submissions:
            keys.add(submission.key)
            item = submission.item
            if targets := submission.refs:
                refs.update(targets)
                published |= {item.id, self._context.annotation_id(submission.key, item.type)}
            elif item.type == TRANSLATION:
                keys.add(self._key(str(submission.obj.get("object_ref"))))
        self.read(refs, keys)
        self._publication.load(published)

    def read(self, refs: set[str], keys: Iterable[str] = ()) -> None:
        """Read the objects that the partner may mean by ``refs``, and those under ``keys`` in the inbox."""
        self._loader.read({*keys, *map(self._key, refs)})
        self._publication.load(refs | {id_ for ref in refs if (id_ := self._annotation_id(ref))})
        self._subjects |= listings.subjects(self._context.tx, refs - self._subjects.keys())

    def own(self, ref: str) -> Obj | None:
        """Return the object that the partner itself contributed with that id."""
        return self._loader.known.get(self._key(ref))

    def tlp(self, key: str, refs: Iterable[str]) -> Tlp | None:
        """Return the level of an object: no wider than its own, or than that of the partner's objects in ``refs``.

        None if one of these has an unknown marking.
        """
        keys = [stored for stored in (key, *map(self._key, refs)) if stored in self._loader.known]
        levels = [self._loader.tlp(stored) for stored in keys]
        return None if None in levels else marking.narrowest(filter(None, levels))

    def basis(self, obj: Obj) -> tuple[str, str] | None:
        """Return the keys of an indicator and of its marked observable, if the relationship connects these two."""
        if obj.get("relationship_type") != "based-on" or obj["type"] != "relationship":
            return None
        source, target = self._key(obj["source_ref"]), self._key(obj["target_ref"])
        observable = self._loader.known.get(target)
        is_marked = observable is not None and "created" not in observable and marking.refs(observable)
        return (source, target) if is_marked else None

    def marked(self, definitions: Iterable[str]) -> dict[str, set[str]]:
        """Read the objects that have these markings, by key; return, by key, the subjects that each is about."""
        found = {key for keys in value_index.find(self._context.tx, definitions).values() for key in keys}
        self._loader.read(found)
        known = self._loader.known
        self.read({ref for key in found for ref in annotation_targets.refs(known[key])})
        self._publication.load({self._context.annotation_id(key, known[key]["type"]) for key in found})
        subjects_of = {}
        for key in sorted(found):
            subjects = {indicator_subject(known[key]), *map(self.subject, annotation_targets.refs(known[key]))}
            subjects_of[key] = {subject for subject in subjects if subject}
        return subjects_of

    def meant(self, ref: str) -> str:
        """Return the key of the partner's own object; if there is none, the id of one that it reads; otherwise an
        unused key.
        """
        return ref if self.own(ref) is None and self.reads(ref) else self._key(ref)

    def reads(self, ref: str) -> bool:
        """Return whether the hub publishes, or published, an object with that id where the partner reads."""
        return any(self._context.reads(self.partner.name, alias) for alias in self._publication.collections_with(ref))

    def subject(self, ref: str) -> str | None:
        """Return the subject of the partner's own report, or of a listing that it reads; None for other objects."""
        own = self.own(ref)
        if own is not None:
            return indicator_subject(own)
        return self._subjects.get(ref) if self.reads(ref) else None

    def is_published(self, id_: str) -> bool:
        """Return whether the object that the partner reads with that id is its own."""
        latest = self._publication.latest(id_) if self.reads(id_) else None
        return latest is not None and latest.get("created_by_ref") == self.partner.identity

    def published_as(self, ref: str) -> str:
        """Return the id under which an object that is not a value's listing is published."""
        return self._annotation_id(ref) or ref

    def _annotation_id(self, ref: str) -> str | None:
        own = self.own(ref)
        if own is None or own["type"] == "indicator" or not annotation_targets.refs(own):
            return None
        return self._context.annotation_id(self._key(ref), own["type"])

    def _key(self, ref: str) -> str:
        return inbox.key(self._context.registry.spaces[self.partner.name], ref)


def referable_indicators(tx: Tx, partner: Partner, values: Iterable[NamedValue]) -> Mapping[NamedValue, list[str]]:
    """Return, by value, the ids by which ``partner`` may refer to it; no id if the partner may not know of it.

    These are the hub's listings that the partner reads, or its own indicators if there are none: never both, so that an
    annotation of the value counts once. Revoked ones are omitted. All values are looked up at once.
    """
    subjects = {value: value_index.subject_of(*value) for value in values}
    listed = {subject: listings.all_of(tracks) for subject, tracks in listings.find(tx, subjects.values()).items()}
    readable = _readable(tx, partner, {id_ for ids in listed.values() for id_ in ids})
    found = {subject: listed.get(subject, set()) & readable for subject in subjects.values()}
    own = _own_indicators(tx, partner, {subject for subject, ids in found.items() if not ids})
    return {value: sorted(found[subject] or own.get(subject, set())) for value, subject in subjects.items()}


def _readable(tx: Tx, partner: Partner, ids: set[str]) -> set[str]:
    """Return those listings of the hub that are in a collection that the partner reads."""
    found: set[str] = set()
    for collection in collections.readable(tx, partner.name) if ids else ():
        if collection.filled_by_release:
            found |= {id_ for id_, item in log.latest(tx, collection, ids).items() if not item.revoked}
    return found


def _own_indicators(tx: Tx, partner: Partner, subjects: set[str]) -> dict[str, set[str]]:
    """Return, by subject, the ids of the partner's own indicators that are not revoked."""
    space = partners.space(tx, partner.name)
    keys_of = {
        subject: {key for key in keys if inbox.space(key) == space}
        for subject, keys in value_index.find(tx, subjects).items()
    }
    latest = inbox.latest(tx, {key for keys in keys_of.values() for key in keys})
    own = {
        key: item.id
        for key, item in latest.items()
        if not item.revoked and msgspec.json.decode(item.body).get("created_by_ref") == partner.identity
    }
    return {subject: {own[key] for key in keys if key in own} for subject, keys in keys_of.items()}
