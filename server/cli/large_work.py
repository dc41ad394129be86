"""Preparation of a process for a command that does large work."""

import gc
from functools import cache


@cache
def prepare_process() -> None:
    """Tune garbage collection, once, for a process that runs feeds or other large work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(150_000, 20, 50)
