"""The statements about values, loaded from the inbox."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from mappers import consensus, extension, marking
from mappers.indicator import from_stix
from mappers.qualification import is_answer
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.report import Report
from schemas.vocabulary import HolderStatus, Tlp
from server.release.context import ReleaseContext
from server.release.fuse import grade
from server.release.fuse.authority import confirms_coercion, standing_of
from server.release.fuse.consensus import live
from server.release.fuse.repeats import without_repeats
from server.release.fuse.statements import (
    COERCED,
    DISPUTED,
    JudgeStanding,
    KeeperAnswer,
    OpinionStatement,
    ReportedValue,
    SightingStatement,
    Statement,
    is_published_meanwhile,
    read_annotation,
    read_answer,
)
from server.release.reasons import Explanation
from server.release.route import audience
from server.release.route.audience import Audience
from server.release.route.explain import explain_report
from server.store import inbox, listings, log, reviews, value_index
from server.store.keepers import kept_accounts
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
    """Loads values with their statements from the inbox, as one transaction leaves it.

    ``known`` has the objects of the inbox that were read, by key. ``states`` has the reviews that were looked up: of
    contributions by key, of listings by id.
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
        """Read the objects of these keys, and the markings that are defined for them."""
        found = self._read_objects(set(wanted))
        self._read_objects({definition for key in found for definition in self.marking_definitions(key)})

    def _read_objects(self, wanted: set[str]) -> list[str]:
        items = inbox.latest(self.context.tx, wanted - self.known.keys() - self._missing, self.context.inbox)
        self.known.update((key, msgspec.json.decode(item.body)) for key, item in items.items())
        self._missing |= set(wanted - self.known.keys())
        return list(items)

    def tlp(self, key: str) -> Tlp | None:
        """Return the level at which an object is treated, None where it bears a marking that is not known.

        A contributor's marking definitions hold for its own objects alone. An indicator is treated no wider than the
        observables that it is based on.
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
        """Return the markings of an object other than TLP 2.0's, by the keys of their definitions."""
        refs = (ref for ref in marking.refs(self.known[key]) if not marking.is_defined_here(ref))
        return {inbox.key(inbox.space(key), str(ref)): str(ref) for ref in refs}

    def look_up_reviews(self, wanted: Iterable[str]) -> None:
        """Read the reviews of these contributions and listings, as far as there are any."""
        self.states |= reviews.states(self.context.tx, wanted)

    def look_up(self, subjects: Set[str], keys: Set[str]) -> dict[str, set[str]]:
        """Return by subject, and by key, the keys of what mentions it; read the reviews of all that is named.

        The next call of ``values`` about these need not look again.
        """
        mentions = value_index.find(self.context.tx, subjects | keys)
        named = {*keys, *(key for subject in subjects & mentions.keys() for key in mentions[subject])}
        states, self._disputes = reviews.find(self.context.tx, named, subjects)
        self.states |= states
        self._looked_up = _LookedUp(subjects, keys, named)
        return mentions

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
        """Return the values with their statements, by the keys of the reports that name each subject.

        ``mentions`` are those that ``look_up`` returned, with what was added since.
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
        return [
            self._value(subject, set(keys), listed.get(subject, {}), mentioned_by)
            for subject, keys in keys_by_subject.items()
        ]

    def _value(
        self, subject: str, keys: set[str], listed: Mapping[str, list[str]], mentioned_by: Mapping[str, set[str]]
    ) -> ReportedValue:
        value = ReportedValue(subject, frozenset(keys | listings.all_of(listed)), listed)
        if disputes := self._disputes.get(subject):
            value.disputed = any(review.state == "open" and review.rule == DISPUTED for review in disputes)
            value.settled = max((review.upheld for review in disputes if review.upheld), default=None)
        reports = [(key, report) for key in sorted(keys & self.known.keys()) if (report := self._report(key, subject))]
        self._look_for_coercion(value, reports)
        statements = [self.statement(key, report, coerced=value.coerced) for key, report in reports]
        value.statements = without_repeats([statement for statement in statements if statement], value.listed)
        annotations = sorted({annotation for id_ in value.ids for annotation in mentioned_by.get(id_, ())})
        value.mentions = annotations
        for key in annotations:
            self._add_annotation(value, key)
        if keepers := self.context.keepers.answered_by(subject):
            self._apply_answer(value, annotations, keepers)
        if len(value.statements) > 1:
            # Expired reports count where there are no others: the listing then says that it is over.
            alive = live(value.statements, value.counting_sightings, self.context.at)
            value.statements = alive or value.statements
        return value

    def _look_for_coercion(self, value: ReportedValue, reports: Sequence[tuple[str, Report]]) -> None:
        """Note whether a report confirms that the holder is coerced, else which reports are a sign of it."""
        signs = [(key, report) for key, report in reports if report.holder_status is HolderStatus.COERCED]
        if not signs:
            return
        value.coerced = any(self._confirms_coercion(key, report) for key, report in signs)
        value.signs = frozenset() if value.coerced else frozenset(key for key, _ in signs)

    def _report(self, key: str, subject: str) -> Report | None:
        """Return the report of an indicator, None where it is revoked, held, or about another value now."""
        obj = self.known[key]
        if obj.get("revoked") is True or self._is_held(key):
            return None
        report = self._reports.get(key)
        if report is None:
            try:
                report = from_stix(obj)
            except Rejected:
                return None
            self._reports[key] = report
        return report if value_index.subject_of(report.kind, report.value) == subject else None

    def _is_held(self, key: str) -> bool:
        review = self.states.get(key)
        return review is not None and review.state != "approved" and not is_published_meanwhile(review)

    def _confirms_coercion(self, key: str, report: Report) -> bool:
        """Return whether a partner with standing reports that the holder is coerced, or a person approved the sign."""
        review = self.states.get(key)
        if review is not None and review.state == "approved" and review.rule == COERCED:
            return True
        partner, context = self.context.contributor(key), self.context
        reliability = context.reliability(partner, report.kind)
        return confirms_coercion(partner, report, reliability, context.registry, context.policy)

    def statement(self, key: str, report: Report, *, coerced: bool = False) -> Statement | None:
        """Return a report as a statement with its audience; None where it bears a marking that is not known.

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
        """Return what a statement depends on beside its report and key, None where there may be more."""
        plain, space = _plain_markings(obj), key.partition("/")[0]
        if plain is None or (space, plain) not in self._tlps or key in self._based_on:
            return None
        if "sharing" in extension.context_of(obj) or "external_references" in obj:
            return None
        return space, report.kind, report.tlp, report.holder_status, coerced, obj["created_by_ref"], *plain

    def _statement(self, key: str, report: Report, *, coerced: bool) -> Statement | None:
        obj = self.known[key]
        partner = self.context.contributor(key)
        marked = self.tlp(key)
        if marked is None:
            return None
        tlp = audience.narrower_tlp(marked, report.tlp)  # a report of some kinds is narrower than its object's marking
        # A sign of coercion limits the report that gives it, whether or not it limits others'.
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
        )

    def explain_unpublished(self, key: str, report: Report) -> Explanation | None:
        """Return why a stored report is visible to nobody, whatever others report; None if it is to some."""
        statement = self.statement(key, report)
        if statement is None or statement.audience.shared or statement.audience.private:
            return None
        registry, policy = self.context.registry, self.context.policy
        return explain_report(report, statement.tlp, statement.partner, registry, policy)

    def _apply_answer(self, value: ReportedValue, annotations: Iterable[str], keepers: Set[str]) -> None:
        """Note the latest answer of who keeps the value, unless two persons overruled it, and what it ends."""
        given = [found for key in annotations if (found := self._answer(key, keepers)) is not None]
        if not given:
            return
        times = log.added(self.context.tx, self.context.inbox, {found.key for found in given} - self._new)
        given = [found._replace(added=times.get(found.key)) for found in given]
        latest = max(given, key=lambda found: (found.added is None, found.added or 0, found.at, found.key))
        if not latest.is_after(kept_accounts.overruled(self.context.tx, value.subject)):
            return
        value.answer = latest
        said_by = latest.partner.counts_as
        value.opinions = [
            opinion for opinion in value.opinions if opinion.doubt is None or opinion.partner.counts_as != said_by
        ]
        if latest.effect.ends:
            reported = {statement.key for statement in value.statements} - self._new
            since = log.added(self.context.tx, self.context.inbox, reported)
            # A hold by authority is that authority's to lift.
            value.ended = [
                report
                for report in value.statements
                if latest.is_after(since.get(report.key)) and not grade.is_official_hold(report, self.context.at)
            ]
            ended = {report.key for report in value.ended}
            value.statements = [report for report in value.statements if report.key not in ended]

    def _answer(self, key: str, keepers: Set[str]) -> KeeperAnswer | None:
        """Return the answer of one of the keepers, None for any other object, and for one that is revoked or held."""
        obj = self.known.get(key)
        if obj is None or not is_answer(obj) or obj.get("revoked") is True or self._is_held(key):
            return None
        partner = self.context.contributor(key)
        record = read_answer(obj) if partner.name in keepers else None
        return KeeperAnswer(partner, record.code, record.reported_at, key) if record else None

    def _add_annotation(self, value: ReportedValue, key: str) -> None:
        """Add a sighting or an opinion of the value, where it is neither revoked nor held and its form is known."""
        obj = self.known.get(key)
        if obj is None or obj["type"] not in ("sighting", "opinion") or obj.get("revoked") is True or is_answer(obj):
            return
        if self._is_held(key):
            return
        partner = self.context.contributor(key)
        if key not in self._annotations:
            self._annotations[key] = read_annotation(obj, partner)  # once, of however many values it speaks
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
        return standing_of(partner, value.statements, self.context.registry, owns=owns)

    def _standing_left(
        self, value: ReportedValue, opinion: OpinionStatement, standing: JudgeStanding, key: str
    ) -> JudgeStanding | None:
        """Return the standing of an opinion after a person upheld the value; None where that answered it.

        A later doubt is reviewed again, and lowers nothing before, unless its partner decides.
        """
        if value.settled is None or opinion.doubt is None:
            return standing
        # A version that comes just now is not in the log yet.
        if key not in self._new and log.added(self.context.tx, self.context.inbox, [key])[key] <= value.settled:
            return None
        return standing if standing == JudgeStanding.DECIDES else JudgeStanding.SETTLED

    def _audience(self, kind: str, tlp: Tlp, obj: Obj, partner: Partner, *, coerced: bool) -> Audience:
        limits = extension.sharing(obj)
        return audience.audience_of(
            kind, tlp, limits, partner, self.context.registry, self.context.policy, coerced=coerced
        )


def _plain_markings(obj: Obj) -> tuple[Any, ...] | None:
    """Return all that the level of an object depends on, where it marks no parts of it; else None."""
    refs, labels = obj.get("object_marking_refs", _EMPTY), obj.get("labels", _EMPTY)
    if "granular_markings" in obj or type(refs) is not list or type(labels) is not list:
        return None
    return obj["type"], "created" in obj, *refs, None, *labels
