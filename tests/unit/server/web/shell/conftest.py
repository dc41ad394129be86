"""An application with its pages and its own store."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.app import close, create_app
from server.settings import Settings
from server.store import Store, partners
from tests.initial_stores import initial_url, make_signing_key
from tests.unit.server.web.shell.audit_watch import AuditWatch


@pytest.fixture
def app(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """Serve the pages from a store with two banks, on PostgreSQL if a test requests it.

    On SQLite, a page that changes the store without an audit entry fails the test.
    """
    url = initial_url(request, tmp_path)
    if not url.startswith("sqlite:"):
        monkeypatch.setenv("SCAMFEED_SIGNING_KEY_FILE", str(make_signing_key(tmp_path)))
    app = create_app(Settings(database_url=url, access_log="off", background=False))
    store: Store = app.extensions["scamfeed-store"]
    with store.begin() as tx:
        for name in ("First Bank", "Second Bank"):
            partners.add(tx, Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name)))
    watch = AuditWatch(app, url.removeprefix("sqlite:///")) if url.startswith("sqlite:") else None
    yield app
    close(app)
    if watch is not None:
        watch.close()
        assert not watch.unrecorded


@pytest.fixture
def store(app: Flask) -> Store:
    found: Store = app.extensions["scamfeed-store"]
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def either_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """Serve the pages from a store on either database."""
    made = create_app(Settings(database_url=initial_url(request, tmp_path), access_log="off", background=False))
    yield made
    close(made)
