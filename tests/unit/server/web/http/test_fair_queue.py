"""Short requests are answered in rounds where each owner has a share."""

import asyncio
import time
from dataclasses import dataclass

from server.web.http.connections import FairQueue


@dataclass
class Asking:
    """A connection with this many requests that take this long each."""

    queue: FairQueue
    owner: str
    log: list[str]
    requests: int
    seconds: float = 0.0
    login: str = ""
    dropped: bool = False
    fails: bool = False

    def answer_next(self) -> None:
        if self.fails:
            raise ValueError("no")
        time.sleep(self.seconds)
        self.log.append(self.login or self.owner)
        self.requests -= 1
        if self.requests:
            self.queue.add(self.owner, self.login, self)

    def drop(self) -> None:
        self.dropped = True


def answered(*asking: Asking) -> None:
    """Let these clients send at the same time, until all responses arrived."""

    async def ask() -> None:
        for connection in asking:
            connection.queue.add(connection.owner, connection.login, connection)
        while any(connection.requests and not connection.dropped for connection in asking):
            await asyncio.sleep(0)

    asyncio.run(ask())


def test_connection_with_many_requests_gets_one_per_round() -> None:
    queue, log = FairQueue(), list[str]()
    answered(Asking(queue, "flood", log, 500), Asking(queue, "bank", log, 5))
    assert log[:10] == ["flood", "bank"] * 5


def test_many_connections_from_one_address_share_one_share() -> None:
    queue, log = FairQueue(), list[str]()
    flood = [Asking(queue, "flood", log, 3, 0.0004) for _ in range(50)]
    answered(*flood, Asking(queue, "bank", log, 3))
    assert len(log) == 153
    # A round of all fifty takes twenty milliseconds. The share of one owner is one millisecond.
    last = [owner for owner, _ in zip(log, range(40), strict=False)]
    assert last.count("bank") == 3


def test_one_that_fails_does_not_stop_the_others() -> None:
    queue, log = FairQueue(), list[str]()
    bad = Asking(queue, "bad", log, 1, fails=True)
    answered(bad, Asking(queue, "bank", log, 2))
    assert log == ["bank", "bank"]
    assert bad.dropped


def test_clients_behind_one_address_take_turns() -> None:
    queue, log = FairQueue(), list[str]()
    flood = [Asking(queue, "proxy", log, 10) for _ in range(50)]
    answered(*flood, Asking(queue, "proxy", log, 5, login="bank"))
    assert log.index("bank") <= 2
    assert log[:40].count("bank") == 5
