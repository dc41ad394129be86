"""The case that says of the values of one row that they belong together."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from mappers import grouping
from mappers.indicator import Profile
from schemas import kinds
from schemas.case import Case
from schemas.errors import Rejected
from schemas.report import Report
from schemas.subject import Subject
from schemas.vocabulary import Tlp

_LEVELS = list(Tlp)


def case_of(reports: Sequence[Report], profile: Profile) -> list[dict[str, Any]]:
    """Give the case of a row's reports; none where they are of one value alone, or the profile has no case of them.

    Its name follows from the values, without showing them: the same row gives the same case.
    """
    said = {(report.kind, kinds.get(report.kind).key(report.value)): report for report in reports}
    if len(said) < 2:
        return []
    first = reports[0]
    named = blake2b(repr(sorted(said)).encode(), digest_size=6).hexdigest()
    case = Case(
        reporter=first.reporter,
        reported_at=max(report.reported_at for report in reports),
        tlp=max((report.tlp for report in reports), key=_LEVELS.index),
        name=f"Reported together: {len(said)} values ({named})",
        members=tuple(
            Subject(kind=report.kind, value=report.value, details=report.details, reporter=report.reporter)
            for report in said.values()
        ),
        scam_type=first.scam_type,
        countries=first.countries,
        sharing=first.sharing,
    )
    try:
        return [grouping.to_stix(case, profile)]
    except Rejected:
        return []
