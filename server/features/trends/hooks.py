"""The hooks of trends: a finding becomes a figure."""

from schemas.vocabulary import SAYS_WRONG
from server.features.trends import answers as fair_answers
from server.features.trends.answers import FairAnswer
from server.release.context import ReleaseContext
from server.release.fuse.statements import ProviderFinding, ReportedValue
from server.release.hooks import FindingListener
from server.release.publish.listings import ListingState
from server.store.providers import kept_accounts


class FindingFigures(FindingListener):
    """Lets a finding become a figure; only the operator sees one about a value without a shared listing."""

    def found(
        self, context: ReleaseContext, value: ReportedValue, finding: ProviderFinding, state: ListingState
    ) -> None:
        """Note the finding for each time that the account became the provider's to look at."""
        for before in kept_accounts.find(context.tx, finding.partner.name, every=True, values=[value.subject]):
            left = (alias for alias in state.left if context.track(alias) == "")
            open_reports = (
                report for report in (*value.own, *value.ended) if report.audience.shared and not report.hub
            )
            noted = FairAnswer(
                fair_answers.LISTING,
                value.subject.partition(":")[0],
                finding.code,
                before.since,
                None,
                context.micros,
                finding.partner.counts_as,
                "\n".join(sorted({report.partner.counts_as for report in open_reports})),
                is_open=bool(state.shared or any(left)) and not value.coerced,
                is_first=before.answered is None,
                is_wrong=finding.code in SAYS_WRONG and before.code not in SAYS_WRONG,
            )
            fair_answers.add(context.tx, [noted])
