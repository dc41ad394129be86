"""The spread of durations: median and 95th percentile."""

from collections.abc import Iterable
from typing import NamedTuple


class Spread(NamedTuple):
    """The number of durations, and their median and 95th percentile in seconds, None without durations."""

    of: int
    p50: float | None
    p95: float | None


def spread(seconds: Iterable[float]) -> Spread:
    """Return the spread of ``seconds``; each percentile is one of them (the nearest rank)."""
    ordered = sorted(seconds)
    return Spread(len(ordered), _at(ordered, 50), _at(ordered, 95))


def _at(ordered: list[float], percent: int) -> float | None:
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else None
