"""The tags of the served version of a set, in memory, updated from version to version."""

from schemas.api.matching import SortedTags
from server.store import Tx
from server.store.matching import match_sets
from server.store.matching.match_sets import MatchSet

# After more changes, all tags are read again.
_MOST_CHANGES = 5_000


class TagList:
    """The tags of a set in the version last read."""

    def __init__(self) -> None:
        """Start without tags."""
        self.tags = SortedTags()
        self._of: tuple[int, int, bytes] | None = None
        self._version = 0

    def read(self, tx: Tx, found: MatchSet) -> SortedTags:
        """Return the tags of the served version, updated by the changes since the last one if these are known."""
        of = found.collection, found.epoch, found.public
        if of != self._of or self._version != found.version:
            if of != self._of or not self._follow(tx, found):
                self.tags = SortedTags(match_sets.tags(tx, found))
            self._of, self._version = of, found.version
        return self.tags

    def _follow(self, tx: Tx, found: MatchSet) -> bool:
        if not max(1, found.kept_from) <= self._version < found.version:
            return False
        came, went = match_sets.changes(tx, found, self._version)
        if len(came) + len(went) > _MOST_CHANGES:
            return False
        for name in went:
            self.tags.discard(name)
        for name in came:
            self.tags.add(name)
        return True
