"""What a person needs to decide a dispute: the value, who reports it, who doubts it and in which words, and where."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from schemas.partner import PartnerKind
from server.release.fuse.statements import JudgeStanding, ReportedValue, Verdict
from server.release.reconsider import Again
from server.store.engine import Tx
from server.store.reviews import Review

_STANDING = {
    JudgeStanding.DECIDES: "decides",
    JudgeStanding.WITH: "yes",
    JudgeStanding.WITHOUT: "no",
    JudgeStanding.SETTLED: "after it was upheld",
}


class DisputeDoubt(NamedTuple):
    """What one partner says against the value: as what, why, and in its own words."""

    partner: str
    kind: PartnerKind
    standing: str
    says: str
    reason: str | None
    words: str | None


class DisputeCase(NamedTuple):
    """A dispute of a value: the kinds of all who report it, who doubts it, and the collections that it is about."""

    kind: str
    value: str
    reporter_kinds: list[PartnerKind]
    doubts: list[DisputeDoubt]
    collections: list[str]


def dispute_cases(tx: Tx, found: Iterable[Review]) -> dict[str, DisputeCase]:
    """Give by the values' names what the disputes among these reviews are about, as the hub is now."""
    subjects = {review.subject for review in found if review.subject}
    if not subjects:
        return {}
    again = Again(tx, waits=False)
    values = again.values(subjects)
    again.publication.load({id_ for value in values for id_ in value.listings})
    return {value.subject: _case(again, value) for value in values}


def _case(again: Again, value: ReportedValue) -> DisputeCase:
    kind, _, name = value.subject.partition(":")
    # Where the listing was taken back, the collections that had it.
    rooms = {room for id_ in value.listings for room in again.publication.stood(id_)}
    return DisputeCase(
        kind,
        value.claims[0].said.report.value if value.claims else name,
        sorted({claim.said.partner.kind for claim in value.claims}),
        sorted(_doubted(again, verdict) for verdict in value.doubts),
        sorted(rooms),
    )


def _doubted(again: Again, verdict: Verdict) -> DisputeDoubt:
    judged = verdict.judged
    said: dict[str, Any] = again.loading.known[verdict.id]
    return DisputeDoubt(
        judged.partner.name,
        judged.partner.kind,
        _STANDING[judged.standing],
        str(judged.outcome or judged.opinion),
        judged.reason,
        said.get("explanation"),
    )
