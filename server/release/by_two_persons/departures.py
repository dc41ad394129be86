"""Two persons take back all reports of a partner that leaves, where many read what they list."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from schemas.errors import Rejected
from schemas.partner import Partner
from server.release import depart
from server.release.by_two_persons.delistings import readership
from server.release.fuse.statements import indicator_subject
from server.release.hub import Hub
from server.release.partners import membership
from server.release.partners.membership import Leaving
from server.release.two_persons import Arguments, Effects, Signatures, TwoPersonAction, propose
from server.store import collections, inbox, log, partners
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.objects.query import Query
from server.store.proposals.proposals import Effect, Proposal

# Rows of the inbox that are looked at for reports of the partner, and so many of its reports: who has more is far read.
_MOST_ROWS, _ROWS = 20_000, 2_000
_MOST_REPORTS = 1_000


class Left(NamedTuple):
    """The work that is left for a partner that leaves; its reports are taken back once a ``proposal`` is confirmed."""

    leaving: Leaving
    proposal: Proposal | None


def leave(hub: Hub, tx: Tx, partner: Partner, reason: str | None, by: str) -> Left:
    """End the access of a partner at once, as ``membership.remove``.

    With a ``reason`` its reports are taken back: at once, or proposed to a second person where many read what they
    list. Raises what ``propose`` raises.
    """
    if (
        reason is None
        or depart.is_retracting(tx, partner.name)
        or not is_far_read(tx, partner, hub.most_readers_by_one)
    ):
        return Left(membership.remove(hub, tx, partner, reason, by), None)
    leaving = membership.remove(hub, tx, partner, None, by)
    return Left(leaving, propose(hub, tx, RETRACT_REPORTS, {"partner": partner.name, "reason": reason}, by))


def is_far_read(tx: Tx, partner: Partner, most: int) -> bool:
    """Return whether values that a partner reports are listed to more than ``most`` partners, or to anybody.

    Where there is too much to look at, they are.
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
    """Return the retraction's effects. Raises ``Rejected`` for a partner that takes part, and ``UnknownPartner``."""
    del hub
    partner = partners.get(tx, str(arguments["partner"]), gone=True)
    left = partners.departed_partners(tx).get(partner.name)
    if left is None:
        raise Rejected("not-open", "the partner takes part: its access has to be ended first")
    told = {"partner": partner.name, "reason": str(arguments["reason"])}
    return Effects([Effect("partner-reports-retracted", told)], [partner.name, left])


def _carry_out(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    partner = partners.get(tx, str(arguments["partner"]), gone=True)
    membership.remove(hub, tx, partner, str(arguments["reason"]), signatures.confirmed_by)
    return [Effect("partner-retraction-begun", {"partner": partner.name})]


def _finish(hub: Hub) -> Sequence[Effect]:
    """Revoke the reports that are left; what cannot be done now, the workers do later."""
    depart.resume(hub, idle_since=now() + 1)
    return []


RETRACT_REPORTS = TwoPersonAction("retract-partner", _effects, _carry_out, _finish)
