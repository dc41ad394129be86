"""Fixtures: the command line in its own folder, and an application with its own store."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from server.cli import _config_first
from server.cli.program import app
from tests.initial_stores import initial_url, make_signing_key
from tests.integration.command import Run
from tests.integration.taxii_hub import TaxiiHub, opened


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``scamfeed`` with these arguments and optional ``stdin``."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, _config_first(list(arguments)), input=stdin)

    return call


@pytest.fixture
def run_with_store(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Run:
    """Run ``scamfeed`` in a folder with a store made by ``scamfeed init``, on PostgreSQL if a test requests it."""
    url = initial_url(request, tmp_path, "scamfeed.db")
    if not url.startswith("sqlite:"):
        monkeypatch.setenv("SCAMFEED_DATABASE_URL", url)
        monkeypatch.setenv("SCAMFEED_SIGNING_KEY_FILE", str(make_signing_key(tmp_path)))
    return run


@pytest.fixture
def hub(migrated_store: Path, tmp_path: Path) -> Iterator[TaxiiHub]:
    """Serve a store that only requests change: each change empties the cache of responses."""
    with opened(f"sqlite:///{shutil.copy(migrated_store, tmp_path / 'hub.db')}") as found:
        yield found
