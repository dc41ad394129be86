"""The tables of the release rules: confidence, grades, kinds, outcomes, reliability, findings."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas import kinds
from schemas.errors import Rejected
from schemas.fields import Hold
from schemas.kind import Kind
from schemas.partner import Partner, PartnerKind
from schemas.report import Report
from schemas.vocabulary import FINDINGS, OUTCOMES, HolderStatus, OutcomeWord
from server.release.fuse import grade
from server.release.fuse.confidence import weight
from server.release.fuse.consensus import fuse
from server.release.fuse.reliability import reliability
from server.release.fuse.statements import JudgeStanding, OpinionStatement, SightingStatement, Statement
from server.store.reputation import Calibration, JudgedReport
from tools.tables import table

_NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
# One kind for each column, as an example of a group of kinds.
_COLUMNS = {
    "domain": "domain, URL, …",
    "wallet": "wallet",
    "bank-account": "account, alias",
    "social-account": "phone, social account",
}
_VALUES = {
    "domain": "shop.example.com",
    "wallet": "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
    "bank-account": "GB33BUKB20201555555555",
    "social-account": "facebook:example.page",
}


def _findings() -> list[str]:
    """Return the table of the findings of providers."""
    rows = []
    for code, effect in FINDINGS.items():
        outcome = " / ".join(f"`{word}`" for word in (effect.outcome, effect.reason) if word)
        parts = [
            "counts as a report with authority" if effect.confirms else "",
            "the listing ends" if effect.ends else "",
            f"`{effect.most}` at most" if effect.most else "",
            "disputed" if effect.clears else "",
            f"holder `{effect.holder}`" if effect.holder else "",
        ]
        rows.append((f"`{code}`", effect.meaning, outcome, ", ".join(filter(None, parts)) or "none"))
    return table(["finding", "meaning", "outcome", "effect"], rows)


def _outcomes() -> list[str]:
    """Return the table of the meanings of outcome words."""
    rows: list[tuple[object, ...]] = []
    for word, meaning in OUTCOMES.items():
        flags = (meaning.acts, meaning.confirms)
        doubt = {None: "", "doubted": "doubts it", "disputed": "disputes it"}[meaning.doubt]
        ends = "`effective_until`" if meaning.ends else ""
        rows.append((f"`{word}`", meaning.text, f"`{meaning.opinion}`", *("yes" * flag for flag in flags), doubt, ends))
    return table(
        ["outcome", "means", "plain STIX reads", "first action", "proves reports right", "against the listing", "ends"],
        rows,
    )


def _partner(number: int, **properties: Any) -> Partner:
    identity = f"identity--00000000-0000-4000-8000-{number:012d}"
    return Partner(name=f"Partner {number}", kind=PartnerKind.BANK, identity=identity, **properties)


def _said(kind: str, *reports: dict[str, Any]) -> list[Statement]:
    said = []
    for number, columns in enumerate(reports):
        own = {name: columns[name] for name in ("reliability",) if name in columns}
        properties = {"authority": (kind,)} if columns.get("authority") else {}
        report = {name: word for name, word in columns.items() if name not in ("reliability", "authority")}
        made = Report(kind=kind, value=_VALUES[kind], reporter="P", reported_at=_NOON, **report)
        said.append(Statement(_partner(number, **properties), made, f"indicator--{number}", **own))
    return said


def _seen(many: int) -> list[SightingStatement]:
    return [SightingStatement(_partner(100 + number), _NOON, _NOON) for number in range(many)]


def _judged(
    outcome: OutcomeWord, standing: JudgeStanding = JudgeStanding.WITH, many: int = 1
) -> list[OpinionStatement]:
    return [OpinionStatement(_partner(200 + each), outcome, None, _NOON, standing=standing) for each in range(many)]


def _cases() -> Iterable[tuple[str, Sequence[dict[str, Any]], list[SightingStatement], list[OpinionStatement]]]:
    plain: dict[str, Any] = {}
    sure: dict[str, Any] = {"confidence": 80}
    yield "one reporter, no confidence stated", [plain], [], []
    yield "the same, seen by one other partner", [plain], _seen(1), []
    yield "the same, seen by ten", [plain], _seen(10), []
    yield "one reporter, 80", [sure], [], []
    yield "one, 80, mostly wrong before (reliability 0.4)", [{**sure, "reliability": 0.4}], [], []
    yield "one, 80, always right before (reliability 1)", [{**sure, "reliability": 1.0}], [], []
    yield "one with authority, no confidence stated", [{"authority": True}], [], []
    yield "two reporters, no confidence stated", [plain, plain], [], []
    yield "two, 80 and 10", [sure, {"confidence": 10}], [], []
    yield "two, 80 each", [sure, sure], [], []
    yield "two, 80 each; both ask for `warn`", [{**sure, "action": "warn"}] * 2, [], []
    wrong = OutcomeWord.FALSE_POSITIVE
    without, decides = JudgeStanding.WITHOUT, JudgeStanding.DECIDES
    yield "two, 80 each; one with standing answers `no-action`", [sure, sure], [], _judged(OutcomeWord.NO_ACTION)
    yield "two, 80 each; one with standing answers `false-positive`", [sure, sure], [], _judged(wrong)
    yield "two, 80 each; two with standing do", [sure, sure], [], _judged(wrong, many=2)
    yield "two, 80 each; the account-holding bank does", [sure, sure], [], _judged(wrong, decides)
    yield "two, 80 each; ten without standing do", [sure, sure], [], _judged(wrong, without, many=10)
    police = {"confidence": 95, "authority": True}
    yield "one with authority, 95; ten with standing do", [police], [], _judged(wrong, many=10)
    coerced = {**sure, "holder_status": HolderStatus.COERCED}
    yield "two, 80 each; one, with standing, reports that the holder is coerced", [sure, coerced], [], []
    hold = Hold(until=_NOON + timedelta(days=3))
    until = {"confidence": 95, "authority": True, "hold": hold}
    yield "one with authority, 95; it asks for a hold until a date", [until], [], []
    yield "the same; another reports it with 20 (the hold is separate)", [until, {"confidence": 20}], [], []
    yield "the same; another reports it with 80 (the hold is separate)", [until, sure], [], []


def _confidence() -> list[str]:
    rows: list[list[object]] = []
    for what, reports, seen, judged in _cases():
        grades, sure = [], 0
        for kind in _COLUMNS:
            try:
                fused = fuse(_said(kind, *reports), seen, judged, at=_NOON)
            except Rejected:  # this kind has no provider, or no money is involved
                grades.append("")
            else:
                grades.append(f"`{fused.grade}`")
                sure = fused.confidence
        rows.append([what, sure, *grades])
    return table(["reports and statements", "confidence", *_COLUMNS.values()], rows)


def _grades() -> list[str]:
    paid, plain = kinds.get("wallet"), kinds.get("domain")
    return table(
        ["confidence from", *map(str, grade.FROM.values())],
        [
            ["accounts, aliases, wallets", *(f"`{_by(paid, least)}`" for least in grade.FROM.values())],
            ["all others", *(f"`{_by(plain, least)}`" for least in grade.FROM.values())],
        ],
    )


def _by(kind: Kind, confidence: int) -> str:
    return grade.grade_of(kind, confidence, grade.GradeLimits(suffices=True)).value


def _kinds() -> list[str]:
    return table(
        ["kind", "strongest grade with one report", "lives on after it was last reported or seen"],
        (
            [f"`{name}`", f"`{kind.single_report_grade}`", f"{kind.time_to_live.days} days"]
            for name, kind in kinds.every().items()
        ),
    )


def _reliability() -> list[str]:
    rows: list[list[object]] = []
    for stated, right, wrong in (
        (80, 0, 0),
        (80, 20, 0),
        (90, 90, 10),
        (90, 50, 50),
        (80, 0, 3),
        (80, 0, 20),
        (50, 20, 0),
        (50, 10, 10),
        (15, 20, 0),
        (15, 0, 20),
    ):
        known = Calibration()
        for proved in [True] * right + [False] * wrong:
            known = known.with_(JudgedReport("P", "domain", stated / 100, proved))
        brier = f"{known.brier:.2f}" if known.brier is not None else "none yet"
        reliable = reliability(known)
        rows.append([stated, right, wrong, brier, f"{reliable:.2f}", round(100 * weight(80, reliable))])
    return table(["confidence stated", "right", "wrong", "Brier score", "reliability", "its 80 counts as"], rows)


TABLES = {
    "confidence": _confidence,
    "findings": _findings,
    "grades": _grades,
    "kinds": _kinds,
    "outcomes": _outcomes,
    "reliability": _reliability,
}
