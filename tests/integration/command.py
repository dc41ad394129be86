"""Helpers of the tests of the command line: run it, and read what a command answers."""

from collections.abc import Callable
from typing import Any

import orjson
from click.testing import Result

Run = Callable[..., Result]


def answer(result: Result) -> Any:
    """Check that a command did what was asked, and give the JSON that it printed."""
    assert result.exit_code == 0, result.output
    return orjson.loads(result.stdout)
