"""The pages on the application: each route of the table, guarded by who may use it, and the files they load."""

import logging
import uuid
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, abort, request

from server.console.front_page import NoPage
from server.console.headers import FOR_EVER, page_headers
from server.console.routes import ROUTES, Route
from server.console.site import Site
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.store import StoreUnavailable

log = logging.getLogger(__name__)

_AWAY = mark("The hub does not reach its store just now. Nothing was changed. Please try again in a minute.")
_BROKEN = mark(
    "Something went wrong here, and nothing was changed. The operator finds it in the log under this number:"
)
_ELSEWHERE = mark(
    "This form was not sent from a page of this hub. Nothing was changed. Open the page again, and send it."
)
_RETRY = (("Retry-After", "10"),)


def register(app: Flask, site: Site) -> None:
    """Serve the pages of ``site``."""
    for route in ROUTES:
        methods = ["GET", "POST"] if route.posts else ["GET"]
        app.add_url_rule(route.path, f"console.{route.name}", _view(site, route), methods=methods)
    app.add_url_rule("/static/<name>", "console.static", _static_view(site))


def _view(site: Site, route: Route) -> Callable[..., Response]:
    def view(**parts: str) -> Response:
        visit = Visit(site, request, route.name)
        try:
            _check(visit, route)
            return route.view(visit, **parts)
        except NoPage:
            abort(404)
        except PageRefused as refused:
            return visit.page("refused.html", refused.status, refused.headers, text=refused.text, number="")
        except StoreUnavailable as error:
            log.warning("console-waits where=%s reason=%s", route.name, error)
            return visit.page("refused.html", 503, _RETRY, text=_AWAY, number="")
        except Exception as error:
            number = str(uuid.uuid4())
            log.error("console-failure error_id=%s where=%s", number, route.name, exc_info=error)
            return visit.page("refused.html", 500, text=_BROKEN, number=number)

    return view


def _check(visit: Visit, route: Route) -> None:
    """Refuse a form that no page of this hub sent. Raises ``PageRefused``."""
    if visit.request.method == "POST" and not visit.is_own_origin():
        raise PageRefused(403, _ELSEWHERE)


def _static_view(site: Site) -> Callable[[str], Response]:
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
