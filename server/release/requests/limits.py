"""Limits of requests: how many a partner may send, how far ahead they reach, and how far money is followed."""

from dataclasses import dataclass

# How often the money of one request is followed on, over how many requests in all, the first one among them.
MOST_HOPS = 5
MOST_OF_A_CHAIN = 100
# How far ahead a deadline, and the end of a freeze, may lie.
DEADLINE_DAYS = 366
HOLD_DAYS = 180


@dataclass(frozen=True)
class RequestLimits:
    """The limits of an organisation: requests that it may send a day and have open at once; 0 is no limit.

    A request that nobody has answered is closed ``unanswered_days`` after its deadline.
    """

    per_day: int = 500
    open_at_once: int = 2_000
    unanswered_days: int = 30
