"""The command line in a folder of its own, and an application on a store of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from server.cli import _config_first, app
from tests.integration.command import Run
from tests.integration.taxii_hub import TaxiiHub, opened


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``scamfeed`` with these arguments, and with ``stdin`` where it is given."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, _config_first(list(arguments)), input=stdin)

    return call


@pytest.fixture
def run_with_store(run: Run, initial_store: Path, tmp_path: Path) -> Run:
    """Run ``scamfeed`` in a folder with a store as ``scamfeed init`` leaves it."""
    shutil.copy(initial_store, tmp_path / "scamfeed.db")
    return run


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[TaxiiHub]:
    with opened(tmp_path) as found:
        yield found
