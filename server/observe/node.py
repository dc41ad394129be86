"""Metrics of the machine and of the processes that serve a hub on it, read at each scrape."""

import os
import platform
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from cryptography import x509
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from server.observe.families import counter, gauge
from server.store import Store, StoreUnavailable
from server.store.database import sql

_BUILD = gauge(
    "scamfeed_build_info", "1; the labels are the versions of the program and of Python", "version", "python"
)
_PROCESSES = gauge("scamfeed_processes", "Processes that serve this node")
_MEMORY = gauge("scamfeed_process_resident_bytes", "Resident memory of these processes together")
_PROCESSOR = counter("scamfeed_process_cpu_seconds", "Processor time of these processes together, since each started")
_FILES = gauge("scamfeed_process_open_files", "Open files and sockets of these processes together")
_DISK = gauge(
    "scamfeed_disk_free_bytes", "Free bytes of the disk of the database (SQLite), or of waiting bodies", "what"
)
_ANSWER = gauge("scamfeed_database_answer_seconds", "Time in which the database answered one question of this scrape")
_CONNECTIONS = gauge("scamfeed_database_connections", "Connections to the hub's PostgreSQL database, by state", "state")
_CERTIFICATE = gauge("scamfeed_certificate_end_seconds", "Time until the server's own TLS certificate ends")
_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class NodeCollector(Collector):
    """Metrics of one node."""

    def __init__(self, store: Store, certificate: Path | None = None, parent: int | None = None) -> None:
        """Ask ``store`` how fast it answers.

        ``certificate`` is the file of the server's own certificate; ``parent`` the process whose children are the
        workers. Without it, this process alone serves.
        """
        self._store = store
        self._certificate = certificate
        self._parent = parent

    def describe(self) -> Iterable[Metric]:
        """Describe no metric in advance."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Return the metrics of the program, its processes, its disks, its database, and its certificate."""
        build = _BUILD.empty()
        build.add_metric((version("scamfeed"), platform.python_version()), 1)
        yield build
        yield from _of_processes(_children(self._parent) if self._parent else [os.getpid()])
        disk = _DISK.empty()
        for what, folder in (("database", self._store.folder), ("bodies", Path(tempfile.gettempdir()))):
            if folder is not None:
                free = os.statvfs(folder)
                disk.add_metric((what,), free.f_bavail * free.f_frsize)
        yield disk
        yield from self._database()
        if self._certificate is not None:
            yield _CERTIFICATE.of(_end_of(self._certificate) - time.time())

    def _database(self) -> Iterator[Metric]:
        started = time.perf_counter()
        with suppress(StoreUnavailable), self._store.read() as tx:
            sql.database_time(tx)
            yield _ANSWER.of(time.perf_counter() - started)
            states = sql.connections_by_state(tx)
            if states:
                connections = _CONNECTIONS.empty()
                for state, number in states.items():
                    connections.add_metric((state,), number)
                yield connections


def _of_processes(pids: list[int]) -> Iterator[Metric]:
    memory = processor = files = 0.0
    for pid in pids:
        # A worker may end during the scrape.
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            processor += (int(fields[11]) + int(fields[12])) * _TICK
            memory += int(fields[21]) * _PAGE
            files += len(os.listdir(f"/proc/{pid}/fd"))
    for family, value in ((_PROCESSES, len(pids)), (_MEMORY, memory), (_PROCESSOR, processor), (_FILES, files)):
        yield family.of(value)


def _children(parent: int) -> list[int]:
    """Return a process and its children."""
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    except OSError:
        return [os.getpid()]
    return [parent, *map(int, children)]


def _end_of(certificate: Path) -> float:
    """Return when a certificate ends, in seconds; 0 if the file holds none."""
    try:
        return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc.timestamp()
    except (OSError, ValueError):
        return 0.0
