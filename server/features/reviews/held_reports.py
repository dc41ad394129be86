"""Dual control over approving held reports with a wide effect: by authority, of harmless values, or of coercion."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from mappers.report_reader import from_stix
from schemas.errors import Rejected
from schemas.report import Report
from schemas.vocabulary import Action
from server.features.reports.delistings import listed_value, readership
from server.operations.dual_control import Arguments, DualControlAction, Effects, Signatures
from server.release import review as reviewing
from server.release.fuse import grade
from server.release.fuse.statements import COERCED
from server.release.guard.allowlists.catalogue import ALLOWLISTS
from server.release.guard.harmless import match_harmless
from server.release.hub import Hub
from server.release.reasons import Reason
from server.store import inbox, partners, value_index
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.proposals.proposals import Effect
from server.store.reviews import Review

# Rules that hold values known as harmless: a list, or a partner that registered the value as its own.
_KNOWN_AS_HARMLESS = frozenset((*ALLOWLISTS, Reason.PARTNERS_OWN.code, Reason.OPERATORS_ENTRY.code))


def known_as_harmless(hub: Hub, tx: Tx, found: Sequence[Review]) -> set[str]:
    """Return the ids of held reports of values that a list, a partner or an operator has as harmless.

    The rule that holds them does not matter: a throttled partner's reports are all held by another rule.
    """
    facts, moment = hub.facts.at(tx), now()
    return {review.object_id for review in found if review.rule in _KNOWN_AS_HARMLESS} | {
        id_ for id_, report in _reports(tx, found).items() if match_harmless(hub.allowlists, facts, report, moment)
    }


def with_authority(tx: Tx, found: Iterable[Review]) -> dict[str, Report]:
    """Return by id the reports among held objects that come from a partner with authority, and ask for a block."""
    registry = partners.load_registry(tx).partners
    by_id = {review.object_id: review for review in found}
    return {
        id_: report
        for id_, report in _reports(tx, by_id.values()).items()
        if (partner := registry.get(by_id[id_].partner)) is not None
        and report.action in (None, Action.BLOCK)
        and grade.has_authority(partner, report)
    }


def coerced_and_far_read(tx: Tx, found: Iterable[Review], most: int) -> set[str]:
    """Return the ids of signs of coercion whose approval hides an account that more than ``most`` partners read."""
    reports = _reports(tx, [review for review in found if review.rule == COERCED])
    return {
        id_
        for id_, report in reports.items()
        if readership(tx, [value_index.subject_of(report.kind, report.value)]).is_more_than(most)
    }


def _reports(tx: Tx, found: Iterable[Review]) -> dict[str, Report]:
    """Return, by id, the held reports that are readable and active."""
    reports: dict[str, Report] = {}
    for id_, item in inbox.latest(tx, {review.object_id for review in found if review.subject is None}).items():
        if item.type != "indicator" or item.revoked:
            continue
        try:
            reports[id_] = from_stix(msgspec.json.decode(item.body))
        except Rejected:
            continue
    return reports


def _effects_with_authority(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return the reports that the approval releases. Raises ``UnknownReview``, and ``Rejected`` if one is no longer
    open.
    """
    found = _open(tx, arguments)
    return _effects("released-with-authority", found, with_authority(tx, found))


def _effects_of_harmless(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return the reports that the approval releases. Raises ``UnknownReview``, and ``Rejected`` if one is no longer
    open.
    """
    found = _open(tx, arguments)
    return _effects("released-allowlisted", found, _reports(tx, found))


def _effects_of_coerced(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return the accounts that the approval hides. Raises ``UnknownReview``, and ``Rejected`` if one is no
    longer open.
    """
    found = _open(tx, arguments)
    reports = _reports(tx, found)
    effects = _effects("coercion-confirmed", found, reports)
    subjects = sorted({value_index.subject_of(report.kind, report.value) for report in reports.values()})
    return effects._replace(asides=[listed_value(tx, subject) for subject in subjects])


def _effects(does: str, found: Sequence[Review], reports: Mapping[str, Report]) -> Effects:
    lines = [Effect(does)]
    for review in found:
        report = reports.get(review.object_id)
        if report is None:
            raise Rejected("not-open", "one of the reports was retracted, or has changed")
        values = {"kind": report.kind, "value": report.value, "partner": review.partner, "rule": review.rule}
        lines.append(Effect("report", values))
    return Effects(lines, [[review.object_id, review.version, review.rule, review.opened] for review in found])


def _carry_out(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    found = _open(tx, arguments)
    note = f"proposal {signatures.proposal}"
    reviewing.decide(hub, tx, [review.object_id for review in found], "approved", signatures.confirmed_by, note)
    return [Effect("review", {"id": review.object_id}) for review in found]


def _open(tx: Tx, arguments: Arguments) -> list[Review]:
    found = [reviewing.find(tx, str(id_)) for id_ in arguments["ids"]]
    if not found or any(review.state != "open" for review in found):
        raise Rejected("not-open", "one of the reviews is already decided")
    return found


APPROVE = DualControlAction("approve-with-authority", _effects_with_authority, _carry_out)
APPROVE_HARMLESS = DualControlAction("approve-allowlisted", _effects_of_harmless, _carry_out)
APPROVE_COERCED = DualControlAction("approve-coerced", _effects_of_coerced, _carry_out)
ALL = (APPROVE, APPROVE_HARMLESS, APPROVE_COERCED)
