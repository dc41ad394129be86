"""The way out of this feature."""

from typing import ClassVar

from server.release.gate.ways import ReadFromLog


class MatchedValues(ReadFromLog):
    """Private matching."""

    name: ClassVar[str] = "private-matching"
