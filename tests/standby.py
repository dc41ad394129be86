"""A streaming replica of the tests' own PostgreSQL."""

import shutil
import signal
import subprocess
from typing import Any

import psycopg

from tests.postgres import Postgres


class Standby(Postgres):
    """A hot standby that follows another test server. ``start`` it, and ``remove`` it before the other."""

    def __init__(self, primary: Postgres) -> None:
        """Copy the running server ``primary`` with all its databases."""
        self._process: subprocess.Popen[Any] | None = None
        self.runs_as = primary.runs_as
        self.bin = primary.bin
        self.folder = primary.folder / "standby"
        self._settings = primary._settings | {"unix_socket_directories": str(self.folder)}
        primary.run("pg_basebackup", "-D", "standby", "-h", str(primary.folder), "-U", "scamfeed", "-R", "-c", "fast")

    def start(self, data: str = "standby") -> None:
        """Run the server until it responds."""
        super().start(data)

    def remove(self) -> None:
        """Stop the server without saving anything, and remove its files from the other's folder."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def execute(self, statement: str) -> Any:
        """Run a statement, and return its first value."""
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as admin:
            row = admin.execute(statement.encode()).fetchone()
        return row[0] if row else None
