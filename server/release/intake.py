"""The intake of contributed objects: check whether each is the partner's own, whether it is new, and hold it if
needed.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from mappers import marking
from mappers.record_reader import is_finding
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.report import Report
from schemas.vocabulary import QualificationCode
from server.release.fuse.loader import Loader
from server.release.fuse.statements import MANY_BLOCKS, indicator_subject, is_published_meanwhile, read_answer
from server.release.guard import volume
from server.release.guard.allowlists import entered, hub_values
from server.release.guard.personal_data import objects
from server.release.guard.volume import MANY_DOUBTS, DoubtQuota
from server.release.publish.changes import changes_what_a_reader_does
from server.release.reasons import Reason
from server.release.submission import MARKING, RESERVED, TRANSLATION, Submission
from server.store.allowlist.entries import AllowlistEntry
from server.store.item import Item
from server.store.reviews import HeldObject, Review

LISTED_AGAIN = Reason.LISTED_AGAIN.code
# Reasons for which an indicator has no report here, though other readers may use it.
_READABLE_BY_OTHERS = ("pattern-not-comparable", "not-a-kind", "not-an-indicator")
_FOUND_WRONG = ("retracted", "disputed")

Obj = Mapping[str, Any]


class Decision(NamedTuple):
    """The decision on an object: ``stored`` if it is new, ``held`` if a person reviews it first."""

    submission: Submission
    stored: bool
    held: HeldObject | None = None


@dataclass(frozen=True)
class IntakeFacts:
    """Facts about one contribution by which its objects are decided.

    - ``prior``: by subject, the keys of the contributions that name it already.
    - ``subjects``: by key, the subjects that an object is about.
    - ``throttled_by``: the rule by which all new objects are held.
    - ``published``: the ids under which the hub publishes the partner's own annotations.
    - ``delisted``: the kinds and values that the operator delisted.
    - ``own_values``: by subject, the partner that registered the value as its own.
    - ``allowed``: by subject, the values that operators entered as harmless.
    - ``doubts``: how many doubts the partner may still express today.
    """

    prior: Mapping[str, set[str]]
    subjects: Mapping[str, set[str]]
    throttled_by: str | None
    published: Set[str]
    delisted: Set[tuple[str, str]]
    own_values: Mapping[str, str]
    allowed: Mapping[str, AllowlistEntry]
    doubts: DoubtQuota


class Intake:
    """Decides on a partner's objects in order; each decision takes the earlier ones into account."""

    def __init__(self, partner: Partner, loader: Loader, facts: IntakeFacts) -> None:
        """Decide on objects of ``partner``, from the data that ``loader`` has read and from ``facts``."""
        self._partner = partner
        self._loader = loader
        self._known = loader.known
        self._states = loader.states
        self._facts = facts

    def decide(self, submission: Submission) -> Decision:
        """Decide on an object version. Raises ``Rejected`` if it is refused."""
        if self._is_published_here(submission):
            return Decision(submission, stored=False)
        self._refuse_personal_translation(submission)
        before = self._known.get(submission.key)
        self._refuse_others(submission, before)
        self._refuse_answer(submission, before)
        review = self._states.get(submission.key)
        waiting = review if review is not None and _waits(review) else None
        again = _is_listed_again(before, submission)
        if again and waiting is None and not _is_later(before, submission):
            held = _hold(submission, LISTED_AGAIN, Reason.TAKEN_BACK_SINCE.text())
            return Decision(submission, stored=False, held=held)
        known = waiting is not None if again else not _is_new(before, submission)
        if known:
            return Decision(submission, stored=False, held=_as_held(waiting) if waiting else None)
        if submission.item.revoked:
            return Decision(_with_first_created(before, submission), stored=True)
        if review is not None and indicator_subject(before or submission.obj) != submission.subject:
            raise Reason.ANOTHER_VALUE.rejected()
        submission = _with_first_created(before, submission)
        return Decision(submission, stored=True, held=self._hold_new(submission, review, again=again))

    def _is_published_here(self, submission: Submission) -> bool:
        """Return whether it is an object of the hub itself, or the partner's annotation as the hub publishes it."""
        id_ = submission.item.id
        return id_ in RESERVED or (id_ in self._facts.published and submission.key not in self._known)

    def _refuse_personal_translation(self, submission: Submission) -> None:
        """Refuse a translation with personal data. The value of the translated indicator does not count as personal
        data.
        """
        if submission.item.type == TRANSLATION and not submission.item.revoked:
            key = self._loader.context.key(self._partner, str(submission.obj.get("object_ref")))
            objects.refuse_personal_data({**submission.obj, "pattern": self._known.get(key, {}).get("pattern")})

    def _refuse_answer(self, submission: Submission, before: Obj | None) -> None:
        """Refuse a finding on another provider's value, and one without a code; a finding can only be replaced by
        another.

        A finding about something that the partner cannot see is not refused, so that it reveals nothing.
        """
        if not is_finding(submission.obj):
            if before is not None and is_finding(before):
                raise Reason.ANSWER_STAYS.rejected()
            return
        if submission.item.revoked:
            raise Reason.ANSWER_STAYS.rejected()
        providers = self._loader.context.providers
        about = self._facts.subjects.get(submission.key, set())
        if any(self._partner.name not in providers.of(subject) for subject in about):
            raise Reason.NOT_THE_PROVIDER.rejected()
        if read_answer(submission.obj) is None:
            raise Reason.NO_ANSWER_CODE.rejected(codes=", ".join(QualificationCode))

    def _refuse_others(self, submission: Submission, before: Obj | None) -> None:
        """Refuse an object that is not the partner's: only its creator may version or revoke an object."""
        obj = submission.obj
        if "created" not in obj:
            return
        if obj["type"] == MARKING:
            _refuse_changed_level(before, obj)
            return
        own = self._partner.identity
        creator = creator_of(obj)
        if creator is None:
            raise Reason.NO_CREATOR.rejected(identity=own)
        if before is not None and creator_of(before) != creator:
            raise Reason.ANOTHERS_ID.rejected()
        if creator != own and not (self._partner.forwards and not self._loader.is_partner(creator)):
            raise Reason.NOT_YOURS.rejected(identity=own)

    def _hold_new(self, submission: Submission, review: Review | None, *, again: bool) -> HeldObject | None:
        """Return why an object is held for review, None if it is not."""
        if review is not None and _waits(review):
            return _as_held(review)
        held = self._hold_by_rule(submission, again=again)
        if held is None or review is None:
            return held
        # An approval applies to the same rule. A value that was approved after it was found wrong may be listed again.
        approved = review.rule == held.rule or {review.rule, held.rule} <= {*_FOUND_WRONG, LISTED_AGAIN}
        return None if approved else held

    def _hold_by_rule(self, submission: Submission, *, again: bool) -> HeldObject | None:
        report = submission.report
        if not isinstance(report, Report):
            is_annotation = bool(submission.refs)
            return self._hold_by_volume(submission) if is_annotation else None
        prior = self._prior_reviews(submission)
        found_wrong = any(
            review.state == "rejected" and review.rule in (*_FOUND_WRONG, MANY_BLOCKS) for review in prior
        )
        if again or found_wrong:
            return _hold(submission, LISTED_AGAIN, Reason.LISTED_AGAIN.text())
        if held := next((one for one in prior if one.state == "open" and one.rule in volume.HELD_BY_PERSONS), None):
            return _hold(submission, held.rule, held.message)
        if (report.kind, report.value) in self._facts.delisted:
            return _hold(submission, Reason.DELISTED.code, Reason.DELISTED.text())
        match = submission.match or hub_values.match_own_values(self._facts.own_values, report)
        match = match or entered.match_entry(self._facts.allowed, report, self._loader.context.micros)
        if match is not None:
            return _hold(submission, match.list, match.message)
        return self._hold_by_volume(submission)

    def _hold_by_volume(self, submission: Submission) -> HeldObject | None:
        """Return why an object is held: its partner is throttled, or it has more doubts than are left for the day."""
        rule, doubts = self._facts.throttled_by, self._facts.doubts
        if rule:
            return _hold(submission, rule, volume.THROTTLE_MESSAGES[rule])
        if doubts.take(submission, self._facts.subjects.get(submission.key, set())):
            return None
        return _hold(submission, MANY_DOUBTS, Reason.MANY_DOUBTS.text(most=doubts.most))

    def _prior_reviews(self, submission: Submission) -> list[Review]:
        """Return the reviews of this partner's reports of the value under other ids; and of its colleagues' reports,
        if they blocked more values than the organisation may.
        """
        prior, partner, context = (
            self._facts.prior.get(submission.subject or "", ()),
            self._partner,
            self._loader.context,
        )
        found = [(context.contributor(key), self._states[key]) for key in prior if key in self._states]
        return [
            review
            for by, review in found
            if review.object_id != submission.key
            and (by.name == partner.name or (review.rule == MANY_BLOCKS and by.counts_as == partner.counts_as))
        ]


def _waits(review: Review) -> bool:
    return review.state != "approved" and not is_published_meanwhile(review)


def _refuse_changed_level(before: Obj | None, definition: Obj) -> None:
    """Refuse a marking that its contributor defined with another level before."""
    if before is not None and marking.tlp_of_definition(before) != marking.tlp_of_definition(definition):
        raise Reason.MARKING_CHANGED.rejected()


def creator_of(obj: Obj) -> str | None:
    """Return the identity that created an object; an identity creates itself."""
    creator: str | None = obj["id"] if obj["type"] == "identity" else obj.get("created_by_ref")
    return creator


def why_no_report(submission: Submission) -> str | None:
    """Return why an indicator has no report here, None if it has one. Raises ``Rejected`` if no reader can use it."""
    if not isinstance(submission.report, Rejected):
        return None
    if submission.report.reason not in _READABLE_BY_OTHERS:
        raise submission.report
    return submission.report.message


def _hold(submission: Submission, rule: str, message: str) -> HeldObject:
    return HeldObject(submission.key, submission.item.version, rule, message)


def _as_held(review: Review) -> HeldObject:
    return HeldObject(review.object_id, review.version, review.rule, review.message)


def may_be_new(known: Mapping[str, Obj], submission: Submission) -> bool:
    """Return whether it may be stored as new: it is neither a known version nor a revocation."""
    before = known.get(submission.key)
    return not submission.item.revoked and (before is None or before.get("modified") != submission.obj.get("modified"))


def _is_new(before: Obj | None, submission: Submission) -> bool:
    if before is None:
        return True
    if not _is_later(before, submission):
        return False
    return submission.item.revoked or changes_what_a_reader_does(before, submission.obj)


def _is_listed_again(before: Obj | None, submission: Submission) -> bool:
    """Return whether a revoked object is reactivated (STIX 2.1 §3.6)."""
    return before is not None and before.get("revoked") is True and not submission.item.revoked


def _is_later(before: Obj | None, submission: Submission) -> bool:
    """Return whether it is a later version than ``before``; an observable has no versions."""
    version = Item.of(before).version if before is not None else None
    return version is not None and submission.item.version is not None and submission.item.version > version


def _with_first_created(before: Obj | None, submission: Submission) -> Submission:
    """Return it with ``created`` from its first version (STIX 2.1 §3.6); senders that map anew do not know that
    time.
    """
    if before is None or "created" not in submission.obj or submission.obj["created"] == before["created"]:
        return submission
    obj = {**submission.obj, "created": before["created"]}
    return replace(submission, item=Item.of(obj), obj=obj)
