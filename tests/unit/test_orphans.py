"""What tests start ends with them, even if they are killed."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.orphans import OwnFolder
from tests.postgres import Postgres

ROOT = Path(__file__).parents[2]
# A run of tests that has a PostgreSQL and a hub.
RUN = """
import sys, time
from pathlib import Path
from tests.ports import free_port
from tests.postgres import Postgres
from tests.processes import Forked, serve_hub

folder = Path(sys.argv[1])
postgres = Postgres()
postgres.start()
hub = Forked(serve_hub, {"database_url": f"sqlite:///{folder / 'hub.db'}"}, free_port(), 1, 4, log=folder / "log")
print(postgres.pid, hub.pid, postgres.folder, flush=True)
time.sleep(600)
"""


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent ended")
def test_killed_run_leaves_no_server_and_the_next_removes_its_folder(postgres: Postgres, tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUN, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as run:
        try:
            assert run.stdout is not None
            *pids, folder = run.stdout.readline().split()
            servers = [int(pid) for pid in pids]
            assert all(map(is_running, servers))
            until(lambda: "Booting worker" in (tmp_path / "log").read_text())
            children = Path(f"/proc/{servers[1]}/task/{servers[1]}/children").read_text().split()
        finally:
            run.kill()
    # The worker of the hub ends with the hub.
    until(lambda: not any(map(is_running, [*servers, *map(int, children)])))
    assert children
    assert Path(folder).is_dir()
    Postgres(postgres.bin).remove()
    assert not Path(folder).exists()
    assert postgres.folder.is_dir()


def test_folder_of_a_live_process_is_kept(tmp_path: Path) -> None:
    mine = OwnFolder("run-", tmp_path)
    (tmp_path / "run-unlocked").mkdir()
    other = OwnFolder("run-", tmp_path)
    assert {*tmp_path.iterdir()} == {mine.path, other.path}
    mine.remove()
    other.remove()
    assert not [*tmp_path.iterdir()]
