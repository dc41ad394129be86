"""Dual control over retracting all reports of a departing partner, if their listings are widely read."""

from collections.abc import Sequence

import msgspec

from schemas.errors import Rejected
from schemas.partner import Partner
from server.features.partners import depart, membership
from server.features.reports.delistings import readership
from server.operations.dual_control import Arguments, DualControlAction, Effects, Signatures
from server.release.fuse.statements import indicator_subject
from server.release.hub import Hub
from server.store import collections, inbox, log, partners
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.objects.query import Query
from server.store.proposals.proposals import Effect

# Maximum number of inbox rows searched for reports of the partner, and of its reports; beyond them it counts as widely
# read.
_MOST_ROWS, _ROWS = 20_000, 2_000
_MOST_REPORTS = 1_000


def is_far_read(tx: Tx, partner: Partner, most: int) -> bool:
    """Return whether a partner's values are listed to more than ``most`` partners, or publicly.

    True if there are too many reports to check.
    """
    space, box = partners.space(tx, partner.name), collections.get(tx, "inbox")
    after: int | None = -1
    looked, reports = 0, 0
    while after is not None:
        found = log.manifest(tx, box, Query(types=("indicator",), revoked=False, after=after, limit=_ROWS))
        mine = [record.id for record in found.records if inbox.space(record.id) == space]
        looked, reports, after = looked + len(found.records), reports + len(mine), found.next
        if looked >= _MOST_ROWS or reports > _MOST_REPORTS:
            return True
        items = inbox.latest(tx, mine).values()
        subjects = {subject for item in items if (subject := indicator_subject(msgspec.json.decode(item.body)))}
        if subjects and readership(tx, subjects).is_more_than(most):
            return True
    return False


def _effects(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return the retraction's effects. Raises ``Rejected`` for an active partner, and ``UnknownPartner``."""
    del hub
    partner = partners.get(tx, str(arguments["partner"]), gone=True)
    left = partners.departed_partners(tx).get(partner.name)
    if left is None:
        raise Rejected("not-open", "the partner is active: end its access first")
    told = {"partner": partner.name, "reason": str(arguments["reason"])}
    return Effects([Effect("partner-reports-retracted", told)], [partner.name, left])


def _carry_out(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    partner = partners.get(tx, str(arguments["partner"]), gone=True)
    membership.remove(hub, tx, partner, str(arguments["reason"]), signatures.confirmed_by)
    return [Effect("partner-retraction-begun", {"partner": partner.name})]


def _finish(hub: Hub) -> Sequence[Effect]:
    """Revoke the remaining reports; the workers finish what cannot be done now."""
    depart.resume(hub, idle_since=now() + 1)
    return []


RETRACT_REPORTS = DualControlAction("retract-partner", _effects, _carry_out, _finish)
