"""What became of each object that a partner contributed."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Accepted(NamedTuple):
    """An object version that is kept, and heard as far as its kind, its marking and its limits allow.

    ``message`` says what of it is kept and not published, where that is not all.
    """

    id: str
    version: int | None
    message: str | None = None


class Refused(NamedTuple):
    """An object version that reaches nobody (pending: kept all the same; failed: not kept), and why."""

    id: str
    version: int | None
    message: str


@dataclass
class Outcome:
    """What became of each object: every one is in one of the lists."""

    accepted: list[Accepted] = field(default_factory=list)
    pending: list[Refused] = field(default_factory=list)
    failed: list[Refused] = field(default_factory=list)
