"""A server started like an operator's, on a free port of this machine, and its processor time."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

PROGRAM = ("-m", "server.cli")
_PATIENCE = 180


@contextmanager
def serving(
    url: str, *options: str, program: Sequence[str] = PROGRAM, settings: Mapping[str, str] | None = None
) -> Iterator[tuple[int, int]]:
    """Run ``scamfeed serve`` on the database at ``url``; yield its port and its process id."""
    port = free_port()
    command = [sys.executable, *program, "serve", *options, "--port", str(port)]
    env = {**os.environ, **(settings or {}), "SCAMFEED_DATABASE_URL": url}
    with (
        tempfile.TemporaryFile() as log_file,
        subprocess.Popen(command, env=env, stdout=log_file, stderr=log_file) as server,
    ):
        try:
            await_port(port)
            yield port, server.pid
        finally:
            server.terminate()
            server.wait(60)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def await_port(port: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def await_workers(pid: int) -> None:
    """Wait until the workers have loaded the program and are idle: loading is not part of a request."""
    before = -1.0
    while (used := cpu(pid)) != before or not used:
        before = used
        time.sleep(0.3)


def memory(pid: int) -> float:
    """Add up the private memory of a server and its children, in MiB."""
    found = (re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{one}/status").read_text()) for one in _with_children(pid))
    return sum(int(match[1]) for match in found if match) / 1024


def _with_children(pid: int) -> list[int]:
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def cpu(pid: int) -> float:
    """Add up the processor seconds of a server and its children."""
    ticks = 0
    for process in _with_children(pid):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
