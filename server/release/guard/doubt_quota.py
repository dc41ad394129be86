"""How much one organisation may say against others' reports in a day before a person looks at the rest."""

from schemas.partner import Partner
from schemas.report import Report
from schemas.vocabulary import HolderStatus
from server.release.fuse import grade
from server.release.fuse.statements import OpinionStatement, read_annotation
from server.release.route import annotation_targets
from server.release.submission import Submission
from server.store import volumes
from server.store.registry import Registry
from server.store.store import Tx

# References a day by which an organisation says something against others' reports, those of who has authority for
# some kind or is trusted, and those of anybody else.
DOUBTS_WITH_AUTHORITY = 1_000
DOUBTS_OF_OTHERS = 100
MANY_DOUBTS = "many-doubts"
MANY_DOUBTS_MESSAGE = (
    "held for review: you say something against more than {} reports of others in one day; the hub's operator looks at "
    "the rest"
)


class DoubtQuota:
    """What of a day's doubts a partner, and all others of its organisation, have left."""

    def __init__(self, tx: Tx, partner: Partner, registry: Registry, moment: int) -> None:
        """Count what the organisation of ``partner`` has said in the day of ``moment`` (microseconds)."""
        self._partner = partner
        self.most = DOUBTS_WITH_AUTHORITY if partner.authority or partner.trusted else DOUBTS_OF_OTHERS
        names = [each.name for each in registry.by_identity.values() if each.counts_as == partner.counts_as]
        self._left = self.most - volumes.doubts(tx, {*names, partner.name}, volumes.day_of(moment))
        self.spent = 0

    def take(self, taken: Submission, subjects: set[str]) -> bool:
        """Take what an object says against others off; False where that is more than what is left.

        What a bank says of the accounts that it keeps costs nothing. ``subjects`` are the values the object is about.
        """
        doubts = self._doubts(taken, subjects)
        if doubts > self._left:
            return False
        self._left -= doubts
        self.spent += doubts
        return True

    def _doubts(self, taken: Submission, subjects: set[str]) -> int:
        if isinstance(taken.report, Report):
            coerced = taken.report.holder_status is HolderStatus.COERCED
            return int(coerced and not grade.has_authority(self._partner, taken.report))
        said = read_annotation(taken.obj, self._partner) if taken.item.type == "opinion" else None
        if not isinstance(said, OpinionStatement) or said.doubt is None:
            return 0
        kept = sum(grade.keeps_account(self._partner, *subject.split(":", 1)) for subject in subjects)
        return max(len(annotation_targets.refs(taken.obj)) - kept, 0)
