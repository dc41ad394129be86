"""Publish released values again, and count held reports of other hubs once they are approved."""

from collections.abc import Mapping, Sequence

from server.features.federation import pending, stored
from server.features.federation.stored import COUNTS, HELD, LIMITED
from server.release import relisting
from server.release.context import ReleaseContext
from server.release.fuse.statements import MANY_BLOCKS, ReportedValue
from server.release.guard.allowlists.hub_values import forget_delisted
from server.release.hooks import ReleaseListener, ReviewListener
from server.release.hub import Hub
from server.release.publish.listings import ListingState
from server.release.session import ReleaseSession
from server.store import hub_identity, inbox, value_index
from server.store.database.engine import Tx
from server.store.reviews import Review


class PublishedValues(ReleaseListener):
    """Notes the released values about which partners of this hub have ever contributed anything."""

    def released(
        self, context: ReleaseContext, values: Sequence[ReportedValue], states: Mapping[str, ListingState]
    ) -> None:
        """Note the values."""
        own = {value.subject for value in values if value.mentions or any(map(inbox.is_key, value.ids))}
        if own:
            pending.note(context.tx, own, release=False)


class DecidedReports(ReviewListener):
    """Lets held reports of other hubs count once a person approved them, and holds limited ones that it rejected."""

    def decided(self, hub: Hub, tx: Tx, decided: Sequence[Review]) -> None:
        """Count the approved reports, hold the rejected ones, and release their values."""
        self._count_approved(hub, tx, decided)
        self._hold_rejected(hub, tx, decided)

    def _hold_rejected(self, hub: Hub, tx: Tx, decided: Sequence[Review]) -> None:
        ids = {review.object_id for review in decided if review.state == "rejected" and review.rule == MANY_BLOCKS}
        origins = [peer.origin for peer in hub.peers]
        found = stored.held(tx, origins, hub_identity.identity(tx), ids) if ids else []
        limited = [row for row in found if row.state == LIMITED]
        if limited:
            subjects = {row.subject for row in limited} - {""}
            value_index.lock(tx, subjects)
            stored.put(tx, [row._replace(state=HELD) for row in limited], {row[:3]: row for row in limited})
            session = ReleaseSession.open(hub, tx)
            session.release(session.load(subjects), "rejected by a person")

    def _count_approved(self, hub: Hub, tx: Tx, decided: Sequence[Review]) -> None:
        approved = (review.object_id for review in decided if review.state == "approved" and not review.subject)
        ids = {id_ for id_ in approved if not inbox.is_key(id_)}
        held = stored.held(tx, [peer.origin for peer in hub.peers], hub_identity.identity(tx), ids) if ids else []
        if not held:
            return
        subjects = {row.subject for row in held} - {""}
        value_index.lock(tx, subjects)
        stored.put(tx, [row._replace(state=COUNTS) for row in held], {row[:3]: row for row in held})
        session = ReleaseSession.open(hub, tx)
        relisting.restore(session.context, subjects)
        # Entries about a delisted value do not count.
        forget_delisted(tx, map(ReportedValue, subjects))
        session.release(session.load(subjects), "approved by a person")
