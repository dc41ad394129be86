"""An application with its pages on a store of its own."""

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
from tests.quick_pages import make_pages_quick

make_pages_quick()


@pytest.fixture
def app(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """Serve the pages from a store with two banks, on PostgreSQL where a test asks."""
    url = initial_url(request, tmp_path)
    if not url.startswith("sqlite:"):
        monkeypatch.setenv("SCAMFEED_SIGNING_KEY_FILE", str(make_signing_key(tmp_path)))
    app = create_app(Settings(database_url=url, access_log="off"))
    store: Store = app.extensions["scamfeed-store"]
    with store.begin() as tx:
        for name in ("First Bank", "Second Bank"):
            partners.add(tx, Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name)))
    yield app
    close(app)


@pytest.fixture
def store(app: Flask) -> Store:
    found: Store = app.extensions["scamfeed-store"]
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def either_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """Serve the pages from a store of either database."""
    made = create_app(Settings(database_url=initial_url(request, tmp_path), access_log="off"))
    yield made
    close(made)
