"""A test with a literal date that reads the real clock fails, and says why."""

import subprocess
import sys
from pathlib import Path

from tests.real_clock import dates_of

YEAR = "2027"
MODULE = """
import subprocess
import sys
import threading
from datetime import UTC, datetime

from schemas import timestamp

MOMENT = datetime(YEAR, 3, 1, tzinfo=UTC)


def is_past():
    return timestamp.now() > MOMENT


def test_by_a_constant():
    assert isinstance(is_past(), bool)


class TestClass:
    def test_by_a_text(self):
        assert timestamp.text(timestamp.now()) != "YEAR-02-28T00:00:00.000Z"


def test_that_starts_a_process():
    subprocess.run([sys.executable, "-c", "'YEAR-03-01'"], check=True)


def test_with_a_stopped_clock():
    with timestamp.frozen_at(MOMENT):
        assert not is_past()


def test_without_a_clock():
    assert timestamp.parse("YEAR-03-01") == MOMENT


def test_beside_a_background_thread():
    thread = threading.Thread(target=is_past, daemon=True)
    thread.start()
    thread.join()


def test_with_an_old_date():
    assert timestamp.now() > timestamp.parse("2026-01-01")
""".replace("YEAR", YEAR)
RUN = "import pytest, sys; from tests.real_clock import RealClock; sys.exit(pytest.main(sys.argv[1:], [RealClock()]))"


def test_dates_are_those_of_a_test_and_of_what_it_uses(tmp_path: Path) -> None:
    module = tmp_path / "test_dates.py"
    module.write_text(MODULE)
    found = {name: dates_of(module, name) for name in ("test_by_a_constant", "test_by_a_text", "test_with_an_old_date")}
    assert found == {
        "test_by_a_constant": [f"{YEAR}-3"],
        "test_by_a_text": [f"{YEAR}-02-28"],
        "test_with_an_old_date": [],
    }


def test_literal_dates_fail_beside_the_real_clock_alone(tmp_path: Path) -> None:
    (tmp_path / "test_dates.py").write_text(MODULE)
    options = ["-q", "-p", "no:cacheprovider", "-rfp", f"--rootdir={tmp_path}"]
    ran = subprocess.run([sys.executable, "-c", RUN, *options, tmp_path], capture_output=True, text=True, check=False)
    lines = [line.split(" ") for line in ran.stdout.splitlines() if "::test" in line]
    ended = {words[1].split("::", 1)[1]: words[0] for words in lines}
    assert ended == {
        "test_by_a_constant": "FAILED",
        "TestClass::test_by_a_text": "FAILED",
        "test_that_starts_a_process": "FAILED",
        "test_with_a_stopped_clock": "PASSED",
        "test_without_a_clock": "PASSED",
        "test_beside_a_background_thread": "PASSED",
        "test_with_an_old_date": "PASSED",
    }, ran.stdout + ran.stderr
