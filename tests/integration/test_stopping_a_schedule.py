"""A scheduler process ends on a signal to any of its threads."""

import subprocess
import sys
from pathlib import Path

import pytest

from server.setup import set_up
from server.store import Store

ROOT = Path(__file__).parents[2]
# A thread that accepts the signal: the system may choose it when the main thread is blocked.
SCRIPT = """
import signal, sys, threading
from feeds.runs.schedule import run_until_stopped
from server.release.hub import Hub
from server.store import Store

class Stopped(threading.Event):
    def wait(self, timeout=None):
        begun.set()
        return super().wait(timeout)

begun = threading.Event()

def take_the_signal():
    begun.wait()
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

threading.Thread(target=take_the_signal, daemon=True).start()
run_until_stopped(Hub(Store.open(sys.argv[1])), [], orphaned=Stopped())
print("ended")
"""


@pytest.mark.long
def test_signal_delivered_to_another_thread_ends_the_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    store = Store.open(url)
    set_up(store)
    store.close()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, url], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "ended\n"
