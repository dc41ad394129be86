"""Helpers for command-line tests: run a command and read its JSON output."""

from collections.abc import Callable
from typing import Any

import orjson
from click.testing import Result

Run = Callable[..., Result]


def answer(result: Result) -> Any:
    """Check that a command succeeded, and return its JSON output."""
    assert result.exit_code == 0, result.output
    return orjson.loads(result.stdout)
