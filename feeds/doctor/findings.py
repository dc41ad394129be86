"""The findings of a check-up: a line for each check, with the way out where something is wrong."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Verdict = Literal["ok", "note", "wrong", "skipped"]


class Finding(NamedTuple):
    """The verdict of one check in words, and the ``way_out``: what to do about it."""

    check: str
    verdict: Verdict
    words: str
    way_out: str | None = None


class Unwell(Exception):
    """A check failed, and those that build on it cannot be made."""

    def __init__(self, words: str, way_out: str) -> None:
        """Keep what is wrong, and what to do about it."""
        super().__init__(words)
        self.words = words
        self.way_out = way_out


@dataclass
class Findings:
    """The findings of one check-up, in the order of the checks."""

    found: list[Finding] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Return whether nothing is wrong; a note is no fault."""
        return not any(finding.verdict == "wrong" for finding in self.found)

    def ok(self, check: str, words: str) -> None:
        """Add a check that went well."""
        self.found.append(Finding(check, "ok", words))

    def note(self, check: str, words: str, way_out: str | None = None) -> None:
        """Add what should be known, and is no fault."""
        self.found.append(Finding(check, "note", words, way_out))

    def wrong(self, check: str, words: str, way_out: str) -> None:
        """Add a fault."""
        self.found.append(Finding(check, "wrong", words, way_out))

    def skip(self, check: str, words: str) -> None:
        """Add a check that could not be made."""
        self.found.append(Finding(check, "skipped", words))
