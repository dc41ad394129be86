"""Whether the guard calls a value harmless or shared: one answer for reports, requests and trials."""

from schemas.report import Report
from server.release.facts import HubFacts
from server.release.guard.allowlists import entered, hub_values
from server.release.guard.allowlists.catalogue import AllowlistMatch
from server.release.guard.allowlists.lookup import Allowlists


def match_harmless(allowlists: Allowlists, facts: HubFacts, report: Report, moment: int) -> AllowlistMatch | None:
    """Return why a value is harmless at a moment (microseconds): a list has it, a partner registered it as its own, or
    an operator entered it; None if nothing says so.
    """
    return (
        allowlists.match(report)
        or hub_values.match_own_values(facts.own_values, report)
        or entered.match_entry(facts.allowed_values, report, moment)
    )
