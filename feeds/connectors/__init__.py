"""The connectors, one file each, found by being here."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from inspect import isabstract
from pkgutil import iter_modules
from types import MappingProxyType

from feeds.connector import Connector, FeedSettings


@cache
def every() -> Mapping[str, type[Connector[FeedSettings]]]:
    """Give all connectors by name."""
    found: dict[str, type[Connector[FeedSettings]]] = {}
    for module in iter_modules(__path__):
        for thing in vars(import_module(f"{__name__}.{module.name}")).values():
            if isinstance(thing, type) and issubclass(thing, Connector) and not isabstract(thing):
                found[thing.name] = thing
    return MappingProxyType(dict(sorted(found.items())))
