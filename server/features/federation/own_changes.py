"""When a hub report of this hub needs a new number: only if a reader of it would use the difference."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mappers import extension
from schemas.hub_report import HubDispute, HubReport, ReporterEntry
from server.release.publish.changes import changes_what_a_reader_does

_OF_ENTRY = (
    *("weight", "kind", "authority", "newcomer", "asks", "holder_status", "hold", "tlp", "limits"),
    *("word", "record", "decides"),
)


def is_news(
    known: HubReport,
    made: HubReport,
    objects: tuple[Mapping[str, Any], Mapping[str, Any]],
    times: tuple[datetime, datetime],
    *,
    by_time: bool,
) -> bool:
    """Return whether ``made`` differs from the published report ``known`` in data that a reader would use.

    ``objects`` are both as indicators; ``times`` is when the known one was published, and now. ``by_time``: readers
    compare a provider's finding with the times of the reports.
    """
    if (known.finding, known.hub_decision, known.more > 0) != (made.finding, made.hub_decision, made.more > 0):
        return True
    if (known.spare_until is None) != (made.spare_until is None) or {seen.by for seen in known.sightings} != {
        seen.by for seen in made.sightings
    }:
        return True
    if _differ(known.reports, made.reports, times, by_time=by_time):
        return True
    if _differ(known.disputes, made.disputes, times, by_time=by_time):
        return True
    if known.spare_until and made.spare_until and moved_far(known.spare_until, made.spare_until, times[0]):
        return True
    accuses = all("reporters" in extension.context_of(obj) for obj in objects)
    return accuses and changes_what_a_reader_does(*objects)


def _differ(
    known: Sequence[ReporterEntry | HubDispute],
    made: Sequence[ReporterEntry | HubDispute],
    times: tuple[datetime, datetime],
    *,
    by_time: bool,
) -> bool:
    """Return whether the entries of two versions differ, apart from times that moved little.

    An entry that reached its end is no difference: readers ignore it from then on.
    """
    published, at = times
    by_token = {entry.by: entry for entry in made}
    if by_token.keys() != {entry.by for entry in known if entry.until > at or entry.by in by_token}:
        return True
    for before in known:
        if before.by not in by_token:
            continue
        entry = by_token[before.by]
        if any(getattr(before, name, None) != getattr(entry, name, None) for name in _OF_ENTRY):
            return True
        if before.until <= at or (by_time and before.at != entry.at) or moved_far(before.until, entry.until, published):
            return True
    return False


def moved_far(before: datetime, after: datetime, published: datetime) -> bool:
    """Return whether an end is sooner than published, or later by more than half of the life that was left then."""
    return after < before or after - before > (before - published) / 2
