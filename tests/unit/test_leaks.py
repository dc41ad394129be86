"""A test that leaves something open fails, and no later one."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFTEST = """
from tests.leaks import Leaks

def pytest_configure(config):
    config.pluginmanager.register(Leaks())
"""
HEAD = """
import concurrent.futures, gc, os, socket, subprocess, sys, threading
import pytest

def test_before():
    pass
"""
AFTER = """
def test_after():
    gc.collect()
"""
LEFT = {
    "a socket in a cycle": (
        """
def test_it():
    cycle = [socket.create_server(("127.0.0.1", 0))]
    cycle.append(cycle)
""",
        "unclosed <socket.socket",
    ),
    "a file in a cycle": (
        """
def test_it():
    cycle = [open(__file__)]
    cycle.append(cycle)
""",
        "unclosed file",
    ),
    "a fixture's socket": (
        """
@pytest.fixture
def listening():
    cycle = [socket.create_server(("127.0.0.1", 0))]
    cycle.append(cycle)

def test_it(listening):
    pass
""",
        "unclosed <socket.socket",
    ),
    "a listening socket in use": (
        """
import tests.leaks
tests.leaks._PATIENCE = 0.1
kept = []

def test_it():
    kept.append(socket.create_server(("127.0.0.1", 0)))
""",
        "left open: socket 127.0.0.1:",
    ),
    "a thread": (
        """
import tests.leaks
tests.leaks._PATIENCE = 0.1
over = threading.Event()

def test_it():
    threading.Thread(target=over.wait, name="waiting").start()

@pytest.fixture(scope="module", autouse=True)
def end():
    yield
    over.set()
""",
        "left open: thread waiting",
    ),
    "a process in a cycle": (
        """
def test_it():
    cycle = [subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)]
    cycle.append(cycle)
""",
        "is still running",
    ),
}
LEGITIMATE = """
@pytest.fixture(scope="module")
def shared():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()
        thread = threading.Thread(target=over.wait)
        thread.start()
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        yield listening.getsockname()
        process.communicate()
        over.set()
        thread.join()

@pytest.fixture
def own():
    with open(__file__) as opened:
        yield opened

pool = []

def test_shared_by_name(shared, own):
    pass

def test_shared_later(request):
    request.getfixturevalue("shared")

def test_pool(shared):
    pool.append(socket.create_connection(shared))

def test_thread_that_ends():
    threading.Thread(target=lambda: None).start()

def test_process_that_ends():
    subprocess.run([sys.executable, "-c", ""], check=True)

def test_pool_is_closed():
    pool.pop().close()

def test_pool_of_threads():
    pool.append(concurrent.futures.ThreadPoolExecutor())
    pool[0].submit(int).result()
"""


def outcome(folder: Path, tests: str) -> str:
    """Run these tests in a process of their own, and return what pytest prints."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(HEAD + tests + AFTER)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "-c", "/dev/null"]
    command += ["--rootdir", str(folder), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=120).stdout


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists what a process has open")
@pytest.mark.parametrize(("tests", "named"), LEFT.values(), ids=LEFT.keys())
def test_a_test_that_leaves_something_open_fails(tmp_path: Path, tests: str, named: str) -> None:
    printed = outcome(tmp_path, tests)
    assert "3 passed, 1 error" in printed
    assert "ERROR at teardown of test_it" in printed
    assert named in printed


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists what a process has open")
def test_shared_fixtures_and_pools_may_stay_open(tmp_path: Path) -> None:
    assert "9 passed" in outcome(tmp_path, LEGITIMATE)
