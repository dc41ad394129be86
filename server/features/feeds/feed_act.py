"""The part that the acts on one feed share."""

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from server.operations.operation import ExternalAct, TrailEntry
from server.operations.rights import COMMANDS


class FeedAct(ExternalAct):
    """An act on one feed: its connector runs after the entry, in transactions of its own."""

    rights: ClassVar[frozenset[str]] = COMMANDS
    what: ClassVar[str] = "feed"

    feed: str = Field(description="the name of the feed in the configuration")

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return the entry with the name of the feed."""
        return [TrailEntry(self.verb, self.what, reference=self.feed)]
