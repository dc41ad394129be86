"""The whole demo, from files to partners over real sockets, as run by ``make demo``."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

# Half a minute each, with six servers.
pytestmark = pytest.mark.long

CHECKS = {
    "file-pull reads each file once",
    "the sightings arrive",
    "the bank sees the retraction at its next poll",
    "the bank's Scamfeed has the pushed objects",
    "the same file again changes nothing",
    "the report of another hub's bank is listed",
    "its provider's clearance follows it",
    "the request of another hub's bank arrives",
}


def test_whole_demo_succeeds() -> None:
    command = [sys.executable, "-m", "server.cli", "demo", "--once", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert {name for name, held in result["held"].items() if not held} == set()
    assert result["held"].keys() >= CHECKS
    reports = result["reports"]
    assert reports["read"] == reports["mapped"] + reports["duplicates"] + sum(reports["rejected"].values())
    assert reports["read"] > 20_000
    assert result["published"]["takedown"] > 15_000
    assert result["published"]["public"] < result["published"]["takedown"]


def test_every_login_works_while_history_fills_in_and_a_signal_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-u", "-m", "server.cli", "demo"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        links = {}
        for line in demo.stdout:
            who, _, address = line.strip().rpartition(" ")
            if "/welcome/" in address:
                links[who.rstrip(":")] = address
            if "the earlier weeks are played" in line:
                break
        assert {who.removeprefix("a user's of ") for who in links} == {
            *("an operator's login", "a second operator's", "Harbour bank", "Video platform", "Coin exchange"),
            *("Mobile operator", "Cyber police", "Scam desk of the ministry"),
        }
        for address in links.values():
            assert requests.get(address, timeout=60).status_code == 200
        # By then the server has been started.
        assert len(with_folder(tmp_path)) > 1
        demo.send_signal(signal.SIGTERM)
        demo.stdout.read()
        assert demo.wait(60) == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []
    assert with_folder(tmp_path) == []


def with_folder(folder: Path) -> list[str]:
    """Return the processes started with that folder in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder) in (process / "environ").read_text(errors="replace"):
                found.append(process.name)
        except OSError:
            continue  # ended, or another user's
    return found
