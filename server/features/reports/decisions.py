"""Decisions on the values of files: taken or left, the place of each, and the rule or cue that decided."""

from dataclasses import asdict, dataclass, field

from rich.console import Console
from rich.text import Text

from feeds.mapping.rows import Duplicate, Mapped, Reject
from schemas.report import Report
from schemas.text import escaped

TAKEN, LEFT, TWICE = "taken", "left", "duplicate"
_BY_COLUMN = "its row or column states it"
_LONGEST = 80


@dataclass(frozen=True)
class ValueDecision:
    """One value with its line, the decision, and the reason: a cue of a text, a column, or the reason of a reject."""

    file: str
    line: int
    decision: str
    kind: str
    value: str
    why: str


@dataclass
class Decisions:
    """The decisions on all values of some files, in their order."""

    all: list[ValueDecision] = field(default_factory=list)

    def add(self, name: str, result: Mapped | Duplicate | Reject) -> None:
        """Add the result of one value of the file ``name``."""
        if isinstance(result, Reject):
            kind, value, decision = result.kind or "", result.raw, LEFT
            why = f"{result.reason}: {result.why or result.message}"
        elif isinstance(result, Duplicate):
            kind, value, decision, why = "", "", TWICE, result.why or _BY_COLUMN
        else:
            kind, value = result.key if isinstance(result.report, Report) else ("", "")
            decision, why = TAKEN, result.why or _BY_COLUMN
        self.all.append(ValueDecision(name, result.line, decision, kind, value, why))

    def as_dict(self) -> dict[str, list[dict[str, object]]]:
        """Return the decisions, ready for JSON."""
        return {"decisions": [asdict(decision) for decision in self.all]}

    def show(self, console: Console) -> None:
        """Print a line per value, below the name of its file."""
        file = ""
        for one in self.all:
            if one.file != file:
                file = one.file
                console.print(Text(f"{file}:"))
            value = f"{one.kind} {escaped(one.value[:_LONGEST])}".strip()
            console.print(Text(f"  line {one.line}: {one.decision} {value} ({escaped(one.why)})"), soft_wrap=True)
