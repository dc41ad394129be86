"""The way out of this feature."""

from typing import ClassVar

from server.release.gate.ways import ReadFromLog


class Pushes(ReadFromLog):
    """Pushes of connectors: each run delivers the versions that the log has since the last one."""

    name: ClassVar[str] = "pushes"
