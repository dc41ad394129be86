"""Short requests are answered in rounds, in which each owner has its share."""

import asyncio
import time
from dataclasses import dataclass

from server.http.fair_queue import FairQueue


@dataclass
class Asking:
    """A connection with so many requests, each of which takes so long."""

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
    """Let these ask at the same time, until all is answered."""

    async def ask() -> None:
        for connection in asking:
            connection.queue.add(connection.owner, connection.login, connection)
        while any(connection.requests and not connection.dropped for connection in asking):
            await asyncio.sleep(0)

    asyncio.run(ask())


def test_one_connection_with_many_requests_has_one_of_each_round() -> None:
    queue, log = FairQueue(), list[str]()
    answered(Asking(queue, "flood", log, 500), Asking(queue, "bank", log, 5))
    assert log[:10] == ["flood", "bank"] * 5


def test_many_connections_from_one_place_have_its_share_together() -> None:
    queue, log = FairQueue(), list[str]()
    flood = [Asking(queue, "flood", log, 3, 0.0004) for _ in range(50)]
    answered(*flood, Asking(queue, "bank", log, 3))
    assert len(log) == 153
    # A round of all fifty takes twenty milliseconds, the share of a owner is one.
    last = [owner for owner, _ in zip(log, range(40), strict=False)]
    assert last.count("bank") == 3


def test_one_that_fails_does_not_stop_the_others() -> None:
    queue, log = FairQueue(), list[str]()
    bad = Asking(queue, "bad", log, 1, fails=True)
    answered(bad, Asking(queue, "bank", log, 2))
    assert log == ["bank", "bank"]
    assert bad.dropped


def test_in_one_place_each_of_those_who_ask_has_its_turn() -> None:
    queue, log = FairQueue(), list[str]()
    flood = [Asking(queue, "proxy", log, 10) for _ in range(50)]
    answered(*flood, Asking(queue, "proxy", log, 5, login="bank"))
    assert log.index("bank") <= 2
    assert log[:40].count("bank") == 5
