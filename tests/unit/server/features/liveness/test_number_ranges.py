"""Telephone numbers of ranges that were assigned again: their reports are held for review."""

from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from schemas import timestamp
from schemas.errors import Rejected
from server.cli.program import app
from server.features.liveness import records
from server.features.liveness.number_ranges import MOST_RANGES, read_ranges, times_of
from server.release.hub import Hub
from server.settings import Settings
from server.store import reviews
from tests.unit.server.features.dispatch.conftest import (
    Report,
    hub as hub,
    mail_server as mail_server,
    registries as registries,
    report as report,
    settings as settings,
)
from tests.unit.server.features.liveness.test_liveness import is_listed

HEADER = "range,assigned"
OLD, NEW = "2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z"


def register(*rows: str) -> str:
    return "\n".join((HEADER, *rows, ""))


def test_smallest_range_of_a_number_counts_and_then_the_latest_time() -> None:
    ranges = read_ranges(register(f"+6681,{NEW}", f"+66812,{OLD}", f"+4420,{OLD}", f"+4420,{NEW}"))
    times = times_of(ranges, iter(("+66811111111", "+66812222222", "+442071838750", "+12025550123")))
    assert {number: timestamp.text(time) for number, time in times.items()} == {
        "+66811111111": NEW,
        "+66812222222": OLD,
        "+442071838750": NEW,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "first line"),
        ("range\n+66812\n", "first line"),
        (f"{HEADER},operator\n+66812,{OLD},AIS\n", "first line"),
        (register(), "0 ranges"),
        (register(*[f"+66812,{OLD}"] * (MOST_RANGES + 1)), f"{MOST_RANGES + 1} ranges"),
        (register(f"+66812,{OLD}", f"0812,{OLD}"), "line 3: a range is"),
        (register(f"+66,{OLD}"), "line 2: a range is"),
        (register("+66812,yesterday"), "line 2: assigned"),
        (register("+66812"), "line 2: assigned"),
        (register("+66812,2999-01-01T00:00:00Z"), "line 2: assigned is in the future"),
        (f'{HEADER}\n"+66812,{OLD}', "no CSV"),
        (f"{HEADER}\n+66812,{OLD},more", "line 2: it has more cells"),
    ],
)
def test_wrong_register_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(Rejected, match=message):
        read_ranges(text)


def run_command(settings: Settings, *arguments: str) -> dict[str, int]:
    """Run the command on the store of the hub, and return its result."""
    environment = {"SCAMFEED_DATABASE_URL": settings.database_url}
    done = CliRunner().invoke(app, ["liveness", "numbers", *arguments, "--by", "Anong", "--json"], env=environment)
    assert done.exit_code == 0, done.output
    found: dict[str, int] = orjson.loads(done.stdout)
    return found


def held(hub: Hub) -> int:
    with hub.store.read() as tx:
        return sum(review.rule == "new-owner" for review in reviews.all_reviews(tx, "open", limit=99))


def test_reports_of_numbers_before_the_assignment_are_held(
    hub: Hub, settings: Settings, report: Report, tmp_path: Path
) -> None:
    for number in ("+66812345678", "+66898765432"):
        report("phone", number, tlp="green")
    with hub.store.read() as tx:
        assert sorted(records.numbers(tx)) == ["+66812345678", "+66898765432"]
    file = tmp_path / "register.csv"
    before = timestamp.text(timestamp.now() - timedelta(days=1))
    file.write_text(register(f"+66898,{before}", f"+66812,{timestamp.text(timestamp.now())}"))
    assert run_command(settings, str(file), "--dry-run") == {"numbers": 2, "reports_held": 0}
    assert is_listed(hub, "phone:+66812345678")
    assert run_command(settings, str(file)) == {"numbers": 2, "reports_held": 3}
    assert not is_listed(hub, "phone:+66812345678")
    assert is_listed(hub, "phone:+66898765432")
    assert held(hub) == 3
    assert run_command(settings, str(file)) == {"numbers": 2, "reports_held": 0}
