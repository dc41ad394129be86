"""The pages on the application: each route of the table, guarded by who may use it, and the files they load."""

import logging
import uuid
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from flask import Flask, Response, abort, request
from werkzeug.exceptions import HTTPException

from server.console.access import ANYBODY
from server.console.headers import FOR_EVER, page_headers
from server.console.public.front_page import NoPage
from server.console.routes import ROUTES, Route
from server.console.site import PageSite
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.release.two_persons import MOST_OPEN, TooManyOpen
from server.store import StoreUnavailable

log = logging.getLogger(__name__)

_TOO_MANY = mark(
    "As many of your proposals wait as one person may have (%(most)s). Withdraw some, or let others decide."
)
_AWAY = mark("The hub does not reach its store just now. Nothing was changed. Please try again in a minute.")
_BROKEN = mark(
    "Something went wrong here, and nothing was changed. The operator finds it in the log under this number:"
)
_ELSEWHERE = mark(
    "This form was not sent from a page of this hub. Nothing was changed. Open the page again, and send it."
)
_NOT_YOURS = mark("Your role may not use this page.")
_NO_PAGE = mark("There is no such page.")
_NOT_READ = mark("This form is too large, or cannot be read. Nothing was changed.")
_RETRY = (("Retry-After", "10"),)


def register(app: Flask, site: PageSite) -> None:
    """Serve the pages of ``site``."""
    for route in ROUTES:
        app.add_url_rule(route.path, f"console.{route.name}", _view(site, route), methods=route.methods)
    for room in ("console", "partner"):
        app.add_url_rule(f"/{room}/<path:path>", f"console.nowhere-{room}", _nowhere(site))
    app.add_url_rule("/static/<name>", "console.static", _static_view(site))


def _view(site: PageSite, route: Route) -> Callable[..., Response]:
    def view(**parts: str) -> Response:
        visit = Visit(site, request, route.name)
        try:
            answer = _sent_on(visit, route)
            if answer is None:
                _refuse_nul(visit, parts)
                answer = route.view(visit, **parts)
            return answer
        except NoPage:
            abort(404)
        except PageRefused as refused:
            return visit.page("refused.html", refused.status, refused.headers, text=refused.text, number="")
        except TooManyOpen:
            return visit.page("refused.html", 409, text=visit.text(_TOO_MANY) % {"most": MOST_OPEN}, number="")
        except StoreUnavailable as error:
            log.warning("console-waits where=%s reason=%s", route.name, error)
            return visit.page("refused.html", 503, _RETRY, text=_AWAY, number="")
        except HTTPException as error:
            # What Flask refuses while a form is read.
            return visit.page("refused.html", error.code or 400, text=_NOT_READ, number="")
        except Exception as error:
            number = str(uuid.uuid4())
            log.error("console-failure error_id=%s where=%s", number, route.name, exc_info=error)
            return visit.page("refused.html", 500, text=_BROKEN, number=number)

    return view


def _refuse_nul(visit: Visit, parts: Mapping[str, str]) -> None:
    """Refuse what PostgreSQL takes as no text, so that it looks for nothing. Raises ``PageRefused``."""
    asked = visit.request
    if any("\x00" in text for text in (*parts.values(), *chain.from_iterable(asked.args.items(multi=True)))):
        raise PageRefused(404, _NO_PAGE)
    if asked.method == "POST" and any("\x00" in text for text in chain.from_iterable(asked.form.items(multi=True))):
        raise PageRefused(400, _NOT_READ)


def _sent_on(visit: Visit, route: Route) -> Response | None:
    """Check that the person may use the page, and sent the form from it; None where all is well.

    Who is not logged in is sent to the login, who was a while ago to prove it again. Raises ``PageRefused``.
    """
    is_form = visit.request.method == "POST"
    if is_form and not visit.is_own_origin():
        raise PageRefused(403, _ELSEWHERE)
    if route.who != ANYBODY:
        if visit.user is None:
            return visit.go_to_login()
        if visit.right not in route.who:
            raise PageRefused(403, _NOT_YOURS)
    if is_form and route.changes and not visit.has_form_token():
        raise PageRefused(403, _ELSEWHERE)
    if route.is_fresh and not visit.is_fresh:
        return visit.go_to_login("/login/again")
    return None


def _nowhere(site: PageSite) -> Callable[..., Response]:
    """Return the view of addresses below the pages that are none; who is not logged in learns nothing of them."""

    def view(path: str) -> Response:
        visit = Visit(site, request, "nowhere")
        if visit.user is None:
            return visit.go_to_login()
        return visit.page("refused.html", 404, text=_NO_PAGE, number="")

    return view


def _static_view(site: PageSite) -> Callable[[str], Response]:
    def view(name: str) -> Response:
        found = site.static.find(name)
        if found is None:
            abort(404)
        response = Response(found.body, content_type=found.content_type)
        headers: tuple[tuple[str, Any], ...] = (*page_headers(is_secure=False, is_public=True), FOR_EVER)
        for header, value in headers:
            response.headers[header] = value
        del response.headers["Vary"]
        return response

    return view
