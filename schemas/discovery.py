"""Find the classes of a package whose files are its entries: kinds, formats, connectors."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from inspect import isabstract
from pkgutil import iter_modules
from typing import TypeVar

T = TypeVar("T")


def subclasses(package: str, path: Iterable[str], base: type[T]) -> Iterator[type[T]]:
    """Import each module of ``package``, which lies at ``path``, and yield the concrete subclasses of ``base`` in it.

    The order is that of the module names. A class that several modules import is yielded once.
    """
    found: set[type[T]] = set()
    for module in sorted(iter_modules(path), key=lambda module: module.name):
        for name in vars(import_module(f"{package}.{module.name}")).values():
            if isinstance(name, type) and issubclass(name, base) and not isabstract(name) and name not in found:
                found.add(name)
                yield name
