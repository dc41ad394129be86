"""Size of a search: a twentieth of its examples in `make test`, all in `make long` and `make fuzz`."""

import os
from collections.abc import Iterable
from typing import TypeVar

Case = TypeVar("Case")

WHOLE = os.environ.get("SEARCH") == "whole" or bool(int(os.environ.get("FUZZ", "0")))


def examples(number: int) -> int:
    """Return the number of examples for this run, out of ``number``."""
    return number if WHOLE else max(number // 20, 5)


def sample(cases: Iterable[Case], step: int) -> list[Case]:
    """Return all cases in a whole run, otherwise each ``step``-th one. Mark the test with ``search``."""
    return list(cases)[:: 1 if WHOLE else step]
