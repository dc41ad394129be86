"""What of a contribution is taken: whose it is, whether it is new, and whether it is safe to say."""

from collections.abc import Mapping, Set
from types import MappingProxyType
from typing import Any, NamedTuple

from mappers import common_objects, marking
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.report import Report
from server.release.fuse.loader import Loader
from server.release.fuse.statements import is_published_meanwhile, subject_of
from server.release.guard import volume
from server.release.guard.allowlists import hub_values
from server.release.guard.personal_data import objects
from server.release.guard.volume import MANY_DOUBTS, DoubtQuota
from server.release.publish.changes import changes_what_a_reader_does
from server.release.reasons import Reason
from server.release.route import annotation_targets
from server.release.submission import Submission
from server.store.item import Item
from server.store.reviews import HeldObject, Review

RESERVED = common_objects.reserved_ids()
# What makes an indicator say no report, though it may be right for others.
_FOR_OTHERS = ("pattern-not-comparable", "not-a-kind", "not-an-indicator")
LISTED_AGAIN = "listed-again"
TRANSLATION = "language-content"
MARKING = "marking-definition"
_TAKEN_BACK = ("retracted", "disputed")
_TAKEN_BACK_SINCE = "you took this back since; to list it again, say so in a version that is later than the revocation"
_ANOTHER_VALUE = "this was looked at for the value that it had: contribute another value under an id of its own"


class Decision(NamedTuple):
    """What is done with an object: ``kept`` where it says something new, ``held`` where a person has to look at it."""

    taken: Submission
    kept: bool
    held: HeldObject | None = None


class Intake:
    """Decides object by object, each in the light of those before it."""

    def __init__(
        self,
        partner: Partner,
        loading: Loader,
        prior: Mapping[str, set[str]],
        own: Mapping[str, str],
        unusual: str | None,
        published: Set[str] = frozenset(),
        delisted: Set[tuple[str, str]] = frozenset(),
        doubts: DoubtQuota | None = None,
        subjects: Mapping[str, set[str]] = MappingProxyType({}),
    ) -> None:
        """Take from ``partner``; ``prior`` has by subject the keys of what speaks of it already.

        ``own`` has partners' own values, ``unusual`` the rule by which all that is new has to be looked at, if any.
        ``published`` are ids under which the hub publishes what the partner itself said of others, ``delisted`` the
        kinds and values that its operator found to be no scam's. ``doubts`` is how much the partner may still say
        against others today, ``subjects`` what each of the objects is about, by its key.
        """
        self._partner = partner
        self._loading = loading
        self._known = loading.known
        self._states = loading.states
        self._prior = prior
        self._own = own
        self._unusual = unusual
        self._published = published
        self._delisted = delisted
        self._doubts = doubts
        self._subjects = subjects

    def decide(self, taken: Submission) -> Decision:
        """Say what is done with an object version. Raises ``Rejected`` where it is not taken at all."""
        if taken.item.id in RESERVED:
            return Decision(taken, kept=False)  # the hub's own copy is what is published
        if taken.item.id in self._published and taken.key not in self._known:
            return Decision(taken, kept=False)  # what it reads here of itself comes back
        if taken.item.type == TRANSLATION and not taken.item.revoked:
            # It says the value that its indicator names.
            meant = self._known.get(self._loading.scene.key(self._partner, str(taken.obj.get("object_ref"))), {})
            objects.refuse_personal_data({**taken.obj, "pattern": meant.get("pattern")})
        before = self._known.get(taken.key)
        self._refuse_anothers(taken, before)
        again = before is not None and before.get("revoked") is True and not taken.item.revoked  # STIX 2.1 §3.6
        review = self._states.get(taken.key)
        waits = review is not None and review.state != "approved" and not is_published_meanwhile(review)
        if again and not waits and not _is_later(before, taken):
            return Decision(taken, kept=False, held=_hold(taken, LISTED_AGAIN, _TAKEN_BACK_SINCE))
        if (again and waits) or (not again and not _is_new(before, taken)):
            return Decision(taken, kept=False, held=_as_held(review) if review and waits else None)
        if review is not None and not taken.item.revoked and subject_of(before or taken.obj) != taken.subject:
            raise Rejected("another-value", _ANOTHER_VALUE)
        taken = _with_first_created(before, taken)
        return Decision(taken, kept=True, held=None if taken.item.revoked else self._held(taken, again=again))

    def _refuse_anothers(self, taken: Submission, before: Mapping[str, Any] | None) -> None:
        """Refuse what is not this partner's to say: only its creator may version or revoke an object."""
        obj = taken.obj
        if "created" not in obj:
            return
        if obj["type"] == MARKING:
            _refuse_changed(before, obj)
            return
        mine = self._partner.identity
        creator = creator_of(obj)
        if creator is None:
            raise Rejected("not-yours", f"created_by_ref is missing: set it to your own identity, {mine}")
        if before is not None and creator_of(before) != creator:
            raise Rejected("not-yours", "you contributed this id as another's object; created_by_ref never changes")
        if creator != mine and not (self._partner.forwards and not self._loading.is_partner(creator)):
            raise Rejected("not-yours", f"not your own: contribute objects that your identity, {mine}, made")

    def _held(self, taken: Submission, *, again: bool) -> HeldObject | None:
        """Say why a person has to look at an indicator before it is heard; None where nobody has to."""
        review = self._states.get(taken.key)
        if review is not None and review.state != "approved" and not is_published_meanwhile(review):
            return _as_held(review)
        found = self._reason(taken, again=again)
        if found is None or review is None:
            return found
        # Who lets what was taken back pass lets it be listed again.
        same = review.rule == found.rule or {review.rule, found.rule} <= {*_TAKEN_BACK, LISTED_AGAIN}
        return None if same else found

    def _reason(self, taken: Submission, *, again: bool) -> HeldObject | None:
        if not isinstance(taken.report, Report):
            return self._slowed(taken) or self._doubting(taken) if annotation_targets.refs(taken.obj) else None
        if again or self._was_taken_back(taken):
            return _hold(
                taken, LISTED_AGAIN, "you listed this value before and it was taken back; somebody looks at it"
            )
        if (taken.report.kind, taken.report.value) in self._delisted:
            return _hold(taken, hub_values.DELISTED, hub_values.DELISTED_MESSAGE)
        hit = taken.hit or hub_values.match_own_values(self._own, taken.report)
        if hit is not None:
            return _hold(taken, hit.list, hit.message)
        return self._slowed(taken) or self._doubting(taken)

    def _doubting(self, taken: Submission) -> HeldObject | None:
        """Say why a person has to look at what says something against others' reports: it is more than a day's."""
        if self._doubts is None or self._doubts.take(taken, self._subjects.get(taken.key, set())):
            return None
        return _hold(taken, MANY_DOUBTS, Reason.MANY_DOUBTS.text(most=self._doubts.most))

    def _slowed(self, taken: Submission) -> HeldObject | None:
        return _hold(taken, self._unusual, volume.THROTTLE_MESSAGES[self._unusual]) if self._unusual else None

    def _was_taken_back(self, taken: Submission) -> bool:
        """Tell whether this partner's listing of the value under another id was found to be wrong."""
        for key in self._prior.get(taken.subject or "", ()):
            review = self._states.get(key)
            wrong = review is not None and review.state == "rejected" and review.rule in _TAKEN_BACK
            if wrong and key != taken.key and self._loading.scene.contributor(key).name == self._partner.name:
                return True
        return False


def _refuse_changed(before: Mapping[str, Any] | None, definition: Mapping[str, Any]) -> None:
    """Refuse a marking that its contributor defined before as another level; whoever made it, it is the sender's."""
    if before is not None and marking.tlp_of_definition(before) != marking.tlp_of_definition(definition):
        raise Rejected("marking-changed", "you defined this marking as another level before: define one of another id")


def creator_of(obj: Mapping[str, Any]) -> str | None:
    """Give the identity that says an object; an identity says itself."""
    creator: str | None = obj["id"] if obj["type"] == "identity" else obj.get("created_by_ref")
    return creator


def names_nothing(taken: Submission) -> str | None:
    """Say why an indicator names no single value, None where it does. Raises ``Rejected`` for one that is wrong."""
    if not isinstance(taken.report, Rejected):
        return None
    if taken.report.reason not in _FOR_OTHERS:
        raise taken.report
    return taken.report.message


def _hold(taken: Submission, rule: str, message: str) -> HeldObject:
    return HeldObject(taken.key, taken.item.version, rule, message)


def _as_held(review: Review) -> HeldObject:
    return HeldObject(review.object_id, review.version, review.rule, review.message)


def is_more(known: Mapping[str, Mapping[str, Any]], taken: Submission) -> bool:
    """Tell whether it may say something new: neither what is known already, nor that something is taken back."""
    before = known.get(taken.key)
    return not taken.item.revoked and (before is None or before.get("modified") != taken.obj.get("modified"))


def _is_new(before: Mapping[str, Any] | None, taken: Submission) -> bool:
    if before is None:
        return True
    return _is_later(before, taken) and (taken.item.revoked or changes_what_a_reader_does(before, taken.obj))


def _is_later(before: Mapping[str, Any] | None, taken: Submission) -> bool:
    """Tell whether it is a later version than that one; an observable is what it is."""
    version = Item.of(before).version if before is not None else None
    return version is not None and taken.item.version is not None and taken.item.version > version


def _with_first_created(before: Mapping[str, Any] | None, taken: Submission) -> Submission:
    """Keep ``created`` over all versions (STIX 2.1 §3.6): who maps a file anew does not know the first one."""
    if before is None or "created" not in taken.obj or taken.obj["created"] == before["created"]:
        return taken
    obj = {**taken.obj, "created": before["created"]}
    return taken._replace(item=Item.of(obj), obj=obj)
