"""Export: the active indicators of a collection, written in a file format."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from feeds import formats
from feeds.readers.stix import report_of
from feeds.runs import grades
from schemas import kinds
from schemas.errors import Rejected
from schemas.report import Report
from schemas.vocabulary import Action
from server.release.publish import identities
from server.release.query import active
from server.store.collections import Collection
from server.store.database.engine import Tx

# Reason of indicators that are left out because their grade is too weak.
BELOW = "below-grade"


@dataclass
class Exported:
    """Numbers of active indicators: ``active`` is the sum of the others.

    ``duplicates``: further indicators of a value, in formats that hold a value once. ``left_out``: by reason, those
    that the format cannot hold.
    """

    active: int = 0
    written: int = 0
    duplicates: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        """Return the counts for JSON."""
        return {
            "active": self.active,
            "written": self.written,
            "duplicates": self.duplicates,
            "left_out": dict(self.left_out.most_common()),
        }


def export(
    tx: Tx,
    collection: Collection,
    format: str,
    target: BinaryIO | Path,
    at: datetime,
    since: int = -1,
    only: Callable[[dict[str, Any]], bool] = lambda _: True,
    least: Action | None = None,
) -> Exported:
    """Write the indicators that are active at ``at`` to ``target``: a folder for formats that are one, else a file.

    Formats made of STIX objects get the objects of the collection as they are, others get their reports. ``since``
    leaves out indicators added at that time (microseconds) or earlier, ``only`` those for which it is false.
    ``least`` is the weakest grade to write; None is ``block`` for blocklists, and any grade for other formats. Raises
    ``UnknownFormat``.
    """
    writer = formats.get(format)
    done = Exported()
    wanted = filter(only, active.indicators(tx, collection, at, since))
    indicators = _strong(_counted(wanted, done), least or weakest(format), done)
    if isinstance(target, Path):
        done.written = writer.write_folder(_reports(tx, indicators, done, once=writer.values_only), target)
    elif writer.stix_objects:
        done.written = writer.copy(chain(active.companions(tx, collection), indicators), target)
    else:
        done.written = formats.write(format, _reports(tx, indicators, done, once=writer.values_only), target)
    rest = done.active - done.written - done.duplicates - done.left_out.total()
    if rest:
        done.left_out["not-in-format"] = rest
    return done


def _counted(indicators: Iterable[Mapping[str, Any]], done: Exported) -> Iterator[Mapping[str, Any]]:
    for indicator in indicators:
        done.active += 1
        yield indicator


def weakest(format: str) -> Action | None:
    """Return the weakest grade that a format gets by default; None for any."""
    return Action.BLOCK if formats.get(format).blocklist else None


def _strong(
    indicators: Iterable[Mapping[str, Any]], least: Action | None, done: Exported
) -> Iterator[Mapping[str, Any]]:
    """Yield the indicators that are graded ``least`` or stronger, and count the others as left out."""
    for indicator in indicators:
        if grades.reaches(indicator, least):
            yield indicator
        else:
            done.left_out[BELOW] += 1


def _reports(tx: Tx, indicators: Iterable[Mapping[str, Any]], done: Exported, *, once: bool) -> Iterator[Report]:
    """Yield the reports of the indicators; with ``once``, only the first of each value, remembered by its hash."""
    names = identities.names(tx)
    seen: set[int] = set()
    for indicator in indicators:
        try:
            report = report_of(indicator, names)
        except Rejected as refusal:
            done.left_out[refusal.reason] += 1
            continue
        key = hash((report.kind, kinds.get(report.kind).key(report.value)))
        if once and key in seen:
            done.duplicates += 1
            continue
        if once:
            seen.add(key)
        yield report
