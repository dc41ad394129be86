"""The hook of dispatch: a delisting is followed up in the transaction that makes it."""

from collections.abc import Mapping, Sequence

from server.features.dispatch import records
from server.features.dispatch.corrections import correct
from server.features.dispatch.planning import READER
from server.release.context import ReleaseContext
from server.release.fuse.statements import ReportedValue
from server.release.gate.ways import Way
from server.release.publish.listings import ListingState


class Mails(Way):
    """Mails to registrars and hosting companies: withdraws the reports of listings that ended."""

    name = "mails"

    def listed(
        self, context: ReleaseContext, values: Sequence[ReportedValue], states: Mapping[str, ListingState]
    ) -> None:
        """Withdraw them before an erasure can remove what was reported."""
        if READER not in context.followers:
            return
        left = [value.subject for value in values if states[value.subject].left]
        for row in records.of_subjects(context.tx, left) if left else ():
            if row.listing not in states[row.subject].ids.values():
                correct(context.tx, row.listing, context.micros)
