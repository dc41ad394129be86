"""Revoke annotations with the listings that they are about, so that they do not reveal revoked listings."""

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import timedelta
from typing import Any

from mappers import indicator, kinds, pattern
from schemas import timestamp
from schemas.errors import Rejected
from server.release.context import ReleaseContext
from server.release.fuse.loader import Loader
from server.release.fuse.statements import ReportedValue
from server.release.publish.collections import Publication
from server.release.route import annotation_targets, audience
from server.store import inbox, value_index

Obj = Mapping[str, Any]

_MILLISECOND = timedelta(milliseconds=1)


class AnnotationWithdrawal:
    """Revokes annotations in each collection in which their targets are revoked.

    A flow is about the observables of two values. A note, an opinion or a grouping with further targets stays, with
    only those. A collection that never had a target loses the annotation when no other collection has the target any
    more.
    """

    def __init__(self, context: ReleaseContext, loader: Loader, publication: Publication) -> None:
        """Work with the data that ``loader`` and ``publication`` have read, after the listings were updated."""
        self._context = context
        self._loader = loader
        self._publication = publication
        # The listings of values by the ids of their observables.
        self._listings: dict[str, Set[str]] = {}

    def withdraw(self, values: Iterable[ReportedValue], *, every: bool = False) -> None:
        """Revoke the annotations of those ``values`` with a listing that was revoked in this transaction, or with
        ``every``, ever.

        Annotations of these annotations are revoked with them.
        """
        now = self._publication.withdrawn()
        if not now and not every:
            return
        gone = [value for value in values if (self._was_withdrawn(value) if every else now & value.listings)]
        self._note_observables(gone)
        keys = {key for value in gone for key in value.mentions} | self._mentioning(self._listings)
        done: set[str] = set()
        while keys:
            done |= keys
            keys = self._mentioning(self._withdraw_all(keys)) - done

    def _was_withdrawn(self, value: ReportedValue) -> bool:
        return any(map(self._publication.was_revoked, value.listings))

    def _note_observables(self, values: Sequence[ReportedValue]) -> None:
        for value in values:
            for id_ in value.listings:
                obj = self._publication.latest(id_)
                if obj is not None and (observable := _observable_of(obj)):
                    self._listings[observable] = value.listings

    def _mentioning(self, ids: Iterable[str]) -> set[str]:
        """Return the keys of contributions that mention objects with these ids, by the ids or as objects of
        their own.
        """
        named = {name for id_ in ids for name in (id_, *(inbox.key(space, id_) for space in self._spaces))}
        found = value_index.find(self._context.tx, named) if named else {}
        return {key for keys in found.values() for key in keys}

    @property
    def _spaces(self) -> Iterable[int]:
        return self._context.registry.by_space

    def _withdraw_all(self, keys: Set[str]) -> set[str]:
        """Revoke the annotations with these keys where needed; return the ids of the revoked ones."""
        self._loader.read(keys)
        known = self._loader.known
        annotations = {key: known[key] for key in keys & known.keys() if annotation_targets.refs(known[key])}
        ids = {self._context.annotation_id(key, obj["type"]): obj["id"] for key, obj in annotations.items()}
        self._publication.load(set(ids))
        published = [(alias, obj) for id_ in ids for alias, obj in self._publication.published(id_).items()]
        self._publication.load({ref for _, obj in published for ref in annotation_targets.refs(obj)})
        gone = {obj["id"] for alias, obj in published if self._withdraw_one(alias, obj)}
        return gone | {ids[id_] for id_ in gone}

    def _withdraw_one(self, alias: str, obj: Obj) -> bool:
        """Revoke an annotation in a collection, or publish it without the revoked targets; return whether it was
        revoked.
        """
        targets = annotation_targets.refs(obj)
        left = [ref for ref in targets if not self._publication.is_withdrawn(alias, self._listings.get(ref, {ref}))]
        about = annotation_targets.about(obj, left)
        if about is None:
            self._publication.revoke(alias, obj["id"])
        elif left != targets:
            # Later versions from its maker are newer.
            about["modified"] = timestamp.text(timestamp.parse(obj["modified"]) + _MILLISECOND)
            self._publication.enter(alias, about, audience.effective_tlp(obj))
        return about is None


def _observable_of(listing: Obj) -> str | None:
    """Return the id of the observable of a listing, None if its pattern names none."""
    try:
        mapper, normal = kinds.read(pattern.read(listing["pattern"]))
        return str(indicator.basis_of_terms(mapper, mapper.terms(normal), listing)[0]["id"])
    except (Rejected, KeyError, TypeError):
        return None
