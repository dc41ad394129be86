"""The whole round, from files to partners over real sockets, as ``make demo`` shows it."""

import json
import subprocess
import sys


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
