"""Saying anew what partners' words come to, after something else than a contribution changed it."""

from collections.abc import Iterable, Mapping, Set

from schemas.feedback import Event, Feedback
from server.release import about, disputes
from server.release.hearing_back import HearingBack
from server.release.policy import Policy
from server.release.publication import Publication
from server.release.renewal import Renewal, Standing
from server.release.scene import Scene, at_hand
from server.release.speech import Speech
from server.release.values import DISPUTED, Loading, Value, subject_of
from server.store import mentions, reviews
from server.store.reviews import Held
from server.store.store import Tx


class Again:
    """Renews values for another reason than that somebody contributed to them."""

    def __init__(self, tx: Tx, policy: Policy | None = None) -> None:
        """Look at the hub as it is."""
        self.scene: Scene = at_hand(tx, policy)
        self.loading = Loading(self.scene)
        self.publication = Publication(self.scene)
        self.back = HearingBack(self.scene)

    def subjects(self, ids: Iterable[str]) -> set[str]:
        """Give the values that objects are about, partners' own indicators, the hub's, and what speaks of them."""
        wanted = set(ids)
        self.loading.read(wanted)
        wanted |= {ref for id_ in wanted & self.loading.known.keys() for ref in about.refs(self.loading.known[id_])}
        self.loading.read(wanted)
        self.publication.load(wanted - self.loading.known.keys())
        found = set()
        for id_ in wanted:
            known = self.loading.known.get(id_) or self.publication.standing(id_)
            subject = subject_of(known) if known else None
            found |= {subject} if subject else set()
        return found

    def values(self, subjects: Iterable[str]) -> list[Value]:
        """Give those values as partners speak of them now."""
        found = mentions.of(self.scene.tx, subjects)
        self.publication.load({id_ for ids in found.values() for id_ in ids} - self.loading.known.keys())
        return self.loading.values(found)

    def say(self, values: Iterable[Value], reason: str, new: Set[str] = frozenset()) -> dict[str, Standing]:
        """Bring what the hub says of them up to that, and tell contributors what there is to tell.

        ``new`` are objects that are heard from now on.
        """
        values = list(values)
        self.publication.load({id_ for value in values for id_ in value.listings})
        disputes.Disputes(self.scene, self.publication).heed(values, new)
        standings = Renewal(self.scene, self.publication).renew(values)
        self._speak(new, {id_: standings[value.subject] for value in values for id_ in value.ids})
        for value in values:
            self.back.of_value(value, standings[value.subject], new)
        self.back.flush(self.publication)
        self.publication.flush(reason)
        return standings

    def _speak(self, new: Set[str], meant: Mapping[str, Standing]) -> None:
        """Let go what speaks of the values among the ``new`` objects."""
        known = self.loading.known
        for id_ in sorted(new & known.keys()):
            partner = self.scene.registry.by_identity.get(known[id_].get("created_by_ref", ""))
            if partner and about.refs(known[id_]) and known[id_].get("revoked") is not True:
                self.publication.load({id_, *about.refs(known[id_])})
                Speech(self.scene, self.publication, partner, known, meant).release(known[id_])


def reconsider(tx: Tx, ids: Iterable[str]) -> None:
    """Follow what a person decided of these objects, or listings, in the caller's transaction.

    Where a listing was in dispute and is refused, so is what partners said for it: who said it and says it again is
    looked at; others may.
    """
    wanted = set(ids)
    again = Again(tx)
    values = again.values(again.subjects(wanted))
    again.loading.look_up_reviews(wanted)
    for value in values:
        refused = [id_ for id_ in value.listings & wanted if _was(again.loading, id_, "rejected")]
        if refused:
            _refuse(again, value)
    for id_ in wanted & again.loading.known.keys():
        partner = again.scene.registry.by_identity.get(again.loading.known[id_].get("created_by_ref", ""))
        if partner:
            event = Event.APPROVED if _was(again.loading, id_, "approved", rule=None) else Event.REFUSED
            again.back.tell(partner.name, Feedback(event), id_)
    approved = {id_ for id_ in wanted if _was(again.loading, id_, "approved", rule=None)}
    again.say(values, "found to be wrong", approved)


def _was(loading: Loading, id_: str, state: str, rule: str | None = DISPUTED) -> bool:
    review = loading.states.get(id_)
    return review is not None and review.state == state and rule in (None, review.rule)


def _refuse(again: Again, value: Value) -> None:
    tx = again.scene.tx
    disputes.found_wrong(again.scene, value)
    for claim in value.claims:
        said = claim.said
        reviews.hold(tx, said.partner.name, [Held(said.id, None, DISPUTED, "it was in dispute, and found to be wrong")])
        reviews.decide(tx, said.id, "rejected", "hub")
        again.back.tell(said.partner.name, Feedback(Event.RETRACTED), said.id)
    value.claims = []
