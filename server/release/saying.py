"""Saying what partners' words come to: in each room, of each value, and to those whose words they are."""

from collections.abc import Callable, Iterable, Mapping, Set

from server.release.disputes import Disputes
from server.release.hearing_back import HearingBack
from server.release.publication import Publication
from server.release.renewal import Renewal, Standing
from server.release.scene import Scene
from server.release.values import Value

# Lets go what speaks of values, by the ids that name them, once it is known how they stand.
Speak = Callable[[Mapping[str, Standing]], None]


class Saying:
    """Says it once a transaction, in the one order in which each part knows what the one before did."""

    def __init__(self, scene: Scene) -> None:
        """Say it in the hub's name, at the moment of ``scene``."""
        self._scene = scene
        self.publication = Publication(scene)
        self.back = HearingBack(scene)

    def say(self, values: Iterable[Value], new: Set[str], reason: str, speak: Speak) -> dict[str, Standing]:
        """Bring what the hub says of ``values`` up to what partners say; gives by subject how each stands.

        ``new`` are objects that are heard from now on. ``reason`` stands on the receipts of what is taken back.
        """
        values = list(values)
        self.publication.load({id_ for value in values for id_ in value.listings})
        Disputes(self._scene, self.publication).heed(values, new)
        standings = Renewal(self._scene, self.publication).renew(values)
        speak({id_: standings[value.subject] for value in values for id_ in value.ids})
        for value in values:
            self.back.of_value(value, standings[value.subject], new)
        self.back.flush(self.publication)
        self.publication.flush(reason)
        return standings
