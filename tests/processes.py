"""Servers in separate processes, forked from one that has loaded our code. Loading takes longer than most tests."""

import atexit
import contextlib
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

from server.app import serve
from server.cli.program import app
from server.settings import Settings
from tests.orphans import die_with_parent

_PROJECT = Path(__file__).parents[1]
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.processes", "server.cli.program", "tests.forked_hubs"])


class Forked:
    """A process that calls a function of ours, with the interface of ``Popen``.

    Its output is appended to ``log``. ``environment`` replaces its environment. It ends with the tests.
    """

    def __init__(
        self, function: Callable[..., None], *arguments: Any, log: Path, environment: dict[str, str] | None = None
    ) -> None:
        """Start it. Function and arguments must be picklable."""
        log.touch()
        # Gunicorn keeps the folder in which it is loaded. That of a test is removed.
        with contextlib.chdir(_PROJECT):
            forkserver.ensure_running()
        given = (function, arguments, log, dict(os.environ) if environment is None else environment)
        self._process = _FORKS.Process(target=_run, args=given)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return its exit code, or None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and return the exit code."""
        self._process.join(timeout)
        ended = self._process.exitcode
        if ended is None:
            raise subprocess.TimeoutExpired(str(self._process.name), timeout or 0)
        return ended

    def send_signal(self, number: int) -> None:
        """Send it a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Terminate it."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


def serve_hub(
    settings: dict[str, Any],
    port: int,
    workers: int,
    threads: int,
    logs: str = logging.BASIC_FORMAT,
    tls: dict[str, Path] | None = None,
) -> None:
    """Serve a hub until stopped, with its log lines in the form ``logs``."""
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format=logs)
    serve(Settings(**settings), "127.0.0.1", port, workers, threads, **(tls or {}))


def scamfeed(*arguments: str) -> None:
    """Run the command line."""
    app(args=list(arguments), prog_name="scamfeed")


def _run(function: Callable[..., None], arguments: tuple[Any, ...], log: Path, environment: dict[str, str]) -> None:
    die_with_parent()
    os.environ.clear()
    os.environ.update(environment)
    with log.open("ab") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    try:
        function(*arguments)
    finally:
        # Processes forked from here also end here; multiprocessing skips a program's exit handlers.
        sys.stdout.flush()
        atexit._run_exitfuncs()
