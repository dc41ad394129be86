"""The ways by which values leave the hub. A feature declares its ways in its ``hooks.py``."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import ClassVar

from server.release.context import ReleaseContext
from server.release.fuse.statements import ReportedValue
from server.release.hooks import ListingListener, every
from server.release.publish.listings import ListingState


class Way(ListingListener):
    """A way out of the hub. ``listed`` is called in the transaction that ends a listing, to correct what was sent."""

    # Its name in the documentation and the tests.
    name: ClassVar[str]


class ReadFromLog(Way):
    """A way whose readers get the current version in the log, or the next one: there is nothing to correct."""

    def listed(
        self, context: ReleaseContext, values: Sequence[ReportedValue], states: Mapping[str, ListingState]
    ) -> None:
        """Do nothing: the end of a listing is its next version in the log."""


def every_way() -> dict[str, Way]:
    """Return all ways by name."""
    return {way.name: way for way in every(Way)}


class GateEvent(StrEnum):
    """The events after which a value no longer leaves the hub. docs/gate.md describes their effects on each way."""

    HARMLESS = "harmless"
    RETRACTED = "retracted"
    FOUND_WRONG = "found-wrong"
    CLEARED = "cleared"
    ERASED = "erased"
    LEFT = "left"
