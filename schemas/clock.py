"""The clock that the whole program reads: the machine's, or the time that a demonstration plays."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

# Nanoseconds since the epoch; None: the machine's clock. Each thread has its own.
_PLAYED: ContextVar[int | None] = ContextVar("played-time", default=None)


def nanoseconds() -> int:
    """Return the time in nanoseconds since the epoch."""
    played = _PLAYED.get()
    return time.time_ns() if played is None else played


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let it be ``moment`` in this thread, and stand still."""
    token = _PLAYED.set(int(moment.timestamp() * 1_000_000) * 1_000)
    try:
        yield
    finally:
        _PLAYED.reset(token)
