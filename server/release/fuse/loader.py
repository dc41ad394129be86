"""The statements about values, loaded from the inbox."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from mappers import consensus, extension, marking
from mappers.record_reader import is_finding
from mappers.report_reader import from_stix
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.report import Report
from schemas.vocabulary import HolderStatus, Tlp
from server.release import hooks
from server.release.context import ReleaseContext
from server.release.fuse import answers, authority, grade
from server.release.fuse.consensus import live
from server.release.fuse.repeats import without_repeats
from server.release.fuse.statements import (
    COERCED,
    DISPUTED,
    HubStatements,
    JudgeStanding,
    OpinionStatement,
    ProviderFinding,
    ReportedValue,
    SightingStatement,
    Statement,
    is_open_burst,
    is_published_meanwhile,
    read_annotation,
    read_answer,
)
from server.release.hooks import StatementSource
from server.release.reasons import Explanation
from server.release.route import audience
from server.release.route.audience import Audience
from server.release.route.explain import explain_report
from server.release.route.policy import PUBLIC
from server.store import inbox, listings, log, reviews, value_index
from server.store.database.direct import read_ahead
from server.store.database.times import micros
from server.store.providers import kept_accounts
from server.store.reviews import HeldObject, Review

Obj = Mapping[str, Any]

_MARKING = "marking-definition"
_VERSIONED = {"created": ""}
_NONE: frozenset[str] = frozenset()
_EMPTY: list[Any] = []
_NO_MENTIONS: Mapping[str, set[str]] = MappingProxyType({})


class _LookedUp(NamedTuple):
    """The results of ``Loader.look_up``: values, objects that others may mention, and reviews."""

    subjects: Set[str] = _NONE
    keys: Set[str] = _NONE
    reviewed: Set[str] = _NONE


class Loader:
    """Load values with their statements from the inbox, in the state that one transaction sees.

    ``known`` are the inbox objects read so far, by key. ``states`` are the reviews looked up so far: of contributions
    by key, of listings by id.
    """

    def __init__(self, context: ReleaseContext) -> None:
        """Read the inbox of ``context``."""
        self.context = context
        self.known: dict[str, dict[str, Any]] = {}
        self.states: dict[str, Review] = {}
        self._missing: set[str] = set()
        self._new: set[str] = set()
        self._based_on: dict[str, set[str]] = {}
        # By the space and the markings of objects.
        self._tlps: dict[tuple[str, tuple[Any, ...] | None], Tlp | None] = {}
        self._reports: dict[str, Report] = {}
        self._alike: dict[tuple[Any, ...], Statement] = {}
        self._annotations: dict[str, SightingStatement | OpinionStatement | None] = {}
        self._disputes: dict[str, list[Review]] = {}
        self._looked_up = _LookedUp()

    def read(self, wanted: Iterable[str]) -> None:
        """Read the objects with these keys, and their marking definitions."""
        found = self._read_objects(set(wanted))
        self._read_objects({definition for key in found for definition in self.marking_definitions(key)})

    def _read_objects(self, wanted: set[str]) -> list[str]:
        if not (wanted := wanted - self.known.keys() - self._missing):
            return []
        items = inbox.latest(self.context.tx, wanted, self.context.inbox)
        self.known.update((key, msgspec.json.decode(item.body)) for key, item in items.items())
        self._missing |= wanted - self.known.keys()
        return list(items)

    def tlp(self, key: str) -> Tlp | None:
        """Return the TLP level that applies to an object, None if one of its markings is unknown.

        A contributor's marking definitions apply only to its own objects. An indicator's level is no wider than that of
        the observables that it is based on.
        """
        if key not in self._based_on:
            return self._own_tlp(key)
        tlps = [self._own_tlp(marked) for marked in (key, *self._based_on[key])]
        return None if None in tlps else marking.narrowest(filter(None, tlps))

    def _own_tlp(self, key: str) -> Tlp | None:
        plain = _plain_markings(self.known[key])
        if plain is None:
            return self._tlp_of(key)
        marked = key.partition("/")[0], plain
        if marked not in self._tlps:
            self._tlps[marked] = self._tlp_of(key)
        return self._tlps[marked]

    def _tlp_of(self, key: str) -> Tlp | None:
        definitions = self.marking_definitions(key)
        if not definitions:
            return audience.effective_tlp(self.known[key])
        self._read_objects(set(definitions))
        levels = {
            ref: tlp
            for definition, ref in definitions.items()
            if definition in self.known and (tlp := marking.tlp_of_definition(self.known[definition])) is not None
        }
        without_level = any(definition in self.known and ref not in levels for definition, ref in definitions.items())
        if without_level or marking.unknown_refs(self.known[key], levels):
            return None
        return audience.effective_tlp(self.known[key], levels)

    def marking_definitions(self, key: str) -> dict[str, str]:
        """Return the markings of an object that are not TLP 2.0 markings, by the keys of their definitions."""
        refs = (ref for ref in marking.refs(self.known[key]) if not marking.is_defined_here(ref))
        return {inbox.key(inbox.space(key), str(ref)): str(ref) for ref in refs}

    def look_up_reviews(self, wanted: Iterable[str]) -> None:
        """Read the reviews of these contributions and listings."""
        self.states |= reviews.states(self.context.tx, wanted)

    def read_reviews(self, keys: Set[str], subjects: Set[str]) -> object:
        """Read the reviews that ``look_up`` reads of values without contributions; see ``read_ahead``."""
        return reviews.find(self.context.tx, keys, subjects)

    def look_up(self, subjects: Set[str], keys: Set[str]) -> dict[str, set[str]]:
        """Return, by subject and by key, the keys of the objects that mention it; read the reviews of all of them.

        The next call of ``values`` about these does not look again.
        """
        mentions = value_index.find(self.context.tx, subjects | keys)
        reports = {key for subject in subjects & mentions.keys() for key in mentions[subject]}
        named = {*keys, *reports}
        if reports:
            self._read_ahead(subjects, keys, reports)
        states, self._disputes = reviews.find(self.context.tx, named, subjects)
        self.states |= states
        self._looked_up = _LookedUp(subjects, keys, named)
        return mentions

    def _read_ahead(self, subjects: Set[str], keys: Set[str], reports: set[str]) -> None:
        """Read in one round trip what ``look_up``, ``values`` and the release read of reported values."""
        tx = self.context.tx
        listing_ids = {id_ for tracks in listings.find(tx, subjects).values() for id_ in listings.all_of(tracks)}
        read_ahead(
            tx,
            lambda: reviews.find(tx, {*keys, *reports}, subjects),
            lambda: inbox.latest(tx, reports - self.known.keys() - self._missing, self.context.inbox),
            lambda: value_index.find(tx, (reports | listing_ids) - keys),
            lambda: log.latest_everywhere(tx, listing_ids),
            lambda: reviews.states(tx, listing_ids),
        )

    def replace(self, key: str, obj: dict[str, Any], report: Report | None) -> None:
        """Use this version of an object from now on."""
        self.known[key] = obj
        if obj["type"] == _MARKING:
            self._tlps.clear()
            self._alike.clear()
        self._new.add(key)
        self._missing.discard(key)
        self._reports.pop(key, None)
        self._annotations.pop(key, None)
        if report is not None:
            self._reports[key] = report

    def hold(self, partner: str, held: list[HeldObject]) -> None:
        """Hold these contributions for review."""
        if held:
            reviews.hold(self.context.tx, partner, held)
            self.look_up_reviews(held_object.object_id for held_object in held)

    def is_partner(self, identity: str) -> bool:
        """Return whether the identity is the hub's own, or that of a present or former partner."""
        return identity == self.context.identity.identity or identity in self.context.registry.by_identity

    def values(
        self, keys_by_subject: Mapping[str, Iterable[str]], mentions: Mapping[str, set[str]] = _NO_MENTIONS
    ) -> list[ReportedValue]:
        """Return the values with their statements, given the keys of the reports that name each subject.

        ``mentions`` are the keys that ``look_up`` returned, and those added since.
        """
        context, known = self.context, self._looked_up
        self._looked_up = _LookedUp()
        reports = {key for keys in keys_by_subject.values() for key in keys}
        listed = listings.find(context.tx, keys_by_subject)
        listing_ids = {id_ for tracks in listed.values() for id_ in listings.all_of(tracks)}
        self.read(reports)
        others = value_index.find(context.tx, (reports | listing_ids) - known.keys)
        mentioned_by = {**others, **{key: mentions[key] for key in known.keys & mentions.keys()}}
        annotations = {key for keys in mentioned_by.values() for key in keys}
        self.read(annotations)
        for key in reports:
            observables = {
                observable
                for observable in mentioned_by.get(key, ())
                if "created" not in self.known.get(observable, _VERSIONED)
            }
            self._based_on |= {key: observables} if observables else {}
        ids = (reports | listing_ids | annotations) - self.states.keys() - known.reviewed
        if subjects := keys_by_subject.keys() - known.subjects:
            states, disputes = reviews.find(context.tx, ids, subjects)
            self.states |= states
            self._disputes = disputes if not known.subjects else self._disputes | disputes
        else:
            self.look_up_reviews(ids)
        of_hubs = self._of_hubs(keys_by_subject.keys())
        return [
            self._value(subject, set(keys), listed.get(subject, {}), mentioned_by, of_hubs.get(subject))
            for subject, keys in keys_by_subject.items()
        ]

    def _of_hubs(self, subjects: Set[str]) -> Mapping[str, HubStatements]:
        """Return the statements of other hubs' partners, by subject; a hub without peers reads nothing."""
        found: dict[str, HubStatements] = {}
        if self.context.peers:
            for source in hooks.every(StatementSource):
                found |= source.of(self.context, subjects)
        return found

    def _value(
        self,
        subject: str,
        keys: set[str],
        listed: Mapping[str, list[str]],
        mentioned_by: Mapping[str, set[str]],
        of_hubs: HubStatements | None,
    ) -> ReportedValue:
        value = ReportedValue(subject, frozenset(keys | listings.all_of(listed)), listed)
        self._note_disputes(value)
        reports = [(key, report) for key in sorted(keys & self.known.keys()) if (report := self.report(key, subject))]
        self._look_for_coercion(value, reports, of_hubs)
        statements = [self.statement(key, report, coerced=value.coerced) for key, report in reports]
        unsure = {self.context.contributor(key).counts_as for key in keys if is_open_burst(self.states.get(key))}
        if unsure:
            # Also a colleague's report of the value, or one under another id, waits for the decision.
            statements = [known and known._replace(unsure=known.partner.counts_as in unsure) for known in statements]
        value.statements = without_repeats([statement for statement in statements if statement], value.listed)
        if of_hubs is not None:
            value.statements += self._narrowed(of_hubs.statements, coerced=value.coerced)
        annotations = sorted({annotation for id_ in value.ids for annotation in mentioned_by.get(id_, ())})
        value.mentions = annotations
        for key in annotations:
            self._add_annotation(value, key)
        if of_hubs is not None:
            self._add_of_hubs(value, of_hubs)
        providers = self.context.providers.answered_by(subject)
        if providers or (of_hubs is not None and of_hubs.findings):
            self._apply_answer(value, annotations, providers, of_hubs.findings if of_hubs is not None else ())
        if len(value.statements) > 1:
            # Expired reports count if there are no others: the listing then says that it has ended.
            alive = live(value.statements, value.counting_sightings, self.context.at)
            value.statements = alive or value.statements
        return value

    def _note_disputes(self, value: ReportedValue) -> None:
        """Note whether a dispute of the value is open, and when a person last upheld it."""
        if disputes := self._disputes.get(value.subject):
            value.disputed = any(review.state == "open" and review.rule == DISPUTED for review in disputes)
            value.settled = max((review.upheld for review in disputes if review.upheld), default=None)

    def _look_for_coercion(
        self, value: ReportedValue, reports: Sequence[tuple[str, Report]], of_hubs: HubStatements | None
    ) -> None:
        """Note whether a report confirms that the holder is coerced; if none does, which reports are a sign of it."""
        signs = [(key, report) for key, report in reports if report.holder_status is HolderStatus.COERCED]
        value.coerced = any(self.confirms_coercion(key, report) for key, report in signs)
        value.signs = frozenset(key for key, _ in signs)
        if of_hubs is not None:
            value.coerced |= of_hubs.spared
            value.signs |= of_hubs.signs
        if value.coerced:
            value.signs = frozenset()

    def report(self, key: str, subject: str) -> Report | None:
        """Return the report of an indicator, None if it is revoked, held, or now about another value."""
        obj = self.known[key]
        if obj.get("revoked") is True or self.is_held(key):
            return None
        report = self._reports.get(key)
        if report is None:
            try:
                report = from_stix(obj)
            except Rejected:
                return None
            self._reports[key] = report
        return report if value_index.subject_of(report.kind, report.value) == subject else None

    def is_held(self, key: str) -> bool:
        """Return whether a contribution does not count: a person has yet to decide on it, or has rejected it."""
        review = self.states.get(key)
        return review is not None and review.state != "approved" and not is_published_meanwhile(review)

    def confirms_coercion(self, key: str, report: Report) -> bool:
        """Return whether a partner with standing reports that the holder is coerced, or a person approved the sign."""
        review = self.states.get(key)
        if review is not None and review.state == "approved" and review.rule == COERCED:
            return True
        partner, context = self.context.contributor(key), self.context
        reliability = context.reliability(partner, report.kind)
        return authority.confirms_coercion(partner, report, reliability, context.registry, context.policy)

    def statement(self, key: str, report: Report, *, coerced: bool = False) -> Statement | None:
        """Return a report as a statement with its audience; None if one of its markings is unknown.

        ``coerced``: a partner with standing reports that the holder acts under coercion.
        """
        obj = self.known[key]
        alike = self._alike_key(key, obj, report, coerced=coerced)
        if alike is not None and (known := self._alike.get(alike)) is not None:
            return Statement(known.partner, report, key, *known[3:])
        statement = self._statement(key, report, coerced=coerced)
        if alike is not None and statement is not None:
            self._alike[alike] = statement
        return statement

    def _alike_key(self, key: str, obj: Obj, report: Report, *, coerced: bool) -> tuple[Any, ...] | None:
        """Return what a statement depends on apart from its report and key, None if it may depend on more."""
        plain, space = _plain_markings(obj), key.partition("/")[0]
        if plain is None or (space, plain) not in self._tlps or key in self._based_on:
            return None
        context = extension.context_of(obj)
        if "sharing" in context or "external_references" in obj or "grade" in context or "second_hand" in context:
            return None
        return space, report.kind, report.tlp, report.holder_status, coerced, obj["created_by_ref"], *plain

    def _statement(self, key: str, report: Report, *, coerced: bool) -> Statement | None:
        obj = self.known[key]
        partner = self.context.contributor(key)
        marked = self.tlp(key)
        if marked is None:
            return None
        tlp = audience.narrower_tlp(marked, report.tlp)  # some kinds limit a report more than its object's marking does
        # A sign of coercion limits the report that gives it, even if it does not limit other reports.
        coerced = coerced or report.holder_status is HolderStatus.COERCED
        return Statement(
            partner,
            report,
            key,
            audience=self._audience(report.kind, tlp, obj, partner, coerced=coerced),
            tlp=tlp,
            reliability=self.context.reliability(partner, report.kind),
            origins=consensus.origins_of(obj),
            new=self.context.is_newcomer(partner),
            passed_on=obj["created_by_ref"] != partner.identity,
            second_hand=consensus.is_second_hand(obj) or partner.name in self.context.copies,
        )

    def leaves_a_collection(self, key: str, obj: Obj, report: Report) -> bool:
        """Return whether a new version of a report leaves a shared collection by its marking, limits or coercion."""
        before = self.known[key]
        context, context_before = extension.context_of(obj), extension.context_of(before)
        if all(
            before.get(name) == obj.get(name) for name in ("object_marking_refs", "granular_markings", "labels")
        ) and all(context_before.get(name) == context.get(name) for name in ("sharing", "holder_status")):
            return False
        try:
            statement = self.statement(key, self._reports.get(key) or from_stix(before))
        except Rejected:
            return False
        if statement is None:
            return False
        coerced = report.holder_status is HolderStatus.COERCED
        after = self._audience(report.kind, report.tlp, obj, statement.partner, coerced=coerced)
        return not statement.audience.shared <= after.shared

    def may_be_public(self, key: str) -> bool:
        """Return whether the report with that key may enter ``public``; also true while one of its markings is
        unknown.
        """
        report = self._reports.get(key)
        if report is None:
            try:
                report = from_stix(self.known[key])
            except Rejected:
                return False
        statement = self.statement(key, report)
        return statement is None or PUBLIC in statement.audience.shared

    def explain_unpublished(self, key: str, report: Report) -> Explanation | None:
        """Return why a stored report is visible to no partner, regardless of others; None if some partner sees it."""
        statement = self.statement(key, report)
        if statement is None or statement.audience.shared or statement.audience.private:
            return None
        registry, policy = self.context.registry, self.context.policy
        return explain_report(report, statement.tlp, statement.partner, registry, policy)

    def _narrowed(self, statements: Iterable[Statement], *, coerced: bool) -> list[Statement]:
        """Return other hubs' statements with their audiences: their limits apply as those of this hub's reports do."""
        registry, policy = self.context.registry, self.context.policy
        return [
            statement._replace(
                audience=audience.audience_of(
                    statement.report.kind,
                    statement.tlp,
                    statement.report.sharing,
                    statement.partner,
                    registry,
                    policy,
                    coerced=coerced or statement.report.holder_status is HolderStatus.COERCED,
                )
            )
            for statement in statements
        ]

    def _add_of_hubs(self, value: ReportedValue, found: HubStatements) -> None:
        """Add other hubs' sightings, opinions and decisions; a person's decision here answers earlier doubts."""
        for sighting in found.sightings:
            if value.coerced:
                homes, registry = sighting.audience.shared, self.context.registry
                narrow = audience.audience_within(homes, Tlp.AMBER, None, sighting.partner, registry, coerced=True)
                sighting = replace(sighting, audience=narrow)
            value.sightings.append(sighting)
        for opinion in found.opinions:
            if value.settled is None:
                value.opinions.append(opinion)
            elif micros(opinion.at) > value.settled:
                decides = opinion.standing == JudgeStanding.DECIDES
                value.opinions.append(opinion if decides else opinion._replace(standing=JudgeStanding.SETTLED))
        value.decisions = [
            decision for decision in found.decisions if value.settled is None or micros(decision.at) > value.settled
        ]
        value.statements = [
            *value.own,
            *live([known for known in value.statements if known.hub], value.counting_sightings, self.context.at),
        ]

    def _apply_answer(
        self,
        value: ReportedValue,
        annotations: Iterable[str],
        providers: Set[str],
        of_hubs: Sequence[ProviderFinding] = (),
    ) -> None:
        """Note the provider's latest finding, unless it was overruled under dual control, and the reports that
        it ends.

        If the provider reports findings at several hubs, the one that protects the holder most applies.
        """
        given = [found for key in annotations if (found := self._answer(key, providers)) is not None]
        if not given and not of_hubs:
            return
        times = log.added(self.context.tx, self.context.inbox, {found.key for found in given} - self._new)
        given = [found._replace(added=times.get(found.key)) for found in given]
        here = sorted(given, key=lambda found: (found.added is None, found.added or 0, found.at, found.key))[-1:]
        overruled = kept_accounts.overruled(self.context.tx, value.subject)
        current = [found for found in (*here, *of_hubs) if found.is_after(overruled)]
        if not current:
            return
        value.found_here = next((found for found in current if not found.hub), None)
        value.findings = current
        value.answer = latest = answers.most_protective(current)
        said_by = latest.partner.counts_as
        value.opinions = [
            opinion for opinion in value.opinions if opinion.doubt is None or opinion.partner.counts_as != said_by
        ]
        if latest.effect.ends:
            self._end_reports_before(value, latest)

    def _end_reports_before(self, value: ReportedValue, finding: ProviderFinding) -> None:
        """Note the reports that a finding ends: those that are older than it."""
        reported = {statement.key for statement in value.own} - self._new
        since: dict[str, int] = log.added(self.context.tx, self.context.inbox, reported)
        since |= {known.key: micros(known.report.reported_at) for known in value.statements if known.hub}
        # Only the authority that placed a hold can lift it.
        value.ended = [
            report
            for report in value.statements
            if finding.is_after(since.get(report.key)) and not grade.is_official_hold(report, self.context.at)
        ]
        ended = {report.key for report in value.ended}
        value.statements = [report for report in value.statements if report.key not in ended]

    def _answer(self, key: str, providers: Set[str]) -> ProviderFinding | None:
        """Return the finding of one of the providers; None for any other object, and for one that is revoked or
        held.
        """
        obj = self.known.get(key)
        if obj is None or not is_finding(obj) or obj.get("revoked") is True or self.is_held(key):
            return None
        partner = self.context.contributor(key)
        record = read_answer(obj) if partner.name in providers else None
        if record is None:
            return None
        return ProviderFinding(partner, record.code, record.reported_at, key, reference=record.reference)

    def _add_annotation(self, value: ReportedValue, key: str) -> None:
        """Add a sighting or opinion of the value, unless it is revoked, held, or of an unknown form."""
        obj = self.known.get(key)
        if obj is None or obj["type"] not in ("sighting", "opinion") or obj.get("revoked") is True or is_finding(obj):
            return
        if self.is_held(key):
            return
        partner = self.context.contributor(key)
        if key not in self._annotations:
            self._annotations[key] = read_annotation(obj, partner)  # once, however many values it is about
        annotation = self._annotations[key]
        tlp = self.tlp(key) if annotation is not None else None
        if annotation is None or tlp is None:
            return
        visible_to = self._audience(value.kind, tlp, obj, partner, coerced=value.coerced)
        standing = self._standing(value, partner)
        if isinstance(annotation, SightingStatement):
            counts = standing in (JudgeStanding.WITH, JudgeStanding.DECIDES)
            value.sightings.append(replace(annotation, key=key, audience=visible_to, counts=counts))
        elif standing is not None and (left := self._standing_left(value, annotation, standing, key)) is not None:
            record = self.context.reliability(partner, value.kind)
            value.opinions.append(annotation._replace(standing=left, record=record, key=key, audience=visible_to))

    def _standing(self, value: ReportedValue, partner: Partner) -> JudgeStanding | None:
        owns = self.context.owner_of_value(value.subject) == partner.name
        return authority.standing_of(partner, value.statements, self.context.registry, owns=owns)

    def _standing_left(
        self, value: ReportedValue, opinion: OpinionStatement, standing: JudgeStanding, key: str
    ) -> JudgeStanding | None:
        """Return the standing of an opinion after a person upheld the value; None if that decision answered it.

        A later doubt is reviewed again; until that review only a partner that decides can lower the value.
        """
        if value.settled is None or opinion.doubt is None:
            return standing
        # A version that is being contributed now is not in the log yet.
        if key not in self._new and log.added(self.context.tx, self.context.inbox, [key])[key] <= value.settled:
            return None
        return standing if standing == JudgeStanding.DECIDES else JudgeStanding.SETTLED

    def _audience(self, kind: str, tlp: Tlp, obj: Obj, partner: Partner, *, coerced: bool) -> Audience:
        limits = extension.sharing(obj)
        return audience.audience_of(
            kind, tlp, limits, partner, self.context.registry, self.context.policy, coerced=coerced
        )


def _plain_markings(obj: Obj) -> tuple[Any, ...] | None:
    """Return all that an object's level depends on; None if it marks only parts of itself."""
    refs, labels = obj.get("object_marking_refs", _EMPTY), obj.get("labels", _EMPTY)
    if "granular_markings" in obj or type(refs) is not list or type(labels) is not list:
        return None
    return obj["type"], "created" in obj, *refs, None, *labels
