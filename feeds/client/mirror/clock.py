"""The time at a hub, and the readings of this machine's clocks during which a copy is current.

The hub's clock decides when listings end and how old copies are. Each sync reads that clock. Between two syncs the
machine's monotonic clock continues from there. That clock cannot be set, so a wrong time of day changes no answer.
"""

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Self

import requests

# All in milliseconds. Clocks that differ by at most this much count as equal.
TOLERATED = 5_000
# Clocks that differ by more may mean that somebody replays an old answer: no copy of that hub is current.
MOST_APART = 3_600_000
# If a clock was set by more than this since the last sync, no copy is current before the next one.
MOST_SET = 60_000
# A copy dated later than now by more than this was made while a clock was wrong.
_AHEAD = 300_000
# The Date header of a response has whole seconds.
_DATE_STEP = 999
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_ANY = (-math.inf, math.inf)


class LocalMoment(NamedTuple):
    """A reading of this machine's clocks: the time of day, and the time since the machine was started."""

    wall: int
    steady: int


def moment() -> LocalMoment:
    """Read this machine's clocks."""
    return LocalMoment(int(time.time() * 1000), time.clock_gettime_ns(_STEADY) // 1_000_000)


@cache
def this_boot() -> str:
    """Return an id of this run of the machine, the scope of its monotonic clock; empty if there is none."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


class HubClock(NamedTuple):
    """A reading of a hub's clock: how far it was ahead of each of our clocks, and in which run of the machine."""

    ahead: int = 0
    wall: int = 0
    steady: int = 0
    boot: str = ""

    @classmethod
    def of(cls, fact: Mapping[str, Any] | None) -> Self:
        """Load the reading stored in a file; without one the clocks count as equal."""
        return cls(**fact) if fact else cls()

    @property
    def is_steady(self) -> bool:
        """Return whether our monotonic clock has run without a restart since the reading."""
        return bool(self.boot) and self.boot == this_boot()

    def now(self, here: LocalMoment) -> int:
        """Return the time at the hub at one of our moments."""
        if self.is_steady:
            return here.steady + self.wall + self.ahead - self.steady
        return here.wall + self.ahead

    def carried(self) -> "HubClock":
        """Renew the reading after a restart of the machine, so that a clock set afterwards is noticed.

        If a clock was set back in between, the reading is lost.
        """
        here = moment()
        if self.is_steady or not self.wall or here.wall < self.wall - MOST_SET:
            return self
        return HubClock(self.ahead, here.wall, here.steady, this_boot())

    def current_while(self, as_of: int | None, most_age: float) -> "CurrentSpan":
        """Return the span in which a copy is current that was current up to ``as_of`` by the hub's clock."""
        if as_of is None or abs(self.ahead) > MOST_APART:
            return NEVER
        begin, end = as_of - _AHEAD, as_of + most_age
        if not self.is_steady:
            return CurrentSpan(wall=(max(begin - self.ahead, self.wall - MOST_SET), end - self.ahead))
        hub_less_steady, wall_less_steady = self.wall + self.ahead - self.steady, self.wall - self.steady
        return CurrentSpan(
            steady=(max(begin - hub_less_steady, self.steady - TOLERATED), end - hub_less_steady),
            difference=(wall_less_steady - MOST_SET, wall_less_steady + MOST_SET),
        )


class CurrentSpan(NamedTuple):
    """First and last reading of each of our clocks, and range of their difference, for which copies are current."""

    wall: tuple[float, float] = _ANY
    steady: tuple[float, float] = _ANY
    difference: tuple[float, float] = _ANY

    def includes(self, here: LocalMoment) -> bool:
        """Return whether copies are current at a moment."""
        return (
            self.steady[0] <= here.steady <= self.steady[1]
            and self.difference[0] <= here.wall - here.steady <= self.difference[1]
            and self.wall[0] <= here.wall <= self.wall[1]
        )

    def overlap(self, other: "CurrentSpan") -> "CurrentSpan":
        """Return the span covered by both spans."""
        return CurrentSpan(*((max(a[0], b[0]), min(a[1], b[1])) for a, b in zip(self, other, strict=True)))


NEVER = CurrentSpan(wall=(math.inf, -math.inf))


class ClockReader:
    """Estimates a hub's clock from the dates of its responses; each response narrows the estimate."""

    def __init__(self) -> None:
        # Bounds of the hub's lead over our monotonic clock.
        self._least, self._most = _ANY

    def watch(self, session: requests.Session) -> None:
        """Read the date of each response in a session."""
        session.hooks["response"].append(self._note)

    def _note(self, response: requests.Response, **_: Any) -> None:
        if (date := date_of(response)) is None:
            return
        answered = moment().steady
        asked = answered - round(response.elapsed.total_seconds() * 1000)
        self.note_since(date)
        self._most = max(self._least, min(self._most, date + _DATE_STEP - asked))

    def note_since(self, theirs: int) -> None:
        """Note that the hub's clock has passed a moment that the hub stated."""
        self._least = max(self._least, theirs - moment().steady)
        self._most = max(self._least, self._most)

    def read(self) -> HubClock:
        """Return the hub's lead according to the responses; clocks that may be equal count as equal."""
        here = moment()
        least, most = (bound + here.steady - here.wall for bound in (self._least, self._most))
        apart = 0 if least <= TOLERATED and most >= -TOLERATED else least if math.isinf(most) else (least + most) / 2
        return HubClock(round(apart), here.wall, here.steady, this_boot())


def date_of(response: requests.Response) -> int | None:
    """Return the date of a response in milliseconds; None if it has no readable date."""
    try:
        return round(parsedate_to_datetime(response.headers.get("Date", "")).timestamp() * 1000)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
