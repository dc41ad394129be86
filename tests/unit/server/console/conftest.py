"""An application with its pages on a store of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.app import close, create_app
from server.settings import Settings
from server.setup import set_up
from server.store import Store, partners
from tests.postgres import Postgres
from tests.quick_pages import make_pages_quick

make_pages_quick()


@pytest.fixture
def app(initial_store: Path, tmp_path: Path) -> Iterator[Flask]:
    shutil.copy(initial_store, tmp_path / "hub.db")
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'hub.db'}", access_log="off")
    app = create_app(settings)
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
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("initial_store")
        url = f"sqlite:///{shutil.copy(template, tmp_path / 'hub.db')}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.url(server.database(request.getfixturevalue("postgres_template")))
        store = Store.open(url)
        set_up(store)
        store.close()
    made = create_app(Settings(database_url=url, access_log="off"))
    yield made
    close(made)
