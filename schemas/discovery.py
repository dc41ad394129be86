"""Find the classes of a package whose files are its entries: kinds, formats, connectors."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from inspect import isabstract
from pkgutil import iter_modules
from typing import TypeVar

T = TypeVar("T")


def subclasses(package: str, path: Iterable[str], base: type[T]) -> Iterator[type[T]]:
    """Import each module of ``package``, which lies at ``path``, and yield the subclasses of ``base`` defined in it.

    The order is that of the module names. Abstract classes are left out, and so are classes that a module imports.
    """
    for module in sorted(iter_modules(path), key=lambda module: module.name):
        module_name = f"{package}.{module.name}"
        for member in vars(import_module(module_name)).values():
            if not isinstance(member, type) or not issubclass(member, base) or isabstract(member):
                continue
            if member.__module__ == module_name:
                yield member
