"""What passes on what is heard here already: from who said it first, or from this hub itself."""

from collections.abc import Iterable, Mapping, Sequence

from server.release.fuse.consensus import owns_its_id, weight_of
from server.release.fuse.statements import Claim, Statement


def without_repeats(claims: Sequence[Claim], listed: Mapping[str, Sequence[str]]) -> list[Claim]:
    """Give the claims without those that only repeat what is heard wherever themselves may be.

    That is reports of others, and listings of the hub in rooms that the partner may read: ``listed``, by track. What
    reaches fewer is left aside: nobody finds out by an echo that it is here.
    """
    kept = list(claims)
    for claim in claims:
        if claim.said.sources and _is_echo(claim, [other for other in kept if other is not claim], listed):
            kept.remove(claim)
    return kept


def _is_echo(claim: Claim, others: Iterable[Claim], listed: Mapping[str, Sequence[str]]) -> bool:
    said, reach = claim.said, claim.rooms
    heard = {*listed.get("", ()), *listed.get(said.partner.name, ())}
    for other in others:
        there = other.rooms
        if reach.shared <= there.shared and reach.personal <= there.personal and _may_stand_for(other.said, said):
            heard.add(other.said.object_id)
    return said.sources <= heard


def _may_stand_for(other: Statement, said: Statement) -> bool:
    """Tell whether a report may be taken for what another passes on: its id is its maker's alone, or it says as much.

    Anybody may use an id that somebody else drew, and is not to take away by that what others say.
    """
    if owns_its_id(other):
        return True
    return weight_of(other) >= weight_of(said) and other.report.valid_until >= said.report.valid_until
