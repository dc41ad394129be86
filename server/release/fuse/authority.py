"""The standing of partners that judge others' reports, or report signs of coercion."""

from collections.abc import Collection

from schemas.partner import Partner
from schemas.report import Report
from server.release.fuse import confidence, grade
from server.release.fuse.statements import JudgeStanding, Statement
from server.release.route.policy import PUBLIC, Policy
from server.store.partners import Registry


def standing_of(
    judge: Partner, statements: Collection[Statement], registry: Registry, *, owns: bool = False
) -> JudgeStanding | None:
    """Return the standing of ``judge`` towards the reports of a value; None if it may not know of them.

    Partners that left, and partners that read only ``public``, have no standing. ``owns``: the value is registered as
    the judge's own.
    """
    if owns or any(grade.has_authority(judge, statement.report) for statement in statements):
        return JudgeStanding.DECIDES
    reports = any(statement.partner.counts_as == judge.counts_as for statement in statements)
    if reports or any(statement.audience.includes(judge.name, registry) for statement in statements):
        if judge.trusted:
            return JudgeStanding.DECIDES
        return (
            JudgeStanding.WITH
            if reports or _reads_beside_public(judge, statements, registry)
            else JudgeStanding.WITHOUT
        )
    return JudgeStanding.WITHOUT if judge.name in registry.gone else None


def confirms_coercion(partner: Partner, report: Report, reliability: float, registry: Registry, policy: Policy) -> bool:
    """Return whether a partner's sign that the holder acts under coercion takes the account out of shared collections.

    It does if the partner is trusted, has authority for the account, or reads a collection of the account's kind and
    its report has enough weight.
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


def _reads_beside_public(judge: Partner, statements: Collection[Statement], registry: Registry) -> bool:
    """Return whether ``judge`` sees one of the statements in a collection other than ``public``."""
    shared = frozenset[str]().union(*(statement.audience.shared for statement in statements)) - {PUBLIC}
    privately = any(judge.name in statement.audience.private for statement in statements)
    return privately or any(judge.name in registry.readers.get(alias, ()) for alias in shared)
