"""The command line in a folder of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from server.cli import _config_first, app
from server.release.policy import Policy, put_in_force


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    """Give what runs ``scamfeed`` with some words, and perhaps with something on standard input."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, _config_first(list(arguments)), input=stdin)

    yield call
    put_in_force(Policy())
