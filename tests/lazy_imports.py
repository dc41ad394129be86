"""Load modules that are slow and rarely needed on first use, instead of in each test process."""

import sys
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

_IRIS = "rfc3987_syntax"


def make_imports_lazy() -> None:
    """Compile the grammar of IRIs, which takes seconds, only when ``jsonschema`` checks an IRI."""
    lazy = ModuleType(_IRIS)
    lazy.__dict__["is_valid_syntax"] = _is_valid_syntax
    sys.modules.setdefault(_IRIS, lazy)


def _is_valid_syntax(term: str, value: str) -> Any:
    return _syntax().is_valid_syntax(term, value)


@cache
def _syntax() -> ModuleType:
    del sys.modules[_IRIS]
    return import_module(_IRIS)
