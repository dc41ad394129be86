"""Explain a contribution: every release rule that it met, where it is published, and how to change that."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from mappers import extension
from mappers.report_reader import from_stix
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.refang import refang
from schemas.report import Report
from schemas.site import parents_of
from server.release.explain_facts import Fact, RuleCheck, check_of_reason
from server.release.fuse import certainty, grade
from server.release.fuse.consensus import end
from server.release.fuse.repeats import without_repeats
from server.release.fuse.statements import (
    ReportedValue,
    SightingStatement,
    Statement,
    indicator_subject,
    is_open_burst,
    is_published_meanwhile,
)
from server.release.hub import Hub
from server.release.publish.listings import ListingState, ListingUpdater, is_published
from server.release.query.lookup import asked_about
from server.release.query.typed import typed_value
from server.release.reasons import Explanation, Reason, reasons_of
from server.release.results import Result
from server.release.route import annotation_targets
from server.release.route.annotations import AnnotationRelease
from server.release.route.explain import explain_report, explain_withheld
from server.release.session import ReleaseSession
from server.store import inbox, listings, value_index
from server.store.database.engine import Tx
from server.store.inbox import is_key, object_id
from server.store.reviews import Review

_NOT_STORED = (
    "no stored part of it is visible to you; if it was refused, the response to its contribution gave the reason"
)
_REVIEW = "decide its review: scamfeed review show"


class Placement(NamedTuple):
    """A collection that publishes it: the id, the grade and confidence, and how many partners may read it."""

    collection: str
    id: str
    grade: str | None
    confidence: int | None
    readers: int | None


@dataclass
class ContributionExplanation:
    """One contribution, the rules that it met in order, and the collections that publish its value."""

    id: str
    partner: str
    type: str
    value: str | None
    result: str = Result.PUBLISHED.value
    checks: list[RuleCheck] = field(default_factory=list)
    published: list[Placement] = field(default_factory=list)
    # Whether it is about a domain above the value asked about.
    is_of_site: bool = False

    def add(self, rule: str, fact: Fact, /, **fields: str) -> None:
        """Add a rule that the contribution passed."""
        self.checks.append(fact.check(rule, **fields))

    def stop(self, check: RuleCheck, result: Result = Result.KEPT) -> None:
        """Add the rule that prevents the contribution from being published."""
        self.result = result.value
        self.checks.append(check)


def explain(hub: Hub, tx: Tx, id_or_value: str, partner: Partner | None = None) -> list[ContributionExplanation]:
    """Explain the contributions of an id, or of a value in any spelling and its site; only reads.

    With ``partner``, only what this partner may know: its own contributions, by rules that it was told of. Raises
    ``Rejected`` if nothing is stored; data hidden from the partner gets the same error.
    """
    return _Explainer(ReleaseSession.open(hub, tx), partner, hub.country).explain(id_or_value)


class _Explainer:
    """Explains in one transaction, to an operator or to one partner."""

    def __init__(self, session: ReleaseSession, partner: Partner | None, country: str) -> None:
        self._session = session
        self._context = session.context
        self._partner = partner
        self._country = country
        self._sites: set[str] = set()

    def explain(self, id_or_value: str) -> list[ContributionExplanation]:
        keys = self._keys(id_or_value)
        known = self._session.loader.known
        self._session.loader.read(keys)
        keys = {key for key in keys & known.keys() if self._may_know(key)}
        if not keys:
            raise Rejected("not-stored", _NOT_STORED)
        subjects = {subject for key in keys if (subject := _subject(known[key]))}
        values = {value.subject: value for value in self._session.load(subjects)}
        self._session.loader.look_up_reviews(keys)
        self._session.publication.load({id_ for value in values.values() for id_ in value.listings})
        return [self._explain(key, values) for key in sorted(keys)]

    def _keys(self, id_or_value: str) -> set[str]:
        """Return the keys of all contributions of an id, of a listing's value, or of a value."""
        tx = self._context.tx
        if "--" in object_id(id_or_value):
            spaces = self._context.registry.spaces.values()
            keys = {id_or_value} if is_key(id_or_value) else {inbox.key(space, id_or_value) for space in spaces}
            # For operators, a listing's id means its value; partners may not read every listing.
            subjects = set() if self._partner else set(listings.subjects(tx, [id_or_value]).values())
        else:
            keys, subjects = set(), subjects_of(tx, id_or_value, self._country)
            self._sites = _sites_of(subjects) - subjects
            subjects |= self._sites
        found = value_index.find(tx, subjects)
        return keys | {key for subject in subjects for key in found.get(subject, ()) if _is_report(key)}

    def _may_know(self, key: str) -> bool:
        return self._partner is None or self._context.contributor(key).name == self._partner.name

    def _explain(self, key: str, values: dict[str, ReportedValue]) -> ContributionExplanation:
        obj = self._session.loader.known[key]
        contributor = self._context.contributor(key)
        report = _report(obj)
        value = values.get(_subject(obj) or "")
        found = ContributionExplanation(
            object_id(key), contributor.name, obj["type"], report.value if isinstance(report, Report) else None
        )
        found.is_of_site = _subject(obj) in self._sites
        found.add("stored", Fact.STORED)
        if self._is_over(found, key, report):
            return found
        if isinstance(report, Report) and value is not None:
            self._explain_report(found, key, report, value)
        else:
            self._explain_annotation(found, key)
        return found

    def _is_over(self, found: ContributionExplanation, key: str, report: Report | Rejected | None) -> bool:
        """Check the reasons that stop any object: a revocation, a review, a pattern without a value, an unknown
        marking.
        """
        obj = self._session.loader.known[key]
        if self._is_held(found, key):
            return True
        if obj.get("revoked") is True:
            found.stop(Fact.REVOKED.check("revoked", "stopped"))
        elif isinstance(report, Rejected):
            found.stop(Fact.NO_VALUE.check("pattern", "stopped", message=report.message, reason=report.reason))
        elif (tlp := self._session.loader.tlp(key)) is None:
            found.stop(_passed_by("marking", Reason.UNKNOWN_MARKING))
        else:
            found.add("marking", Fact.TREATED_AS, tlp=tlp.value.upper())
            return False
        return True

    def _is_held(self, found: ContributionExplanation, key: str) -> bool:
        review = self._session.loader.states.get(key)
        if review is not None and is_open_burst(review):
            action = self._way_out(review) if self._partner is None else ""
            found.checks.append(
                Fact.WARNS_MEANWHILE.check("guard", action=action, rule=review.rule, message=review.message)
            )
        elif review is None or (self._partner is not None and is_published_meanwhile(review)):
            # A sign of coercion is reviewed only if no partner with standing confirms it, which partners are not told.
            found.add("guard", Fact.NOT_HELD)
        elif review.state == "approved":
            found.add("guard", Fact.APPROVED, rule=review.rule)
        elif is_published_meanwhile(review):
            found.add("guard", Fact.COUNTS_MEANWHILE, rule=review.rule)
        elif review.state == "rejected":
            found.stop(self._held_by(Fact.REJECTED, "refused", review), Result.REFUSED)
            return True
        else:
            found.stop(self._held_by(Fact.HELD, "held", review), Result.HELD)
            return True
        return False

    def _held_by(self, fact: Fact, verdict: str, review: Review) -> RuleCheck:
        of_review = {"rule": review.rule, "message": review.message}
        return fact.check("guard", verdict, action=self._way_out(review), **of_review)

    def _way_out(self, review: Review) -> str:
        if self._partner is None:
            return f"{_REVIEW} {object_id(review.object_id)}"
        return next((reason.action for reason in reasons_of(review.rule)), "wait; a person at this hub will review it")

    def _explain_report(self, found: ContributionExplanation, key: str, report: Report, value: ReportedValue) -> None:
        statement = self._session.loader.statement(key, report, coerced=value.coerced and self._partner is None)
        if statement is None:
            return
        sightings = [sighting for sighting in value.counting_sightings if self._is_visible(sighting)]
        if end(report, sightings, self._context.at) <= self._context.at:
            found.stop(_passed_by("validity", Reason.EXPIRED))
            return
        found.add("validity", Fact.VALID)
        if any(ended.key == key for ended in value.ended):
            _stop_by(found, "keeper", Reason.ENDED_BY_PROVIDER.explain())
            return
        if not statement.audience.shared and not statement.audience.private:
            registry, policy = self._context.registry, self._context.policy
            why = explain_report(report, statement.tlp, statement.partner, registry, policy)
            _stop_by(found, "audience", why)
            return
        if certainty.is_of_institution(report) and not grade.has_authority(statement.partner, report):
            found.add("certainty", Fact.OF_INSTITUTION)
        self._explain_audience(found, statement)
        if self._partner is None and self._is_repeat(statement, value):
            found.stop(Fact.REPEATS.check("repeat", "stopped"))
        state = self._state(value)
        if self._is_published(key, report, value, statement, state):
            found.add("policy", Fact.LISTED)
            found.published = self._placements(state)
        else:
            self._explain_withheld(found, statement, value)

    def _explain_withheld(self, found: ContributionExplanation, statement: Statement, value: ReportedValue) -> None:
        """Add why a report with readers is not published: by a dispute, a proposal or the policy."""
        is_frozen = self._context.is_frozen(value.subject)
        if self._partner is None and not value.disputed and not is_frozen:
            self._explain_policy(found, statement, value)
        why = explain_withheld(disputed=value.disputed or is_frozen)
        _stop_by(found, "dispute" if value.disputed else "policy", why)

    def _is_published(
        self, key: str, report: Report, value: ReportedValue, statement: Statement, state: ListingState
    ) -> bool:
        """Return whether the report counts as published, consistent with the response to its contribution.

        A partner is not told that others report the holder as coerced: a listing published only to protect the holder
        counts as published.
        """
        narrowed = self._session.loader.statement(key, report, coerced=value.coerced) or statement
        return any(is_published(self._context, state, known.audience) for known in (statement, narrowed))

    def _is_visible(self, sighting: SightingStatement) -> bool:
        """Return whether the person asking sees a sighting; an operator sees every one."""
        if self._partner is None or sighting.partner.name == self._partner.name:
            return True
        audience = sighting.audience
        readable = self._context.readable(self._partner.name)
        return self._partner.name in audience.private or not readable.isdisjoint(audience.shared)

    def _explain_audience(self, found: ContributionExplanation, statement: Statement) -> None:
        """Add the audience; for a partner, omit collections and partners that it may not know of."""
        if self._partner is not None:
            found.add("audience", Fact.SOME_READERS)
            return
        shared = ", ".join(sorted(statement.audience.shared))
        private = ", ".join(sorted(statement.audience.private))
        texts = (shared and f"collections: {shared}", private and f"private: {private}")
        audience = "; ".join(filter(None, texts))
        found.add("audience", Fact.READERS, audience=audience, collections=shared, private=private)

    def _is_repeat(self, statement: Statement, value: ReportedValue) -> bool:
        others = [other for other in value.statements if other.key != statement.key]
        return statement not in without_repeats([*others, statement], value.listed)

    def _explain_policy(self, found: ContributionExplanation, statement: Statement, value: ReportedValue) -> None:
        """Add, for each collection of the audience, the facts that its rules did not admit."""
        updater = ListingUpdater(self._context, self._session.publication)
        for alias in sorted(statement.audience.shared):
            facts = updater.facts(value, alias)
            if facts is None:
                continue
            rules = [rule for rule in self._context.policy.rules if rule.collection == alias]
            asked = "; ".join(
                f"least_confidence {rule.least_confidence}, least_reporters {rule.least_reporters}"
                + (f", grades {', '.join(rule.grades)}" if rule.grades else "")
                + (f", countries {', '.join(rule.countries)}" if rule.countries else "")
                for rule in rules
            )
            of_value = {
                "grade": str(facts.grade),
                "confidence": str(facts.confidence),
                "reporters": str(facts.reporters),
            }
            found.checks.append(Fact.NOT_LISTED.check("policy", "stopped", collection=alias, asked=asked, **of_value))

    def _explain_annotation(self, found: ContributionExplanation, key: str) -> None:
        """Explain an object that is not a report: an annotation is published where its targets are."""
        obj = self._session.loader.known[key]
        if not annotation_targets.refs(obj):
            found.stop(Fact.NEVER_ALONE.check("annotation", "stopped"))
            return
        id_ = self._context.annotation_id(key, obj["type"])
        self._session.publication.load({id_})
        published = self._session.publication.published(id_)
        if published and self._may_be_told(key):
            found.add("annotation", Fact.WITH_TARGETS)
            found.published = self._readable(
                Placement(alias, id_, None, None, self._readers(alias)) for alias in published
            )
        else:
            found.stop(Fact.NO_TARGETS.check("annotation", "stopped"))

    def _may_be_told(self, key: str) -> bool:
        """Return whether the person asking may know that an annotation is published through others' reports of its
        targets.
        """
        if self._partner is None:
            return True
        session, obj = self._session, self._session.loader.known[key]
        references = session.references(self._context.contributor(key))
        refs = annotation_targets.refs(obj)
        references.read(set(refs))
        values = session.load(subject for ref in refs if (subject := references.subject(ref)))
        session.publication.load({id_ for value in values for id_ in value.listings})
        states = {id_: self._state(value) for value in values for id_ in value.ids}
        return AnnotationRelease(self._context, session.publication, references, states).may_be_told(key, obj)

    def _state(self, value: ReportedValue) -> ListingState:
        ids = {alias: id_ for id_ in sorted(value.listings) for alias in self._session.publication.published(id_)}
        reports = {statement.partner.name: statement.audience for statement in value.statements}
        return ListingState(ids=ids, reports=reports)

    def _placements(self, state: ListingState) -> list[Placement]:
        placements = []
        for alias, id_ in sorted(state.ids.items()):
            obj = self._session.publication.published(id_)[alias]
            grade = extension.context_of(obj).get("grade")
            placements.append(Placement(alias, id_, grade, obj.get("confidence"), self._readers(alias)))
        return self._readable(placements)

    def _readers(self, alias: str) -> int | None:
        """Return how many partners may read a collection; a partner is not told."""
        if self._partner is not None:
            return None
        return 1 if self._context.is_private(alias) else len(self._context.registry.readers.get(alias, ()))

    def _readable(self, placements: Iterable[Placement]) -> list[Placement]:
        """Return all placements to an operator, and to a partner those in collections that it reads."""
        return [
            placement
            for placement in placements
            if self._partner is None or self._context.reads(self._partner.name, placement.collection)
        ]


def _stop_by(found: ContributionExplanation, rule: str, why: Explanation) -> None:
    found.stop(check_of_reason(rule, why), why.reason.result)


def _passed_by(rule: str, reason: Reason) -> RuleCheck:
    """Return the check of a rule that stops a contribution for a reason, with only its message."""
    return RuleCheck(rule, "stopped", reason.message, reason.action, reason.code)


def _report(obj: dict[str, object]) -> Report | Rejected | None:
    if obj["type"] != "indicator":
        return None
    try:
        return from_stix(obj)
    except Rejected as refusal:
        return refusal


def _subject(obj: dict[str, object]) -> str | None:
    return indicator_subject(obj) if obj["type"] == "indicator" else None


def _is_report(key: str) -> bool:
    return object_id(key).startswith("indicator--")


def _sites_of(subjects: Iterable[str]) -> set[str]:
    """Return the sites of the values, whose listings are included in answers about these values."""
    return {parent.name for subject in subjects for parent in parents_of(*subject.split(":", 1))}


def subjects_of(tx: Tx, text: str, country: str) -> set[str]:
    """Return the subjects of a listing by its id, or those under which a text is looked up. Raises ``Rejected``."""
    if "--" in object_id(text):
        return set(listings.subjects(tx, [text]).values())
    found = {value_index.subject_of(kind, value) for kind, value in asked_about(refang(text), country)}
    return found | typed_value(text, country).names
