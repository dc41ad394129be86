"""One part of a contribution: its objects are decided, stored, released and answered, each on its own."""

import logging
from collections.abc import Iterable, Mapping, Sequence, Set

from mappers.qualification import is_answer
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.report import Report
from server.release.facts import HubFacts
from server.release.fuse.statements import JudgeStanding, OpinionStatement, ReportedValue, indicator_subject
from server.release.guard import volume
from server.release.guard.allowlists import hub_values
from server.release.guard.personal_data import case_numbers
from server.release.guard.volume import DoubtQuota
from server.release.intake import Decision, Intake, IntakeFacts, may_be_new, why_no_report
from server.release.publish.listings import ListingState, is_published
from server.release.publish.totals import TotalsFold, states_totals
from server.release.query import receipts
from server.release.questions import Relay
from server.release.reasons import Explanation, Reason
from server.release.results import Published, Results, Unpublished
from server.release.route import annotation_targets, unknown_recipients
from server.release.route.annotations import AnnotationOutcome, AnnotationRelease
from server.release.route.explain import explain_report, explain_withheld
from server.release.session import ReleaseSession
from server.release.submission import MARKING, Submission
from server.store import hub_identity, quotas, reviews, value_index
from server.store.item import Item

logger = logging.getLogger(__name__)

_LEFT = "not-a-partner: you take part here no more"


class Contribution:
    """One part of a contribution in one transaction: decided, stored, released, and answered object by object."""

    def __init__(
        self, session: ReleaseSession, partner: Partner, submissions: Sequence[Submission], results: Results
    ) -> None:
        """Accept ``submissions`` of ``partner``, and add what becomes of them to ``results``."""
        self._session = session
        self._context = session.context
        self._loader = session.loader
        self._partner = partner
        self._results = results
        self._references = session.references(partner)
        self._submissions = submissions
        for submission in submissions:
            submission.key = self._context.key(partner, submission.item.id)
        # By key the subjects that the objects are about.
        self._about: dict[str, set[str]] = {}
        self._stored: list[Decision] = []
        # Subjects, and keys of objects, whose mentions before this contribution are known.
        self._looked_up: Set[str] = frozenset()
        # Messages about parts that are not published, by id and version.
        self._notes: dict[tuple[str, int | None], str] = {}
        # Earlier contributions that bear a marking defined just now, with their subjects, by key.
        self._marked: dict[str, set[str]] = {}
        # The keys of outcomes that state totals, or did before.
        self._totals: set[str] = set()
        self._values: dict[str, ReportedValue] = {}
        # The opinions about values, with the value, by key.
        self._opinions: dict[str, tuple[ReportedValue, OpinionStatement]] = {}

    @property
    def facts(self) -> HubFacts:
        """The hub's facts, as they are now that the values are locked."""
        return self._context.facts

    def find_subjects(self) -> set[str]:
        """Read what is known of the objects, and return the subjects of all values that they concern."""
        self._references.look_up(self._submissions)
        self._about = self._subjects(self._submissions)
        definitions = [submission.key for submission in self._submissions if submission.item.type == MARKING]
        marked = self._references.marked(definitions) if definitions else {}
        return {subject for about in (*self._about.values(), *marked.values()) for subject in about}

    def take(self, *, leave_for_end: bool = False) -> None:
        """Accept the objects, each on its own: one that is wrong never stops the others."""
        submissions, subjects = self._submissions, self._about
        if self._partner.name in self._context.registry.gone:
            self._results.failed += [
                Unpublished(submission.item.id, submission.item.version, _LEFT) for submission in submissions
            ]
            return
        named = {subject for about in subjects.values() for subject in about}
        self._looked_up = named | subjects.keys()
        prior = self._loader.look_up(named, subjects.keys())
        facts = self._facts(submissions, subjects, prior)
        intake = Intake(self._partner, self._loader, facts)
        # Indicators before their annotations; the versions of each id in the order they came.
        for submission in sorted(submissions, key=_processing_order):
            self._decide(intake, submission)
        if self._stored:
            self._count(facts.doubts)
            self._store(prior)
            self._warn_of_unknown_recipients()
            # Published in the order they came; earlier ones whose marking is known now come after them.
            concerned = [sorted(subjects.get(decision.submission.key, ())) for decision in self._stored]
            concerned += [sorted(about) for about in self._find_marked(prior).values()]
            subjects_concerned = list(dict.fromkeys(subject for about in concerned for subject in about))
            self._release(subjects_concerned, prior, leave_for_end=leave_for_end)

    def _subjects(self, submissions: Iterable[Submission]) -> dict[str, set[str]]:
        """Return by key the subjects that objects are about, with those that an indicator was about before."""
        subjects: dict[str, set[str]] = {}
        known = self._loader.known
        for submission in submissions:
            about = subjects.setdefault(submission.key, set())
            if submission.subject:
                about.add(submission.subject)
            before, obj = known.get(submission.key), submission.obj
            if before and before.get("pattern") != obj.get("pattern") and (subject := indicator_subject(before)):
                about.add(subject)
            about |= {subject for ref in submission.refs if (subject := self._references.subject(ref))}
        return subjects

    def _facts(
        self, submissions: Sequence[Submission], subjects: Mapping[str, set[str]], prior: Mapping[str, set[str]]
    ) -> IntakeFacts:
        tx, moment, known = self._context.tx, self._context.micros, self._loader.known
        coming = sum(submission.size for submission in submissions if may_be_new(known, submission))
        throttle = self._context.facts.throttles.get(self._partner.name)
        throttled_by = volume.throttled_since(tx, self._partner.name, throttle, moment, coming=coming)
        reports = [
            submission.report
            for submission in submissions
            if isinstance(submission.report, Report) and not submission.item.revoked
        ]
        ids = {submission.item.id for submission in submissions}
        return IntakeFacts(
            prior=prior,
            subjects=subjects,
            throttled_by=throttled_by,
            published={id_ for id_ in ids if self._references.is_published(id_)},
            delisted=hub_values.find_delisted(
                tx, reports, has_delisted=self._context.facts.has_delisted, has_erased=self._context.facts.has_erased
            ),
            own_values=self._context.facts.own_values,
            allowed=self._context.facts.allowed_values,
            doubts=DoubtQuota(tx, self._partner, self._context.registry, moment),
        )

    def _decide(self, intake: Intake, submission: Submission) -> None:
        id_, version = submission.item.id, submission.item.version
        try:
            decision = intake.decide(submission)
            no_report = None if submission.item.revoked else why_no_report(decision.submission)
        except Rejected as refusal:
            self._results.failed.append(Unpublished(id_, version, refusal.message))
            return
        if decision.stored:
            if submission.item.type == "opinion" and (
                states_totals(submission.obj) or states_totals(self._loader.known.get(submission.key))
            ):
                self._totals.add(submission.key)
            report = decision.submission.report
            self._loader.replace(
                submission.key, decision.submission.obj, report if isinstance(report, Report) else None
            )
            self._stored.append(decision)
        if decision.held:
            self._results.held.append(Unpublished(id_, version, decision.held.message, decision.held.rule))
        elif no_report:
            self._results.kept.append(Unpublished(id_, version, no_report))
        elif not decision.stored:
            self._answer_repeat(submission)

    def _count(self, doubts: DoubtQuota) -> None:
        """Count the new objects in the partner's volume of the day."""
        new = [decision for decision in self._stored if not decision.submission.item.revoked]
        quotas.count_contributed(
            self._context.tx,
            self._partner.name,
            received=sum(decision.submission.size for decision in new),
            held=sum(decision.submission.size for decision in new if decision.held is not None),
            doubts=doubts.spent,
            moment=self._context.micros,
        )

    def _store(self, prior: dict[str, set[str]]) -> None:
        """Write the new objects to the inbox, index the values and objects they name, and hold them for review."""
        tx, stored = self._context.tx, [decision.submission for decision in self._stored]
        self._session.publication.contribute(
            Item(submission.key, *submission.item[1:6], submission.subject) for submission in stored
        )
        about = {submission.subject for submission in stored if submission.subject}
        if about - self._looked_up:
            prior.update(value_index.find(tx, about - self._looked_up))
        for submission in stored:
            if submission.subject:
                prior.setdefault(submission.subject, set()).add(submission.key)
        pairs = self._mentions(stored)
        known = {mentioned: prior.get(mentioned, set()) for mentioned, _ in pairs if mentioned in self._looked_up}
        for mentioned, key in value_index.add(tx, pairs, known):
            prior.setdefault(mentioned, set()).add(key)
        self._loader.hold(self._partner.name, [decision.held for decision in self._stored if decision.held])
        reviews.forget_approvals(tx, [submission.key for submission in stored if submission.item.revoked])

    def _warn_of_unknown_recipients(self) -> None:
        """Warn the operator of reports for, or not for, somebody who never took part here."""
        reports = [decision.submission.report for decision in self._stored]
        count = unknown_recipients.count(
            (report.sharing for report in reports if isinstance(report, Report)), self._context.registry
        )
        if count:
            hub_identity.note_warning(self._context.tx, hub_identity.UNKNOWN_RECIPIENT, count, self._partner.name)
            logger.warning("unknown recipients partner=%s reports=%d", self._partner.identity, count)

    def _mentions(self, stored: Sequence[Submission]) -> list[tuple[str, str]]:
        """Return what each object names beside its own value, with its key: objects, markings, and its basis."""
        references, pairs = self._references, []
        for submission in stored:
            named = [references.meant(ref) for ref in submission.refs]
            named += self._loader.marking_definitions(submission.key)
            pairs += [(mentioned, submission.key) for mentioned in named]
            if basis := references.basis(submission.obj):
                pairs.append(basis)
        return pairs

    def _find_marked(self, prior: dict[str, set[str]]) -> dict[str, set[str]]:
        """Return by key the subjects of earlier contributions that bear a marking defined just now."""
        stored = {decision.submission.key for decision in self._stored}
        definitions = [decision.submission.key for decision in self._stored if decision.submission.item.type == MARKING]
        if not definitions:
            return {}
        self._marked = {key: about for key, about in self._references.marked(definitions).items() if key not in stored}
        subjects = {subject for about in self._marked.values() for subject in about}
        prior.update(value_index.find(self._context.tx, subjects - prior.keys()))
        self._loader.look_up_reviews(
            {key for subject in subjects for key in prior.get(subject, ())} | self._marked.keys()
        )
        return self._marked

    def _release(self, subjects: list[str], prior: dict[str, set[str]], *, leave_for_end: bool) -> None:
        new = {decision.submission.key for decision in self._stored if not decision.submission.item.revoked}
        values = self._loader.values({subject: prior.get(subject, set()) for subject in subjects}, prior)
        self._values = {value.subject: value for value in values}
        self._opinions = {opinion.key: (value, opinion) for value in values for opinion in value.opinions}
        states = self._session.release(
            values,
            "no longer reported",
            new | self._marked.keys(),
            self._publish_annotations,
            leave_for_end=leave_for_end,
            reports_only=not self._marked
            and all(
                isinstance(decision.submission.report, Report) and not decision.submission.refs
                for decision in self._stored
            ),
        )
        if self._totals:
            self._fold_totals(self._values)
        self._answer(values, states)

    def _fold_totals(self, values: Mapping[str, ReportedValue]) -> None:
        """Count the totals of outcomes, and note those that do not count."""
        fold = TotalsFold(self._context, self._partner)
        latest = {decision.submission.key: decision for decision in self._stored}
        for key in sorted(self._totals & latest.keys()):
            decision = latest[key]
            obj = self._loader.known[key]
            refs = [self._references.subject(ref) or ref for ref in annotation_targets.refs(obj)]
            fold.add(key, obj, refs, values, counts=decision.held is None)
        messages = fold.fold()
        for key, message in messages.items():
            item = latest[key].submission.item
            before = self._notes.get((item.id, item.version))
            self._notes[item.id, item.version] = f"{before}; {message}" if before else message

    def _publish_annotations(self, states_by_id: Mapping[str, ListingState]) -> None:
        """Publish the new annotations and those whose marking is known now, and acknowledge receipts by outcomes."""
        annotations = AnnotationRelease(self._context, self._session.publication, self._references, states_by_id)
        acknowledged: set[str] = set()
        for decision in self._stored:
            submission = decision.submission
            refs = submission.refs
            if submission.item.type == "indicator" or not refs:
                continue
            if submission.item.revoked:
                annotations.take_back(submission.key, submission.item.type)
                continue
            if submission.item.type == "opinion":
                # An outcome about a revoked listing shows that the partner knows of the revocation.
                acknowledged |= set(map(self._references.meant, refs))
            if is_answer(submission.obj):
                annotations.take_back(submission.key, submission.item.type)
                self._note_answer(submission, decision)
            elif decision.held is None:
                self._answer_annotation(submission, self._pass_on(submission, annotations))
        for key in self._marked:
            obj, review = self._loader.known[key], self._loader.states.get(key)
            free = (review is None or review.state == "approved") and not is_answer(obj)
            if annotation_targets.refs(obj) and obj.get("revoked") is not True and free:
                annotations.release(key, obj)
        receipts.acknowledge(self._context.tx, self._partner.name, *acknowledged)

    def _note_answer(self, submission: Submission, decision: Decision) -> None:
        """Note the effect of a keeper's answer; one about what the partner cannot see has none."""
        item = submission.item
        if decision.held is None and not self._about.get(submission.key):
            why = Reason.TARGET_NOT_VISIBLE.explain()
            self._results.kept.append(Unpublished(item.id, item.version, why.message))
        else:
            self._notes[item.id, item.version] = "your answer holds for the account from now on, in every collection"

    def _pass_on(self, submission: Submission, annotations: AnnotationRelease) -> AnnotationOutcome:
        """Publish an annotation; pass a question or an answer on to whom it is for, with a message to the partner."""
        if not annotation_targets.is_relayed(submission.obj):
            return annotations.release(submission.key, submission.obj)
        subjects = {subject for ref in submission.refs if (subject := self._references.subject(ref))}
        values = [value for subject, value in sorted(self._values.items()) if subject in subjects]
        relay = Relay(self._context, self._session.feedback)
        try:
            return AnnotationOutcome(None, relay.take(submission.key, submission.obj, self._partner, values))
        except Rejected as refusal:
            return AnnotationOutcome(refusal.message, None)

    def _answer_repeat(self, submission: Submission) -> None:
        """Add the present state of an object that was contributed before."""
        item, report = submission.item, submission.report
        why = (
            self._loader.explain_unpublished(submission.key, report)
            if isinstance(report, Report) and not item.revoked
            else None
        )
        if why:
            self._results.kept.append(Unpublished(item.id, item.version, why.message))
        else:
            self._results.accepted.append(Published(item.id, item.version))

    def _answer_annotation(self, submission: Submission, outcome: AnnotationOutcome) -> None:
        """Add why an annotation is visible to nobody, or note its effect and what of it is not published."""
        item = submission.item
        counts = self._opinions.get(submission.key)
        if outcome.why_unpublished and counts is None:
            self._results.kept.append(Unpublished(item.id, item.version, outcome.why_unpublished))
            return
        notes = [_effect_of(*counts) if counts else ""]
        notes.append("it is read by nobody but this hub" if outcome.why_unpublished else "")
        notes.append(outcome.left_out or "")
        if any(notes):
            self._notes[item.id, item.version] = "; ".join(filter(None, notes))

    def _answer(self, values: Iterable[ReportedValue], states: Mapping[str, ListingState]) -> None:
        """Add whether each stored object that has no result yet is published, or why it is not."""
        by_subject = {value.subject: value for value in values}
        answered = {(result.id, result.version) for result in self._results.pending}
        for submission in (decision.submission for decision in self._stored):
            item = submission.item
            if (item.id, item.version) in answered:
                continue
            is_report = item.type == "indicator" and not item.revoked
            value = by_subject.get(submission.subject or "") if is_report else None
            why = self._why_unpublished(submission, value, states[value.subject]) if value else None
            if why:
                self._results.kept.append(Unpublished(item.id, item.version, why.message))
                continue
            note = self._notes.get((item.id, item.version))
            if value and isinstance(submission.report, Report):
                note = case_numbers.withheld_message(submission.report)
            self._results.accepted.append(Published(item.id, item.version, note))

    def _why_unpublished(self, submission: Submission, value: ReportedValue, state: ListingState) -> Explanation | None:
        """Return why a report is not published; None where it is, and where a later version is there."""
        if self._loader.known[submission.key] is not submission.obj:
            return None
        if self._loader.tlp(submission.key) is None:
            return Reason.UNKNOWN_MARKING.explain()
        statement = next((report for report in value.statements if report.key == submission.key), None)
        if statement is None:
            # It is over; or it repeats what is published here, which is answered as if it were published.
            report = submission.report
            if any(ended.key == submission.key for ended in value.ended):
                return Reason.ENDED_BY_KEEPER.explain()
            ended = isinstance(report, Report) and report.valid_until <= self._context.at
            return Reason.EXPIRED.explain() if ended else None
        if statement.audience.shared or statement.audience.private:
            if is_published(self._context, state, statement.audience):
                return None
            return explain_withheld(disputed=value.disputed)
        registry, policy = self._context.registry, self._context.policy
        return explain_report(statement.report, statement.tlp, statement.partner, registry, policy)


def _processing_order(submission: Submission) -> int:
    return annotation_targets.processing_order(submission.item.type)


def _effect_of(value: ReportedValue, opinion: OpinionStatement) -> str:
    """Return the effect of an opinion on the value, empty where it is what everybody expects: that it counts."""
    visible = opinion.audience.shared or opinion.audience.private
    if opinion.doubt is None:
        return "" if visible else "it counts for who reports the value"
    if value.disputed:
        return "it took effect: the value is taken back everywhere until a person at this hub has looked at it"
    if visible and opinion.standing > JudgeStanding.SETTLED:
        return "it took effect, as far as it has standing; outcomes will say what comes of it"
    return "a person at this hub looks at it; outcomes will say what comes of it"
