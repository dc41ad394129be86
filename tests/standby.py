"""A streaming replica of the tests' own PostgreSQL."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg

from tests.postgres import Postgres


class Standby(Postgres):
    """A hot standby that follows another server of the tests; ``start`` it, and ``remove`` it before the other."""

    def __init__(self, primary: Postgres) -> None:
        """Copy ``primary``, which runs, with all its databases."""
        self._process: subprocess.Popen[Any] | None = None
        self.runs_as = primary.runs_as
        self.bin = primary.bin
        self.folder = primary.folder / "standby"
        self._settings = primary._settings | {"unix_socket_directories": str(self.folder)}
        primary.run("pg_basebackup", "-D", "standby", "-h", str(primary.folder), "-U", "scamfeed", "-R", "-c", "fast")

    def start(self, data: str = "standby") -> None:
        """Run the server until it answers."""
        super().start(data)

    def execute(self, statement: str) -> Any:
        """Run a statement, and give the first value that it returns."""
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as admin:
            row = admin.execute(statement.encode()).fetchone()
        return row[0] if row else None

    def remove(self) -> None:
        """End the server, and remove its data."""
        self.stop()
        shutil.rmtree(Path(self.folder), ignore_errors=True)
