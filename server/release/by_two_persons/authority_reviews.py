"""Two persons approve what one report with authority would block at once: no other reporter has to agree with it."""

from collections.abc import Iterable, Sequence

import msgspec

from mappers.indicator import from_stix
from schemas.errors import Rejected
from schemas.report import Report
from schemas.vocabulary import Action
from server.release import review as reviewing
from server.release.fuse import grade
from server.release.hub import Hub
from server.release.two_persons import Arguments, Effects, Signatures, TwoPersonAction
from server.store import inbox, partners
from server.store.database.engine import Tx
from server.store.reviews import Review

_DOES = "the reports are released: each of them alone lets readers block its value"


def with_authority(tx: Tx, found: Iterable[Review]) -> dict[str, Report]:
    """Return by id the reports among held objects that come from a partner with authority, and ask for a block."""
    wanted = {review.object_id: review for review in found if review.subject is None}
    registry = partners.load_registry(tx).partners
    reports: dict[str, Report] = {}
    for id_, item in inbox.latest(tx, wanted).items():
        partner = registry.get(wanted[id_].partner) if id_ in wanted else None
        if partner is None or item.type != "indicator" or item.revoked:
            continue
        try:
            report = from_stix(msgspec.json.decode(item.body))
        except Rejected:
            continue
        if report.action in (None, Action.BLOCK) and grade.has_authority(partner, report):
            reports[id_] = report
    return reports


def _effects(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return what the approval releases. Raises ``UnknownReview``, and ``Rejected`` where one is open no more."""
    found = _open(tx, arguments)
    reports = with_authority(tx, found)
    lines = [_DOES]
    for review in found:
        report = reports.get(review.object_id)
        if report is None:
            raise Rejected("not-open", "one of the reports was withdrawn, or is without authority now")
        lines.append(f"{report.kind} {report.value}: reported by {review.partner}, held by the rule {review.rule}")
    return Effects(lines, [[review.object_id, review.version, review.rule, review.opened] for review in found])


def _carry_out(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[str]:
    found = _open(tx, arguments)
    note = f"proposal {signatures.proposal}"
    reviewing.decide(hub, tx, [review.object_id for review in found], "approved", signatures.confirmed_by, note)
    return [_DOES, *(f"review: {review.object_id}" for review in found)]


def _open(tx: Tx, arguments: Arguments) -> list[Review]:
    found = [reviewing.find(tx, str(id_)) for id_ in arguments["ids"]]
    if not found or any(review.state != "open" for review in found):
        raise Rejected("not-open", "one of the reviews is decided already")
    return found


APPROVE = TwoPersonAction("approve-with-authority", _effects, _carry_out)
