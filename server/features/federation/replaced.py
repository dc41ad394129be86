"""End the reports that a feed contributed from a hub's collections: its hub reports replace them."""

from server.release.hub import Hub
from server.release.retract import retract_all
from server.store import collections, inbox, log, partners
from server.store.database.engine import Tx
from server.store.objects.query import Query

_ROWS = 5_000


def end_reports(hub: Hub, tx: Tx, partner: str, origin: str) -> int:
    """End all reports of a partner, which hub reports of ``origin`` replace; none counts as wrong. Return how many."""
    try:
        found = partners.get(tx, partner, gone=True)
    except partners.UnknownPartner:
        return 0
    space, box = partners.space(tx, partner), collections.get(tx, collections.INBOX)
    after: int | None = -1
    ended = 0
    while after is not None:
        page = log.manifest(tx, box, Query(types=("indicator",), revoked=False, after=after, limit=_ROWS))
        mine = [record.id for record in page.records if inbox.space(record.id) == space]
        ended += len(retract_all(hub, tx, mine, found, f"hub reports of {origin} replace it"))
        after = page.next
    return ended
