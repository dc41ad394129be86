"""The facts that explain a contribution: each has a code, a sentence, and advice on how to change it.

The command line prints the sentences; pages have sentences of their own, by the code, in each of their languages.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from server.release.reasons import Explanation

_NO_FIELDS: Mapping[str, str] = MappingProxyType({})


class RuleCheck(NamedTuple):
    """One rule that a contribution met: the verdict, the facts, and advice on how to change the verdict.

    ``code`` names the facts, and ``fields`` has the parts that differ between contributions.
    """

    rule: str
    verdict: str
    message: str
    action: str = ""
    code: str = ""
    fields: Mapping[str, str] = _NO_FIELDS


class Fact(Enum):
    """A fact: its code, its sentence, and advice on how to change it; ``{names}`` are filled in by ``check``."""

    def __init__(self, code: str, message: str, action: str = "") -> None:
        """Name the parts of a fact."""
        self.code = code
        self.message = message
        self.action = action

    def check(self, rule: str, verdict: str = "passed", /, *, action: str | None = None, **fields: str) -> RuleCheck:
        """Return the check of a rule with this fact; ``action`` replaces the fact's own."""
        way_out = self.action if action is None else action
        return RuleCheck(rule, verdict, self.message.format(**fields), way_out, self.code, fields)

    STORED = "stored", "it is stored in the inbox"
    REVOKED = "revoked", "it was revoked", "contribute it again under a new id if it is right"
    NO_VALUE = "no-value", "{message}", "write a pattern that names one value"
    TREATED_AS = "treated-as", "it is treated as TLP:{tlp}"
    NOT_HELD = "not-held", "no rule of the guard holds it"
    APPROVED = "approved", "a person approved it: {rule}"
    COUNTS_MEANWHILE = "counts-meanwhile", "it is under review, and counts until the decision: {rule}"
    WARNS_MEANWHILE = "warns-meanwhile", "{message}"
    OF_INSTITUTION = (
        "of-institution",
        "only an institution can register this name, so the report of one organisation raises it to warn at most",
        "add the hash of a capture of the page as evidence, or wait for a second organisation's report",
    )
    HELD = "held", "{rule}: {message}"
    REJECTED = "rejected", "{rule}: {message}"
    VALID = "valid", "it is valid now"
    READERS = "readers", "{audience}"
    SOME_READERS = "some-readers", "its level and limits admit readers"
    REPEATS = "repeats", "it repeats a report or listing that this hub has already, and counts with that"
    LISTED = "listed", "at least one collection of its audience lists the value"
    NOT_LISTED = (
        "not-listed",
        "{collection} does not list it: grade {grade}, confidence {confidence}, reporters {reporters}; "
        "its rules ask for {asked}",
        "scamfeed policy show prints the rules",
    )
    NEVER_ALONE = "never-alone", "objects of this type are stored, and not published by themselves"
    WITH_TARGETS = "with-targets", "it is published where its targets are"
    NO_TARGETS = "no-targets", "no collection has its targets for its audience", "report the targets first"


def check_of_reason(rule: str, why: Explanation) -> RuleCheck:
    """Return the check of a rule that stops a contribution for a reason of the release rules."""
    return RuleCheck(rule, "stopped", why.message, why.reason.action, why.reason.code, why.details)
