"""Reviews similar to another one: of the same value, the same case or evidence, the same partner and rule."""

from typing import NamedTuple

from server.release import review as reviewing
from server.release.hub import Hub
from server.release.review import ReviewSummary
from server.store import reviews, value_index
from server.store.database.engine import Tx
from server.store.reviews import Review

# Maximum number of the partner's open reviews that are checked, and of reviews of each sort that are shown.
_LOOKED_AT = 100
_SHOWN = 10


class Similar(NamedTuple):
    """Reviews similar to one: about the same value, of the same case, and held by the same rule.

    ``is_more``: the same partner has more open reviews than were checked.
    """

    same_value: list[ReviewSummary]
    same_case: list[ReviewSummary]
    same_rule: list[ReviewSummary]
    is_more: bool


def similar(hub: Hub, tx: Tx, to: ReviewSummary) -> Similar:
    """Return the reviews similar to one; reads a limited number of others."""
    mine = to.review
    of_value = _of_value(tx, to)
    of_partner = reviews.all_reviews(tx, "open", mine.partner, None, _LOOKED_AT + 1)
    others = [review for review in of_partner[:_LOOKED_AT] if review.object_id != mine.object_id]
    summaries = reviewing.summaries(hub, tx, [*of_value, *others])
    value_ids = {review.object_id for review in of_value}
    about = [summary for summary in summaries if summary.review.object_id in value_ids]
    rest = [summary for summary in summaries if summary.review.object_id not in value_ids]
    case = [summary for summary in rest if _is_of_case(summary, to)]
    case_ids = {summary.review.object_id for summary in case}
    unlike = [summary for summary in rest if summary.review.object_id not in case_ids]
    rule = [summary for summary in unlike if summary.review.rule == mine.rule]
    return Similar(about[:_SHOWN], case[:_SHOWN], rule[:_SHOWN], len(of_partner) > _LOOKED_AT)


def _of_value(tx: Tx, to: ReviewSummary) -> list[Review]:
    """Return the other reviews of a value, of its reports and of its listings."""
    if to.value is None:
        return []
    subject = value_index.subject_of(to.kind, to.value)
    keys = sorted(value_index.find(tx, [subject]).get(subject, ()))[:_LOOKED_AT]
    by_id, by_subject = reviews.find(tx, keys, [subject])
    found = [*by_id.values(), *(review for of_one in by_subject.values() for review in of_one)]
    return [review for review in found if review.object_id != to.review.object_id]


def _is_of_case(summary: ReviewSummary, to: ReviewSummary) -> bool:
    """Return whether two reports share a case number of the reporter, or evidence by its hash."""
    if summary.report is None or to.report is None:
        return False
    mine, theirs = to.report, summary.report
    hashes = {evidence.sha256 for evidence in mine.evidence} & {evidence.sha256 for evidence in theirs.evidence}
    return bool(hashes) or (mine.reference is not None and mine.reference == theirs.reference)
