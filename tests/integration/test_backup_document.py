"""Each command of docs/backup.md, run as printed, and the store restored from its output."""

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from server.setup import set_up
from server.store import Store, collections, log
from server.store.item import Item
from tests.postgres import Postgres

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "backup.md").read_text(encoding="utf-8")
HOW_MANY = 30


def commands(section: str) -> list[str]:
    """Return the commands of a section without their comments."""
    [block] = re.findall(rf"## {section}\n.*?```sh\n(.*?)```", TEXT, re.S)
    return [re.sub(r"\s+# .*", "", line) for line in block.splitlines() if line]


def run(command: str, folder: Path, **more: str) -> str:
    """Run a command in ``folder`` as in a shell."""
    here = command.replace(".venv/bin/python", f'"{sys.executable}"')
    given = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    done = subprocess.run(["/bin/sh", "-ec", here], cwd=folder, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


def scamfeed(*words: str, folder: Path, url: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", *words, "--json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SCAMFEED_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def fill(url: str) -> None:
    """Put objects into the inbox of a new store."""
    store = Store.open(url)
    set_up(store)
    with store.begin() as tx:
        items = [Item.of({"type": "url", "id": f"url--{uuid.uuid4()}", "value": "x"}) for _ in range(HOW_MANY)]
        log.append(tx, collections.get(tx, "inbox"), items)
    store.close()


def check(folder: Path, url: str, original: Any) -> None:
    """Check that the restored store equals the original, in the way the document shows."""
    assert scamfeed("init", folder=folder, url=url)["collections_made"] == []
    restored = scamfeed("status", folder=folder, url=url)
    assert [row["objects"] for row in restored["collections"] if row["alias"] == "inbox"] == [HOW_MANY]
    assert restored["collections"] == original["collections"]


@pytest.mark.long
@pytest.mark.parametrize("number", range(len(commands("SQLite"))))
def test_every_documented_copy_of_a_file_can_be_restored(number: int, tmp_path: Path) -> None:
    command = commands("SQLite")[number]
    if command.startswith("sqlite3") and shutil.which("sqlite3") is None:
        pytest.skip("the sqlite3 command is not installed: apt-get install sqlite3")
    url = "sqlite:///scamfeed.db"
    fill(f"sqlite:///{tmp_path / 'scamfeed.db'}")
    # A running hub has its newest rows in the file next to it.
    running = Store.open(f"sqlite:///{tmp_path / 'scamfeed.db'}")
    with running.read() as tx:
        collections.all_collections(tx)
        original = scamfeed("status", folder=tmp_path, url=url)
        assert (tmp_path / "scamfeed.db-wal").exists()
        run(command, tmp_path)
    running.close()
    [backup] = tmp_path.glob("backup-*.db")
    for name in re.findall(r"remove `(.*?)`, `(.*?)` and `(.*?)`", TEXT)[0]:
        (tmp_path / name).unlink(missing_ok=True)
    backup.rename(tmp_path / "scamfeed.db")
    check(tmp_path, url, original)


@pytest.mark.long
def test_every_documented_copy_of_postgresql_can_be_restored(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.url(postgres.database())
    fill(url)
    original = scamfeed("status", folder=tmp_path, url=url)
    dump, restore, base = commands("PostgreSQL")
    path = f"{postgres.bin}:{os.environ['PATH']}"
    given = {
        "DATABASE": url.replace("+psycopg", ""),
        "PATH": path,
        "PGHOST": str(postgres.folder),
        "PGUSER": "scamfeed",
    }
    for command in (dump, restore, base):
        run(command, tmp_path, **given)
    try:
        check(tmp_path, postgres.url("scamfeed_new"), original)
    finally:
        postgres.drop("scamfeed_new")
    assert (tmp_path / "base" / "PG_VERSION").exists()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_order_raised_by_hand_continues_from_there(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    [(statement, moment)] = re.findall(r"`(UPDATE collections SET last_added = (\d+) .*?)`", TEXT)
    server: Postgres | None = request.getfixturevalue("postgres") if database == "postgresql" else None
    url = server.url(server.database()) if server else f"sqlite:///{tmp_path / 'scamfeed.db'}"
    fill(url)
    later = int(moment) * 2
    store = Store.open(url)
    with store.begin() as tx:
        tx.exec_driver_sql(statement.replace(moment, str(later)))
        done = log.append(tx, collections.get(tx, "inbox"), [Item.of({"type": "url", "id": "url--1", "value": "x"})])
        assert done.first is not None
        assert done.first > later
    store.close()


@pytest.mark.long
def test_counts_are_compared_as_documented(tmp_path: Path) -> None:
    [command] = re.findall(r"`(scamfeed --config restored\.toml status)`", TEXT)
    fill(f"sqlite:///{tmp_path / 'restored.db'}")
    (tmp_path / "restored.toml").write_text('database_url = "sqlite:///restored.db"\n', encoding="utf-8")
    shown = run(command.replace("scamfeed ", ".venv/bin/python -m server.cli ", 1), tmp_path)
    assert re.search(rf"inbox\W+.*\b{HOW_MANY}\b", shown)
