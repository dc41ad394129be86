"""Stored results of comparisons with peers, and the restriction that follows from them.

Until every common member is linked, a peer's entries are no second reporter for values with a holder.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from sqlalchemy import delete, insert, select

from schemas.api.overlap import PER_DAY
from server.features.federation import pending
from server.features.federation.members.comparing import CommonMember
from server.features.federation.members.tables import hub_overlaps
from server.release.fuse.hubs import has_holder
from server.release.fuse.statements import HubStatements
from server.store import Store, quotas
from server.store.database.engine import Tx
from server.store.database.times import now

Side = Literal["here", "there"]
_UNIT, _DAY_SECONDS = "overlap", 86_400
_overlap = hub_overlaps.c


class KnownOverlap(NamedTuple):
    """The result of the comparisons with a peer.

    ``compared`` is the time of the last one in microseconds, None before the first. ``members`` are the common
    organisations, each with whether both hubs have the same secret of it.
    """

    compared: int | None
    members: dict[str, bool]

    @property
    def unlinked(self) -> list[str]:
        """The common organisations that are not linked."""
        return sorted(name for name, is_linked in self.members.items() if not is_linked)


def store(tx: Tx, origin: str, side: Side, common: Iterable[CommonMember]) -> None:
    """Store the result of a comparison that this hub (``here``) or the peer (``there``) made, in place of its last.

    The values of the peer are released again if its reports count differently from now on.
    """
    before = origin in origins_with_unlinked_members(tx)
    tx.execute(delete(hub_overlaps).where(_overlap.origin == origin, _overlap.side == side))
    shared = {"origin": origin, "side": side, "compared": now()}
    found = {member.member.organisation: member.is_linked for member in common}
    rows = [{**shared, "organisation": name, "linked": is_linked} for name, is_linked in found.items()]
    tx.execute(insert(hub_overlaps), [{**shared, "organisation": "", "linked": False}, *rows])
    if before != (origin in origins_with_unlinked_members(tx)):
        pending.note_origin(tx, origin)


def find(tx: Tx, origin: str) -> KnownOverlap:
    """Return the result of the comparisons with an origin.

    A member counts as linked if either side found that. A peer cannot claim it without the secret.
    """
    compared, members = None, dict[str, bool]()
    asked = select(_overlap.organisation, _overlap.linked, _overlap.compared).where(_overlap.origin == origin)
    for organisation, is_linked, at in tx.execute(asked):
        if organisation:
            members[organisation] = members.get(organisation, False) or is_linked
        else:
            compared = max(at, compared or 0)
    return KnownOverlap(compared, members)


def origins_with_unlinked_members(tx: Tx) -> frozenset[str]:
    """Return the origins whose entries are no second reporter for values with a holder."""
    linked: dict[tuple[str, str], bool] = {}
    asked = select(_overlap.origin, _overlap.organisation, _overlap.linked).where(_overlap.organisation != "")
    for origin, organisation, is_linked in tx.execute(asked):
        linked[origin, organisation] = linked.get((origin, organisation), False) or is_linked
    return frozenset(origin for (origin, _), is_linked in linked.items() if not is_linked)


def restricted(tx: Tx, found: Mapping[str, HubStatements]) -> dict[str, HubStatements]:
    """Return the statements about values by subject, as they count while common members are not linked.

    Reports of a hub with such members are no further reporters of a value with a holder: one of them may be of an
    organisation that reports here too. They count as second-hand reports do.
    """
    held = {subject for subject in found if has_holder(subject.partition(":")[0])}
    unlinked = origins_with_unlinked_members(tx) if held else frozenset[str]()
    if not unlinked:
        return dict(found)
    return {
        subject: known._replace(
            statements=[
                statement._replace(second_hand=True) if subject in held and statement.hub in unlinked else statement
                for statement in known.statements
            ]
        )
        for subject, known in found.items()
    }


def spend(store: Store, organisation: str, count: int) -> int:
    """Charge inputs to a peer's quota; return 0, or the seconds until they fit, and charge none."""
    with store.begin() as tx:
        return quotas.charge(tx, organisation, _UNIT, count, limit=PER_DAY, seconds=_DAY_SECONDS)
