"""Stores like after ``scamfeed init``, on the database requested by a test."""

import os
import shutil
from pathlib import Path

import pytest

from schemas.tlog.signatures import new_key
from tests.postgres import Postgres


def initial_url(request: pytest.FixtureRequest, folder: Path, name: str = "hub.db") -> str:
    """Make a store on SQLite, or on PostgreSQL if the fixture has that parameter, and return its URL."""
    if getattr(request, "param", "sqlite") == "sqlite":
        template: Path = request.getfixturevalue("initial_store")
        return f"sqlite:///{shutil.copy(template, folder / name)}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.url(server.database(request.getfixturevalue("postgres_initial")))


def make_signing_key(folder: Path) -> Path:
    """Make a file of signing keys, since none is made automatically on PostgreSQL."""
    file = folder / "signing-key.pem"
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(new_key())
    return file
