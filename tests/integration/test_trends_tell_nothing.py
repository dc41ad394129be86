"""Published figures have the same bytes with or without reports shared with some partners only."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from server.features.trends import publications
from server.features.trends.counts import DAY
from server.features.trends.fold import fold_all
from server.features.trends.publications import PublishedCell
from server.features.trends.publish import DELAY, publish_due
from server.release.hub import Hub
from tests.integration.two_worlds import BEGINNING, NAMES, Clock, Step, prepared, world_on

_OPEN = [
    Step(by, "report", value, (("tlp", "green"), ("scam_type", "investment")))
    for value in range(4)
    for by in ("First Bank", "Second Bank", "Platform")
]
_SAID = [Step(by, "blocked", value) for value in range(4) for by in ("First Bank", "Second Bank", "Platform")]
_HIDDEN = [
    Step("Exchange", "report", value, (("tlp", tlp), ("only_partners", "Police"), ("scam_type", "romance")))
    for value in range(4)
    for tlp in ("red", "amber")
] + [
    Step("Newcomer", "report", 2, (("tlp", "amber"), ("not_to_countries", "KH"))),
    Step("Exchange", "sighting", 0, (("tlp", "red"),)),
    Step("Exchange", "blocked", 1, (("tlp", "red"),)),
]
_DAY = int(BEGINNING.timestamp() * 1_000_000) // DAY


def _published(folder: Path, name: str, steps: Iterable[tuple[int, Step]], clock: Clock) -> list[PublishedCell]:
    with world_on(prepared(folder), folder / f"{name}.db") as world:
        for number, step in steps:
            clock.at(number)
            world.take(number, step)
        hub = Hub(world.store)
        fold_all(hub)
        while publish_due(hub, (_DAY + 40) * DAY + DELAY):
            pass
        with world.store.read() as tx:
            return [cell for span in ("day", "month") for cell in publications.published(tx, span, 0, 100_000)]  # type: ignore[arg-type]


def test_figures_are_the_same_without_limited_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    assert {step.by for step in (*_OPEN, *_HIDDEN)} <= set(NAMES)
    hidden_first = [*_HIDDEN[: len(_HIDDEN) // 2], *_OPEN, *_HIDDEN[len(_HIDDEN) // 2 :], *_SAID]
    numbered = list(enumerate(hidden_first))
    without = [(number, step) for number, step in numbered if step not in _HIDDEN]
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    seen = _published(tmp_path / "with", "hub", numbered, clock)
    expected = _published(tmp_path / "without", "hub", without, clock)
    # Check that some figures are published, so that a difference could show.
    assert {cell.figure for cell in expected} >= {"reports", "listed", "report-to-listing"} or expected
    assert seen == expected
