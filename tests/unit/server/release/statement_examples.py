"""Statements about one value for tests: reports, sightings and opinions, explicit or drawn by Hypothesis."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from schemas import kinds
from schemas.partner import Partner, PartnerKind
from schemas.report import Report
from schemas.vocabulary import Action, HolderStatus, OpinionWord, OutcomeReason, OutcomeWord
from server.release.fuse.statements import OpinionStatement, SightingStatement, Statement

NOON = datetime(2026, 5, 24, 12, tzinfo=UTC)
VALUES = {
    "domain": "bad.example.com",
    "url": "https://bad.example.com/pay",
    "bank-account": "GB33BUKB20201555555555",
    "payment-alias": "promptpay:+66812345678",
    "phone": "+66812345678",
    "social-account": "facebook:example.page",
    "wallet": "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
}
HELD = ("bank-account", "payment-alias", "phone", "social-account")
_ACCOUNTS = {name for name, kind in kinds.every().items() if kind.account}


def partner(number: int, **properties: Any) -> Partner:
    """Return partner ``number``: by default a bank without authority."""
    identity = f"identity--00000000-0000-4000-8000-{number:012d}"
    return Partner(**{"name": f"Partner {number}", "kind": PartnerKind.BANK, "identity": identity, **properties})


def report(number: int = 1, kind: str = "domain", *, by: Partner | None = None, **columns: Any) -> Statement:
    """Return a report of the kind's value by partner ``number``."""
    extra = {name: columns.pop(name) for name in ("reliability", "origins", "key") if name in columns}
    columns = {"reported_at": NOON, **columns}
    report = Report.model_validate({"kind": kind, "value": VALUES[kind], "reporter": f"Partner {number}", **columns})
    return Statement(by or partner(number), report, **{"key": f"indicator--{number}", **extra})


def sighting(number: int, at: datetime, count: int = 1) -> SightingStatement:
    """Return a sighting by partner ``number``."""
    return SightingStatement(partner(number), at, at, count)


def opinion(number: int, word: OutcomeWord | OpinionWord, at: datetime = NOON, **more: Any) -> OpinionStatement:
    """Return an outcome or opinion of partner ``number``."""
    by = more.pop("by", None) or partner(number)
    outcome, opinion = (word, None) if isinstance(word, OutcomeWord) else (None, word)
    return OpinionStatement(by, outcome, opinion, at, **more)


moments = st.integers(0, 200).map(lambda days: NOON - timedelta(days=days))
reliabilities = st.floats(0, 1) | st.sampled_from([0.0, 0.8, 1.0])


@st.composite
def statements(draw: st.DrawFn, kind: str, numbers: st.SearchStrategy[int]) -> Statement:
    """Draw a report of the kind's value by a partner, its own or one forwarded from others."""
    number = draw(numbers)
    at = draw(moments)
    status = draw(st.none() | st.sampled_from(HolderStatus)) if kind in _ACCOUNTS else None
    actions = [action for action in Action if not (status is HolderStatus.COERCED and action is Action.BLOCK)]
    columns = {
        "reported_at": at,
        "confidence": draw(st.none() | st.integers(0, 100)),
        "action": draw(st.none() | st.sampled_from(actions)),
        "holder_status": status,
        "scam_type": draw(st.sampled_from(["unknown", "other", "investment", "romance"])),
        "first_seen": draw(st.none() | moments.filter(lambda first: first <= at)),
        "last_seen": draw(st.none() | st.just(at)),
        "valid_until": draw(st.none() | st.integers(1, 400).map(lambda days: at + timedelta(days=days))),
        "countries": draw(st.sets(st.sampled_from(["TH", "KH", "GB"]))),
    }
    by = partner(number, authority=draw(st.sampled_from([(), (kind,)])), kind=draw(st.sampled_from(PartnerKind)))
    origins = draw(st.frozensets(st.sampled_from(["indicator--x", "indicator--y", "indicator--1"]), max_size=2))
    key = f"indicator--{number}{draw(st.sampled_from(['', '-anew']))}"
    return report(number, kind, by=by, key=key, reliability=draw(reliabilities), origins=origins, **columns)


@st.composite
def sightings(draw: st.DrawFn) -> SightingStatement:
    """Draw a sighting by a partner at any time."""
    at = draw(moments)
    return SightingStatement(
        partner(draw(st.integers(1, 9))), draw(st.none() | st.just(at)), at, draw(st.integers(0, 3))
    )


@st.composite
def opinions(draw: st.DrawFn) -> OpinionStatement:
    """Draw an outcome or opinion of a partner."""
    word = draw(st.sampled_from([*OutcomeWord, *OpinionWord]))
    reason = draw(st.none() | st.sampled_from([reason.value for reason in OutcomeReason]))
    return opinion(draw(st.integers(1, 9)), word, draw(moments), reason=reason)


@st.composite
def values(
    draw: st.DrawFn, kind: str | None = None
) -> tuple[list[Statement], list[SightingStatement], list[OpinionStatement]]:
    """Draw reports, sightings and opinions of one value."""
    named = kind or draw(st.sampled_from(sorted(VALUES)))
    reports = draw(
        st.lists(statements(named, st.integers(1, 5)), min_size=1, max_size=5, unique_by=lambda report: report.key)
    )
    return reports, draw(st.lists(sightings(), max_size=4)), draw(st.lists(opinions(), max_size=3))
