"""The lists of today's work: each desk with its open and overdue items, the most urgent first."""

from typing import NamedTuple

from server.web.shell.words import Translatable

_NEVER = 1 << 62


class Task(NamedTuple):
    """A desk, or a list on the page: how many items wait there, and how many are overdue.

    ``due`` is the next deadline, ``oldest`` when the oldest item arrived (microseconds), None where there is none.
    ``more``: there are more items than ``number``.
    """

    path: str
    title: Translatable
    number: int
    late: int = 0
    due: int | None = None
    oldest: int | None = None
    more: bool = False

    @property
    def urgency(self) -> tuple[bool, int, int]:
        """The order on the page: overdue items, then the next deadlines, then the longest waits."""
        return not self.late, self.due or _NEVER, self.oldest or _NEVER
