"""The table of all reasons: of the release rules, of refused requests, and of the kinds that refuse a value."""

import re
from collections import defaultdict
from collections.abc import Iterator

from schemas import kinds
from schemas.errors import Rejected
from schemas.refang import refang
from server.release.reasons import Reason
from server.release.results import Result
from server.web.taxii.errors import REASONS
from tools.tables import table

_RESULTS = {
    Result.REFUSED: "refused",
    Result.HELD: "held for review",
    Result.KEPT: "kept, not published",
    Result.PUBLISHED: "published in part",
}
# A message of a kind states the rule, and after the first of these signs the way out.
_WAY_OUT = re.compile(r"[:;] ")


def reasons() -> list[str]:
    """Return the table of all reasons by their codes."""
    rows = sorted({*_of_the_rules(), *_of_requests(), *_of_values()})
    return table(["code", "result", "meaning", "what the sender can do"], ((f"`{row[0]}`", *row[1:]) for row in rows))


Row = tuple[str, str, str, str]


def _of_the_rules() -> Iterator[Row]:
    for reason in Reason:
        yield reason.code, _RESULTS[reason.result], _filled(reason.message), _filled(reason.action)


def _of_requests() -> Iterator[Row]:
    for code, reason in REASONS.items():
        yield code, f"HTTP {reason.status}", _filled(reason.problem), _filled(reason.remedy)


def _of_values() -> Iterator[Row]:
    """Yield a row for each code by which kinds refuse a value, with the message of one of its examples."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for name in kinds.every():
        for code, message in _refusals(name):
            found[code].setdefault(name, message)
    for code, by_kind in found.items():
        meaning, sign, way_out = next(iter(by_kind.values())), "", ""
        if parted := _WAY_OUT.search(meaning):
            sign, way_out = parted[0], meaning[parted.end() :]
            meaning = meaning[: parted.start()]
        yield (
            code,
            f"value refused: {', '.join(by_kind)}",
            meaning,
            _shortened(way_out) if sign else "correct the value",
        )


def _refusals(name: str) -> Iterator[tuple[str, str]]:
    """Yield code and message of each refused example of a kind."""
    kind = kinds.get(name)
    for example in kind.examples():
        if example.reason:
            try:
                kind.normalise(refang(example.raw), example.given)
            except Rejected as refusal:
                yield refusal.reason, refusal.message


def _shortened(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:160].rpartition(' ')[0].rstrip(',;:')} …"


def _filled(text: str) -> str:
    """Return a text with its placeholders in italics."""
    return re.sub(r"{(\w+)(?::[^}]*)?}", r"*\1*", text)
