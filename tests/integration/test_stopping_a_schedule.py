"""Whoever runs the schedules ends when told to, whichever of its threads the system gives the signal to."""

import subprocess
import sys
from pathlib import Path

from server.setup import set_up
from server.store import Store

ROOT = Path(__file__).parents[2]
# A thread that takes the signal itself is what the system may choose where the main one was stopped just then.
SCRIPT = """
import signal, sys, threading, time
from feeds.runs.schedule import run_until_stopped
from server.release.hub import Hub
from server.store import Store

def take_the_signal():
    time.sleep(1)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

threading.Thread(target=take_the_signal, daemon=True).start()
run_until_stopped(Hub(Store.open(sys.argv[1])), [])
print("ended")
"""


def test_a_signal_that_another_thread_is_given_ends_it_all_the_same(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    store = Store.open(url)
    set_up(store)
    store.close()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, url], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "ended\n"
