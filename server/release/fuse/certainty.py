"""How sure the report of one organisation makes a value, where the harm of an error is large.

Such a value is graded ``warn`` at most until a second independent organisation reports it, a report has evidence of
it, or an authority reports it.
"""

from collections.abc import Sequence

from schemas.reference import institutions
from schemas.report import Report
from schemas.site import host_of_url
from server.release.fuse import grade
from server.release.fuse.statements import Statement


def is_unsure(reporters: Sequence[Statement], weights: Sequence[float], authority: Sequence[bool]) -> bool:
    """Return whether these independent reporters, with their weights and authority, do not suffice to block."""
    if not any(map(is_limited, reporters)):
        return False
    if grade.suffices(weights, authority=any(authority)):
        return False
    counting = [reporter for reporter, weight in zip(reporters, weights, strict=True) if weight >= grade.CORROBORATES]
    return all(map(is_limited, counting))


def is_limited(statement: Statement) -> bool:
    """Return whether a statement alone raises its value to ``warn`` at most."""
    return statement.unsure or is_of_institution(statement.report)


def is_of_institution(report: Report) -> bool:
    """Return whether it reports, without evidence, a name that only an institution can have registered."""
    match report.kind:
        case "domain":
            host = report.value
        case "url":
            host = host_of_url(report.value) or ""
        case "email":
            host = report.value.rpartition("@")[2]
        case _:
            return False
    return institutions.is_institutional(host) and not report.evidence
