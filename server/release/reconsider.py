"""Saying anew what partners' words come to, after something else than a contribution changed it."""

from collections.abc import Iterable, Mapping, Set
from functools import partial
from typing import NamedTuple

from schemas.feedback import Feedback, FeedbackEvent
from server.release.context import ReleaseContext, open_context
from server.release.fuse.loader import Loader
from server.release.fuse.reliability import stated
from server.release.fuse.statements import COERCED, DISPUTED, ReportedValue, subject_of
from server.release.guard import volume
from server.release.guard.allowlists.hub_values import delist, forget_delisted
from server.release.guard.volume import MANY_DOUBTS
from server.release.publish.listings import ListingState
from server.release.publish.saying import Saying
from server.release.route import annotation_targets
from server.release.route.annotations import AnnotationRelease
from server.release.route.policy import Policy
from server.release.route.references import References
from server.store import listings, reputation, reviews, value_index
from server.store.engine import Tx
from server.store.inbox import object_id
from server.store.reviews import HeldObject

# What a review by these rules decides says nothing of the values themselves.
_OF_THE_SENDER = (*volume.THROTTLE_MESSAGES, MANY_DOUBTS, COERCED)


class Wrong(NamedTuple):
    """Why what partners said was wrong: the rule that it stands refused by, and what they are told."""

    rule: str
    message: str


class Again:
    """Renews values for another reason than that somebody contributed to them."""

    def __init__(self, tx: Tx, policy: Policy | None = None, *, waits: bool = True) -> None:
        """Look at the hub as it is; others wait until the transaction ends, unless it only looks."""
        self.scene: ReleaseContext = open_context(tx, policy, waits=waits)
        self.loading = Loader(self.scene)
        self._saying = Saying(self.scene)
        self.publication, self.back = self._saying.publication, self._saying.back

    def subjects(self, ids: Iterable[str]) -> set[str]:
        """Give the values that contributions, by their keys, and listings, by their ids, are about."""
        wanted = set(ids)
        self.loading.read(wanted)
        meant = set(wanted)
        for key in wanted & self.loading.known.keys():
            if refs := set(annotation_targets.refs(self.loading.known[key])):
                references = self._references(key)
                references.read(refs)
                meant |= {references.meant(ref) for ref in refs}
        known = (self.loading.known[key] for key in meant & self.loading.known.keys())
        listed = listings.subjects(self.scene.tx, meant - self.loading.known.keys())
        return {*listed.values(), *filter(None, map(subject_of, known))}

    def values(self, subjects: Iterable[str]) -> list[ReportedValue]:
        """Give those values as partners speak of them now."""
        wanted = set(subjects)
        keys = value_index.find(self.scene.tx, wanted)
        return self.loading.values({subject: keys.get(subject, set()) for subject in wanted})

    def say(self, values: Iterable[ReportedValue], reason: str, new: Set[str] = frozenset()) -> dict[str, ListingState]:
        """Bring what the hub says of them up to that, and tell contributors what there is to tell.

        ``new`` are objects that are heard from now on.
        """
        return self._saying.say(values, new, reason, partial(self._speak, new))

    def find_wrong(
        self,
        value: ReportedValue,
        wrong: Wrong,
        among: Set[str] | None = None,
        event: FeedbackEvent = FeedbackEvent.RETRACTED,
    ) -> None:
        """Count it against all who report the value that it was found wrong, and tell them by the ``event``.

        What they said, as far as it is ``among`` these objects, stands as refused; who says it again is looked at.
        """
        reputation.add(
            self.scene.tx,
            [
                reputation.JudgedReport(each.said.partner.name, value.kind, stated(each.said), False)
                for each in value.claims
            ],
        )
        for said in (each.said for each in value.claims):
            if among is None or said.id in among:
                reviews.hold(self.scene.tx, said.partner.name, [HeldObject(said.id, None, *wrong)])
                reviews.decide(self.scene.tx, said.id, "rejected", "hub")
                self.back.tell(said.partner.name, Feedback(event), said.id)

    def _speak(self, new: Set[str], meant: Mapping[str, ListingState]) -> None:
        """Let go what speaks of the values among the ``new`` objects."""
        known = self.loading.known
        for key in sorted(new & known.keys()):
            refs = set(annotation_targets.refs(known[key]))
            if refs and known[key].get("revoked") is not True:
                references = self._references(key)
                references.read(refs)
                self.publication.load({self.scene.annotation_id(key, known[key]["type"])})
                AnnotationRelease(self.scene, self.publication, references, meant).release(key, known[key])

    def _references(self, key: str) -> References:
        """Find what the contributor of a key means by ids."""
        return References(self.scene, self.scene.contributor(key), self.loading, self.publication)


def disputed(tx: Tx, ids: Iterable[str]) -> list[ReportedValue]:
    """Give the values whose disputes are to be decided under these ids, with the doubts that are to be answered."""
    subjects = {row.subject for row in reviews.states(tx, ids).values() if row.subject}
    return Again(tx).values(subjects) if subjects else []


def reconsider(tx: Tx, ids: Iterable[str], doubted: Iterable[ReportedValue] = ()) -> None:
    """Follow what a person decided of these contributions, by their keys, or disputes, in the caller's transaction.

    ``doubted`` are the values of disputes as they stood before: doubters and reporters hear what was decided. Where
    a listing is refused, so is what partners said for it. What nobody's report stands for any more is delisted:
    whoever says it again is looked at.
    """
    wanted = set(ids)
    again = Again(tx)
    rows = reviews.states(tx, wanted)
    values = again.values(again.subjects(wanted) | {row.subject for row in rows.values() if row.subject})
    again.loading.look_up_reviews(wanted)
    refused = {row.subject for row in rows.values() if row.subject and row.state == "rejected"}
    upheld = {row.subject for row in rows.values() if row.subject and row.state == "approved"}
    for value in values:
        if value.subject in refused:
            wrong = Wrong(DISPUTED, "it was doubted, and found to be wrong")
            again.find_wrong(value, wrong, event=FeedbackEvent.DELISTED)
            value.claims = []
    for value in (each for each in doubted if each.subject in refused | upheld):
        again.back.of_decision(value, FeedbackEvent.UPHELD if value.subject in upheld else FeedbackEvent.DELISTED)
    for key in wanted & again.loading.known.keys():
        event = FeedbackEvent.APPROVED if _was_approved(again.loading, key) else FeedbackEvent.REFUSED
        again.back.tell(again.scene.contributor(key).name, Feedback(event), key)
    _settle(again, values, wanted)
    again.say(values, "found to be wrong", {id_ for id_ in wanted if _was_approved(again.loading, id_)})


def _settle(again: Again, values: Iterable[ReportedValue], wanted: Set[str]) -> None:
    """Delist the values of which reports were refused, and readmit those of which one was approved."""
    refused, approved = [], []
    for value in values:
        decided = [
            again.loading.states[id_]
            for id_ in value.ids & wanted
            if object_id(id_).startswith("indicator--") and id_ in again.loading.states
        ]
        if any(review.state == "approved" for review in decided):
            approved.append(value)
        # That a partner was slowed says nothing of what it reported.
        elif any(review.state == "rejected" and review.rule not in _OF_THE_SENDER for review in decided):
            refused.append(value)
    delist(again.scene.tx, refused)
    forget_delisted(again.scene.tx, approved)


def _was_approved(loading: Loader, id_: str) -> bool:
    review = loading.states.get(id_)
    return review is not None and review.state == "approved"
