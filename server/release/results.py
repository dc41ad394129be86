"""The results of a contribution, object by object."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Result(StrEnum):
    """The result of one object, in the words used everywhere."""

    PUBLISHED = "published"
    HELD = "held for review"
    KEPT = "kept, not published"
    REFUSED = "refused"


class Published(NamedTuple):
    """An object version that is stored, and published as far as its kind, its marking and its limits allow.

    ``message`` says which parts are stored but not published, if there are any.
    """

    id: str
    version: int | None
    message: str | None = None


class Unpublished(NamedTuple):
    """An object version that no reader sees, and why: in words, and by its rule or reason if there is one."""

    id: str
    version: int | None
    message: str
    reason: str = ""


@dataclass
class Results:
    """The results of a contribution: each object is in one of the lists, published, held, kept or failed (refused)."""

    accepted: list[Published] = field(default_factory=list)
    held: list[Unpublished] = field(default_factory=list)
    kept: list[Unpublished] = field(default_factory=list)
    failed: list[Unpublished] = field(default_factory=list)

    @property
    def pending(self) -> list[Unpublished]:
        """Return those that are in the inbox and that no reader sees."""
        return [*self.held, *self.kept]

    def unpublished(self) -> dict[str, tuple[Result, Unpublished]]:
        """Return, by id, the results of the objects that are not published."""
        found = {result.id: (Result.KEPT, result) for result in self.kept}
        found |= {result.id: (Result.HELD, result) for result in self.held}
        return found | {result.id: (Result.REFUSED, result) for result in self.failed}
