"""Rules are applied in parts by any worker: every value once, and a stopped run continues."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import orjson
import pytest

from server.features.policies import commands as policy
from server.features.policies.commands import republish_on_worker
from server.release.hub import Hub
from server.release.republish import Republished, ValuesPart, begin_parts
from server.settings import load
from server.setup import hub_of
from server.store import Store
from tests.integration.command import Run, answer

VALUES = 30
RULES = """
[[rule]]
collection = "takedown"
kinds = ["domain"]
least_reporters = 2
"""


@pytest.fixture
def rules(run_with_store: Run, tmp_path: Path) -> Path:
    """Make a hub with two partners that both report the first ten values, and return the file of its rules."""
    for name, number in (("First", VALUES), ("Second", 10)):
        assert run_with_store("partner", "add", name, "--kind", "platform", "--vouched").exit_code == 0
        rows = "".join(f"shop-{n}.example.com\n" for n in range(number))
        assert run_with_store("contribute", "-", "--partner", name, "--kind", "domain", stdin=rows).exit_code == 0
    return tmp_path / "scamfeed.toml"


def listed(run: Run) -> int:
    return len(run("export", "--collection", "takedown", "--format", "list").stdout.split())


@contextmanager
def opened() -> Iterator[Hub]:
    settings = load()
    with closing(Store.open(settings.database_url)) as store:
        yield hub_of(settings, store)


def begun(number: int, *, anew: bool = False) -> list[ValuesPart]:
    with opened() as hub:
        return begin_parts(hub, number, anew=anew)


@pytest.mark.parametrize("number", [1, 3, 16])
def test_every_value_belongs_to_one_part(run: Run, rules: Path, number: int) -> None:
    rules.write_text(RULES)
    done = [republish_on_worker(part, None) for part in begun(number)]
    assert len(done) == number
    assert (sum(part.values for part in done), sum(part.changed for part in done)) == (VALUES, VALUES - 10)
    assert listed(run) == 10
    assert [republish_on_worker(part, None).changed for part in begun(number)] == [0] * number


def test_stopped_run_leaves_the_open_parts(run: Run, rules: Path) -> None:
    rules.write_text(RULES)
    parts = begun(8)
    for part in parts[:3]:
        republish_on_worker(part, None)
    assert begun(8) == parts[3:]
    assert len(begun(8, anew=True)) == 8
    republish_on_worker(parts[0], None)
    rules.write_text(RULES.replace("2", "1"))
    assert len(begun(8)) == 8
    for part in begun(8):
        republish_on_worker(part, None)
    assert listed(run) == VALUES


def test_the_command_adds_up_the_parts(run: Run, rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def on_workers(parts: list[ValuesPart], address: str, work: object, config: None) -> Iterator[Republished]:
        assert (address, work) == ("local:2", republish_on_worker)
        yield from (republish_on_worker(part, config) for part in reversed(parts))

    monkeypatch.setattr(policy, "on_workers", on_workers)
    rules.write_text(RULES)
    assert answer(run("policy", "apply", "--cluster", "local:2", "--json")) == {
        "values": VALUES,
        "changed": VALUES - 10,
        "parts": 32,
    }
    assert listed(run) == 10
    assert "0 of them changed" in run("policy", "apply", "--cluster", "local:2").stdout


@pytest.mark.long
def test_workers_of_a_cluster_do_it(run: Run, rules: Path) -> None:
    pytest.importorskip("dask.distributed")
    rules.write_text(RULES)
    # In a separate process, because a worker reads the program's file again.
    command = [sys.executable, "-m", "server.cli", "policy", "apply", "--json", "--cluster"]
    done = subprocess.run([*command, "local:2"], capture_output=True, timeout=200, check=True)
    assert orjson.loads(done.stdout)["changed"] == VALUES - 10
    assert listed(run) == 10
