"""Finds the modules of the features by their names, so that no list names them."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

_FEATURES = f"{__package__}.features"


def feature_modules(ending: str) -> Iterator[ModuleType]:
    """Import and yield the modules of all features whose dotted name has this ending."""
    for module in walk_packages(import_module(_FEATURES).__path__, f"{_FEATURES}."):
        is_wanted = module.name.endswith(ending)
        if is_wanted or module.ispkg:
            # ``walk_packages`` leaves out packages that it cannot import; here that is an error.
            found = import_module(module.name)
        if is_wanted:
            yield found
