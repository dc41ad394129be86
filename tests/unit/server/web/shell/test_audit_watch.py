"""The audit watch finds page requests that change the store without an audit entry."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.unit.server.web.shell.audit_watch import AuditWatch

ENTRY = "INSERT INTO audit VALUES ('POST')"


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (("UPDATE partners SET name = 'B'",), ["/console/x changes partners"]),
        (("UPDATE partners SET name = 'B'", ENTRY), []),
        (("UPDATE sessions SET id = 2",), []),
        ((), []),
    ],
)
def test_a_change_without_an_entry_is_found(tmp_path: Path, statements: tuple[str, ...], found: list[str]) -> None:
    file = str(tmp_path / "hub.db")
    with closing(sqlite3.connect(file)) as database, database:
        database.executescript(
            "CREATE TABLE partners (name); INSERT INTO partners VALUES ('A'); CREATE TABLE audit (method);"
            "CREATE TABLE sessions (id); INSERT INTO sessions VALUES (1)"
        )
    database.close()
    app = Flask(__name__)

    def change(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        database = sqlite3.connect(file)
        with database:
            for statement in statements:
                database.execute(statement)
        database.close()
        start_response("200 OK", [])
        return [b""]

    app.wsgi_app = change  # type: ignore[method-assign] # stands for a page
    with closing(AuditWatch(app, file)) as watch:
        app.test_client().post("/console/x")
    assert watch.unrecorded == found
