"""What speaks of other objects (sightings, opinions, notes, cases, flows): heard where those are, and no further."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mappers import annotation, extension
from schemas.errors import Rejected
from schemas.vocabulary import HolderStatus, Tlp
from server.release.context import ReleaseContext
from server.release.guard.personal_data import objects
from server.release.publish.collections import Publication
from server.release.publish.listings import ListingState
from server.release.route import annotation_targets, audience
from server.release.route.audience import Audience
from server.release.route.policy import PUBLIC, SHARED
from server.release.route.references import References
from server.release.submission import RESERVED

SIGHTINGS = "sightings"

Obj = Mapping[str, Any]


class AnnotationOutcome(NamedTuple):
    """What became of an object: why it reaches nobody, or what of it is not published, None where neither is so."""

    why_nowhere: str | None
    left_out: str | None


class AnnotationRelease:
    """Lets go what a partner says of other objects, after the values it is about were renewed."""

    def __init__(
        self,
        scene: ReleaseContext,
        publication: Publication,
        references: References,
        values: Mapping[str, ListingState],
    ) -> None:
        """Speak for the partner of ``references``, which have read what its objects speak of.

        ``values`` says how the values stand, by the keys of reports and the ids of listings that name them.
        """
        self._scene = scene
        self._publication = publication
        self._references = references
        self._partner = references.partner
        self._values = values

    def release(self, key: str, obj: dict[str, Any]) -> AnnotationOutcome:
        """Let what the inbox has under a key go where it may, rebuilt from what is known of such objects."""
        refs = annotation_targets.refs(obj)
        tlp = self._references.tlp(key, refs)
        unseen = annotation_targets.needs_visible_targets(obj) and not all(map(self._sees, refs))
        id_ = self._scene.annotation_id(key, obj["type"])
        rebuilt, why = _rebuilt(obj, tlp) if tlp is not None else (None, audience.UNKNOWN_MARKING)
        places = set() if unseen or rebuilt is None or tlp is None else self._places(obj, refs, tlp)
        for room in self._publication.published(id_).keys() - places:
            self._publication.revoke(room, id_)
        if rebuilt is None or tlp is None or not places:
            return AnnotationOutcome(why or annotation_targets.why_nowhere(obj, tlp or Tlp.RED, unseen=unseen), None)
        for room in places:
            called = {ref: self._called(ref, room) for ref in refs}
            said = {**annotation_targets.with_targets(rebuilt.obj, called), "id": id_}
            self._publication.enter(
                room, said, tlp, beside=annotation_targets.locations_of(said), by=self._partner.name
            )
        if not self._places(obj, refs, tlp, known=True):
            # That it reaches somebody would tell that others said something of the same.
            return AnnotationOutcome(annotation_targets.why_nowhere(obj, tlp, unseen=unseen), None)
        return AnnotationOutcome(None, rebuilt.message)

    def take_back(self, key: str, type_: str) -> None:
        """Revoke what the inbox has under a key wherever it is out."""
        id_ = self._scene.annotation_id(key, type_)
        for room in self._publication.published(id_):
            self._publication.revoke(room, id_)

    def _sees(self, ref: str) -> bool:
        """Tell whether an object is the partner's own, or is or was out where it reads."""
        return self._references.own(ref) is not None or ref in RESERVED or self._references.reads(ref)

    def _value(self, ref: str) -> ListingState | None:
        """Give how the value stands that the partner means by ``ref``, None where that is another thing."""
        return self._values.get(self._references.meant(ref))

    def _reads(self, partner: str, room: str) -> bool:
        return room in self._scene.readable(partner) or self._scene.private_reader(room) == partner

    def _called(self, ref: str, room: str) -> str:
        """Give the id by which readers of a room know what the partner means by ``ref``."""
        value = self._value(ref)
        if value is None:
            return self._references.published_as(ref)
        shared = value.shared if any(not self._scene.is_private(each) for each in self._known_out(ref)) else ""
        return value.ids.get(room) or ("" if self._scene.is_private(room) else shared) or ref

    def _out(self, ref: str) -> set[str]:
        """Give the rooms that have what the partner means: the value, or where it sees none the object of that id."""
        value = self._value(ref)
        if value:
            return set(value.ids)
        id_ = self._references.published_as(ref)
        there = self._publication.published(id_).keys() & set(self._scene.shared)
        # Under its own id stands here what others may have said too.
        return there if id_ != ref else {room for room in there if self._reads(self._partner.name, room)}

    def _known_out(self, ref: str) -> set[str]:
        """Give those of these rooms of which the partner may know: it reads them, or its own report enters them."""
        value = self._value(ref)
        mine = value.reports.get(self._partner.name, Audience()) if value else Audience()
        return {
            room
            for room in self._out(ref)
            if value is None
            or room in mine.shared
            or self._scene.private_reader(room) in mine.personal
            or self._reads(self._partner.name, room)
        }

    def _places(self, obj: Obj, refs: list[str], tlp: Tlp, *, known: bool = False) -> set[str]:
        """Give the rooms for an object: shared ones, and own ones of those who may hear it and see what it is about.

        With ``known``, as far as the partner may know that what it is about is there: its answer goes by that.
        """
        out = [self._known_out(ref) if known else self._out(ref) for ref in refs]
        homes = self._of_both_ends(refs) if annotation_targets.is_flow(obj) else self._shared(obj, refs, out)
        if tlp is not Tlp.CLEAR:
            homes -= {PUBLIC}
        limits = extension.sharing(obj)
        reach = audience.audience_within(frozenset(homes), tlp, limits, self._partner, self._scene.registry)
        hearers = {n for n in reach.personal if all(any(self._reads(n, room) for room in there) for there in out)}
        places = set(reach.shared)
        if annotation_targets.is_standard_stix(obj):
            places |= hearers if known else {self._scene.private_collection(name) for name in hearers}
        if reach.personal or tlp not in SHARED or limits:
            return places
        # What some were told by themselves is spoken of to them.
        apart = [{room for room in there if self._scene.private_reader(room)} for there in out]
        return places | (set.intersection(*apart) if apart and annotation_targets.is_standard_stix(obj) else set())

    def _shared(self, obj: Obj, refs: list[str], out: Iterable[set[str]]) -> set[str]:
        """Give the shared rooms: where sightings go, and for a case wherever all its members are, by ``out``."""
        out = [{room for room in there if not self._scene.is_private(room)} for there in out]
        told_apart = any(self._is_told_apart(ref) for ref in refs)
        together = set.intersection(*out) if out else set()
        wide = set() if told_apart else {SIGHTINGS}
        if together & {PUBLIC}:
            wide.add(PUBLIC)
        return wide | together if obj["type"] == "grouping" else wide

    def _is_told_apart(self, ref: str) -> bool:
        """Tell whether the partner knows what it means from its own room alone."""
        if not self._sees(ref):
            return False
        id_ = self._references.published_as(ref)
        stood = self._publication.collections_with(id_)
        if id_ == ref:
            stood = {room for room in stood if self._reads(self._partner.name, room)}
        there = stood | self._known_out(ref)
        if there:
            return all(map(self._scene.is_private, there))
        # What it says itself with limits that let nobody hear it is not told of either.
        ours = extension.context_of(self._references.own(ref) or {})
        return "sharing" in ours or ours.get("holder_status") == HolderStatus.COERCED

    def _of_both_ends(self, refs: list[str]) -> set[str]:
        """Give the rooms that have both ends of a flow and that the contributor reads: so it is told nothing new."""
        there = [self._publication.collections_with_observable(ref) for ref in refs]
        return set.intersection(*there) & self._scene.readable(self._partner.name)


def _rebuilt(obj: Obj, tlp: Tlp) -> tuple[annotation.Rebuilt | None, str | None]:
    """Give what is published of an object, or why nothing is: the rules may be stricter than when it came."""
    try:
        rebuilt = annotation.rebuild(obj, tlp, withheld=objects.could_be_personal_number)
        objects.refuse_personal_data(rebuilt.obj)
    except Rejected as refusal:
        return None, refusal.message
    return rebuilt, None
