"""The table of all pages: address, methods, who may use each, and the function that answers."""

from collections.abc import Callable
from typing import NamedTuple

from flask import Response

from server.console import check_page, front_page

# Whoever comes.
ANYBODY: frozenset[str] = frozenset(("anybody",))


class Route(NamedTuple):
    """A page: its name, its address, who may use it, and its view; ``posts`` where it has a form."""

    name: str
    path: str
    who: frozenset[str]
    view: Callable[..., Response]
    posts: bool = False
    # A form that changes nothing needs no token of a session.
    changes: bool = True


ROUTES: tuple[Route, ...] = (
    Route("front", "/", ANYBODY, front_page.show),
    Route("check", "/check", ANYBODY, check_page.show, posts=True, changes=False),
)
