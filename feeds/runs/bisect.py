"""Finds the items of a batch that fail, by halving it, so that the others go on."""

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from feeds.connector import Misconfigured, TryLater
from server.store import StoreUnavailable
from server.store.feed_state import LeaseLost

_log = logging.getLogger(__name__)

# What these tell is not about an item.
EXPECTED = (TryLater, Misconfigured, LeaseLost, StoreUnavailable)
# A batch with more bad items than this says that the fault is elsewhere.
_MOST = 25

T = TypeVar("T")
R = TypeVar("R")


class Failure(NamedTuple):
    """An item that fails alone, by its place among the others."""

    place: int
    error: Exception


def bisect(
    items: Sequence[T], do: Callable[[Sequence[T]], R], *, given_up: bool = False
) -> tuple[list[R], list[Failure]]:
    """Call ``do`` on all ``items`` in order; return its results and the items that fail alone.

    If every item fails, or more than 25, the items are not the cause: the error is raised as it came. With ``given_up``
    such items count as failed all the same. ``do`` must be harmless to repeat.
    """
    results: list[R] = []
    failed: list[Failure] = []

    def attempt(start: int, end: int) -> None:
        try:
            results.append(do(items[start:end]))
            return
        except EXPECTED:
            raise
        except Exception as caught:  # whatever it is, the item that it is about is found
            if end - start == 1:
                failed.append(Failure(start, caught))
                if len(failed) > _MOST and not given_up:
                    raise
                return
        middle = (start + end) // 2
        attempt(start, middle)
        attempt(middle, end)

    if items:
        attempt(0, len(items))
    if failed and not results and not given_up:
        raise failed[0].error
    return results, failed


def log_dead_letter(feed: str, subject: str, error: Exception) -> None:
    """Log that an item became a dead letter, and the error."""
    _log.warning("dead letter feed=%s subject=%s error=%s", feed, subject, type(error).__name__, exc_info=error)
