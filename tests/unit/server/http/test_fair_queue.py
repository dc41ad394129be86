"""Answers that take no time are given in rounds, in which each place has its share."""

import asyncio
import time
from dataclasses import dataclass

from server.http.fair_queue import FairQueue


@dataclass
class Asking:
    """A connection with so many requests, each of which takes so long."""

    rounds: FairQueue
    place: str
    log: list[str]
    requests: int
    seconds: float = 0.0
    name: str = ""
    dropped: bool = False
    fails: bool = False

    def answer_next(self) -> None:
        if self.fails:
            raise ValueError("no")
        time.sleep(self.seconds)
        self.log.append(self.name or self.place)
        self.requests -= 1
        if self.requests:
            self.rounds.add(self.place, self.name, self)

    def drop(self) -> None:
        self.dropped = True


def answered(*asking: Asking) -> None:
    """Let these ask at the same time, until all is answered."""

    async def ask() -> None:
        for connection in asking:
            connection.rounds.add(connection.place, connection.name, connection)
        while any(connection.requests and not connection.dropped for connection in asking):
            await asyncio.sleep(0)

    asyncio.run(ask())


def test_one_connection_with_many_requests_has_one_of_each_round() -> None:
    rounds, log = FairQueue(), list[str]()
    answered(Asking(rounds, "flood", log, 500), Asking(rounds, "bank", log, 5))
    assert log[:10] == ["flood", "bank"] * 5


def test_many_connections_from_one_place_have_its_share_together() -> None:
    rounds, log = FairQueue(), list[str]()
    flood = [Asking(rounds, "flood", log, 3, 0.0004) for _ in range(50)]
    answered(*flood, Asking(rounds, "bank", log, 3))
    assert len(log) == 153
    # A round of all fifty takes twenty milliseconds, the share of a place is one.
    last = [place for place, _ in zip(log, range(40), strict=False)]
    assert last.count("bank") == 3


def test_one_that_fails_does_not_stop_the_others() -> None:
    rounds, log = FairQueue(), list[str]()
    bad = Asking(rounds, "bad", log, 1, fails=True)
    answered(bad, Asking(rounds, "bank", log, 2))
    assert log == ["bank", "bank"]
    assert bad.dropped


def test_in_one_place_each_of_those_who_ask_has_its_turn() -> None:
    rounds, log = FairQueue(), list[str]()
    flood = [Asking(rounds, "proxy", log, 10) for _ in range(50)]
    answered(*flood, Asking(rounds, "proxy", log, 5, name="bank"))
    assert log.index("bank") <= 2
    assert log[:40].count("bank") == 5
