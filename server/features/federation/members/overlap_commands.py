"""``scamfeed peer overlap``: the members that this hub and a peer have in common."""

from typing import Any

import typer

from feeds.errors import Misconfigured, TryLater
from server.cli.acting import acting
from server.cli.context import By, Json, fail, show_json, show_rows
from server.features.federation.members import overlaps, peer_client, registers
from server.features.federation.members.comparing import BadComparison, TooManyMembers
from server.features.federation.members.operations import StoreOverlap
from server.features.federation.peer_names import PeerName, find_peer
from server.release.hub import Hub
from server.release.peers import PeerHub
from server.store.database.engine import Tx
from server.store.database.times import stamp

_TRY_LATER = 75


def overlap(ctx: typer.Context, name: PeerName, by: By = None, json: Json = False) -> None:
    """Compare members with a peer privately, and show the common ones, also to the peer's operators.

    Neither hub learns other members than the common ones. Until all of these are linked, the reports of the peer are no
    second reporter for accounts, aliases, telephone numbers and social accounts.
    """
    with acting(ctx, by, json=json) as act:
        peer = find_peer(act.hub, name)
        with act.hub.store.read() as tx:
            members = registers.members(act.hub, tx)
        try:
            common = peer_client.compare(peer, members)
        except TryLater as error:
            fail(str(error), _TRY_LATER)
        except (Misconfigured, BadComparison, TooManyMembers) as error:
            fail(str(error))
        act.run(StoreOverlap(peer=peer, common=common))
        with act.hub.store.read() as tx:
            found = described(act.hub, tx, peer)
    if json:
        show_json(found)
        return
    show_rows(f"Members of this hub and of {peer.name}", found["common"], ["partners", "numbers", "linked"], json=False)
    left, compared = found["not_compared"], len(members)
    if found["unlinked"]:
        print(  # noqa: T201 - the command's answer
            f"{found['unlinked']} of them are not linked: until they are (scamfeed partner link at both hubs), reports "
            "of the peer are no second reporter for values with a holder."
        )
    if left:
        print(  # noqa: T201 - the command's answer
            f"{len(left)} of {compared} organisations have no number to compare: {', '.join(left)}. Register numbers "
            "with scamfeed partner register."
        )


def described(hub: Hub, tx: Tx, peer: PeerHub) -> dict[str, Any]:
    """Return the stored common members of this hub and a peer, and the organisations that cannot be compared."""
    known, members = overlaps.find(tx, peer.origin), registers.members(hub, tx)
    by_name = {member.organisation: member for member in members}
    common = [
        {
            "organisation": organisation,
            "partners": list(by_name[organisation].partners) if organisation in by_name else [],
            "numbers": sorted(by_name[organisation].numbers) if organisation in by_name else [],
            "linked": is_linked,
        }
        for organisation, is_linked in sorted(known.members.items())
    ]
    return {
        "peer": peer.name,
        "origin": peer.origin,
        "compared": None if known.compared is None else stamp(known.compared),
        "common": common,
        "unlinked": len(known.unlinked),
        "not_compared": [member.organisation for member in members if not member.numbers and member.proof is None],
    }
