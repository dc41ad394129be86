"""The ways on which values leave the hub. A feature declares its ways in its ``hooks.py``."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import ClassVar

from server.release.context import ReleaseContext
from server.release.fuse.statements import ReportedValue
from server.release.hooks import ListingListener, every
from server.release.publish.listings import ListingState


class Way(ListingListener):
    """A way out of the hub. It corrects what it sent once a listing ends; ``listed`` tells it, in that transaction."""

    # What the documentation and the tests call it.
    name: ClassVar[str]


class ReadFromLog(Way):
    """A way whose readers get what the log has when they ask, or the log's next version: it has nothing to correct."""

    def listed(
        self, context: ReleaseContext, values: Sequence[ReportedValue], states: Mapping[str, ListingState]
    ) -> None:
        """Do nothing: the end of a listing is its next version in the log."""


def every_way() -> dict[str, Way]:
    """Return all ways by name."""
    return {way.name: way for way in every(Way)}


class GateEvent(StrEnum):
    """The events after which a value leaves the hub on no way: docs/gate.md says what each does on each way."""

    HARMLESS = "harmless"
    RETRACTED = "retracted"
    FOUND_WRONG = "found-wrong"
    CLEARED = "cleared"
    ERASED = "erased"
    LEFT = "left"
