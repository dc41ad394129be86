"""How times are spread: the middle one, and the one that nineteen of twenty stay below."""

from collections.abc import Iterable
from typing import NamedTuple


class Spread(NamedTuple):
    """Of some seconds how many there are, and their median and 95th percentile; None of none."""

    of: int
    p50: float | None
    p95: float | None


def spread(seconds: Iterable[float]) -> Spread:
    """Give the spread of ``seconds``; each percentile is one of them (the nearest rank)."""
    ordered = sorted(seconds)
    return Spread(len(ordered), _at(ordered, 50), _at(ordered, 95))


def _at(ordered: list[float], percent: int) -> float | None:
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else None
