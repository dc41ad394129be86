"""The way out of this feature."""

from typing import ClassVar

from server.release.gate.ways import ReadFromLog


class HashPrefixes(ReadFromLog):
    """Hash prefixes for browsers and mail gateways."""

    name: ClassVar[str] = "hash-prefixes"
