"""A mirror with a long interval answers with a new report, and with a retraction, soon after the hub has it."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from feeds.client.mirror.schedule import sync_once, sync_until_stopped
from tests.integration.mirror.conftest import MirroredScamfeed

VALUES = 4
# Of a busy machine, and long before the hour until the next sync. The benchmark states those of a quiet one.
SOON = 60.0


@pytest.fixture
def following(hub: MirroredScamfeed) -> Iterator[MirroredScamfeed]:
    stop = threading.Event()
    settings = hub.settings("takedown", mirror={"every": "1h"})
    sync_once(settings)
    thread = threading.Thread(target=sync_until_stopped, args=(settings, stop))
    thread.start()
    yield hub
    stop.set()
    thread.join()


def _wait_until(condition: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < SOON
        time.sleep(0.01)


@pytest.mark.long
def test_a_report_and_its_retraction_arrive_soon(following: MirroredScamfeed) -> None:
    with following.open() as mirror:
        for number in range(VALUES):
            value = f"soon{number}.example.com"
            following.report(value)
            _wait_until(lambda value=value: mirror.check(value).found)  # type: ignore[misc]  # bound at once
            following.retract(value)
            _wait_until(lambda value=value: not mirror.check(value).found)  # type: ignore[misc]  # bound at once
