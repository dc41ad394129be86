import logging
import re
import shutil
import sqlite3
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from medallion.exceptions import BackendError, ProcessingError

import server.store.database.engine
import server.web.taxii
from schemas.partner import Partner, PartnerKind
from server.app import close, create_app
from server.settings import Settings
from server.store import Store, collections, partners
from server.web.api import table
from server.web.taxii.errors import REASONS, error_of_status

SECRET = "hunter2"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "hub.db"


@pytest.fixture
def app(file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setattr(server.store.database.engine, "_BUSY_SECONDS", 0.05)
    made = create_app(Settings(database_url=f"sqlite:///{file}"))
    yield made
    close(made)


# A test names it before ``app``, whose background work would otherwise open the file while it is being written.
@pytest.fixture
def headers(migrated_store: Path, file: Path) -> dict[str, str]:
    store = Store.open(f"sqlite:///{shutil.copy(migrated_store, file)}")
    with store.begin() as tx:
        room = collections.add(tx, "room", "Room")
        given = partners.add(
            tx, Partner(name="bank", kind=PartnerKind.BANK, identity=f"identity--{'1' * 8}-1111-4111-8111-{'1' * 12}")
        )
        collections.grant(tx, "bank", room, read=True, write=True)
    store.close()
    return {"Authorization": f"Bearer {given.token}", "Content-Type": "application/taxii+json;version=2.1"}


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (RuntimeError(f"dsn=postgres://feed:{SECRET}@db"), 500),
        (IndexError(), 500),
        (BackendError("no backend", 500, RuntimeError(SECRET)), 500),
        (ProcessingError("not processed", 422, RuntimeError(SECRET)), 422),
    ],
)
def test_internal_error_shows_only_its_id(
    headers: dict[str, str],
    app: Flask,
    fault: Exception,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: Any) -> None:
        raise fault

    monkeypatch.setattr(app.medallion_backend, "get_collections", fail)  # type: ignore[attr-defined]
    caplog.set_level(logging.INFO)
    answer = app.test_client().get("/feed/collections/", headers=headers)
    assert answer.status_code == status
    assert answer.content_type == "application/taxii+json;version=2.1"
    assert SECRET not in answer.text
    assert answer.json is not None
    assert answer.json["http_status"] == str(status)
    assert answer.json["error_id"] in caplog.text


def test_busy_store_asks_for_a_retry(headers: dict[str, str], app: Flask, file: Path) -> None:
    elsewhere = sqlite3.connect(file, isolation_level=None)
    elsewhere.execute("BEGIN IMMEDIATE")
    body = b'{"objects": [{"type": "url", "id": "url--6ba7b810-9dad-51d1-80b4-00c04fd430c8", "value": "x"}]}'
    answer = app.test_client().post("/feed/collections/room/objects/", headers=headers, data=body)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    elsewhere.execute("ROLLBACK")
    elsewhere.close()
    again = app.test_client().post("/feed/collections/room/objects/", headers=headers, data=body)
    assert again.status_code == 202


def test_health_shows_whether_the_store_responds(headers: dict[str, str], app: Flask) -> None:
    assert app.test_client().get("/health").json == {"status": "ok"}


def test_health_reports_missing_tables(app: Flask) -> None:
    answer = app.test_client().get("/health")
    assert (answer.status_code, answer.json) == (503, {"status": "store unavailable"})


def test_every_reason_is_used_and_has_advice() -> None:
    folder = Path(server.web.taxii.__file__).parents[2]
    files = [*(folder / "web").rglob("*.py"), *(folder / "features").rglob("*.py")]
    code = "\n".join(file.read_text(encoding="utf-8") for file in files)
    used = set(re.findall(r'(?:TaxiiError|retry_later)\(\s*"([a-z0-9-]+)"', code))
    used |= {route.request.invalid for route in table.every() if route.request is not None}
    assert used <= REASONS.keys()
    by_status = {error_of_status(status).code for status in {reason.status for reason in REASONS.values()}}
    assert REASONS.keys() - used <= by_status
    for reason in REASONS.values():
        assert reason.remedy.endswith((".", '"*/*".'))
        assert reason.status == HTTPStatus(reason.status)


def test_the_error_resource_names_the_reason(headers: dict[str, str], app: Flask) -> None:
    answer = app.test_client().get("/feed/collections/room/objects/?limit=0", headers=headers)
    assert answer.json is not None
    assert answer.json["error_code"] == "bad-limit"
    assert answer.json["description"] == "The limit must be a whole number above zero. Correct the limit, or omit it."
