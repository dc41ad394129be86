"""The effects of provider listings and of findings: clocks, reviews, feedback to reporters."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set

from schemas.records import Feedback, FeedbackEvent, FeedbackReason
from server.release import hooks
from server.release.context import ReleaseContext
from server.release.fuse.statements import (
    CONTRADICTED,
    WITHHELD,
    ProviderFinding,
    ReportedValue,
    Statement,
    contradicted_id,
    withheld_id,
)
from server.release.hooks import FindingListener
from server.release.publish.feedback import FeedbackNotes
from server.release.publish.listings import KeptListing, ListingState
from server.store import reviews
from server.store.database.engine import Tx
from server.store.providers import kept_accounts
from server.store.reviews import HeldObject

_WITHHELD = (
    "its contributor asks to keep it from the account's provider: approve to let the provider see it, or "
    "reject to keep it hidden"
)
_CONTRADICTED = (
    "a partner with authority reports an account that its provider cleared: this needs dual control; until "
    "then the provider's finding is in force"
)


class ProviderFindings:
    """Follows up on the provider listings that an update changed, and on the findings that came with it."""

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
        """Start and stop clocks, open reviews, and tell the reporters of each ``new`` finding."""
        entered: dict[str, list[str]] = defaultdict(list)
        left: dict[str, list[str]] = defaultdict(list)
        for value in values:
            for kept in states[value.subject].kept:
                if kept.state.entered:
                    entered[kept.provider].append(value.subject)
                elif kept.state.left:
                    left[kept.provider].append(value.subject)
                self._review_withheld(kept)
            if value.answer is not None:
                self._follow_answer(value, value.answer, states[value.subject], new, feedback)
        tx, moment = self._context.tx, self._context.micros
        _note(tx, kept_accounts.enter, entered, moment)
        _note(tx, kept_accounts.leave, left, moment)
        for value in values:
            if value.answer is not None and value.answer.key in new:
                name, code = value.answer.partner.name, value.answer.code
                for listener in hooks.every(FindingListener):
                    listener.found(self._context, value, value.answer, states[value.subject])
                kept_accounts.answer(tx, name, [value.subject], code, moment, value.answer.reference)

    def _follow_answer(
        self,
        value: ReportedValue,
        answer: ProviderFinding,
        state: ListingState,
        new: Set[str],
        feedback: FeedbackNotes,
    ) -> None:
        if answer.key in new:
            told = Feedback(
                FeedbackEvent.QUALIFIED, answer.partner.kind, code=answer.code, reason=FeedbackReason.PROVIDER
            )
            for report in (*value.own, *value.ended):
                if report.partner.counts_as != answer.partner.counts_as:
                    feedback.add_report(report, told)
        if not answer.effect.clears:
            return
        against = [report for report in value.own if _outranks(report, answer)]
        if answer.key not in new:
            against = [report for report in against if report.key in new]
        elif not (against and kept_accounts.overruled(self._context.tx, value.subject)):
            # A decision under dual control is changed only under dual control.
            return
        self._review_contradicted(value, against, state)

    def _review_contradicted(self, value: ReportedValue, by: Sequence[Statement], state: ListingState) -> None:
        if by and state.ids:
            listing = state.shared or min(state.ids.values())
            held = HeldObject(contradicted_id(listing), None, CONTRADICTED, _CONTRADICTED)
            reviews.dispute(self._context.tx, value.subject, by[0].partner.name, held, {CONTRADICTED})

    def _review_withheld(self, kept: KeptListing) -> None:
        """Ask the operator once about each report that its contributor wants to keep from the provider."""
        asked = {withheld_id(report.key): report for report in kept.withheld}
        known = reviews.states(self._context.tx, asked) if asked else {}
        for id_, report in asked.items():
            if id_ not in known:
                held = HeldObject(id_, None, WITHHELD, _WITHHELD)
                reviews.hold(self._context.tx, report.partner.name, [held])


def _outranks(report: Statement, answer: ProviderFinding) -> bool:
    """Return whether a report is by another partner, with authority for the kind."""
    return report.partner.counts_as != answer.partner.counts_as and report.report.kind in report.partner.authority


def _note(
    tx: Tx, note: Callable[[Tx, str, Iterable[str], int], None], values: Mapping[str, list[str]], moment: int
) -> None:
    for partner, subjects in sorted(values.items()):
        note(tx, partner, subjects, moment)
