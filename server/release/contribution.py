"""One part of a contribution: each of its objects is decided, stored, released and answered on its own."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from mappers.record_reader import is_finding
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.report import Report
from server.release.fuse.statements import (
    JudgeStanding,
    OpinionStatement,
    ReportedValue,
    indicator_subject,
    is_open_burst,
)
from server.release.guard import volume
from server.release.guard.allowlists import hub_values
from server.release.guard.blocks import BlockBrake
from server.release.guard.ends import EndBrake, ended_by
from server.release.guard.personal_data import case_numbers
from server.release.guard.volume import HELD_BY_PERSONS, NEW_PARTNER, DoubtQuota, NewcomerBrake, colleagues
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
from server.store.quotas import DailyVolume
from server.store.reviews import HeldObject

logger = logging.getLogger(__name__)

_LEFT = "not-a-partner: your organisation has left this hub; contact the operator to rejoin"


class Contribution:
    """One part of a contribution: decided, stored and answered object by object, in the steps of ``Contributions``."""

    def __init__(
        self,
        session: ReleaseSession,
        partner: Partner,
        submissions: Sequence[Submission],
        results: Results,
        ends: EndBrake,
        burst: int,
    ) -> None:
        """Accept ``submissions`` of ``partner``, and add their results to ``results``.

        ``ends`` counts ends. ``burst`` is the number of values that its organisation alone may block in an hour.
        """
        self._session = session
        self._context = session.context
        self._loader = session.loader
        self.partner = partner
        self._results = results
        self._references = session.references(partner)
        self._submissions = submissions
        for submission in submissions:
            submission.key = self._context.key(partner, submission.item.id)
        # The subjects that the objects are about, by key.
        self._about: dict[str, set[str]] = {}
        self._stored: list[Decision] = []
        # Subjects and object keys whose mentions before this contribution are known.
        self._looked_up: Set[str] = frozenset()
        # Messages about unpublished parts, by id and version.
        self._notes: dict[tuple[str, int | None], str] = {}
        # Earlier contributions with a marking that this one defines, with their subjects, by key.
        self._marked: dict[str, set[str]] = {}
        # The keys of outcomes that state totals now, or stated them before.
        self._totals: set[str] = set()
        self._values: dict[str, ReportedValue] = {}
        # The opinions about values, with the value, by key.
        self._opinions: dict[str, tuple[ReportedValue, OpinionStatement]] = {}
        self._brake: NewcomerBrake | None = None
        self._doubts = 0
        self._ends = ends
        self._burst = burst
        # Reports that count as a warning until a person decides.
        self._limited: list[HeldObject] = []

    def find_subjects(self) -> set[str]:
        """Read what is known of the objects, and return the subjects of all values that they concern."""
        self._references.look_up(self._submissions)
        self._about = self._subjects(self._submissions)
        definitions = [submission.key for submission in self._submissions if submission.item.type == MARKING]
        marked = self._references.marked(definitions) if definitions else {}
        return {subject for about in (*self._about.values(), *marked.values()) for subject in about}

    @property
    def named(self) -> set[str]:
        """The subjects of the values that the objects report."""
        return {submission.subject for submission in self._submissions if submission.subject}

    @property
    def subjects(self) -> set[str]:
        """The subjects that the objects are about, as ``find_subjects`` read them."""
        return {subject for about in self._about.values() for subject in about}

    @property
    def keys(self) -> set[str]:
        """The keys of the objects in the inbox."""
        return {submission.key for submission in self._submissions}

    def refuse_if_left(self) -> bool:
        """Refuse all objects, and return True, if the partner has left."""
        has_left = self.partner.name in self._context.registry.gone
        if has_left:
            self._results.failed += [
                Unpublished(submission.item.id, submission.item.version, _LEFT) for submission in self._submissions
            ]
        return has_left

    def decide(
        self, prior: Mapping[str, set[str]], looked_up: Set[str], volumes: Mapping[str, Mapping[int, DailyVolume]]
    ) -> bool:
        """Decide on each object on its own: a wrong one does not stop the others. Return whether any is to be stored.

        ``prior`` are the mentions of the subjects and keys ``looked_up``; ``volumes`` are the latest ones by partner
        and day, of all partners of its organisation at least.
        """
        self._looked_up = looked_up
        self._prior = prior
        facts = self._facts(self._submissions, self._about, prior, volumes.get(self.partner.name, {}))
        names = colleagues(self.partner, self._context.registry)
        self._blocks = BlockBrake(
            self._loader, self.partner, self._burst, {name: volumes[name] for name in names & volumes.keys()}
        )
        intake = Intake(self.partner, self._loader, facts)
        if self._context.is_newcomer(self.partner):
            context = self._context
            self._brake = NewcomerBrake(
                context.tx, self.partner, context.registry, context.policy.newcomers, context.micros
            )
        # Indicators before their annotations; the versions of each id in the order received.
        for submission in sorted(self._submissions, key=_processing_order):
            self._decide(intake, submission)
        self._ends.write()
        self._doubts = facts.doubts.spent
        return bool(self._stored)

    def concerned(self, prior: dict[str, set[str]]) -> Iterator[str]:
        """Yield the subjects concerned in the order received; those of earlier objects whose marking is known now come
        last.
        """
        for decision in self._stored:
            yield from sorted(self._about.get(decision.submission.key, ()))
        for about in self._find_marked(prior).values():
            yield from sorted(about)

    @property
    def new(self) -> set[str]:
        """The keys of the objects that count from now on."""
        return {decision.submission.key for decision in self._stored if not decision.submission.item.revoked} | set(
            self._marked
        )

    @property
    def has_only_reports(self) -> bool:
        """Return whether all objects to be released are reports."""
        return not self._marked and all(
            isinstance(decision.submission.report, Report) and not decision.submission.refs for decision in self._stored
        )

    def _subjects(self, submissions: Iterable[Submission]) -> dict[str, set[str]]:
        """Return, by key, the subjects that objects are about, with those that an indicator was about before."""
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
        self,
        submissions: Sequence[Submission],
        subjects: Mapping[str, set[str]],
        prior: Mapping[str, set[str]],
        days: Mapping[int, DailyVolume],
    ) -> IntakeFacts:
        tx, moment, known = self._context.tx, self._context.micros, self._loader.known
        coming = sum(submission.size for submission in submissions if may_be_new(known, submission))
        throttle = self._context.facts.throttles.get(self.partner.name)
        throttled_by = volume.throttled_by(tx, self.partner.name, throttle, moment, days, coming=coming)
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
            doubts=DoubtQuota(tx, self.partner, self._context.registry, moment, has_limit=not self._ends.is_confirmed),
        )

    def _decide(self, intake: Intake, submission: Submission) -> None:
        id_, version = submission.item.id, submission.item.version
        try:
            decision = intake.decide(submission)
            no_report = None if submission.item.revoked else why_no_report(decision.submission)
        except Rejected as refusal:
            self._results.failed.append(Unpublished(id_, version, refusal.message, refusal.reason))
            return
        if decision.stored and not decision.held and (end := self._hold_end(decision.submission)):
            self._results.held.append(Unpublished(id_, version, end.message, end.rule))
            return
        if decision.stored:
            if submission.item.type == "opinion" and (
                states_totals(submission.obj) or states_totals(self._loader.known.get(submission.key))
            ):
                self._totals.add(submission.key)
            decision = self._replace(decision)
            self._stored.append(decision)
        if decision.held:
            self._results.held.append(Unpublished(id_, version, decision.held.message, decision.held.rule))
        elif no_report:
            self._results.kept.append(Unpublished(id_, version, no_report))
        elif not decision.stored:
            self._answer_repeat(submission)

    def _hold_end(self, submission: Submission) -> HeldObject | None:
        """Return why a version that ends listings waits for a second person, None if it does not."""
        if not self._ends.has_limit:
            return None
        ended = ended_by(self._loader, self.partner, submission, self._about.get(submission.key, ()))
        return self._ends.take(submission.key, submission.item, ended)

    def _replace(self, decision: Decision) -> Decision:
        """Use a new version from now on; return it as held if its partner is new and has listed enough for the day."""
        submission = decision.submission
        report = submission.report
        if self._brake is None or not isinstance(report, Report) or decision.held or submission.item.revoked:
            if not decision.held and not submission.item.revoked:
                self._limit(submission)
            self._loader.replace(submission.key, submission.obj, report if isinstance(report, Report) else None)
            return decision
        before = self._loader.known.get(submission.key)
        was_new = before is None or indicator_subject(before) != submission.subject
        was_public = not was_new and self._loader.may_be_public(submission.key)
        self._loader.replace(submission.key, submission.obj, report)
        public = not was_public and self._loader.may_be_public(submission.key)
        message = self._brake.take(new=was_new, public=public)
        if message is None:
            return decision
        held = HeldObject(submission.key, submission.item.version, NEW_PARTNER, message)
        return decision._replace(held=held)

    def _limit(self, submission: Submission) -> None:
        """Note a report beyond the values that the organisation alone may block in an hour."""
        before = self._loader.known.get(submission.key)
        limited = self._blocks.take(submission, before, self._prior.get(submission.subject or "", ()))
        if limited is not None:
            self._limited.append(limited)

    def count(self) -> None:
        """Count the new objects in the partner's volume of the day; what the end brake holds throttles no partner."""
        new = [decision for decision in self._stored if not decision.submission.item.revoked]
        quotas.count_contributed(
            self._context.tx,
            self.partner.name,
            received=sum(decision.submission.size for decision in new),
            held=sum(
                decision.submission.size
                for decision in new
                if decision.held is not None and decision.held.rule not in {NEW_PARTNER, *HELD_BY_PERSONS}
            ),
            doubts=self._doubts,
            new=self._brake.spent if self._brake else quotas.NO_NEW_VALUES,
            blocks=self._blocks.counted,
            moment=self._context.micros,
        )

    def store(self, prior: dict[str, set[str]]) -> None:
        """Write the new objects to the inbox, index the values and objects that they name, and hold them for review."""
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
        held = [decision.held for decision in self._stored if decision.held]
        self._loader.hold(self.partner.name, held + self._limited)
        if self._limited:
            hub_identity.note_warning(tx, hub_identity.MANY_BLOCKS, len(self._limited), self.partner.name)
        reviews.forget_approvals(tx, [submission.key for submission in stored if submission.item.revoked])
        self._warn_of_unknown_recipients()

    def _warn_of_unknown_recipients(self) -> None:
        """Warn the operator of reports whose recipients, or excluded partners, were never registered here."""
        reports = [decision.submission.report for decision in self._stored]
        count = unknown_recipients.count(
            (report.sharing for report in reports if isinstance(report, Report)), self._context.registry
        )
        if count:
            hub_identity.note_warning(self._context.tx, hub_identity.UNKNOWN_RECIPIENT, count, self.partner.name)
            logger.warning("unknown recipients partner=%s reports=%d", self.partner.identity, count)

    def _mentions(self, stored: Sequence[Submission]) -> list[tuple[str, str]]:
        """Return, with its key, the things that each object names apart from its own value: objects, markings,
        and its basis.
        """
        references, pairs = self._references, []
        for submission in stored:
            named = [references.meant(ref) for ref in submission.refs]
            named += self._loader.marking_definitions(submission.key)
            pairs += [(mentioned, submission.key) for mentioned in named]
            if basis := references.basis(submission.obj):
                pairs.append(basis)
        return pairs

    def _find_marked(self, prior: dict[str, set[str]]) -> dict[str, set[str]]:
        """Return, by key, the subjects of earlier contributions with a marking that this one defines."""
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

    def finish(self, values: Sequence[ReportedValue], states: Mapping[str, ListingState]) -> None:
        """Add the results of the objects, now that the values are released."""
        if self._totals:
            self._fold_totals(self._values)
        self._answer(values, states)

    def found(self, values: Iterable[ReportedValue]) -> None:
        """Note the values concerned with their statements, before they are released."""
        self._values = {value.subject: value for value in values}
        self._opinions = {opinion.key: (value, opinion) for value in values for opinion in value.opinions}

    def _fold_totals(self, values: Mapping[str, ReportedValue]) -> None:
        """Count the totals of outcomes, and note those that do not count."""
        fold = TotalsFold(self._context, self.partner)
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

    def publish_annotations(self, states_by_id: Mapping[str, ListingState]) -> None:
        """Publish the new annotations and those whose marking is known now, and record receipts from outcomes."""
        annotations = AnnotationRelease(self._context, self._session.publication, self._references, states_by_id)
        acknowledged: set[str] = set()
        for decision in self._stored:
            submission = decision.submission
            refs = submission.refs
            if submission.item.type == "indicator" or not refs:
                continue
            if submission.item.revoked:
                annotations.revoke(submission.key, submission.item.type)
                continue
            if submission.item.type == "opinion":
                # An outcome on a revoked listing shows that the partner knows of the revocation.
                acknowledged |= set(map(self._references.meant, refs))
            if is_finding(submission.obj):
                annotations.revoke(submission.key, submission.item.type)
                self._note_answer(submission, decision)
            elif decision.held is None:
                self._answer_annotation(submission, self._pass_on(submission, annotations))
        for key in self._marked:
            obj, review = self._loader.known[key], self._loader.states.get(key)
            free = (review is None or review.state == "approved") and not is_finding(obj)
            if annotation_targets.refs(obj) and obj.get("revoked") is not True and free:
                annotations.release(key, obj)
        receipts.acknowledge(self._context.tx, self.partner.name, *acknowledged)

    def _note_answer(self, submission: Submission, decision: Decision) -> None:
        """Note the effect of a provider's finding; one about something that the partner cannot see has no effect."""
        item = submission.item
        if decision.held is None and not self._about.get(submission.key):
            why = Reason.TARGET_NOT_VISIBLE.explain()
            self._results.kept.append(Unpublished(item.id, item.version, why.message))
        else:
            self._notes[item.id, item.version] = (
                "your finding is in force for the account from now on, in every collection"
            )

    def _pass_on(self, submission: Submission, annotations: AnnotationRelease) -> AnnotationOutcome:
        """Publish an annotation; pass a question or a reply on to its recipients, with a message to the partner."""
        if not annotation_targets.is_relayed(submission.obj):
            return annotations.release(submission.key, submission.obj)
        subjects = {subject for ref in submission.refs if (subject := self._references.subject(ref))}
        values = [value for subject, value in sorted(self._values.items()) if subject in subjects]
        relay = Relay(self._context, self._session.feedback)
        try:
            return AnnotationOutcome(None, relay.take(submission.key, submission.obj, self.partner, values))
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
            self._results.accepted.append(Published(item.id, item.version, self._limited_message(submission)))

    def _limited_message(self, submission: Submission) -> str | None:
        """Return why a report counts as a warning until a person decides, None if it does not."""
        review = self._loader.states.get(submission.key)
        return review.message if review is not None and is_open_burst(review) else None

    def _answer_annotation(self, submission: Submission, outcome: AnnotationOutcome) -> None:
        """Add why an annotation is visible to no reader, or note its effect and which parts are not published."""
        item = submission.item
        counts = self._opinions.get(submission.key)
        if outcome.why_unpublished and counts is None:
            self._results.kept.append(Unpublished(item.id, item.version, outcome.why_unpublished))
            return
        notes = [_effect_of(*counts) if counts else ""]
        notes.append("only this hub reads it" if outcome.why_unpublished else "")
        notes.append(outcome.left_out or "")
        if any(notes):
            self._notes[item.id, item.version] = "; ".join(filter(None, notes))

    def _answer(self, values: Iterable[ReportedValue], states: Mapping[str, ListingState]) -> None:
        """Add for each stored object without a result whether it is published, or why not."""
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
                notes = (self._limited_message(submission), case_numbers.withheld_message(submission.report))
                note = "; ".join(filter(None, notes)) or None
            self._results.accepted.append(Published(item.id, item.version, note))

    def _why_unpublished(self, submission: Submission, value: ReportedValue, state: ListingState) -> Explanation | None:
        """Return why a report is not published; None if it is, or if there is a later version."""
        if self._loader.known[submission.key] is not submission.obj:
            return None
        if self._loader.tlp(submission.key) is None:
            return Reason.UNKNOWN_MARKING.explain()
        statement = next((report for report in value.statements if report.key == submission.key), None)
        if statement is None:
            # It has ended, or it repeats something published here; a repeat is answered as if it were published.
            report = submission.report
            if any(ended.key == submission.key for ended in value.ended):
                return Reason.ENDED_BY_PROVIDER.explain()
            ended = isinstance(report, Report) and report.valid_until <= self._context.at
            return Reason.EXPIRED.explain() if ended else None
        if statement.audience.shared or statement.audience.private:
            if is_published(self._context, state, statement.audience):
                return None
            return explain_withheld(disputed=value.disputed or self._context.is_frozen(value.subject))
        registry, policy = self._context.registry, self._context.policy
        return explain_report(statement.report, statement.tlp, statement.partner, registry, policy)


def _processing_order(submission: Submission) -> int:
    return annotation_targets.processing_order(submission.item.type)


def _effect_of(value: ReportedValue, opinion: OpinionStatement) -> str:
    """Return the effect of an opinion on the value, empty for the usual effect: that it counts."""
    visible = opinion.audience.shared or opinion.audience.private
    if opinion.doubt is None:
        return "" if visible else "it counts for the reporters of the value"
    if value.disputed:
        return "it took effect: the value is delisted everywhere until a person at this hub has reviewed it"
    if visible and opinion.standing > JudgeStanding.SETTLED:
        return "accepted; see your outcomes for its effect"
    return "a person at this hub will review it; outcomes will tell you the result"
