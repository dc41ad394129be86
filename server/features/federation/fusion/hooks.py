"""The hooks of federation: the statements of other hubs' partners in the fusion."""

from collections.abc import Mapping, Set

from server.features.federation.fusion import source
from server.release.context import ReleaseContext
from server.release.fuse.statements import HubStatements
from server.release.hooks import StatementSource


class HubReports(StatementSource):
    """The reporter entries and protections of stored hub reports."""

    def of(self, context: ReleaseContext, subjects: Set[str]) -> Mapping[str, HubStatements]:
        """Return the statements of other hubs' partners about these values."""
        return source.statements(context, subjects)
