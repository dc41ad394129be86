"""How many examples a search tries: a fourth of them in `make test`, all in `make long` and `make fuzz`."""

import os

WHOLE = os.environ.get("SEARCH") == "whole" or bool(int(os.environ.get("FUZZ", "0")))


def examples(number: int) -> int:
    """Return how many of ``number`` examples this run tries."""
    return number if WHOLE else max(number // 4, 5)
