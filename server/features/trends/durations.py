"""Durations in buckets. Each bucket is 5 % longer than the previous one, so a percentile is at most 2.5 % off."""

import math
from collections.abc import Iterable, Mapping

# The resolution in microseconds, and the growth from bucket to bucket.
_LEAST = 1_000
_GROWTH = 1.05
_LOG = math.log(_GROWTH)


def bucket_of(micros: int) -> int:
    """Return the bucket of a duration in microseconds. Bucket 0 is everything below a millisecond."""
    return 0 if micros < _LEAST else 1 + int(math.log(micros / _LEAST) / _LOG)


def seconds_of(bucket: int) -> float:
    """Return the duration in the middle of a bucket, in seconds."""
    return 0.0 if bucket == 0 else _LEAST * _GROWTH ** (bucket - 0.5) / 1_000_000


def percentile(buckets: Mapping[int, int], percent: int) -> float | None:
    """Return a percentile (the nearest rank) of the durations in ``buckets`` in seconds, or None."""
    total = sum(buckets.values())
    rank = max(1, -(-total * percent // 100))
    for bucket in sorted(buckets):
        rank -= buckets[bucket]
        if rank <= 0:
            return seconds_of(bucket)
    return None


def merged(parts: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """Return the merged buckets of several days."""
    found: dict[int, int] = {}
    for part in parts:
        for bucket, count in part.items():
            found[bucket] = found.get(bucket, 0) + count
    return found
