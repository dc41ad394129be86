"""Finds the classes that modules declare, so that a new one needs no entry in a list."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from inspect import isabstract
from pkgutil import iter_modules
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def subclasses(package: str, path: Iterable[str], base: type[T]) -> Iterator[type[T]]:
    """Import each module of ``package``, whose path is ``path``, and yield the subclasses of ``base`` defined in it.

    The order is that of the module names. Abstract classes and imported classes are left out.
    """
    for module in sorted(iter_modules(path), key=lambda module: module.name):
        yield from declared_in(import_module(f"{package}.{module.name}"), base)


def declared_in(module: ModuleType, base: type[T]) -> Iterator[type[T]]:
    """Yield the concrete subclasses of ``base`` defined in a module."""
    for member in vars(module).values():
        is_declared = isinstance(member, type) and member.__module__ == module.__name__
        if is_declared and issubclass(member, base) and not isabstract(member):
            yield member
