"""The stages of ``.ci/run``: what they print of tests that fail once or twice."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STAGES = Path(__file__).parents[3] / ".ci/stages.sh"
TESTS = """
from pathlib import Path
import pytest

@pytest.mark.parametrize("case", ["a", "b - c"])
def test_fails_once(case):
    note = Path(case)
    assert note.exists() or note.touch()

def test_fails_while_told():
    assert not Path("failing").exists()
"""
RUN = f"""#!/usr/bin/env bash
. "$(dirname "$0")/stages.sh"
beside aside - echo "said aside"
stage quick - true
ended
stage check {sys.executable} {sys.executable} -m pytest -q tests
stage last - true
finish
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder, name, text in ((".ci", "run", RUN), ("tests", "test_some.py", TESTS)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
    (tmp_path / ".ci/run").chmod(0o755)
    shutil.copy(STAGES, tmp_path / ".ci")
    return tmp_path


def run(project: Path) -> tuple[int, list[str]]:
    """Run the stages; return the exit code and what they printed."""
    done = subprocess.run([project / ".ci/run"], cwd=project, capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines()


def flaky(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("flaky: ")]


@pytest.mark.long
def test_tests_that_pass_at_the_second_try_are_listed(project: Path) -> None:
    once = [f"flaky: tests/test_some.py::test_fails_once[{case}]" for case in ("a", "b - c")]
    (project / "failing").touch()
    code, lines = run(project)
    assert (code, flaky(lines), lines[-1]) == (1, once, "failed stages: check")
    assert "said aside" in lines
    for note in ("a", "b - c", "failing"):
        (project / note).unlink()
    code, lines = run(project)
    assert (code, flaky(lines)) == (0, once)
    assert any(line.startswith("stage check: passed at the second try, ") for line in lines)
    code, lines = run(project)
    assert (code, flaky(lines)) == (0, [])
