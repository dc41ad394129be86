"""Contributions that wait at the same time share a transaction; each has its own rights, result and audit entry.

The first to arrive runs the transaction in its own thread, and takes the others with it. While it runs, more gather for
the next one. A contribution that cannot share, and every one of a shared transaction that fails, runs alone in its own
thread, as if there were no others.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Generic, TypeVar, cast

from server.operations.patience import write_patiently
from server.release.contribute import PartnersBusy, Share, lock_together, take_together
from server.release.hub import Hub
from server.store import Tx
from server.store.database.engine import Contended, StoreUnavailable

log = logging.getLogger(__name__)

Result = TypeVar("Result")

# The objects in a shared transaction, and those in one contribution to it.
_MOST_OBJECTS, _MOST_OF_ONE, _MOST_BYTES_OF_ONE = 200, 20, 64 * 1024
# Transactions of one process at once. SQLite admits one writer.
_AT_ONCE = 2
# A partner whose contribution made a shared transaction fail runs alone for this long.
_ALONE_SECONDS = 60.0


@dataclass(slots=True)
class Contributing(Generic[Result]):
    """A contribution and what belongs to it in its transaction.

    ``begin`` returns a new share for each attempt. ``admit`` sends its charge to a quota, and returns what checks this.
    ``settle`` writes its status and its audit entry, and returns its result.
    """

    begin: Callable[[], Share]
    admit: Callable[[Tx], Callable[[], None]]
    settle: Callable[[Tx], Result]


class _State(Enum):
    """``LEADS``: its thread runs the next transaction. ``ALONE``: its thread runs one for it alone."""

    WAITING = auto()
    LEADS = auto()
    ALONE = auto()
    DONE = auto()


@dataclass(slots=True, eq=False)
class _Waiting:
    """A contribution that waits for a shared transaction; ``was_trouble`` if one that it shared has failed."""

    contributing: Contributing[Any]
    share: Share
    state: _State = _State.WAITING
    result: Any = None
    error: Exception | None = None
    was_trouble: bool = False
    told: threading.Event = field(default_factory=threading.Event)

    @property
    def partner(self) -> str:
        return self.share.partner.name

    def tell(self, state: _State) -> None:
        self.state = state
        self.told.set()


class SharedWrites:
    """The contributions that wait in one process."""

    def __init__(self, hub: Hub) -> None:
        """Contribute to ``hub``."""
        self.hub = hub
        self._at_once = 1 if hub.store.is_sqlite else _AT_ONCE
        self._changing = threading.Lock()
        self._queue: deque[_Waiting] = deque()
        self._running = 0
        # Until when these partners run alone.
        self._alone: dict[str, float] = {}

    def run(self, contributing: Contributing[Result]) -> Result:
        """Contribute, and return the result once it is on disk. Raises what the contribution raises."""
        waiting = _Waiting(contributing, contributing.begin())
        if not self._may_share(waiting.share):
            return self._run_alone(contributing)
        with self._changing:
            if self._running < self._at_once:
                self._running += 1
                waiting.state = _State.LEADS
            else:
                self._queue.append(waiting)
        if waiting.state is not _State.LEADS:
            waiting.told.wait()
        if waiting.state is _State.LEADS:
            self._lead(waiting)
        if waiting.error is not None:
            raise waiting.error
        if waiting.state is _State.DONE:
            return cast(Result, waiting.result)
        try:
            return self._run_alone(contributing)
        except StoreUnavailable:
            raise
        except Exception:
            if waiting.was_trouble:
                self._alone[waiting.partner] = time.monotonic() + _ALONE_SECONDS
            raise

    def _may_share(self, share: Share) -> bool:
        """Return whether a contribution is small and simple, and its partner's last ones were no trouble."""
        submissions = share.submissions
        if not submissions or len(submissions) > _MOST_OF_ONE or not share.is_simple(self.hub):
            return False
        is_small = sum(len(submission.item.body) for submission in submissions) <= _MOST_BYTES_OF_ONE
        return is_small and self._alone.get(share.partner.name, 0.0) < time.monotonic()

    def _run_alone(self, contributing: Contributing[Result]) -> Result:
        def do(tx: Tx) -> Result:
            [result] = self._done(tx, [(contributing, contributing.begin())])
            return cast(Result, result)

        return write_patiently(self.hub.store, do)

    def _lead(self, first: _Waiting) -> None:
        """Run transactions until the end of ``first`` is known; then let the next one lead."""
        is_reached = True
        try:
            while first.state is _State.LEADS and is_reached:
                is_reached = self._run_group(first)
        finally:
            with self._changing:
                # Without a database nobody waits for the attempts of others.
                lost = () if is_reached else [*self._queue]
                if lost:
                    self._queue.clear()
                following = self._queue.popleft() if self._queue else None
                self._running -= following is None
            for waiting in lost:
                waiting.tell(_State.ALONE)
            if following is not None:
                following.tell(_State.LEADS)

    def _run_group(self, first: _Waiting) -> bool:
        """Run a transaction for ``first`` and those that wait, and tell each how it ended; False without a database.

        After ``PartnersBusy`` the others wait again.
        """
        group, is_open, is_done = [first], False, False
        try:
            with self.hub.store.begin() as tx:
                # More may have come while this one waited for its turn to write.
                group, is_open = self._gathered(first), True
                # In one order, because other transactions lock the same quotas.
                group.sort(key=lambda waiting: waiting.share.partner.counts_as)
                results = self._done(tx, [(waiting.contributing, waiting.share) for waiting in group])
                is_done = True
        except PartnersBusy as busy:
            free = [waiting for waiting in group if waiting.partner not in busy.names and waiting is not first]
            with self._changing:
                self._queue.extendleft(reversed(free))
            group = [waiting for waiting in group if waiting.partner in busy.names]
            _end(group)
        except Exception as error:  # noqa: BLE001 - each of several then fails or succeeds alone
            _end_with(group, error, is_done=is_done)
        except BaseException:
            _end(group)
            raise
        else:
            for waiting, result in zip(group, results, strict=True):
                waiting.result = result
                waiting.tell(_State.DONE)
        return is_open

    def _gathered(self, first: _Waiting) -> list[_Waiting]:
        """Take from the queue those that may share a transaction with ``first``, in the order of arrival.

        At most one of each organisation, and none about a value of another.
        """
        group, objects = [first], len(first.share.submissions)
        organisations, subjects = {first.share.partner.counts_as}, first.share.subjects
        with self._changing:
            left: list[_Waiting] = []
            for waiting in self._queue:
                share, own = waiting.share, waiting.share.subjects
                fits = objects + len(share.submissions) <= _MOST_OBJECTS
                if fits and share.partner.counts_as not in organisations and not own & subjects:
                    group.append(waiting)
                    objects += len(share.submissions)
                else:
                    left.append(waiting)
                # One that arrived later does not overtake it.
                organisations.add(share.partner.counts_as)
                subjects |= own
            self._queue = deque(left)
        return group

    def _done(self, tx: Tx, members: Sequence[tuple[Contributing[Any], Share]]) -> list[Any]:
        """Admit, take and settle contributions in one transaction, and return their results in order."""
        admitted = [contributing.admit(tx) for contributing, _ in members]
        shares = [share for _, share in members]
        lock_together(self.hub, tx, shares)
        for check in admitted:
            check()
        take_together(self.hub, tx, shares, leave_for_end=True)
        return [contributing.settle(tx) for contributing, _ in members]


def _end(group: Sequence[_Waiting]) -> None:
    """Let each run alone."""
    for waiting in group:
        waiting.tell(_State.ALONE)


def _end_with(group: Sequence[_Waiting], error: Exception, *, is_done: bool) -> None:
    """Raise the error where it belongs to one contribution, or where all may be stored; else let each run alone."""
    is_unavailable = isinstance(error, StoreUnavailable)
    if not isinstance(error, Contended) and (len(group) == 1 or (is_done and is_unavailable)):
        for waiting in group:
            waiting.error = error
            waiting.tell(_State.DONE)
        return
    log.info("shared-write-repeated contributions=%s cause=%s", len(group), type(error).__name__)
    for waiting in group:
        waiting.was_trouble = not is_unavailable
    _end(group)
