"""Usage of processes and databases: processor time by /proc, bytes by table and index, bytes written."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg

_TICK = os.sysconf("SC_CLK_TCK")


def processes(pid: int) -> Iterator[int]:
    """Yield a process and all its descendants."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from processes(int(child))


def cpu(pid: int) -> float:
    """Add up the processor seconds of a process and its descendants, including those that have ended."""
    return sum(seconds(Path(f"/proc/{each}")) for each in list(processes(pid)))


def seconds(process: Path) -> float:
    """Return the processor seconds of a process, by its folder, including its children that have ended."""
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICK


def written(pid: int) -> int:
    """Add up the bytes that a process and its children wrote to files and pipes, including the write-ahead log."""
    total = 0
    for each in processes(pid):
        lines = dict(line.split(": ") for line in Path(f"/proc/{each}/io").read_text().splitlines())
        total += int(lines["wchar"])
    return total


def sqlite_bytes(file: Path) -> dict[str, int]:
    """Return the bytes of each table and index of an SQLite file."""
    with closing(sqlite3.connect(file)) as connection:
        asked = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name"
        return dict(connection.execute(asked).fetchall())


_SIZES = """
SELECT c.relname, pg_relation_size(c.oid) + coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'i', 'm')
"""


def postgresql_bytes(connection: psycopg.Connection[tuple[str, int]]) -> dict[str, int]:
    """Return the bytes of each table, including its TOAST table, and of each index."""
    return dict(connection.execute(_SIZES).fetchall())
