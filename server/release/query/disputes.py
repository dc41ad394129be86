"""The cases of disputes: the value, its reporters, the doubts in the doubters' words, and the collections concerned."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from schemas.partner import PartnerKind
from schemas.report import Report
from server.release.fuse.statements import JudgeStanding, OpinionStatement, ReportedValue
from server.release.hub import Hub
from server.release.session import ReleaseSession
from server.store.database.engine import Tx
from server.store.reviews import Review

_STANDING = {
    JudgeStanding.DECIDES: "decides",
    JudgeStanding.WITH: "yes",
    JudgeStanding.WITHOUT: "no",
    JudgeStanding.SETTLED: "after it was upheld",
}


class DisputeDoubt(NamedTuple):
    """One partner's doubt of the value: its outcome or opinion, the reason, and the partner's own words."""

    partner: str
    kind: PartnerKind
    standing: str
    says: str
    reason: str | None
    words: str | None


class DisputeCase(NamedTuple):
    """The case of a disputed value: the kinds of its reporters, the doubts, and the collections that list it."""

    kind: str
    value: str
    reporter_kinds: list[PartnerKind]
    doubts: list[DisputeDoubt]
    collections: list[str]
    report: Report | None = None


def dispute_cases(hub: Hub, tx: Tx, found: Iterable[Review]) -> dict[str, DisputeCase]:
    """Return the cases of the disputes among these reviews, by subject, in the hub's present state."""
    subjects = {review.subject for review in found if review.subject}
    if not subjects:
        return {}
    session = ReleaseSession.open(hub, tx)
    values = session.load(subjects)
    session.publication.load({id_ for value in values for id_ in value.listings})
    return {value.subject: _case(session, value) for value in values}


def _case(session: ReleaseSession, value: ReportedValue) -> DisputeCase:
    kind, _, name = value.subject.partition(":")
    # If the listing was revoked, the collections that had it.
    collections = {alias for id_ in value.listings for alias in session.publication.collections_with(id_)}
    return DisputeCase(
        kind,
        value.statements[0].report.value if value.statements else name,
        sorted({statement.partner.kind for statement in value.statements}),
        sorted(_doubt(session, opinion) for opinion in value.doubts),
        sorted(collections),
        value.statements[0].report if value.statements else None,
    )


def _doubt(session: ReleaseSession, opinion: OpinionStatement) -> DisputeDoubt:
    # Other hubs pass on no words.
    obj: dict[str, Any] = {} if opinion.hub else session.loader.known[opinion.key]
    return DisputeDoubt(
        opinion.said_by,
        opinion.partner.kind,
        _STANDING[opinion.standing],
        str(opinion.outcome or opinion.opinion),
        opinion.reason,
        obj.get("explanation"),
    )
