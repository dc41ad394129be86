"""Publish annotations (sightings, opinions, notes, groupings, flows) only where their targets are."""

from collections.abc import Mapping, Set
from contextlib import suppress
from typing import Any, NamedTuple

from mappers import annotation, extension
from mappers.kinds import kind_and_value
from schemas.errors import Rejected
from schemas.vocabulary import HolderStatus, Tlp
from server.release.context import ReleaseContext
from server.release.guard.personal_data import objects
from server.release.publish.collections import Publication
from server.release.publish.listings import ListingState
from server.release.reasons import Reason
from server.release.route import annotation_targets
from server.release.route.audience import Audience, audience_within
from server.release.route.explain import explain_annotation
from server.release.route.policy import PUBLIC, SHARED
from server.release.route.references import References
from server.release.submission import RESERVED
from server.store import listings, value_index

SIGHTINGS = "sightings"
_NONE: Set[str] = frozenset()

Obj = Mapping[str, Any]


class AnnotationOutcome(NamedTuple):
    """The messages about an annotation: why it is not published, or which parts of it are not; None if it is in
    full.
    """

    why_unpublished: str | None
    left_out: str | None


class AnnotationRelease:
    """Publishes one partner's annotations, after the listings of their values were updated."""

    def __init__(
        self,
        context: ReleaseContext,
        publication: Publication,
        references: References,
        states: Mapping[str, ListingState],
    ) -> None:
        """Publish for the partner of ``references``, which have read the targets of its annotations.

        ``states`` has the listings of values, by the keys of reports and the ids of listings of these values.
        """
        self._context = context
        self._publication = publication
        self._references = references
        self._partner = references.partner
        self._states = states

    def release(self, key: str, obj: dict[str, Any]) -> AnnotationOutcome:
        """Publish the annotation with that inbox key where allowed, and revoke it elsewhere.

        Only the parts known to the hub are published.
        """
        if annotation_targets.is_relayed(obj):
            return AnnotationOutcome(Reason.TARGET_NOT_VISIBLE.explain().message, None)
        refs = annotation_targets.refs(obj)
        tlp = self._references.tlp(key, refs)
        targets_visible = not annotation_targets.needs_visible_targets(obj) or all(map(self._is_visible, refs))
        id_ = self._context.annotation_id(key, obj["type"])
        rebuilt, refusal = _rebuild(obj, tlp)
        aliases = self._collections(obj, refs, tlp) if rebuilt and tlp is not None and targets_visible else set()
        left = self._targets_left(obj, refs, aliases)
        for alias in self._publication.published(id_).keys() - left.keys():
            self._publication.revoke(alias, id_)
        if rebuilt is None or tlp is None or not left:
            # For a flow, no partner is told whether an end of it was ever listed.
            is_withdrawn = bool(aliases) and not annotation_targets.is_flow(obj)
            why = explain_annotation(obj, tlp, targets_visible=targets_visible, is_withdrawn=is_withdrawn)
            return AnnotationOutcome(refusal or why.message, None)
        for alias, targets in left.items():
            self._enter(alias, {**rebuilt.obj, "id": id_}, targets, tlp)
        if not self._collections(obj, refs, tlp, as_partner_knows=True):
            # Confirming the publication would tell the partner that others report the same value.
            return AnnotationOutcome(explain_annotation(obj, tlp, targets_visible=targets_visible).message, None)
        return AnnotationOutcome(None, rebuilt.message)

    def may_be_told(self, key: str, obj: Obj) -> bool:
        """Return whether the partner may know that its annotation is published, as in the response to it."""
        if annotation_targets.is_relayed(obj):
            return False
        refs = annotation_targets.refs(obj)
        tlp = self._references.tlp(key, refs)
        if tlp is None or _rebuild(obj, tlp)[0] is None:
            return False
        aliases = self._collections(obj, refs, tlp, as_partner_knows=True)
        return bool(self._targets_left(obj, refs, aliases) if annotation_targets.is_flow(obj) else aliases)

    def revoke(self, key: str, type_: str) -> None:
        """Revoke the annotation with that inbox key wherever it is published."""
        id_ = self._context.annotation_id(key, type_)
        for alias in self._publication.published(id_):
            self._publication.revoke(alias, id_)

    def _enter(self, alias: str, obj: dict[str, Any], refs: list[str], tlp: Tlp) -> None:
        """Add an annotation to a collection, with the ids by which its readers know the targets."""
        ids = {ref: self._id_in(ref, alias) for ref in refs}
        entered = annotation_targets.with_targets(annotation_targets.about(obj, refs) or obj, ids)
        locations = annotation_targets.locations_of(entered)
        self._publication.enter(alias, entered, tlp, beside=locations, by=self._partner.name)

    def _targets_left(self, obj: Obj, refs: list[str], aliases: Set[str]) -> dict[str, list[str]]:
        """Return, by collection, the targets with which to add an annotation there, without those revoked there before.

        Omit the collection if the annotation says nothing without these targets. Targets that this transaction revokes
        still count: see ``withdrawn``.
        """
        now = self._publication.withdrawn() if aliases else _NONE
        found = {}
        for alias in aliases:
            ids = {ref: self._listings_of(ref) or {self._id_in(ref, alias)} for ref in refs}
            left = [ref for ref in refs if now & ids[ref] or not self._publication.is_withdrawn(alias, ids[ref])]
            if annotation_targets.about(obj, left):
                found[alias] = left
        return found

    def _listings_of(self, ref: str) -> Set[str]:
        """Return the ids of all listings of an observable's value; empty for any other object."""
        observable = self._references.own(ref) or self._publication.latest(ref)
        if observable is None or "created" in observable:
            return _NONE
        with suppress(Rejected):
            found = listings.ids(self._context.tx, value_index.subject_of(*kind_and_value(observable)))
            self._publication.load(found)
            return found
        return _NONE

    def _is_visible(self, ref: str) -> bool:
        """Return whether an object is the partner's own, or is or was published where the partner reads."""
        return self._references.own(ref) is not None or ref in RESERVED or self._references.reads(ref)

    def _state(self, ref: str) -> ListingState | None:
        """Return the listings of the value that the partner refers to, None if ``ref`` does not name a value."""
        return self._states.get(self._references.meant(ref))

    def _id_in(self, ref: str, alias: str) -> str:
        """Return the id by which readers of a collection know the object that the partner refers to."""
        state = self._state(ref)
        if state is None:
            return self._references.published_as(ref)
        in_shared = any(not self._context.is_private(known) for known in self._collections_known(ref))
        shared = state.shared if in_shared and not self._context.is_private(alias) else ""
        return state.ids.get(alias) or shared or ref

    def _collections_of(self, ref: str) -> set[str]:
        """Return the collections that have the value referred to, or the object with that id."""
        state = self._state(ref)
        if state:
            return set(state.ids)
        id_ = self._references.published_as(ref)
        aliases = self._publication.published(id_).keys() & set(self._context.shared)
        # Under the id itself, the hub may also publish others' annotations.
        return aliases if id_ != ref else {alias for alias in aliases if self._partner_reads(alias)}

    def _collections_known(self, ref: str) -> set[str]:
        """Return the collections of these that the partner may know of: it reads them, or its report enters them."""
        state = self._state(ref)
        own = state.reports.get(self._partner.name, Audience()) if state else Audience()
        return {
            alias
            for alias in self._collections_of(ref)
            if state is None
            or alias in own.shared
            or self._context.private_reader(alias) in own.private
            or self._partner_reads(alias)
        }

    def _partner_reads(self, alias: str) -> bool:
        return self._context.reads(self._partner.name, alias)

    def _collections(self, obj: Obj, refs: list[str], tlp: Tlp, *, as_partner_knows: bool = False) -> set[str]:
        """Return the collections for an annotation: shared ones, and private ones of readers that see its targets.

        With ``as_partner_knows``, only targets that the partner may know of count, and readers' names replace their
        private collections. The response to the partner depends on this.
        """
        find = self._collections_known if as_partner_knows else self._collections_of
        by_target = [find(ref) for ref in refs]
        is_flow = annotation_targets.is_flow(obj)
        homes = self._collections_of_both_ends(refs) if is_flow else self._shared_collections(obj, refs, by_target)
        if tlp is not Tlp.CLEAR:
            homes -= {PUBLIC}
        limits = extension.sharing(obj)
        audience = audience_within(frozenset(homes), tlp, limits, self._partner, self._context.registry)
        aliases = set(audience.shared)
        if not annotation_targets.is_standard_stix(obj):
            return aliases
        readers = {name for name in audience.private if self._reads_all(name, by_target)}
        aliases |= readers if as_partner_knows else {self._context.private_collection(name) for name in readers}
        if audience.private or tlp not in SHARED or limits or not by_target:
            return aliases
        # Targets in private collections are annotated there too.
        private = [{alias for alias in found if self._context.private_reader(alias)} for found in by_target]
        return aliases | set.intersection(*private)

    def _reads_all(self, name: str, by_target: list[set[str]]) -> bool:
        """Return whether a partner reads a collection of each target."""
        return all(any(self._context.reads(name, alias) for alias in aliases) for aliases in by_target)

    def _shared_collections(self, obj: Obj, refs: list[str], by_target: list[set[str]]) -> set[str]:
        """Return the shared collections: the sightings' own; for a grouping, those with all its members."""
        shared = [{alias for alias in aliases if not self._context.is_private(alias)} for aliases in by_target]
        with_all = set.intersection(*shared) if shared else set()
        aliases = set() if any(map(self._is_known_privately, refs)) else {SIGHTINGS}
        if PUBLIC in with_all:
            aliases.add(PUBLIC)
        return aliases | with_all if obj["type"] == "grouping" else aliases

    def _is_known_privately(self, ref: str) -> bool:
        """Return whether the partner knows a target only from private collections."""
        if not self._is_visible(ref):
            return False
        id_ = self._references.published_as(ref)
        aliases = self._publication.collections_with(id_)
        if id_ == ref:
            aliases = {alias for alias in aliases if self._partner_reads(alias)}
        aliases = aliases | self._collections_known(ref)
        if aliases:
            return all(map(self._context.is_private, aliases))
        # If the limits of the partner's own report admit no reader, it is not published, and the partner is not told.
        own = extension.context_of(self._references.own(ref) or {})
        return "sharing" in own or own.get("holder_status") == HolderStatus.COERCED

    def _collections_of_both_ends(self, refs: list[str]) -> set[str]:
        """Return the collections with both ends of a flow that the partner reads: it learns nothing new from them."""
        with_ends = [self._publication.collections_with_observable(ref) for ref in refs]
        return set.intersection(*with_ends) & self._context.readable(self._partner.name)


def _rebuild(obj: Obj, tlp: Tlp | None) -> tuple[annotation.Rebuilt | None, str | None]:
    """Return an annotation in its published form, or the message why it is not published: the rules may be stricter
    now.

    Return neither if its marking is unknown.
    """
    if tlp is None:
        return None, None
    try:
        rebuilt = annotation.rebuild(obj, tlp, withheld=objects.could_be_personal_number)
        objects.refuse_personal_data(rebuilt.obj)
        extension.sharing(obj)
    except Rejected as refusal:
        return None, refusal.message
    return rebuilt, None
