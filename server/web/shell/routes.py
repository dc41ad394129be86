"""The routes of all pages, found in the modules ``*pages`` of the features: ``ROUTES`` of each."""

from collections.abc import Callable, Mapping
from functools import cache, reduce
from itertools import groupby
from typing import Any, NamedTuple

from flask import Response

from server.features_found import feature_modules
from server.operations.operation import Act
from server.operations.rights import EVERY_USER
from server.web.shell.words import Translatable, mark

# The groups of the navigation: those of operators in their order, and those of partners.
WORK, MEMBERS, RULES, HUB = mark("Today"), mark("Partners"), mark("Rules"), mark("Hub")
OWN, RECORDS, CONNECTION = mark("Our work"), mark("Records"), mark("Connection")
_GROUPS = (WORK, MEMBERS, RULES, HUB, OWN, RECORDS, CONNECTION)


class Tab(NamedTuple):
    """The place of a page in the navigation: its group, its position in the group, and its label.

    The tab is also current on the pages below its address, and on those whose address begins with one of ``also``.
    """

    group: Translatable
    position: int
    text: Translatable
    also: tuple[str, ...] = ()


class Route(NamedTuple):
    """A page: its address, the rights that may use it, and its view.

    ``changes`` is False for a form that anybody may send: it changes nothing in anybody's name, and needs no token of a
    session. ``is_fresh``: the person must have proved all factors in the last minutes. ``is_public``: the page shows
    everybody the same, and also without the store. ``file_bytes`` is the size of the largest file that its form may
    send, 0 for a form without a file.
    """

    path: str
    who: frozenset[str]
    view: Callable[..., Response]
    methods: tuple[str, ...] = ("GET",)
    changes: bool = True
    is_fresh: bool = False
    is_public: bool = False
    tab: Tab | None = None
    file_bytes: int = 0


# A page with a form, and where a form of another page goes.
BOTH, FORM = ("GET", "POST"), ("POST",)


def may_run(*operations: type[Act[Any]]) -> frozenset[str]:
    """Return the rights of the people that may run all these operations."""
    return reduce(frozenset.intersection, (operation.rights for operation in operations), EVERY_USER)


@cache
def every() -> tuple[Route, ...]:
    """Return the routes of all pages, sorted by address."""
    found = [route for module in feature_modules("pages") for route in module.ROUTES]
    return tuple(sorted(found, key=lambda route: route.path))


def navigation(right: str) -> Mapping[Translatable, list[tuple[str, Tab]]]:
    """Return the addresses and tabs of the pages that a right may use, by group."""
    found = [(route.path, route.tab) for route in every() if route.tab is not None and right in route.who]
    found.sort(key=lambda entry: (_GROUPS.index(entry[1].group), entry[1].position))
    return {group: list(tabs) for group, tabs in groupby(found, lambda entry: entry[1].group)}
