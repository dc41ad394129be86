"""The names of the keys that this process derives from its seed, and the generation of the seed.

A new seed has the next generation, and its keys have other names. A partner with a key of the earlier seed notices the
new name, reads the set again, and asks about its values again.
"""

from collections.abc import Callable

from schemas.api.matching import SEED_INFO, key_id, key_info
from server.features.matching.evaluation import Evaluation
from server.store import Store, Tx
from server.store.collections import Collection
from server.store.matching import match_seeds
from server.store.matching.match_sets import MatchSet


class MatchKeys:
    """The names of the keys of one seed."""

    def __init__(self, evaluation: Evaluation) -> None:
        """Use the seed of ``evaluation``."""
        self._evaluation = evaluation
        # By the public key that names the seed; a registered generation never changes.
        self._generations: dict[bytes, int] = {}

    def id_of(self, tx: Tx, collection: Collection, found: MatchSet) -> str | None:
        """Return the name of the key of a set; None if the key was derived from another seed.

        Raises ``EvaluationBusy``.
        """
        if self._evaluation.public_key(key_info(collection.id, found.epoch)) != found.public:
            return None
        generation = self._generation(tx)
        return None if generation is None else key_id(found.epoch, generation)

    def register(self, store: Store, was_replaced: Callable[[], bool]) -> bool:
        """Register a new seed; return whether it is the newest, by which sets are made.

        For the first registered seed, ``was_replaced`` returns whether sets were made with an earlier one. Raises
        ``EvaluationBusy``.
        """
        with store.read() as tx:
            generation, newest = self._generation(tx), match_seeds.newest(tx)
        if generation is None:
            before = newest if newest is not None else match_seeds.FIRST - 1 + was_replaced()
            with store.begin() as tx:
                generation = match_seeds.register(tx, self._evaluation.public_key(SEED_INFO), after=before)
            return generation is not None
        return generation == newest

    def _generation(self, tx: Tx) -> int | None:
        seed = self._evaluation.public_key(SEED_INFO)
        if seed not in self._generations and (found := match_seeds.generation_of(tx, seed)) is not None:
            self._generations[seed] = found
        return self._generations.get(seed)
