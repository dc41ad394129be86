"""A sync killed at any point: readers see the copy before or after it, and the next sync continues."""

import multiprocessing
import random
import time
from contextlib import suppress
from typing import Any

import pytest

from feeds.client.mirror.schedule import sync_once
from feeds.client.mirror.settings import MirrorSettings
from feeds.connector import Misconfigured
from tests.integration.mirror.conftest import MirroredScamfeed

KILLS = 30
# One transaction on the hub, and many pages.
TOGETHER = 60


def sync_forever(settings: MirrorSettings) -> None:
    while True:
        sync_once(settings)


@pytest.mark.long
def test_thirty_kills_lose_nothing_and_show_no_partial_copy(hub: MirroredScamfeed) -> None:
    chance = random.Random(7)  # noqa: S311 - guards nothing
    settings = hub.settings("takedown", hub={"page": 10})
    rounds: list[list[str]] = []
    retracted: set[int] = set()
    context = multiprocessing.get_context("fork")
    for kill in range(KILLS):
        rounds.append([f"k{kill}-{number}.example.com" for number in range(TOGETHER)])
        hub.report(*rounds[kill])
        if kill % 3 == 2:
            gone = chance.choice(sorted(set(range(kill)) - retracted))
            hub.retract_all(rounds[gone])
            retracted.add(gone)
        syncing: Any = context.Process(target=sync_forever, args=(settings,))
        syncing.start()
        time.sleep(chance.uniform(0.02, 0.6))
        syncing.kill()
        syncing.join()
        with suppress(Misconfigured), hub.open() as mirror:  # killed before the file existed
            for values in rounds:
                assert len({mirror.check(value).found for value in values}) == 1, values[0]
    assert hub.sync("takedown").is_well
    with hub.open() as mirror:
        for kill, values in enumerate(rounds):
            assert {mirror.check(value).found for value in values} == {kill not in retracted}
