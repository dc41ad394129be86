"""The consensus on one value, from all statements about it. Independent of store, clock and the statements' order.

docs/consensus.md and docs/release-rules.md give the rules, with tables of their effect.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import fsum
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from mappers import consensus, ids
from schemas import kinds
from schemas.fields import Evidence, Fusion, Hold
from schemas.kind import Kind, Normal
from schemas.partner import PartnerKind
from schemas.report import FIELDS, Consensus, Report
from schemas.vocabulary import Action, HolderStatus, ScamType
from server.release.fuse import answers, certainty, confidence, doubts, grade, police_holds
from server.release.fuse.doubts import DoubtEffect
from server.release.fuse.grade import GradeLimits
from server.release.fuse.statements import OpinionStatement, ProviderFinding, SightingStatement, Statement

# To last longer, a report has to be sent again.
LONGEST_LIFE = timedelta(days=730)
_MAX_EVIDENCE = 50
_MAX_COUNTRIES = 60
_MAX_WORDS = 20
# Scam types that rank behind all others, regardless of weight.
_VAGUE_TYPES = {ScamType.OTHER.value: 1, ScamType.UNKNOWN.value: 2}
# An indicator's id is derived from its maker and value, with one of these sequence numbers.
_ID_NUMBERS = range(4)
_UNATTRIBUTED: Mapping[str, Any] = MappingProxyType({"evidence": (), "origins": (), "further": ()})
_Word = TypeVar("_Word", bound=str)
# Fields of reports that are fused by their declared rule.
_DECLARED = [
    (name, rule)
    for name, field in FIELDS.items()
    if (rule := field.declaration.fused) is not None and name not in Consensus._fields
]


class _Weighed(NamedTuple):
    """The independent reporters of a value, with the weight of each and whether it has authority."""

    reporters: list[Statement]
    weights: list[float]
    authority: list[bool]


class _Confidence(NamedTuple):
    """The confidence of a value before doubts, and after them."""

    undoubted: int
    left: int


def fuse(
    statements: Sequence[Statement],
    sightings: Sequence[SightingStatement] = (),
    opinions: Sequence[OpinionStatement] = (),
    *,
    coerced: bool = False,
    sign: bool = False,
    answer: ProviderFinding | None = None,
    disputed: bool = False,
    unattributed: bool = False,
    at: datetime,
) -> Consensus:
    """Return the consensus on a value, from the statements about it that are valid ``at`` that time.

    ``coerced``: a partner with standing reports, perhaps to a smaller audience, that the holder acts under coercion, so
    the grade is never above ``warn``. ``sign``: a partner without standing reports it, so the grade is never above
    ``hold`` and the status is not published. ``answer`` is the provider's finding. ``disputed``: a trusted partner
    calls it a false positive.
    ``unattributed``: omit wording and evidence, which could reveal a single reporter. Raises ``ValueError`` if there is
    no statement, or if they are about several values.
    """
    counted = _with_confirmation(statements, answer, at)
    weighed = _weigh(counted)
    reporters, weights, authority = weighed
    kind = kinds.get(reporters[0].report.kind)
    reports = [reporter.report for reporter in reporters]
    effect = doubts.effect_of(opinions, authority=any(authority)) if opinions else None
    observers = _count_observers(reporters, sightings)
    undoubted = confidence.combined(weights, observers)
    left = confidence.combined(weights, observers, effect.left) if effect else undoubted
    # Statements that do not count by themselves count here: a status protects the holder.
    reported = _holder_status(statement.report for statement in counted)
    status = HolderStatus.COERCED if coerced and kind.account else reported
    base = grade.of_holder(reports, status, confirmed=coerced, sign=sign)
    by_reports = _grade(kind, weighed, _Confidence(undoubted, left), observers, effect, base)
    alone = reports[0] if len(reports) == 1 and not unattributed else None
    holds = grade.live_holds(statements, alone, at)
    graded = grade.at_most(kind, by_reports, answers.strongest_left(answer, statements, at, disputed=disputed))
    first, last, since = times(reports, sightings, at)
    return Consensus(
        kind=kind.name,
        value=reports[0].value,
        confidence=left,
        grade=police_holds.at_least_held(kind, graded, holds, statements, at),
        disputed=disputed or _is_disputed(effect, answer),
        reporters=len(reporters),
        reporter_kinds=_kinds_of(reporters),
        holder_status=status,
        countries=_countries(reports),
        first_seen=first,
        last_seen=last,
        valid_from=since,
        valid_until=max(end(report, sightings, at) for report in reports),
        **_holds(holds),
        hubs=_count_hubs(reporters),
        **_scam_words(weights, reports),
        **(_wording(alone) if alone else _joined(weighed)),
        **(_UNATTRIBUTED if unattributed else _attributed(weighed)),
    )


def _count_hubs(reporters: Iterable[Statement]) -> int:
    return len({reporter.hub for reporter in reporters})


def _with_confirmation(
    statements: Sequence[Statement], answer: ProviderFinding | None, at: datetime
) -> Sequence[Statement]:
    """Return the statements that count, including the provider's finding if it confirms the reports."""
    confirmed = answers.confirmation(answer, statements, at) if answer else None
    return statements if confirmed is None else [*statements, confirmed]


def _is_disputed(effect: DoubtEffect | None, answer: ProviderFinding | None) -> bool:
    return (effect is not None and effect.disputed) or (answer is not None and answer.effect.clears)


def _holds(holds: list[Hold]) -> dict[str, Any]:
    return {"hold": holds[0] if holds else None, "holds": tuple(holds) if len(holds) > 1 else ()}


def _attributed(weighed: _Weighed) -> dict[str, Any]:
    """Return the fields that could reveal the reporter: evidence, origins, and fields without a rule of their
    own here.
    """
    reports = [reporter.report for reporter in weighed.reporters]
    return {
        "evidence": reports[0].evidence if len(reports) == 1 else _evidence(reports),
        "origins": _origins(weighed.reporters),
        "further": _further(weighed.weights, reports),
    }


def _kinds_of(reporters: list[Statement]) -> tuple[PartnerKind, ...]:
    return tuple(sorted({reporter.partner.kind for reporter in reporters}))


def _scam_words(weights: list[float], reports: list[Report]) -> dict[str, Any]:
    """Return scam type, channel and payment rail by the weight behind each word."""
    scam_type, *others = _by_weight(weights, [report.scam_type for report in reports]) or [ScamType.UNKNOWN.value]
    return {
        "scam_type": scam_type,
        "scam_types": tuple(word for word in others if word != ScamType.UNKNOWN)[:_MAX_WORDS],
        "channel": _heaviest(weights, [report.channel for report in reports]),
        "payment_rail": _heaviest(weights, [report.payment_rail for report in reports]),
    }


def _weigh(statements: Sequence[Statement]) -> _Weighed:
    if not statements:
        raise ValueError("a consensus needs at least one statement")
    reporters = independent(statements)
    reporters = _by_one_name(reporters, {statement.report.value for statement in statements})
    authority = [grade.has_authority(reporter.partner, reporter.report) for reporter in reporters]
    weights = [
        confidence.weight(reporter.report.confidence, reporter.reliability, authority=has)
        for reporter, has in zip(reporters, authority, strict=True)
    ]
    return _Weighed(reporters, weights, authority)


def _by_one_name(reporters: list[Statement], names: set[str]) -> list[Statement]:
    """Return the reporters of one value, all under the fullest of the value's ``names``.

    A bank's authority over an account follows from the account's name, no matter which reporter gave it. Raises
    ``ValueError`` if there are several values.
    """
    kind = kinds.get(reporters[0].report.kind)
    if any(reporter.report.kind != kind.name for reporter in reporters) or len(set(map(kind.key, names))) > 1:
        raise ValueError("a consensus is about one value")
    if len(names) == 1:
        return reporters
    value = kind.fullest(names)
    return [
        reporter._replace(report=reporter.report.about(Normal(value, reporter.report.details)))
        for reporter in reporters
    ]


def _grade(
    kind: Kind, weighed: _Weighed, confident: _Confidence, observers: int, effect: DoubtEffect | None, base: GradeLimits
) -> Action:
    """Return the grade by the reports within the limits ``base``, lowered by the doubts' ``effect``.

    Partners without a record, however many, raise it to ``grade.most_of_newcomers`` at most. Above that, only the other
    reports decide the grade.
    """
    known = _with_record(weighed)

    def graded(of_all: int, left: Collection[float] = ()) -> Action:
        if known is weighed:
            return grade.grade_of(kind, of_all, _limits(weighed, base))
        by_all = grade.grade_of(kind, of_all, _limits(weighed, base)._replace(by_newcomers=True))
        if not known.reporters:
            return by_all
        of_known = confidence.combined(known.weights, observers, left)
        return grade.strongest(by_all, grade.grade_of(kind, of_known, _limits(known, base)))

    by_confidence = graded(confident.undoubted)
    if effect is None:
        return by_confidence
    return grade.lowered_by_doubts(kind, by_confidence, graded(confident.left, effect.left), effect.grades)


def _limits(weighed: _Weighed, base: GradeLimits) -> GradeLimits:
    reporters, weights, authority = weighed
    report = reporters[0].report
    # Of a value that only an authority can tell from an innocent one, no number of reports suffices.
    counting = () if kinds.get(report.kind).needs_authority(report.value) else weights
    return base._replace(
        suffices=grade.suffices(counting, authority=grade.lets_block(reporters, authority)),
        asked=grade.strongest_asked([reporter.report for reporter in reporters]),
        unsure=certainty.is_unsure(reporters, weights, authority),
    )


def _with_record(weighed: _Weighed) -> _Weighed:
    """Return the reporters that have a record, or authority over the value."""
    if not any(reporter.new for reporter in weighed.reporters):
        return weighed
    places = [
        place
        for place, (reporter, authority) in enumerate(zip(weighed.reporters, weighed.authority, strict=True))
        if authority or not reporter.new
    ]
    if len(places) == len(weighed.reporters):
        return weighed
    return _Weighed(
        [weighed.reporters[place] for place in places],
        [weighed.weights[place] for place in places],
        [weighed.authority[place] for place in places],
    )


def _wording(report: Report) -> dict[str, Any]:
    """Return the wording of a value's only report, which is published unchanged."""
    return {
        "details": report.details,
        "reference": report.reference,
        "description": report.description,
        "lang": report.lang,
    }


def _joined(weighed: _Weighed) -> dict[str, Any]:
    """Return the details of several reports. They include no wording, which could reveal the reporters."""
    return {
        "details": _details(weighed.weights, weighed.reporters),
        "reference": None,
        "description": None,
        "lang": "en",
    }


def end(report: Report, sightings: Iterable[SightingStatement], at: datetime) -> datetime:
    """Return when a report ends: at its own end, or the kind's time to live after it was last seen, whichever is later.

    A sighting after the end does not renew the report. A sighting never extends a hold, which ends at its own time.
    """
    ends = min(report.valid_until, report.reported_at + LONGEST_LIFE)
    if report.hold:
        return ends
    time_to_live = kinds.get(report.kind).time_to_live
    moments = [
        min(moment, at) for sighting in sightings if sighting.count and (moment := sighting.last or sighting.first)
    ]
    for moment in sorted(moments):
        if moment <= ends:
            ends = max(ends, moment + time_to_live)
    return ends


def live(statements: Iterable[Statement], sightings: Sequence[SightingStatement], at: datetime) -> list[Statement]:
    """Return the statements still valid at ``at``."""
    return [statement for statement in statements if end(statement.report, sightings, at) > at]


def independent(statements: Sequence[Statement]) -> list[Statement]:
    """Return one statement for each independent organisation.

    - If an organisation has several partners, its newest statement counts; one with authority precedes the others.
    - If an organisation reports at several hubs, the heaviest statement counts; one with authority precedes the others.
      The date does not decide: otherwise a hub could replace another hub's statement by a weak one.
    - If several partners pass on one origin, the first at hand counts, or the original if it is among them.
    - A statement that joins several origins removes none of the statements from these origins.
    - A partner that merely uses an id made by another does not displace a partner that passes that report on. The
      heavier of the two counts.
    """
    if len(statements) == 1:
        return list(statements)
    newest: dict[str, Statement] = {}
    of_hubs: list[Statement] = []
    for statement in statements:
        if statement.hub:
            of_hubs.append(statement)
            continue
        name = statement.partner.counts_as
        newest[name] = max(newest.get(name, statement), statement, key=_authority_and_age)
    for statement in of_hubs:
        name = statement.partner.counts_as
        newest[name] = _heavier(newest[name], statement) if name in newest else statement
    counted: list[Statement] = []
    for statement in sorted(newest.values(), key=lambda newest_one: (len(newest_one.sources), *_age(newest_one))):
        same = [other for other in counted if not statement.sources.isdisjoint({other.object_id, *other.sources})]
        if not same:
            counted.append(statement)
        elif len(same) == 1 and not owns_its_id(same[0]) and weight_of(statement) > weight_of(same[0]):
            counted[counted.index(same[0])] = statement
    return counted


def owns_its_id(statement: Statement) -> bool:
    """Return whether the indicator's id is derived from its maker and value, so that no other maker may use it."""
    pattern = consensus.pattern_of(statement.report)
    maker = statement.partner.identity
    return any(statement.object_id == ids.indicator(maker, pattern, number) for number in _ID_NUMBERS)


def weight_of(statement: Statement) -> float:
    """Return the weight of one report on its own, from 0 to 0.99."""
    authority = grade.has_authority(statement.partner, statement.report)
    return confidence.weight(statement.report.confidence, statement.reliability, authority=authority)


def _heavier(known: Statement, other: Statement) -> Statement:
    """Return the heavier of two statements of one organisation at several hubs, or of all that one hub reports.

    All that a hub reports as one lasts until the last of its ends.
    """
    lighter, heavier = sorted((known, other), key=_authority_and_weight)
    if heavier.as_one and lighter.report.valid_until > heavier.report.valid_until:
        return heavier._replace(report=heavier.report.changed({"valid_until": lighter.report.valid_until}))
    return heavier


def _authority_and_weight(statement: Statement) -> tuple[bool, float, datetime, str]:
    authority = grade.has_authority(statement.partner, statement.report)
    return authority, weight_of(statement), *_age(statement)


def _authority_and_age(statement: Statement) -> tuple[bool, datetime, str]:
    return grade.has_authority(statement.partner, statement.report), *_age(statement)


def _age(statement: Statement) -> tuple[datetime, str]:
    return statement.report.reported_at, statement.key


def _count_observers(reporters: Iterable[Statement], sightings: Sequence[SightingStatement]) -> int:
    """Count the organisations that saw the value and do not report it."""
    if not sightings:
        return 0
    observers = {sighting.partner.counts_as for sighting in sightings if sighting.count}
    return len(observers - {reporter.partner.counts_as for reporter in reporters})


def _holder_status(reports: Iterable[Report]) -> HolderStatus | None:
    """Return the reported status that protects the holder most; complicit only if no report has another status."""
    reported = {report.holder_status for report in reports if report.holder_status}
    for status in (HolderStatus.COERCED, HolderStatus.DECEIVED, HolderStatus.UNKNOWN, HolderStatus.COMPLICIT):
        if status in reported:
            return status
    return None


def times(
    reports: Sequence[Report], sightings: Sequence[SightingStatement], at: datetime
) -> tuple[datetime | None, datetime | None, datetime]:
    """Return when the value was first and last seen, and since when the consensus holds."""
    seen = [sighting for sighting in sightings if sighting.count]
    firsts = [report.first_seen for report in reports if report.first_seen]
    firsts += [min(moment, at) for sighting in seen if (moment := sighting.first or sighting.last)]
    lasts = [report.last_seen for report in reports if report.last_seen]
    lasts += [min(moment, at) for sighting in seen if (moment := sighting.last or sighting.first)]
    first, last = min(firsts, default=None), max(lasts, default=None)
    if first and last:
        first, last = min(first, last), max(first, last)
    since = min(report.first_seen or report.reported_at for report in reports)
    return first, last, min(since, first) if first else since


def _by_weight(weights: Sequence[float], words: Sequence[_Word | None]) -> list[_Word]:
    """Return the words that reporters use, the heaviest first; vague ones are last, regardless of weight."""
    if len(words) == 1:
        return [words[0]] if words[0] is not None else []
    by_word: dict[_Word, list[float]] = {}
    for weight, word in zip(weights, words, strict=True):
        if word is not None:
            by_word.setdefault(word, []).append(weight)
    return sorted(by_word, key=lambda word: (_VAGUE_TYPES.get(word, 0), -fsum(by_word[word]), word))


def _heaviest(weights: Sequence[float], words: Sequence[_Word | None]) -> _Word | None:
    return next(iter(_by_weight(weights, words)), None)


def _countries(reports: Sequence[Report]) -> tuple[str, ...]:
    return tuple(sorted({country for report in reports for country in report.countries})[:_MAX_COUNTRIES])


def _details(weights: Sequence[float], reporters: Sequence[Statement]) -> dict[str, str]:
    """Return all details of the value; if reporters differ, the details of the heaviest."""
    ranked = sorted(zip(weights, reporters, strict=True), key=lambda pair: (pair[0], *_age(pair[1])))
    return {name: text for _, reporter in ranked for name, text in reporter.report.details.items()}


def _evidence(reports: Iterable[Report]) -> tuple[Evidence, ...]:
    """Return all evidence, only by its hash: its storage location would reveal the reporter."""
    digests = {proof.sha256 for report in reports for proof in report.evidence}
    return tuple(Evidence(sha256=digest) for digest in sorted(digests)[:_MAX_EVIDENCE])


def _origins(reporters: Sequence[Statement]) -> tuple[str, ...]:
    return tuple(sorted({origin for reporter in reporters for origin in reporter.origins})[:_MAX_WORDS])


def _further(weights: Sequence[float], reports: Sequence[Report]) -> tuple[tuple[str, Any], ...]:
    """Return the fields that have no rule of their own here, fused as declared; omit fields without a value."""
    fused = ((name, _fused(rule, weights, [getattr(report, name) for report in reports])) for name, rule in _DECLARED)
    return tuple((name, value) for name, value in fused if value not in (None, ()))


def _fused(rule: Fusion, weights: Sequence[float], values: Sequence[Any]) -> Any:
    match rule:
        case Fusion.HEAVIEST:
            return _heaviest(weights, values)
        case Fusion.UNION:
            return tuple(sorted({entry for entries in values for entry in entries})[:_MAX_WORDS])
        case Fusion.SINGLE:
            return values[0] if len(values) == 1 else None
