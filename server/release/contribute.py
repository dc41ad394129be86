"""Contributions: stored in the inbox, and published as far as the release rules allow."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mappers.grammar import TOO_COSTLY, PatternBudget
from mappers.indicator import from_stix
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.report import Report
from schemas.vocabulary import HolderStatus
from server.release.context import ReleaseContext, open_context
from server.release.fuse.loader import Loader
from server.release.fuse.statements import JudgeStanding, ReportedValue, Verdict, subject_of
from server.release.guard import stix_properties, volume
from server.release.guard.allowlists import hub_values, lookup
from server.release.guard.personal_data import case_numbers, objects
from server.release.guard.volume import DoubtQuota
from server.release.intake import MARKING, RESERVED, TRANSLATION, Decision, Intake, is_more, names_nothing
from server.release.publish.listings import ListingState, is_published
from server.release.publish.saying import Saying
from server.release.query import receipts
from server.release.results import Published, Results, Unpublished
from server.release.route import annotation_targets, audience
from server.release.route.annotations import AnnotationOutcome, AnnotationRelease
from server.release.route.policy import Policy
from server.release.route.references import References
from server.release.submission import Submission
from server.store import inbox, quotas, reviews, value_index
from server.store.engine import Tx
from server.store.item import Item


class Contribution:
    """Takes what a partner sent into the inbox, and lets it be heard; what became of it is added to an outcome."""

    def __init__(self, scene: ReleaseContext, partner: Partner, outcome: Results) -> None:
        """Take from ``partner``, at the moment of ``scene``."""
        self._scene = scene
        self._partner = partner
        self._outcome = outcome
        self._loading = Loader(scene)
        self._saying = Saying(scene)
        self._publication = self._saying.publication
        self._kept: list[Decision] = []
        self._left_out: dict[tuple[str, int | None], str] = {}
        # What bears a marking that is defined just now, and came before.
        self._marked: dict[str, set[str]] = {}
        # What counts for or against a value.
        self._counting: dict[str, tuple[ReportedValue, Verdict]] = {}
        self._references = References(scene, partner, self._loading, self._publication)

    def take(self, came: Sequence[Submission]) -> None:
        """Take these, each on its own: what is wrong with one never stops the others."""
        taken = [each._replace(key=self._scene.key(self._partner, each.item.id)) for each in came]
        self._references.look_up(taken)
        subjects = self._subjects(taken)
        prior = value_index.find(self._scene.tx, {subject for of_one in subjects.values() for subject in of_one})
        self._loading.look_up_reviews({each.key for each in taken} | {key for keys in prior.values() for key in keys})
        tx, name, known = self._scene.tx, self._partner.name, self._loading.known
        coming = sum(each.size for each in taken if is_more(known, each))
        unusual = volume.throttled_by(tx, name, self._scene.micros, coming=coming)
        reports = [each.report for each in taken if isinstance(each.report, Report) and not each.item.revoked]
        delisted = hub_values.find_delisted(tx, reports)
        published = {each.item.id for each in taken if self._references.is_published(each.item.id)}
        budget = DoubtQuota(tx, self._partner, self._scene.registry, self._scene.micros)
        own = value_index.all_own_values(tx)
        intake = Intake(self._partner, self._loading, prior, own, unusual, published, delisted, budget, subjects)
        # Indicators first, each id's versions in the order they came: what speaks about one goes no further than it.
        for each in sorted(taken, key=lambda one: annotation_targets.processing_order(one.item.type)):
            self._decide(intake, each)
        if self._kept:
            said = [each for each in self._kept if not each.taken.item.revoked]
            sent = sum(each.taken.size for each in said)
            held = sum(each.taken.size for each in said if each.held is not None)
            quotas.count_contributed(tx, name, received=sent, held=held, doubts=budget.spent, moment=self._scene.micros)
            self._keep(prior)
            # In the order they came, so that readers get them so; what bears a marking that is known now, after them.
            about_them = [sorted(subjects.get(each.taken.key, ())) for each in self._kept]
            about_them += [sorted(of_one) for of_one in self._unmarked(prior).values()]
            self._release(list(dict.fromkeys(subject for of_one in about_them for subject in of_one)), prior)

    def _subjects(self, taken: Iterable[Submission]) -> dict[str, set[str]]:
        """Give by the keys of what came the values that it is about: an indicator's, and those it was about before."""
        found: dict[str, set[str]] = {}
        known = self._loading.known
        for each in taken:
            mine = found.setdefault(each.key, set())
            if each.subject:
                mine.add(each.subject)
            before = known.get(each.key)
            if before and before.get("pattern") != each.obj.get("pattern") and (subject := subject_of(before)):
                mine.add(subject)
            mine |= {subject for ref in annotation_targets.refs(each.obj) if (subject := self._references.subject(ref))}
        return found

    def _decide(self, intake: Intake, taken: Submission) -> None:
        item = taken.item
        try:
            decision = intake.decide(taken)
            nothing = None if item.revoked else names_nothing(decision.taken)
        except Rejected as refusal:
            self._outcome.failed.append(Unpublished(item.id, item.version, refusal.message))
            return
        if decision.kept:
            said = decision.taken.report
            self._loading.take(taken.key, decision.taken.obj, said if isinstance(said, Report) else None)
            self._kept.append(decision)
        if decision.held:
            self._outcome.held.append(Unpublished(item.id, item.version, decision.held.message, decision.held.rule))
        elif nothing:
            self._outcome.kept.append(Unpublished(item.id, item.version, nothing))
        elif not decision.kept:
            self._answer_repeat(taken)

    def _keep(self, prior: dict[str, set[str]]) -> None:
        """Write to the inbox what is kept, what it is about, and what a person has to look at."""
        tx, kept = self._scene.tx, [each.taken for each in self._kept]
        inbox.append(tx, self._scene.inbox, [(each.key, each.item) for each in kept])
        pairs = [(each.subject, each.key) for each in kept if each.subject]
        pairs += [(self._references.meant(ref), each.key) for each in kept for ref in annotation_targets.refs(each.obj)]
        pairs += [(name, each.key) for each in kept for name in self._loading.defined_apart(each.key)]
        pairs += [pair for each in kept if (pair := self._references.basis(each.obj))]
        known = {each.subject: prior.get(each.subject, set()) for each in kept if each.subject}
        for subject, keys in value_index.add(tx, pairs, known).items():
            prior.setdefault(subject, set()).update(keys)
        self._loading.hold(self._partner.name, [each.held for each in self._kept if each.held])
        reviews.forget_approvals(tx, [each.key for each in kept if each.item.revoked])

    def _unmarked(self, prior: dict[str, set[str]]) -> dict[str, set[str]]:
        """Give by key the values of what came before and bears a marking that was defined just now."""
        defined = [each.taken.key for each in self._kept if each.taken.item.type == MARKING]
        if not defined:
            return {}
        kept = {each.taken.key for each in self._kept}
        self._marked = {key: of for key, of in self._references.marked(defined).items() if key not in kept}
        subjects = {subject for of_one in self._marked.values() for subject in of_one}
        prior.update(value_index.find(self._scene.tx, subjects - prior.keys()))
        self._loading.look_up_reviews(
            {key for subject in subjects for key in prior.get(subject, ())} | self._marked.keys()
        )
        return self._marked

    def _release(self, subjects: list[str], prior: dict[str, set[str]]) -> None:
        new = {each.taken.key for each in self._kept if not each.taken.item.revoked} | self._marked.keys()
        values = self._loading.values({subject: prior.get(subject, set()) for subject in subjects})
        self._counting = {verdict.id: (value, verdict) for value in values for verdict in value.verdicts}
        standings = self._saying.say(values, new, "no longer reported", self._release_speech)
        self._answer(values, standings)

    def _release_speech(self, meant: Mapping[str, ListingState]) -> None:
        speech = AnnotationRelease(self._scene, self._publication, self._references, meant)
        answered: set[str] = set()
        for decision in self._kept:
            taken = decision.taken
            if taken.item.type == "indicator" or not annotation_targets.refs(taken.obj):
                continue
            if taken.item.revoked:
                speech.take_back(taken.key, taken.item.type)
                continue
            if taken.item.type == "opinion":
                # Who says what it did about a listing that was taken back has heard of that.
                answered |= {self._references.meant(ref) for ref in annotation_targets.refs(taken.obj)}
            if decision.held is None:
                spoken = speech.release(taken.key, taken.obj)
                if spoken.why_nowhere and taken.key not in self._counting:
                    self._outcome.kept.append(Unpublished(taken.item.id, taken.item.version, spoken.why_nowhere))
                elif message := self._what_became(taken.key, spoken):
                    self._left_out[taken.item.id, taken.item.version] = message
        for key in self._marked:
            obj, review = self._loading.known[key], self._loading.states.get(key)
            free = review is None or review.state == "approved"
            if annotation_targets.refs(obj) and obj.get("revoked") is not True and free:
                speech.release(key, obj)
        receipts.acknowledge(self._scene.tx, self._partner.name, *answered)

    def _answer_repeat(self, taken: Submission) -> None:
        """Say of what is here already how it stands now."""
        item, report = taken.item, taken.report
        why = None if item.revoked or not isinstance(report, Report) else self._loading.why_nowhere(taken.key, report)
        if why:
            self._outcome.kept.append(Unpublished(item.id, item.version, why))
        else:
            self._outcome.accepted.append(Published(item.id, item.version))

    def _what_became(self, key: str, spoken: AnnotationOutcome) -> str | None:
        """Say what became of a word about others beside that it is published; None where there is nothing to say."""
        said = [_took_effect(*self._counting[key])] if key in self._counting else []
        if spoken.why_nowhere:
            said.append("it is read by nobody but this hub")
        if spoken.left_out:
            said.append(spoken.left_out)
        return "; ".join(filter(None, said)) or None

    def _answer(self, values: Iterable[ReportedValue], standings: dict[str, ListingState]) -> None:
        """Say of each object that was kept, and of which it is not said yet, that it is heard, or why it is not."""
        by_subject = {value.subject: value for value in values}
        said = {(each.id, each.version) for each in self._outcome.pending}
        for taken in (each.taken for each in self._kept):
            item = taken.item
            if (item.id, item.version) in said:
                continue
            value = by_subject.get(taken.subject or "") if item.type == "indicator" and not item.revoked else None
            why = self._why_nowhere(taken, value, standings[value.subject]) if value else None
            if why:
                self._outcome.kept.append(Unpublished(item.id, item.version, why))
            else:
                left_out = self._left_out.get((item.id, item.version))
                if value and isinstance(taken.report, Report):
                    left_out = case_numbers.withheld_message(taken.report)
                self._outcome.accepted.append(Published(item.id, item.version, left_out))

    def _why_nowhere(self, taken: Submission, value: ReportedValue, standing: ListingState) -> str | None:
        """Say why what an indicator says of a value is not heard, None where it is, or where a later version is."""
        if self._loading.known[taken.key] is not taken.obj:
            return None
        if self._loading.tlp(taken.key) is None:
            return audience.UNKNOWN_MARKING
        claim = next((each for each in value.claims if each.said.id == taken.key), None)
        if claim is None:
            ended = isinstance(taken.report, Report) and taken.report.valid_until <= self._scene.at
            return "its time is over: valid_until has passed" if ended else None  # else it passes on what is here
        if claim.rooms.shared or claim.rooms.personal:
            if is_published(self._scene, standing, claim.rooms):
                return None
            return (
                "the value is in dispute" if value.disputed else "no rule lets it out until more is known of the value"
            )
        said, registry, policy = claim.said, self._scene.registry, self._scene.policy
        # What others say of the holder is not for the answer.
        coerced = said.report.holder_status is HolderStatus.COERCED
        return audience.why_nowhere(
            said.report.kind, claim.tlp, said.report.sharing, said.partner, registry, policy, coerced=coerced
        )


def _took_effect(value: ReportedValue, verdict: Verdict) -> str:
    """Say what a judgement did: empty where that is what everybody expects, that it counts for the value."""
    heard = verdict.rooms.shared or verdict.rooms.personal
    if verdict.judged.doubt is None:
        return "" if heard else "it counts for who reports the value"
    if value.disputed:
        return "it took effect: the value is taken back everywhere until a person at this hub has looked at it"
    if heard and verdict.judged.standing > JudgeStanding.SETTLED:
        return "it took effect, as far as it has standing; outcomes will say what comes of it"
    return "a person at this hub looks at it; outcomes will say what comes of it"


logger = logging.getLogger(__name__)

# However much comes at once, memory is for a part of it.
_AT_ONCE = 2_000
_LEFT = "not-a-partner: you take part here no more"


@dataclass
class Prepared:
    """Objects that were read, and those that cannot be: all that takes time and no look at the store."""

    taken: list[Submission] = field(default_factory=list)
    failed: list[Unpublished] = field(default_factory=list)


def prepare(items: Sequence[Item], budget: PatternBudget | None = None) -> Prepared:
    """Read ``items``, as far as ``budget`` allows their patterns; what is wrong with one never stops the others."""
    prepared = Prepared()
    for item in items:
        taken = _read(item, prepared, budget)
        if taken is not None:
            prepared.taken.append(taken)
    return prepared


def contribute(tx: Tx, partner: Partner, items: Sequence[Item], policy: Policy | None = None) -> Results:
    """Take ``items`` from ``partner`` into the inbox and release what they say, all in the caller's transaction.

    Released by ``policy``, else by the one in force. Repeating a contribution changes nothing. One bad item never stops
    the others: it is listed with the reason.
    """
    outcome = Results()
    # What speaks of others comes after them, in whichever part of a large contribution they are.
    ordered = (
        sorted(items, key=lambda item: annotation_targets.processing_order(item.type))
        if len(items) > _AT_ONCE
        else items
    )
    for start in range(0, len(ordered), _AT_ONCE):
        take(tx, partner, prepare(ordered[start : start + _AT_ONCE]), outcome, policy)
    return outcome


def take(tx: Tx, partner: Partner, prepared: Prepared, outcome: Results, policy: Policy | None = None) -> None:
    """Take what was read from ``partner``, as ``contribute`` does, and add to ``outcome`` what became of it."""
    outcome.failed += prepared.failed
    if not prepared.taken:
        return
    scene = open_context(tx, policy)
    if partner.name in scene.registry.gone:
        outcome.failed += [Unpublished(each.item.id, each.item.version, _LEFT) for each in prepared.taken]
    else:
        Contribution(scene, partner, outcome).take(prepared.taken)
    for taken in prepared.taken:
        if isinstance(taken.report, Rejected):
            _bare(taken.report)


def _read(item: Item, prepared: Prepared, budget: PatternBudget | None) -> Submission | None:
    try:
        obj = stix_properties.read(item)
        report = _reported(obj, budget)
        if not item.revoked and item.id not in RESERVED and item.type != TRANSLATION:
            objects.refuse_personal_data(obj, report if isinstance(report, Report) else None)
        return Submission(item, obj, report, lookup.check(report) if isinstance(report, Report) else None)
    except Rejected as refusal:
        prepared.failed.append(Unpublished(item.id, item.version, refusal.message))
    except (KeyError, TypeError, AttributeError, ValueError):
        # Senders write objects of every shape, and one that nobody thought of must not stop the others.
        logger.exception("object not understood id=%s", item.id)
        prepared.failed.append(
            Unpublished(item.id, item.version, "not understood: a property is not as STIX 2.1 has it")
        )
    return None


def _reported(obj: dict[str, Any], budget: PatternBudget | None) -> Report | Rejected | None:
    """Give what an indicator reports, or why it reports nothing; None for other objects.

    Raises ``Rejected`` for one whose pattern takes more than ``budget`` has left.
    """
    if obj["type"] != "indicator":
        return None
    try:
        return from_stix(obj, budget=budget)
    except Rejected as refusal:
        if refusal.reason == TOO_COSTLY:
            raise
        return _bare(refusal)


def _bare(refusal: Rejected) -> Rejected:
    """Take from a refusal where it was raised: with that it holds all that was read there, and is held by it."""
    return refusal.with_traceback(None)
