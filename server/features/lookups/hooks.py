"""The way out of this feature."""

from typing import ClassVar

from server.release.gate.ways import ReadFromLog


class AnsweredLookups(ReadFromLog):
    """Look-ups by partners and by everybody."""

    name: ClassVar[str] = "look-ups"
