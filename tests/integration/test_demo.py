"""The whole round, from files to partners over real sockets, as ``make demo`` shows it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

# Half a minute each, with five servers.
pytestmark = pytest.mark.long


def test_the_whole_round_holds() -> None:
    command = [sys.executable, "-m", "server.cli", "demo", "--once", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert len(result["held"]) == 9
    assert all(result["held"].values())
    reports = result["reports"]
    assert reports["read"] == reports["mapped"] + reports["duplicates"] + sum(reports["rejected"].values())
    assert reports["read"] > 20_000
    assert result["published"]["takedown"] > 15_000
    assert result["published"]["public"] < result["published"]["takedown"]


def test_a_signal_ends_the_round_and_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-u", "-m", "server.cli", "demo"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        # The servers have been started by then.
        for line in demo.stdout:
            if "contribute files" in line:
                break
        assert len(with_folder(tmp_path)) > 1
        demo.send_signal(signal.SIGTERM)
        demo.stdout.read()
        assert demo.wait(60) == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []
    assert with_folder(tmp_path) == []


def with_folder(folder: Path) -> list[str]:
    """Return the processes that were started with that folder in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder) in (process / "environ").read_text(errors="replace"):
                found.append(process.name)
        except OSError:
            continue  # it has ended, or is not ours
    return found
