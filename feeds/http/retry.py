"""Repeats failed requests a few times, after a pause, and never so often that a peer in trouble gets worse."""

import threading
from typing import Any, Self

from urllib3 import BaseHTTPResponse, Retry
from urllib3.exceptions import InvalidHeader, MaxRetryError

_AGAIN = (429, 502, 503, 504)
# A peer that asks for more is tried again by the next run, and that no earlier than it asks.
_LONGEST_PAUSE = 30.0
# Who asks for more than a day is asked once a day.
_LONGEST_WAIT = 86_400
_REPEATS = 10.0
_EARNED = 0.1


def retry_after_seconds(retry_after: str | None) -> float:
    """Return the seconds of a header ``Retry-After``, a day at most."""
    try:
        return Retry(retry_after_max=_LONGEST_WAIT).parse_retry_after(retry_after) if retry_after else 0.0
    except (InvalidHeader, ValueError, OverflowError):
        return 0.0


class RetryBudget:
    """The repeats that a session may still make: ten, and one more for every ten requests.

    So a peer in trouble gets a tenth more requests, not several times as many.
    """

    def __init__(self) -> None:
        """Start with ten."""
        self._left = _REPEATS
        self._changing = threading.Lock()

    def earn(self) -> None:
        """Count a request."""
        with self._changing:
            self._left = min(_REPEATS, self._left + _EARNED)

    def spend(self) -> bool:
        """Use one repeat; return False if none is left."""
        with self._changing:
            if self._left < 1:
                return False
            self._left -= 1
            return True


class BoundedRetry(Retry):
    """Repeats requests within a budget, and stops if the peer asks for a longer pause than a run should make."""

    budget: RetryBudget

    @classmethod
    def times(cls, count: int, *, posts: bool) -> Self:
        """Return a policy of up to ``count`` repeats; with ``posts`` also for methods that are not safe to repeat."""
        made = cls(
            total=count,
            status_forcelist=_AGAIN,
            allowed_methods=None if posts else Retry.DEFAULT_ALLOWED_METHODS,
            backoff_factor=0.5,
            backoff_jitter=0.5,
            raise_on_status=False,
        )
        made.budget = RetryBudget()
        return made

    def new(self, **more: Any) -> Self:
        """Return the next state of the policy, with the same budget."""
        made = super().new(**more)
        made.budget = self.budget
        return made

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> Self:
        """Count one attempt. Raises ``MaxRetryError`` if no more are allowed."""
        counted = super().increment(method, url, response, error, _pool, _stacktrace)
        retry_after = response.headers.get("Retry-After") if response is not None else None
        if retry_after_seconds(retry_after) > _LONGEST_PAUSE or not self.budget.spend():
            raise MaxRetryError(_pool, url or "", error)
        return counted

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """Return the pause that the peer asks for; None if it cannot be read."""
        return retry_after_seconds(response.headers.get("Retry-After")) or None
