"""Notes different findings of several hubs on one value, which both operators see."""

from collections.abc import Mapping, Sequence

from server.features.federation.desk import conflicts
from server.release.context import ReleaseContext
from server.release.fuse.hubs import has_holder
from server.release.fuse.statements import ReportedValue
from server.release.hooks import ReleaseListener
from server.release.publish.listings import ListingState


class FindingConflicts(ReleaseListener):
    """Stores the conflicts of findings on the released values, and ends those that are resolved."""

    def released(
        self, context: ReleaseContext, values: Sequence[ReportedValue], states: Mapping[str, ListingState]
    ) -> None:
        """Note the findings on values that a provider holds."""
        findings = {
            value.subject: {found.hub: found.code.value for found in value.findings}
            for value in values
            if has_holder(value.kind)
        }
        if findings:
            conflicts.note(context.tx, findings)
