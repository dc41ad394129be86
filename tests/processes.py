"""Servers in processes of their own, forked from one that has loaded our code, which takes longer than most tests."""

import atexit
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from server.app import serve
from server.settings import Settings

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.processes", "server.cli.program"])


class Forked:
    """A process that calls a function of ours, with what ``Popen`` offers to whoever started a program.

    What it prints goes to the end of ``log``. ``environment`` takes the place of its environment.
    """

    def __init__(
        self, function: Callable[..., None], *arguments: Any, log: Path, environment: dict[str, str] | None = None
    ) -> None:
        """Start it; function and arguments can be pickled."""
        log.touch()
        given = (function, arguments, log, dict(os.environ) if environment is None else environment)
        self._process = _FORKS.Process(target=_run, args=given)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return how it ended, None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it ends, and return how."""
        self._process.join(timeout)
        ended = self._process.exitcode
        if ended is None:
            raise subprocess.TimeoutExpired(str(self._process.name), timeout or 0)
        return ended

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def serve_hub(
    settings: dict[str, Any],
    port: int,
    workers: int,
    threads: int,
    logs: str = logging.BASIC_FORMAT,
    tls: dict[str, Path] | None = None,
) -> None:
    """Serve a hub until it is stopped, with every line of its logs in the form ``logs``."""
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format=logs)
    serve(Settings(**settings), "127.0.0.1", port, workers, threads, **(tls or {}))


def _run(function: Callable[..., None], arguments: tuple[Any, ...], log: Path, environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    with log.open("ab") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    try:
        function(*arguments)
    finally:
        # Processes that were forked from here end here too; multiprocessing leaves out what a program does at its end.
        sys.stdout.flush()
        atexit._run_exitfuncs()
