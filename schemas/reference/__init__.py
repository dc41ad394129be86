"""Reference data that the kinds look up: algorithms as modules, tables as TOML, CSV and text files beside them.

Each file names its sources. ``read_toml`` and ``read_rows`` are the one way in which tables are read, once each.
"""

import csv
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@cache
def read_toml(name: str) -> Mapping[str, Any]:
    """Return the table in the TOML file called ``name``; change nothing in it."""
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))


@cache
def read_rows(name: str) -> tuple[Mapping[str, str], ...]:
    """Return the rows of the CSV file called ``name``, by its header; lines that begin with # are comments."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return tuple(csv.DictReader(line for line in lines if not line.startswith("#")))
