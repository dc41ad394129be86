"""What partners say of one value, made into one consensus; without store or clock, and in whatever order it is said.

docs/consensus.md and release-rules.md say the rules in words, with tables of their effect.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from math import fsum
from typing import Any, TypeVar

from mappers import consensus, ids
from schemas import kinds
from schemas.consensus import Consensus
from schemas.declaration import Fusion
from schemas.fields import Evidence
from schemas.kind import Kind, Normal
from schemas.report import FIELDS, Report
from schemas.vocabulary import HolderStatus, ScamType
from server.release.fuse import confidence, doubts, grade
from server.release.fuse.statements import OpinionStatement, SightingStatement, Statement

# Whoever means longer says it again.
_LONGEST = timedelta(days=730)
_MOST_EVIDENCE = 50
_MOST_COUNTRIES = 60
_MOST_WORDS = 20
_SAYS_LITTLE = {ScamType.OTHER.value: 1, ScamType.UNKNOWN.value: 2}
# An indicator has its maker's first id for the value, or one of the next ones.
_LISTINGS = range(4)
# Fields of reports that are fused by the rule that is declared for them.
_DECLARED = [
    (name, rule)
    for name, field in FIELDS.items()
    if (rule := field.declaration.fused) is not None and name not in Consensus._fields
]
_Word = TypeVar("_Word", bound=str)


def fuse(
    said: Sequence[Statement],
    seen: Sequence[SightingStatement] = (),
    judged: Sequence[OpinionStatement] = (),
    *,
    coerced: bool = False,
    sign: bool = False,
    at: datetime,
) -> Consensus:
    """Give the consensus on a value, from what is said of it and is alive ``at`` that time.

    ``coerced``: one with standing says, be it nothing that may be told here, that the holder acts under coercion.
    ``sign``: somebody says so, and nobody with standing: it is never above ``hold``, and no more is said. Raises
    ``ValueError`` where nothing is said, or not all of one value.
    """
    if not said:
        raise ValueError("nothing is said")
    reporters = independent(said)
    kind = kinds.get(reporters[0].report.kind)
    reporters = _by_one_name(kind, reporters, {each.report.value for each in said})
    report = reporters[0].report
    authority = [grade.has_authority(each.partner, each.report) for each in reporters]
    weights = [
        confidence.weight(each.report.confidence, each.reliability, authority=has)
        for each, has in zip(reporters, authority, strict=True)
    ]
    doubted = doubts.effect_of(judged, authority=any(authority)) if judged else None
    watching = _watching(reporters, seen)
    sure = confidence.combined(weights, watching)
    left = confidence.combined(weights, watching, doubted.left) if doubted else sure
    status = HolderStatus.COERCED if coerced and kind.account else _status(each.report for each in said)
    first, last, since = _times(reporters, seen, at)
    reports = [each.report for each in reporters]
    alone = report if len(reports) == 1 else None
    asked = grade.live_holds(said, alone, at)
    allows = partial(
        grade.grade_of,
        kind,
        suffices=grade.suffices(weights, authority=grade.lets_block(reporters, authority)),
        by_newcomers=grade.by_newcomers(weights, [each.new for each in reporters]),
        asked=grade.strongest_asked(reports),
        coerced=coerced or sign or status is HolderStatus.COERCED,
    )
    scam_type, *others = _by_weight(weights, [each.scam_type for each in reports]) or [ScamType.UNKNOWN.value]
    return Consensus(
        kind=report.kind,
        value=report.value,
        details=report.details if alone else _details(weights, reporters),
        confidence=left,
        grade=grade.lowered_by_doubts(kind, allows(sure), allows(left), doubted.grades) if doubted else allows(sure),
        disputed=doubted is not None and doubted.disputed,
        reporters=len(reporters),
        reporter_kinds=tuple(sorted({each.partner.kind for each in reporters})),
        scam_type=scam_type,
        scam_types=tuple(word for word in others if word != ScamType.UNKNOWN)[:_MOST_WORDS],
        channel=_heaviest(weights, [each.channel for each in reports]),
        payment_rail=_heaviest(weights, [each.payment_rail for each in reports]),
        holder_status=status,
        countries=_countries(reports),
        first_seen=first,
        last_seen=last,
        valid_from=since,
        valid_until=max(end(each, seen, at) for each in reports),
        evidence=alone.evidence if alone else _evidence(reports),
        reference=alone.reference if alone else None,
        description=alone.description if alone else None,
        lang=alone.lang if alone else "en",
        hold=asked[0] if asked else None,
        holds=tuple(asked) if len(asked) > 1 else (),
        origins=_origins(reporters),
        further=_further(weights, reports),
    )


def _by_one_name(kind: Kind, reporters: list[Statement], names: set[str]) -> list[Statement]:
    """Give what is said of one value by that of its ``names`` that says most. Raises ``ValueError`` for several values.

    A bank's authority over an account comes from the account's name, whoever gave it.
    """
    if any(each.report.kind != kind.name for each in reporters) or len(set(map(kind.key, names))) > 1:
        raise ValueError("a consensus is on one value")
    if len(names) == 1:
        return reporters
    value = kind.fullest(names)
    return [each._replace(report=each.report.about(Normal(value, each.report.details))) for each in reporters]


def end(report: Report, seen: Iterable[SightingStatement], at: datetime) -> datetime:
    """Give when a report ends: as it says, or its kind's time to live after it was last seen, where that is later.

    A sighting after the end brings nothing back, nor does one longer than a hold: a hold ends when it says.
    """
    ends = min(report.valid_until, report.reported_at + _LONGEST)
    if report.hold:
        return ends
    life = kinds.get(report.kind).time_to_live
    for moment in sorted(min(moment, at) for each in seen if each.count and (moment := each.last or each.first)):
        if moment <= ends:
            ends = max(ends, moment + life)
    return ends


def live(said: Iterable[Statement], seen: Sequence[SightingStatement], at: datetime) -> list[Statement]:
    """Give what of that has not ended at that time."""
    return [each for each in said if end(each.report, seen, at) > at]


def independent(said: Sequence[Statement]) -> list[Statement]:
    """Give one statement for each organisation that speaks for itself.

    Of one organisation, however many partners it has, the newest counts, and that with authority before those without;
    of one origin, whoever passes it on, the first that is at hand: the original itself where it is among them. What
    joins the origins of several others takes nothing from these. Who merely uses an id that another drew takes nothing
    from who passes that on: of the two the heavier counts.
    """
    if len(said) == 1:
        return list(said)
    newest: dict[str, Statement] = {}
    for each in said:
        name = each.partner.counts_as
        newest[name] = max(newest.get(name, each), each, key=_standing_and_age)
    counted: list[Statement] = []
    for each in sorted(newest.values(), key=lambda one: (len(one.sources), *_age(one))):
        same = [other for other in counted if not each.sources.isdisjoint({other.object_id, *other.sources})]
        if not same:
            counted.append(each)
        elif len(same) == 1 and not owns_its_id(same[0]) and weight_of(each) > weight_of(same[0]):
            counted[counted.index(same[0])] = each
    return counted


def owns_its_id(said: Statement) -> bool:
    """Tell whether the indicator's id follows from its maker and value, so that nobody else may use it."""
    spelled = consensus.pattern_of(said.report)
    return any(said.object_id == ids.indicator(said.partner.identity, spelled, number) for number in _LISTINGS)


def weight_of(said: Statement) -> float:
    """Give how much a report counts by itself."""
    authority = grade.has_authority(said.partner, said.report)
    return confidence.weight(said.report.confidence, said.reliability, authority=authority)


def _standing_and_age(said: Statement) -> tuple[bool, datetime, str]:
    return grade.has_authority(said.partner, said.report), *_age(said)


def _age(said: Statement) -> tuple[datetime, str]:
    return said.report.reported_at, said.id


def _watching(reporters: Iterable[Statement], seen: Sequence[SightingStatement]) -> int:
    """Count the organisations that saw it and do not report it."""
    if not seen:
        return 0
    return len({each.partner.counts_as for each in seen if each.count} - {each.partner.counts_as for each in reporters})


def _status(reports: Iterable[Report]) -> HolderStatus | None:
    """Give the status that protects the holder most of those that are said; complicit only where nobody differs."""
    words = {each.holder_status for each in reports if each.holder_status}
    for word in (HolderStatus.COERCED, HolderStatus.DECEIVED, HolderStatus.UNKNOWN, HolderStatus.COMPLICIT):
        if word in words:
            return word
    return None


def _times(
    reporters: Sequence[Statement], seen: Sequence[SightingStatement], at: datetime
) -> tuple[datetime | None, datetime | None, datetime]:
    """Give when it was first and last seen, and since when the consensus holds."""
    reports = [each.report for each in reporters]
    spotted = [each for each in seen if each.count]
    firsts = [each.first_seen for each in reports if each.first_seen]
    firsts += [min(moment, at) for each in spotted if (moment := each.first or each.last)]
    lasts = [each.last_seen for each in reports if each.last_seen]
    lasts += [min(moment, at) for each in spotted if (moment := each.last or each.first)]
    first, last = min(firsts, default=None), max(lasts, default=None)
    if first and last:
        first, last = min(first, last), max(first, last)
    since = min(each.first_seen or each.reported_at for each in reports)
    return first, last, min(since, first) if first else since


def _by_weight(weights: Sequence[float], words: Sequence[_Word | None]) -> list[_Word]:
    """Give the words that are said, the heaviest first; those that say little come last, whatever they weigh."""
    if len(words) == 1:
        return [words[0]] if words[0] is not None else []
    heavy: dict[_Word, list[float]] = {}
    for each, word in zip(weights, words, strict=True):
        if word is not None:
            heavy.setdefault(word, []).append(each)
    return sorted(heavy, key=lambda word: (_SAYS_LITTLE.get(word, 0), -fsum(heavy[word]), word))


def _heaviest(weights: Sequence[float], words: Sequence[_Word | None]) -> _Word | None:
    return next(iter(_by_weight(weights, words)), None)


def _further(weights: Sequence[float], reports: Sequence[Report]) -> tuple[tuple[str, Any], ...]:
    """Return the fields without a rule of their own here, fused as declared, without those that nobody gives."""
    fused = ((name, _fused(rule, weights, [getattr(report, name) for report in reports])) for name, rule in _DECLARED)
    return tuple((name, value) for name, value in fused if value not in (None, ()))


def _fused(rule: Fusion, weights: Sequence[float], values: Sequence[Any]) -> Any:
    match rule:
        case Fusion.HEAVIEST:
            return _heaviest(weights, values)
        case Fusion.UNION:
            return tuple(sorted({entry for entries in values for entry in entries})[:_MOST_WORDS])
        case Fusion.SINGLE:
            return values[0] if len(values) == 1 else None


def _countries(reports: Sequence[Report]) -> tuple[str, ...]:
    return tuple(sorted({country for each in reports for country in each.countries})[:_MOST_COUNTRIES])


def _details(weights: Sequence[float], reporters: Sequence[Statement]) -> dict[str, str]:
    """Give all that is said beside the value; where reporters differ, as the heaviest has it."""
    ranked = sorted(zip(weights, reporters, strict=True), key=lambda pair: (pair[0], *_age(pair[1])))
    return {name: text for _, each in ranked for name, text in each.report.details.items()}


def _evidence(reports: Sequence[Report]) -> tuple[Evidence, ...]:
    """Give all evidence by its hash alone: where it is kept would tell who reports."""
    digests = {proof.sha256 for each in reports for proof in each.evidence}
    return tuple(Evidence(sha256=digest) for digest in sorted(digests)[:_MOST_EVIDENCE])


def _origins(reporters: Sequence[Statement]) -> tuple[str, ...]:
    return tuple(sorted({origin for each in reporters for origin in each.origins})[:_MOST_WORDS])
