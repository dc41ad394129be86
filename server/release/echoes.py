"""What passes on what is heard here already: from who said it first, or from this hub itself."""

from collections.abc import Iterable, Set

from mappers import consensus, ids
from server.release.rooms import Rooms
from server.release.statements import Said


def is_echo(said: Said, reach: Rooms, others: Iterable[tuple[str, Rooms]], listings: Set[str], hub: str) -> bool:
    """Tell whether all that ``said`` has its value from is heard wherever itself may be.

    That is reports of ``others``, each with its rooms, and the ``listings`` of the hub, whose identity is ``hub``, in
    rooms that the partner may read. What reaches fewer is left aside: nobody finds out by an echo that it is here.
    """
    if not said.origins:
        return False
    heard = {id_ for id_, there in others if reach.shared <= there.shared and reach.personal <= there.personal}
    spelled = consensus.pattern_of(said.report)
    for track in ("", said.partner.name):
        heard |= {ids.listing(hub, spelled, seq, track) for seq in range(len(listings) + 1)} & listings
    return said.origins <= heard
