"""A scheduler for kill tests: one pull from a counter file and one push into a file, with each run traced."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from feeds.connector import Answer, Batch, Pull, PullSettings, Push, PushSettings
from feeds.runs.schedule import run_until_stopped
from mappers.indicator import to_stix
from schemas.tabular import ReportReader
from server.release.hub import Hub
from server.store import Store
from server.store.item import Item

FOLDER, REPORTED_AT = Path(sys.argv[2]), sys.argv[3]
READER = ReportReader({"reporter": "In", "kind": "domain", "reported_at": REPORTED_AT})


def append(name: str, text: str) -> None:
    """Append whole lines, safely with concurrent writers."""
    file = os.open(FOLDER / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def trace(word: str, feed: str) -> None:
    append("trace", f"{time.time()} {word} {os.getpid()} {feed}\n")


class Counting(Pull[PullSettings]):
    """Pulls as many domains as the file says, five at a time, slowly."""

    name: ClassVar[str] = "counting"
    settings_model = PullSettings

    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        trace("begin", "pull")
        source = FOLDER / "source"
        total = int(source.read_text() or 0) if source.exists() else 0
        begun = (checkpoint or {}).get("next", 0)
        for start in range(begun, total, 5):
            numbers = range(start, min(start + 5, total))
            items = [to_stix(READER.report({"value": f"h{n}.example.com"})) for n in numbers]
            time.sleep(0.1)
            yield Batch(items, {"next": numbers[-1] + 1}, len(items))
        trace("end", "pull")


class Writing(Push[PushSettings]):
    """Writes the ids of the delivered objects into a file."""

    name: ClassVar[str] = "writing"
    settings_model = PushSettings
    begun = False

    def push(self, items: Sequence[Item]) -> list[Answer]:
        if not self.begun:
            trace("begin", "push")
            self.begun = True
        time.sleep(0.05)
        append("out", "".join(f"{item.id}\n" for item in items))
        return [Answer(item, True, "success") for item in items]

    def close(self) -> None:
        if self.begun:
            trace("end", "push")
            self.begun = False


def main() -> None:
    """Run both until stopped."""
    logging.basicConfig(level=logging.INFO)
    pull = {"name": "pull", "connector": "counting", "every": "300ms", "contribute_as": "In"}
    push = {"name": "push", "connector": "writing", "every": "5s", "partner": "Out", "collection": "takedown"}
    feeds = [Counting(PullSettings(**pull)), Writing(PushSettings(**push, batch=10))]  # type: ignore[arg-type]
    store = Store.open(sys.argv[1])
    trace("ready", "-")
    run_until_stopped(Hub(store), feeds)
    store.close()


main()
