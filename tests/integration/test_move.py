"""``scamfeed move``: everything of a hub on SQLite is in PostgreSQL afterwards, or nothing is."""

import json
import os
import re
import resource
import secrets
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import Any

import psycopg
import pyotp
import pytest
import requests
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    create_engine,
    insert,
    select,
)
from sqlalchemy.schema import ForeignKey

from schemas.tlog import verify
from server.features.backup import rows
from server.store import Store
from server.store.tables import declared
from tests.integration.command import Run, answer
from tests.integration.machine import Machine, contribute, read
from tests.postgres import Postgres
from tests.processes import Forked, scamfeed
from tests.unit.server.store.old_stores import HERE, fill, rows_of_0073, schema_of, stored, text_of

OLD = HERE / "store_0073" / "sqlite.sql"
# Values in the large store, as "MOVE_VALUES=300000 pytest -k large -rP" for a longer measurement.
VALUES = int(os.environ.get("MOVE_VALUES", "2000"))
MOST_KIB = 400 * 1024
PASSWORD = "a password of the database"
VALUE = "4567890123"
# The largest values, and bytes and letters of all kinds.
EXTREME: dict[type, Any] = {
    BigInteger: -(2**63),
    Integer: 2**31 - 1,
    SmallInteger: -(2**15),
    Boolean: True,
    Float: 0.1,
    Text: "ก é 😀 \\ \t\n\x01 '\"",
    LargeBinary: bytes(range(256)),
}


def value_for(column: "Column[Any]", reference: "ForeignKey | None", connection: Any) -> Any:
    """Return a value for a column: one of the row that it refers to, or an extreme one."""
    if reference is not None:
        return connection.execute(select(reference.column).limit(1)).scalar_one()
    return EXTREME[type(column.type)]


@pytest.fixture(scope="module")
def full_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a store of the present version with rows in every table."""
    file = tmp_path_factory.mktemp("full") / "hub.db"
    fill(f"sqlite:///{file}", OLD, rows_of_0073()).dispose()
    with closing(Store.open(f"sqlite:///{file}")) as store:
        store.migrate()
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        for table in declared().sorted_tables:
            if connection.execute(select(table).limit(1)).first() is None:
                row = {
                    column.key: value_for(column, next(iter(column.foreign_keys), None), connection)
                    for column in table.columns
                }
                connection.execute(insert(table), [row])
    engine.dispose()
    return file


@pytest.fixture
def full(full_file: Path, tmp_path: Path) -> Path:
    """Copy the full store to the place where commands of ``run`` find it."""
    return Path(shutil.copy(full_file, tmp_path / "scamfeed.db"))


@pytest.fixture
def empty(postgres: Postgres) -> Iterator[str]:
    """Return the name of an empty database."""
    name = postgres.database()
    yield name
    postgres.drop(name)


def content(url: str) -> dict[str, list[str]]:
    """Return the rows of each table, in no order."""
    engine = create_engine(url)
    try:
        found = stored(engine)
    finally:
        engine.dispose()
    return {table: sorted(map(text_of, rows)) for table, rows in found.items()}


def tables_of(postgres: Postgres, name: str) -> list[str]:
    with psycopg.connect(f"host={postgres.folder} user=scamfeed dbname={name}") as database:
        return [row[0] for row in database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]


def refused(run: Run, url: str, *words: str) -> str:
    """Return the error of a move that is refused."""
    done = run("move", "--to", url, *words)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    return done.stderr


def test_every_row_of_every_table_is_moved(
    run: Run, full: Path, postgres: Postgres, empty: str, postgres_template: str
) -> None:
    url, before = postgres.url(empty), full.read_bytes()
    source = content(f"sqlite:///{full}")
    assert [table for table, rows in source.items() if not rows] == []
    moved = answer(run("move", "--to", url, "--by", "Kanya R.", "--json"))
    assert full.read_bytes() == before
    assert sorted(path.name for path in full.parent.glob("scamfeed.db-*")) in ([], ["scamfeed.db-turns"])
    target = content(url)
    assert schema_of(url) == schema_of(postgres.url(postgres_template))
    entries = [entry for entry in target["audit"] if entry not in source["audit"]]
    [entry] = map(json.loads, entries)
    assert (entry["remote"], entry["method"], entry["route"]) == ("Kanya R.", "MOVE", "hub")
    target["audit"].remove(entries[0])
    # A row that only PostgreSQL needs.
    assert target.pop("migration_lock") == [text_of({"id": 1})]
    del source["migration_lock"]
    assert target == source
    told = {table["table"]: table["rows"] for table in moved["tables"]}
    assert told == {table: len(rows) for table, rows in source.items() if table != "alembic_version"}
    assert (moved["rows"], moved["target"]) == (sum(told.values()), url)
    assert moved["settings_to_change"] == {"SCAMFEED_DATABASE_URL": url}
    # Numbers are assigned by the hub, so nothing has to continue above them.
    with psycopg.connect(f"host={postgres.folder} user=scamfeed dbname={empty}") as database:
        assert database.execute("SELECT count(*) FROM pg_class WHERE relkind = 'S'").fetchone() == (0,)
    assert "already has tables, such as activity" in refused(run, url)
    assert content(url)["partners"] == source["partners"]


def test_dry_run_reads_all_rows_of_a_running_hub_and_changes_nothing(
    run: Run, full: Path, postgres: Postgres, empty: str
) -> None:
    url, before = postgres.url(empty), content(f"sqlite:///{full}")
    with closing(Store.open(f"sqlite:///{full}")) as running:
        assert running.ready()
        would = answer(run("move", "--to", url, "--dry-run", "--json"))
        shown = run("move", "--to", url, "--dry-run").output
    assert would["dry_run"]
    assert "Dry run: nothing was changed" in shown
    assert tables_of(postgres, empty) == []
    assert content(f"sqlite:///{full}") == before
    moved = answer(run("move", "--to", url, "--json"))
    assert (moved["tables"], moved["dry_run"]) == (would["tables"], False)


@pytest.mark.parametrize(
    "to",
    [
        f"postgresql+psycopg://scamfeed:{PASSWORD}@127.0.0.1:1/hub",
        f"postgresql+psycopg://scamfeed@127.0.0.1:1/hub?password={PASSWORD}",
        f"postgresql+psycopg://scamfeed@127.0.0.1:1/hub?sslpassword={PASSWORD}",
        f"postgresql://scamfeed:{PASSWORD}@127.0.0.1:1/hub",
        f"sqlite:///{PASSWORD}",
        f"{PASSWORD}://",
        PASSWORD,
    ],
)
def test_password_in_the_command_is_refused_and_never_printed(run_with_store: Run, to: str) -> None:
    for more in ([], ["--dry-run"]):
        said = refused(run_with_store, to, *more)
        assert "--to: " in said
        assert PASSWORD not in said


def test_password_from_the_environment_is_never_printed(run_with_store: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    said = refused(run_with_store, "postgresql+psycopg://scamfeed@127.0.0.1:1/hub")
    assert "postgresql+psycopg://scamfeed@127.0.0.1:1/hub: the database cannot be reached" in said
    assert "PGPASSWORD" in said
    assert PASSWORD not in said


def test_other_databases_are_refused_and_unchanged(run_with_store: Run, postgres: Postgres, empty: str) -> None:
    url = postgres.url(empty)
    with psycopg.connect(f"host={postgres.folder} user=scamfeed dbname={empty}") as database:
        database.execute("CREATE TABLE notes_of_others (text text)")
    for more in ([], ["--dry-run"]):
        said = refused(run_with_store, url, *more)
        assert "already has tables, such as notes_of_others" in said
        assert "createdb" in said
    assert tables_of(postgres, empty) == ["notes_of_others"]
    latin = f"{empty}_latin"
    with psycopg.connect(f"host={postgres.folder} user=scamfeed dbname=postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {latin} ENCODING LATIN1 LOCALE 'C' TEMPLATE template0".encode())
    try:
        assert "createdb --encoding=UTF8" in refused(run_with_store, postgres.url(latin))
    finally:
        postgres.drop(latin)


def test_stores_of_other_versions_are_refused(run: Run, tmp_path: Path, postgres: Postgres, empty: str) -> None:
    file, url = tmp_path / "scamfeed.db", postgres.url(empty)
    assert "run: scamfeed init" in refused(run, url)
    fill(f"sqlite:///{file}", OLD, rows_of_0073()).dispose()
    for more in ([], ["--dry-run"]):
        said = refused(run, url, *more)
        assert "revision 0073" in said
        assert "run: scamfeed init" in said
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    assert "a newer version made the tables" in refused(run, url)
    assert tables_of(postgres, empty) == []


def test_tables_of_others_are_refused_by_name(
    run_with_store: Run, tmp_path: Path, postgres: Postgres, empty: str
) -> None:
    for statement, words in (
        ("CREATE TABLE own_notes (text TEXT)", "table own_notes is not one of the hub's tables"),
        ("DROP TABLE own_notes", ""),
        ("ALTER TABLE partners ADD COLUMN nick TEXT", "column nick of table partners"),
    ):
        with closing(sqlite3.connect(tmp_path / "scamfeed.db")) as database:
            database.execute(statement)
            database.commit()
        if words:
            assert words in refused(run_with_store, postgres.url(empty))


def test_values_that_postgresql_does_not_store_are_named_by_their_rows(
    run: Run, full: Path, postgres: Postgres, empty: str
) -> None:
    faults = (
        ("partners", "country", "'T' || char(0)", "a NUL character"),
        ("collections", "title", "CAST(x'66ff' AS TEXT)", "text that is not UTF-8"),
        ("collections", "description", "CAST(x'eda080' AS TEXT)", "text that is not UTF-8"),
        ("collections", "kind", "x'00'", "bytes where PostgreSQL needs text"),
        ("runs", "read", "'4567890123 baht'", "text where PostgreSQL needs a whole number"),
        ("runs", "accepted", "1.5", "a fraction where PostgreSQL needs a whole number"),
        ("runs", "status", "4567890123", "a number that 32 bits cannot store"),
        ("objects", "spec_version", "40000", "a number that 16 bits cannot store"),
        ("objects", "revoked", "2", "a value other than 0 and 1"),
        ("objects", "body", "'4567890123'", "text where PostgreSQL needs bytes"),
        ("calibrations", "credit", "'much'", "text where PostgreSQL needs a number"),
        ("grants", "partner", "'4567890123'", "it refers to a row of partners that does not exist"),
    )
    url, expected, repairs = postgres.url(empty), [], []
    with closing(sqlite3.connect(full, isolation_level=None)) as database:
        for table, column, value, words in faults:
            [row] = database.execute(f"SELECT min(rowid) FROM {table}").fetchone()  # noqa: S608
            [had] = database.execute(f"SELECT {column} FROM {table} WHERE rowid = ?", (row,)).fetchone()  # noqa: S608
            change = f"UPDATE {table} SET {column} = {{}} WHERE rowid = {row}"  # noqa: S608
            database.execute(change.format(value))
            repairs.append((change.format("?"), (had,)))
            expected.append((f"table {table}, rowid {row}: ", words))
    for more in ([], ["--dry-run"]):
        said = refused(run, url, *more)
        lines = [line for line in said.splitlines() if "rowid " in line and line.startswith("table ")]
        assert len(lines) == len(faults)
        for place, words in expected:
            assert [line for line in lines if line.startswith(place) and words in line], (place, words)
        assert "4567890123" not in said
    assert tables_of(postgres, empty) in ([], ["migration_lock"])
    with closing(sqlite3.connect(full, isolation_level=None)) as database:
        for statement, values in repairs:
            database.execute(statement, values)
    answer(run("move", "--to", url, "--json"))


def test_row_that_postgresql_refuses_is_named_by_its_place(
    run: Run, full: Path, postgres: Postgres, empty: str
) -> None:
    key = secrets.token_hex(20_000)
    with closing(sqlite3.connect(full, isolation_level=None)) as database:
        database.execute("INSERT INTO value_index (subject, inbox_key) VALUES (?, '1')", (key,))
        [place] = database.execute("SELECT count(*) FROM value_index").fetchone()
    said = refused(run, postgres.url(empty))
    assert f"table value_index, row {place} in the order of rowid: index row" in said
    assert key[:20] not in said


def test_many_faults_are_counted(run: Run, full: Path, postgres: Postgres, empty: str) -> None:
    with closing(sqlite3.connect(full, isolation_level=None)) as database:
        for number in range(rows.MOST_NAMED + 7):
            database.execute("INSERT INTO value_index (subject, inbox_key) VALUES (char(0), ?)", (number,))
    said = refused(run, postgres.url(empty))
    assert said.count("rowid ") == rows.MOST_NAMED + 1
    assert "and 7 more" in said


def move_and_die(url: str, folder: Path, function: str, table: str) -> None:
    """Move a store, and be killed at a table, as by the kernel for lack of memory."""
    os.chdir(folder)
    whole = getattr(rows, function)

    def until(database: Any, at: Any, *more: Any) -> Any:
        found = whole(database, at, *more)
        if at.name == table:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(rows, function, until)
    scamfeed("move", "--to", url)


@pytest.mark.parametrize(("function", "table"), [("copy_in", "objects"), ("copy_out", "jobs")])
def test_killed_move_leaves_nothing_and_is_repeated(
    run: Run, full: Path, postgres: Postgres, empty: str, function: str, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, lines = postgres.url(empty), full.parent / "move.log"
    before = full.read_bytes()
    killed = Forked(move_and_die, url, full.parent, function, table, log=lines)
    assert killed.wait(120) == -signal.SIGKILL, lines.read_text()
    with monkeypatch.context() as changed:
        changed.setenv("SCAMFEED_DATABASE_URL", url)
        served = run("serve")
        assert (served.exit_code, "is not ready; run: scamfeed init" in served.stderr) == (2, True)
    assert full.read_bytes() == before
    moved = answer(run("move", "--to", url, "--json"))
    assert moved["rows"] == sum(map(len, content(f"sqlite:///{full}").values())) - 2


def test_changed_copy_is_found_and_undone(
    run: Run, full: Path, postgres: Postgres, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rows.copy_out

    def lying(database: Any, table: Any) -> Any:
        for row in whole(database, table):
            yield row if table.name != "partners" else (*row[:-1], 1)

    monkeypatch.setattr(rows, "copy_out", lying)
    assert "table partners differs after the copy" in refused(run, postgres.url(empty))
    assert "partners" not in tables_of(postgres, empty)


class Person:
    """An operator with a browser."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.browser = requests.Session()

    def send(self, path: str, **fields: str) -> requests.Response:
        page = self.browser.get(self.url + path, timeout=60).text
        found = re.search(r'name="token" value="([^"]+)"', page)
        assert found, page
        fields["token"] = unescape(found[1])
        return self.browser.post(self.url + path, data=fields, timeout=60, allow_redirects=False)


def first_login(url: str, link: str) -> str:
    """Set the password of an operator by the link, and return the secret of the second factor."""
    person = Person(url)
    assert person.send(link, password=PASSWORD, again=PASSWORD).headers["Location"] == "/login/second-factor"
    page = person.browser.get(url + "login/second-factor", timeout=60).text
    secret = "".join(re.findall(r"<span>([A-Z2-7]{4})</span>", page))
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token, page
    fields = {"token": unescape(token[1]), "code": pyotp.TOTP(secret).now()}
    assert person.browser.post(url + "login/second-factor", data=fields, timeout=60).status_code == 200
    return secret


def pages(url: str, token: str, more: str = "") -> list[list[str]]:
    """Return the ids on each page of two objects from here on."""
    found, following = [], f"?limit=2{more}"
    while following:
        headers = {"Accept": "application/taxii+json;version=2.1", "Authorization": f"Bearer {token}"}
        address = f"{url}feed/collections/mule-accounts/objects/{following}"
        body = requests.get(address, headers=headers, timeout=60).json()
        found.append([obj["id"] for obj in body.get("objects", [])])
        following = f"?limit=2&next={body['next']}" if body.get("more") else ""
    return found


def ids_of(found: list[list[str]]) -> list[str]:
    return [id_ for page in found for id_ in page]


@pytest.mark.long
def test_moved_hub_continues_for_its_partners_and_operators(tmp_path: Path, postgres: Postgres, empty: str) -> None:
    machine = Machine(tmp_path, {"SCAMFEED_LOGIN_KEY": secrets.token_hex(32)})
    machine.ask("init")
    machine.ask("partner", "add", "Bank A", "--kind", "bank")
    reader = machine.ask("partner", "add", "Reader", "--kind", "bank", "--read", "mule-accounts")
    link = machine.ask("operator", "add", "Anong", "--role", "analyst")["link"].partition("8000/")[2]
    contribute(machine, VALUE, "5567890123", "6567890123", "7567890123")
    machine.ask("log", "seal")
    key = machine.ask("log", "status")["keys"][0]["key"]
    url = postgres.url(empty)
    with machine.served() as hub:
        factor = first_login(hub, link)
        before = pages(hub, reader["token"])
        objects, cursor = read(hub, reader["token"], "?limit=3")
        rest = pages(hub, reader["token"], f"&added_after={cursor}")
        said = machine.run("move", "--to", url)
        assert (said.exit_code, "another process has the store open" in said.stderr) == (2, True)
        assert machine.run("move", "--to", url, "--dry-run").exit_code == 0
    machine.ask("evidence", objects[0]["id"], "--collection", "mule-accounts", "--output", "proof.zip")
    assert len(before) > 2

    moved = machine.ask("move", "--to", url, "--by", "Anong")
    assert moved["settings_to_change"].keys() == {"SCAMFEED_DATABASE_URL", "SCAMFEED_LEDGER_KEY_FILE"}
    machine.environment |= moved["settings_to_change"]
    assert machine.run("log", "check").exit_code == 0
    assert machine.run("audit", "verify").exit_code == 0
    assert "already" in machine.run("move", "--to", url).stderr
    with machine.served() as hub:
        assert pages(hub, reader["token"]) == before
        assert pages(hub, reader["token"], f"&added_after={cursor}") == rest
        assert read(hub, (reader["user"], reader["password"]), "?limit=3") == (objects, cursor)
        person = Person(hub)
        assert person.send("login", name="Anong", password=PASSWORD).headers["Location"] == "/login/code"
        # The code of the next half-minute, which was not used yet.
        code = pyotp.TOTP(factor).at(int(time.time()) + 30)
        assert person.send("login/code", code=code).status_code == 303
        assert person.browser.get(hub + "console/", timeout=60).status_code == 200
        contribute(machine, "8567890123")
        # New objects have later places in the log, for new readers and for those that continue.
        for earlier, more in ((before, ""), (rest, f"&added_after={cursor}")):
            had, later = ids_of(earlier), ids_of(pages(hub, reader["token"], more))
            assert later[: len(had)] == had
            assert len(later) > len(had)
        (tmp_path / "objects.json").write_text(json.dumps({"objects": objects}))
        machine.environment["SCAMFEED_TOKEN"] = reader["token"]
        asked = ["--server", hub, "--allow-private", "--collection", "mule-accounts", "--key", key]
        found = machine.ask("verify", "objects.json", *asked)
        assert (found["proven"], found["complete"]) == (len(objects), True)
    assert verify.main([str(tmp_path / "proof.zip"), "--key", key]) == 0


def move_and_measure(url: str, folder: Path) -> None:
    """Move a store, and write the memory of this process at its largest, in KiB."""
    os.chdir(folder)
    try:
        scamfeed("move", "--to", url, "--json")
    finally:
        Path("memory").write_text(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


@pytest.mark.long
def test_large_store_is_moved_in_bounded_memory(tmp_path: Path, postgres: Postgres, empty: str) -> None:
    machine, lines, url = Machine(tmp_path), tmp_path / "move.log", postgres.url(empty)
    machine.ask("init")
    machine.ask("partner", "add", "Bank A", "--kind", "bank")
    contribute(machine, *(str(10**9 + number) for number in range(VALUES)))
    moving = Forked(move_and_measure, url, tmp_path, log=lines)
    assert moving.wait(3_600) == 0, lines.read_text()
    moved = json.loads(lines.read_text())
    rows_by_table = {table["table"]: table["rows"] for table in moved["tables"]}
    assert rows_by_table["subjects"] >= VALUES
    memory = int((tmp_path / "memory").read_text())
    size = (tmp_path / "scamfeed.db").stat().st_size >> 20
    print(f"{VALUES} values, {moved['rows']} rows, {size} MiB: {moved['seconds']} s, {memory >> 10} MiB of memory")  # noqa: T201 - the figures of docs/backup.md
    assert memory < MOST_KIB
    with psycopg.connect(f"host={postgres.folder} user=scamfeed dbname={empty}") as database:
        for table, number in rows_by_table.items():
            counted = database.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608
            assert counted == (number + (table == "audit"),)
