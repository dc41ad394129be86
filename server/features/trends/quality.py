"""The quality of each source, by kind: what it added to other sources, how fast, and how much of it was right."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from statistics import median
from typing import NamedTuple

from server.features.trends import counts, durations, progress
from server.features.trends.counts import ALL_SOURCES
from server.features.trends.query import day_of
from server.store import partners, reputation
from server.store.database.engine import Tx

# A median must not reveal a single source: it needs at least this many others, each with this many values.
LEAST_OTHERS = 5
LEAST_VOLUME = 5
_EVER = (0, day_of(date.max))


class SourceQuality(NamedTuple):
    """The quality of an organisation's reports of a kind; shares are 0 to 1, None if there is nothing to divide by.

    - ``volume``: values that it reported. ``exclusive``: the share that only it reported. ``first``: the share that it
      reported before others.
    - ``delay``: for the rest, the median time behind the first report, in seconds.
    - ``precision``: the share of its judged reports that proved right.
    - ``coverage``: the share of the known cases whose value it had reported before the loss.
    - ``seen_after_end``: sightings of its values after they had ended.
    """

    organisation: str
    kind: str
    volume: int
    exclusive: float | None
    first: float | None
    delay: float | None
    precision: float | None
    judged: int
    coverage: float | None
    seen_after_end: int


class QualityBesideOthers(NamedTuple):
    """The quality of one organisation's reports of a kind, and the medians of the others if there are enough."""

    own: SourceQuality
    median: Mapping[str, float]


MEASURES: Mapping[str, str] = {
    "volume": "values of a kind that an organisation reported for the first time and without limits",
    "exclusive": "share of these that no other organisation has reported without limits",
    "first": "share of these that it reported before all others",
    "delay": "for the rest, the median time behind the first report of the value, in seconds",
    "precision": "of its judged reports, the share that proved right; another hub is an organisation here, named "
    "`hub:` and its origin",
    "coverage": "of the outcomes that date a loss or an attempt with a value of the kind, the share for which it had "
    "reported the value before that day; without outcomes that it stated itself",
    "seen_after_end": "sightings of values that it had reported, after the end that it gave them",
}


def of_all(tx: Tx, first: int = _EVER[0], last: int = _EVER[1]) -> list[SourceQuality]:
    """Return the quality of every organisation and kind, for the months from ``first`` to ``last``."""
    judged = _judged(tx)
    counted = counts.of_sources(tx, first, last)
    keys = {key for key in counted if key[0] != ALL_SOURCES} | judged.keys()
    delays = _delays(tx, {organisation for organisation, _ in keys}, first, last)
    found = []
    for organisation, kind in sorted(keys):
        mine = counted.get((organisation, kind), {})
        # An organisation does not cover a case by stating it.
        cases = counted.get((ALL_SOURCES, kind), {}).get("cases", 0) - mine.get("own-cases", 0)
        volume = mine.get("volume", 0)
        right, wrong = judged.get((organisation, kind), (0, 0))
        found.append(
            SourceQuality(
                organisation,
                kind,
                volume,
                _share(mine.get("exclusive", 0), volume),
                _share(mine.get("first", 0), volume),
                delays.get((organisation, kind)),
                _share(right, right + wrong),
                right + wrong,
                _share(mine.get("covered", 0), cases),
                mine.get("seen-after-end", 0),
            )
        )
    return found


def beside_others(tx: Tx, organisation: str) -> list[QualityBesideOthers]:
    """Return the quality of one organisation's reports, with the median of the others for each kind.

    The median includes only published months, so that no reader sees it change with one source's reports.
    """
    closed = progress.load(tx).get(progress.CLOSED_MONTH)
    others: dict[str, list[SourceQuality]] = defaultdict(list)
    for source in of_all(tx, last=closed) if closed is not None else ():
        if source.organisation != organisation and source.volume >= LEAST_VOLUME:
            others[source.kind].append(source)
    mine = [source for source in of_all(tx) if source.organisation == organisation]
    return [QualityBesideOthers(source, _medians(others[source.kind])) for source in mine]


def _medians(others: Iterable[SourceQuality]) -> dict[str, float]:
    """Return the medians of measures that enough sources have, in two digits."""
    sources = list(others)
    measures: dict[str, Callable[[SourceQuality], float | None]] = {
        "volume": lambda source: source.volume,
        "exclusive": lambda source: source.exclusive,
        "first": lambda source: source.first,
        "delay": lambda source: source.delay,
        "coverage": lambda source: source.coverage,
    }
    found = {}
    for name, measure in measures.items():
        values = [value for source in sources if (value := measure(source)) is not None]
        if len(values) >= LEAST_OTHERS:
            found[name] = float(f"{median(values):.2g}")
    return found


def _judged(tx: Tx) -> dict[tuple[str, str], tuple[int, int]]:
    """Return, by organisation and kind, how many of its reports proved right and wrong."""
    names = {partner.name: partner.counts_as for partner in partners.all_partners(tx)}
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for (name, kind), calibration in reputation.calibrations_of(tx, 0.0).items():
        key = names.get(name, name.casefold()), kind
        right, wrong = found.get(key, (0, 0))
        found[key] = right + calibration.confirmed, wrong + calibration.wrong
    return found


def _delays(tx: Tx, organisations: Iterable[str], first: int, last: int) -> dict[tuple[str, str], float | None]:
    return {
        (organisation, kind): durations.percentile(buckets, 50)
        for organisation in sorted(organisations)
        for kind, buckets in counts.durations(tx, counts.DELAY, organisation, first, last).items()
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None
