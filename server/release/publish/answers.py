"""The effects of listings of what partners keep, and of their answers: clocks, reviews, feedback to reporters."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set

from schemas.feedback import Feedback, FeedbackEvent, FeedbackReason
from schemas.qualification import SAYS_WRONG
from server.release.context import ReleaseContext
from server.release.fuse.statements import (
    CONTRADICTED,
    WITHHELD,
    KeeperAnswer,
    ReportedValue,
    Statement,
    contradicted_id,
    withheld_id,
)
from server.release.publish.feedback import FeedbackNotes
from server.release.publish.listings import KeptListing, ListingState
from server.store import reviews
from server.store.database.engine import Tx
from server.store.keepers import kept_accounts
from server.store.reviews import HeldObject
from server.store.trends import answers as fair_answers
from server.store.trends.answers import FairAnswer

_WITHHELD = (
    "its contributor names the institution that keeps the account not to be told: decide whether it hears of it, by "
    "approving, or does not, by rejecting"
)
_CONTRADICTED = (
    "a partner with authority reports what the institution that keeps the account cleared: two persons decide; "
    "until then the keeper's word holds"
)


class KeeperAnswers:
    """Follows up on the listings for keepers that an update changed, and on the answers that came with it."""

    def __init__(self, context: ReleaseContext) -> None:
        """Follow up in the transaction of ``context``."""
        self._context = context

    def follow(
        self,
        values: Iterable[ReportedValue],
        states: Mapping[str, ListingState],
        new: Set[str],
        feedback: FeedbackNotes,
    ) -> None:
        """Start and stop clocks, open reviews, and tell the reporters of each ``new`` answer."""
        entered: dict[str, list[str]] = defaultdict(list)
        left: dict[str, list[str]] = defaultdict(list)
        for value in values:
            for kept in states[value.subject].kept:
                if kept.state.entered:
                    entered[kept.keeper].append(value.subject)
                elif kept.state.left:
                    left[kept.keeper].append(value.subject)
                self._review_withheld(kept)
            if value.answer is not None:
                self._follow_answer(value, value.answer, states[value.subject], new, feedback)
        tx, moment = self._context.tx, self._context.micros
        _note(tx, kept_accounts.enter, entered, moment)
        _note(tx, kept_accounts.leave, left, moment)
        for value in values:
            if value.answer is not None and value.answer.key in new:
                name, code = value.answer.partner.name, value.answer.code
                self._note_for_figures(value, value.answer, states[value.subject])
                kept_accounts.answer(tx, name, [value.subject], code, moment)

    def _note_for_figures(self, value: ReportedValue, answer: KeeperAnswer, state: ListingState) -> None:
        """Let an answer become a figure; nobody but the operator sees one about what is not listed for all alike."""
        context = self._context
        for before in kept_accounts.find(context.tx, answer.partner.name, every=True, values=[value.subject]):
            left = (alias for alias in state.left if context.track(alias) == "")
            open_reports = (report for report in (*value.statements, *value.ended) if report.audience.shared)
            noted = FairAnswer(
                fair_answers.LISTING,
                value.subject.partition(":")[0],
                answer.code,
                before.since,
                None,
                context.micros,
                answer.partner.counts_as,
                "\n".join(sorted({report.partner.counts_as for report in open_reports})),
                is_open=bool(state.shared or any(left)) and not value.coerced,
                is_first=before.answered is None,
                is_wrong=answer.code in SAYS_WRONG and before.code not in SAYS_WRONG,
            )
            fair_answers.add(context.tx, [noted])

    def _follow_answer(
        self,
        value: ReportedValue,
        answer: KeeperAnswer,
        state: ListingState,
        new: Set[str],
        feedback: FeedbackNotes,
    ) -> None:
        if answer.key in new:
            told = Feedback(
                FeedbackEvent.QUALIFIED, answer.partner.kind, code=answer.code, reason=FeedbackReason.KEEPER
            )
            for report in (*value.statements, *value.ended):
                if report.partner.counts_as != answer.partner.counts_as:
                    feedback.add_report(report, told)
        if not answer.effect.clears:
            return
        against = [report for report in value.statements if _outranks(report, answer)]
        if answer.key not in new:
            against = [report for report in against if report.key in new]
        elif not (against and kept_accounts.overruled(self._context.tx, value.subject)):
            # What two persons decided before, nobody undoes without that two persons decide again.
            return
        self._review_contradicted(value, against, state)

    def _review_contradicted(self, value: ReportedValue, by: Sequence[Statement], state: ListingState) -> None:
        if by and state.ids:
            listing = state.shared or min(state.ids.values())
            held = HeldObject(contradicted_id(listing), None, CONTRADICTED, _CONTRADICTED)
            reviews.dispute(self._context.tx, value.subject, by[0].partner.name, held, {CONTRADICTED})

    def _review_withheld(self, kept: KeptListing) -> None:
        """Ask the operator once about each report that a keeper may not hear of."""
        asked = {withheld_id(report.key): report for report in kept.withheld}
        known = reviews.states(self._context.tx, asked) if asked else {}
        for id_, report in asked.items():
            if id_ not in known:
                held = HeldObject(id_, None, WITHHELD, _WITHHELD)
                reviews.hold(self._context.tx, report.partner.name, [held])


def _outranks(report: Statement, answer: KeeperAnswer) -> bool:
    """Return whether a report is by another partner, with authority for the kind."""
    return report.partner.counts_as != answer.partner.counts_as and report.report.kind in report.partner.authority


def _note(
    tx: Tx, note: Callable[[Tx, str, Iterable[str], int], None], values: Mapping[str, list[str]], moment: int
) -> None:
    for partner, subjects in sorted(values.items()):
        note(tx, partner, subjects, moment)
