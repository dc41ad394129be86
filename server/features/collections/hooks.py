"""The way out of this feature."""

from typing import ClassVar

from server.release.gate.ways import ReadFromLog


class CollectionReads(ReadFromLog):
    """TAXII collections, active sets, streams and exports."""

    name: ClassVar[str] = "collections"
