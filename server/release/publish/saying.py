"""Saying what partners' words come to: in each room, of each value, and to those whose words they are."""

import logging
from collections.abc import Callable, Iterable, Mapping, Set

from server.release.context import ReleaseContext
from server.release.fuse.disputes import Disputes
from server.release.fuse.statements import ReportedValue
from server.release.publish.collections import Publication
from server.release.publish.feedback import FeedbackNotes
from server.release.publish.listings import ListingState, ListingUpdater
from server.store import hub_identity

logger = logging.getLogger(__name__)

# Lets go what speaks of values, by the ids that name them, once it is known how they stand.
Speak = Callable[[Mapping[str, ListingState]], None]


class Saying:
    """Says it once a transaction, in the one order in which each part knows what the one before did."""

    def __init__(self, scene: ReleaseContext) -> None:
        """Say it in the hub's name, at the moment of ``scene``."""
        self._scene = scene
        self.publication = Publication(scene)
        self.back = FeedbackNotes(scene)

    def say(self, values: Iterable[ReportedValue], new: Set[str], reason: str, speak: Speak) -> dict[str, ListingState]:
        """Bring what the hub says of ``values`` up to what partners say; gives by subject how each stands.

        ``new`` are objects that are heard from now on. ``reason`` stands on the receipts of what is taken back.
        """
        values = list(values)
        self.publication.load({id_ for value in values for id_ in value.listings})
        disputes = Disputes(self._scene, self.publication)
        disputes.heed(values, new)
        renewal = ListingUpdater(self._scene, self.publication)
        standings = renewal.renew(values)
        self._warn(len(renewal.unprotected))
        disputes.call_for_review(values, standings, new)
        speak({id_: standings[value.subject] for value in values for id_ in value.ids})
        for value in values:
            self.back.of_value(value, standings[value.subject], new)
        self.back.flush(self.publication)
        self.publication.flush(reason)
        return standings

    def _warn(self, unprotected: int) -> None:
        """Let the operator know of coerced holders for whose protection there is nobody to turn to."""
        if unprotected:
            hub_identity.note_warning(self._scene.tx, hub_identity.NO_FOCAL_POINT, unprotected)
            logger.warning(
                "no focal point for protection listings=%d do=scamfeed partner focal-point --function protection",
                unprotected,
            )
