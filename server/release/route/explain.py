"""Explain why a stored object is not published."""

from collections.abc import Mapping
from typing import Any

from schemas.fields import Sharing
from schemas.partner import Partner
from schemas.report import Report
from schemas.vocabulary import HolderStatus, Tlp
from server.release.reasons import Explanation, Reason
from server.release.route import annotation_targets
from server.release.route.policy import SHARED, Policy, ReportFacts
from server.store.partners import Registry

_UNLIMITED = Sharing()


def explain_report(report: Report, tlp: Tlp, partner: Partner, registry: Registry, policy: Policy) -> Explanation:
    """Return why a report without an audience by ``audience_of`` is not published.

    ``tlp`` is the level that applies to the report. Only the report itself counts: the reason does not reveal that
    others report its holder as coerced.
    """
    limits = report.sharing or _UNLIMITED
    if not registry.called.issuperset(limits.not_to_partners):
        return Reason.UNKNOWN_PARTNER.explain()
    if tlp not in SHARED and not limits.only_partners:
        return Reason.NAMES_NOBODY.explain(tlp=tlp.value.upper())
    if limits.only_partners:
        return Reason.NO_NAMED_PARTNER.explain()
    if not policy.aliases(ReportFacts(report.kind, tlp, partner.kind)):
        return Reason.NO_RULE.explain(kind=report.kind)
    if report.holder_status is HolderStatus.COERCED:
        return Reason.NO_PROTECTOR.explain()
    return Reason.LIMITS_ADMIT_NOBODY.explain()


def explain_withheld(*, disputed: bool) -> Explanation:
    """Return why a report with an audience is not published: its value is withheld for now."""
    return (Reason.DISPUTED if disputed else Reason.NOT_ENOUGH_KNOWN).explain()


def explain_annotation(
    obj: Mapping[str, Any], tlp: Tlp | None, *, targets_visible: bool, is_withdrawn: bool = False
) -> Explanation:
    """Return why an annotation without an audience is not published; ``tlp`` is None for an unknown marking."""
    if tlp is None:
        return Reason.UNKNOWN_MARKING.explain()
    if is_withdrawn:
        return Reason.TARGET_WITHDRAWN.explain()
    if not targets_visible:
        return Reason.TARGET_NOT_VISIBLE.explain()
    if annotation_targets.is_flow(obj) and tlp in SHARED:
        return Reason.NO_COMMON_COLLECTION.explain()
    return Reason.NAMES_NOBODY.explain(tlp=tlp.value.upper())
