"""The table of all pages: address, methods, who may use each, and the function that answers."""

from collections.abc import Callable
from typing import NamedTuple

from flask import Response

from server.console import check_page, front_page, login_pages, overview_page, partner_pages
from server.console.access import ADMINS, ANYBODY, EVERY_USER, PARTNER_ADMINS, PARTNERS, VIEWERS


class Route(NamedTuple):
    """A page: its name, its address, who may use it, and its view; ``posts`` where it has a form.

    ``is_fresh``: only who proved all factors a moment ago. ``changes`` is False for a form that changes nothing, which
    needs no token of a session.
    """

    name: str
    path: str
    who: frozenset[str]
    view: Callable[..., Response]
    posts: bool = False
    changes: bool = True
    is_fresh: bool = False


ROUTES: tuple[Route, ...] = (
    Route("front", "/", ANYBODY, front_page.show),
    Route("check", "/check", ANYBODY, check_page.show, posts=True, changes=False),
    # Logging in
    Route("login", "/login", ANYBODY, login_pages.show_login, posts=True),
    Route("code", "/login/code", ANYBODY, login_pages.show_code, posts=True),
    Route("second-factor", "/login/second-factor", ANYBODY, login_pages.set_second_factor, posts=True),
    Route("welcome", "/welcome/<secret>", ANYBODY, login_pages.welcome, posts=True),
    Route("again", "/login/again", EVERY_USER, login_pages.prove_again, posts=True),
    Route("logout", "/logout", EVERY_USER, login_pages.log_out, posts=True),
    # Operators
    Route("overview", "/console/", VIEWERS, overview_page.show),
    Route("people", "/console/people", ADMINS, overview_page.show_people),
    # Partners
    Route("partner", "/partner/", PARTNERS, partner_pages.show_connection),
    Route("credentials", "/partner/credentials", PARTNER_ADMINS, partner_pages.rotate, posts=True, is_fresh=True),
    Route("me", "/me", EVERY_USER, login_pages.show_me, posts=True),
)
