"""The hook of registries: the release notes each listed name and address that changed."""

from collections.abc import Mapping, Sequence

from server.features.registries import changes
from server.release.context import ReleaseContext
from server.release.fuse.statements import ReportedValue
from server.release.hooks import ListingListener
from server.release.publish.listings import ListingState

# Kinds of values that DNS and RDAP know.
KINDS = frozenset(("domain", "url", "ip"))


class ChangedListings(ListingListener):
    """Notes the values for the features that follow listings."""

    def listed(
        self, context: ReleaseContext, values: Sequence[ReportedValue], states: Mapping[str, ListingState]
    ) -> None:
        """Note the values of these kinds whose shared listing changed."""
        changed = [
            value.subject for value in values if value.kind in KINDS and _has_changed(context, states[value.subject])
        ]
        if changed and context.followers:
            changes.note(context.tx, context.followers, changed, context.micros)


def _has_changed(context: ReleaseContext, state: ListingState) -> bool:
    return state.updated or any(context.track(alias) == "" for alias in (*state.entered, *state.left))
