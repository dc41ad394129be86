"""Report a provider's findings about its accounts."""

from collections.abc import Callable, Iterable
from typing import ClassVar

from pydantic import Field

from schemas.partner import Partner
from server.features.findings.answering import AnswerResult, GivenAnswer, answer_all
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import PARTNER_WRITERS, PROGRAMS
from server.operations.run import Check, run
from server.release.hub import Hub
from server.store.database.engine import Tx

# Findings of one transaction: other writers wait until they are stored.
_AT_ONCE = 20


class ReportFindings(Operation[list[AnswerResult]]):
    """Report what the provider of accounts found out about them; a finding that is refused stops no other."""

    name: ClassVar[str] = "account answer"
    rights: ClassVar[frozenset[str]] = PARTNER_WRITERS | PROGRAMS
    verb: ClassVar[str] = "ANSWER"
    what: ClassVar[str] = "account"

    partner: Partner = Field(description="the provider of the accounts")
    findings: tuple[GivenAnswer, ...] = Field(description="each with a value or the id of a listing, and its code")

    def acts_for(self) -> str | None:
        """Return the provider."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> list[AnswerResult]:
        """Contribute the findings; each result has the refusal of its finding, if any."""
        return answer_all(hub, tx, self.partner, self.findings, actor.sender)

    def entries(self, result: list[AnswerResult]) -> Iterable[TrailEntry]:
        """Return an entry for each finding about an account of the provider, also for one that the hub refused."""
        for found in result:
            if found.answer is not None:
                status = 403 if found.refused else 200
                yield TrailEntry(self.verb, self.what, partner=self.partner.name, reference=found.answer, status=status)


def run_in_parts(
    hub: Hub, operation: ReportFindings, actor: Actor, check: Callable[[int], Check]
) -> list[AnswerResult]:
    """Report findings in parts, each in a transaction of its own.

    ``check`` gets the number of findings to charge: all of them for the first part, and none for the others.
    """
    findings, done = operation.findings, list[AnswerResult]()
    for start in range(0, len(findings), _AT_ONCE):
        part = operation.model_copy(update={"findings": findings[start : start + _AT_ONCE]})
        results = run(hub, part, actor, check=check(0 if start else len(findings)))
        done += results
    return done
