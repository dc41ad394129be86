"""What stands behind what a partner says for or against a value: authority, the account, a report, or reading it."""

from collections.abc import Collection

from schemas.partner import Partner
from schemas.report import Report
from server.release.fuse import confidence, grade
from server.release.fuse.statements import Claim, JudgeStanding
from server.release.route.policy import PUBLIC, Policy
from server.store.partners import Registry


def standing_of(
    judge: Partner, claims: Collection[Claim], registry: Registry, *, owns: bool = False
) -> JudgeStanding | None:
    """Give what stands behind a partner's word about what ``claims`` say of a value; None where it may not know of it.

    Who reads ``public`` alone, as anybody does, and who left, are without standing. ``owns``: the value is registered
    as the partner's own.
    """
    if owns or any(grade.has_authority(judge, claim.said.report) for claim in claims):
        return JudgeStanding.DECIDES
    reports = any(claim.said.partner.counts_as == judge.counts_as for claim in claims)
    if reports or any(claim.rooms.reaches(judge.name, registry) for claim in claims):
        if judge.trusted:
            return JudgeStanding.DECIDES
        return JudgeStanding.WITH if reports or _reads_apart(judge, claims, registry) else JudgeStanding.WITHOUT
    return JudgeStanding.WITHOUT if judge.name in registry.gone else None


def confirms_coercion(partner: Partner, report: Report, reliability: float, registry: Registry, policy: Policy) -> bool:
    """Tell whether a partner's sign that a holder acts under coercion takes the account out of shared collections.

    So does that of who has authority for the account, and that of who reads a collection of its kind and means it.
    """
    if partner.trusted or grade.has_authority(partner, report):
        return True
    reads = any(
        rule.collection != PUBLIC
        and (not rule.kinds or report.kind in rule.kinds)
        and partner.name in registry.readers.get(rule.collection, ())
        for rule in policy.rules
    )
    return reads and confidence.weight(report.confidence, reliability) >= grade.CORROBORATES


def _reads_apart(judge: Partner, claims: Collection[Claim], registry: Registry) -> bool:
    """Tell whether one of the claims reaches the partner otherwise than through what anybody reads."""
    shared = frozenset[str]().union(*(claim.rooms.shared for claim in claims)) - {PUBLIC}
    apart = any(judge.name in claim.rooms.personal for claim in claims)
    return apart or any(judge.name in registry.readers.get(room, ()) for room in shared)
