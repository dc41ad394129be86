"""The pages on the application: each route of the table, open to the rights that it names, and the files they load."""

import hashlib
import logging
import uuid
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from flask import Flask, Response, abort, redirect, request
from werkzeug.exceptions import HTTPException

from server.operations.dual_control import MOST_OPEN, TooManyOpen
from server.operations.rights import ANYBODY
from server.store import StoreUnavailable
from server.web.shell import error_pages, routes
from server.web.shell.docs_folder import DocsFolder
from server.web.shell.error_pages import refused
from server.web.shell.headers import DOCS_POLICY, FOR_EVER, page_headers
from server.web.shell.routes import Route
from server.web.shell.sent_forms import answer_once
from server.web.shell.site import PageSite
from server.web.shell.static_files import StaticFile
from server.web.shell.visit import NOWHERE, NoPage, PageRefused, Visit
from server.web.shell.words import mark

log = logging.getLogger(__name__)

_TOO_MANY = mark("You have the maximum number of open proposals (%(most)s). Withdraw some, or let others decide.")
_AWAY = mark("The hub cannot reach its store at the moment. Nothing was changed. Please try again in a minute.")
_BROKEN = mark(
    "Something went wrong here, and nothing was changed. The operator finds it in the log under this number:"
)
_ELSEWHERE = mark(
    "This form was not sent from a page of this hub. Nothing was changed. Open the page again, and send it."
)
_RETRY = (("Retry-After", "10"),)


def register(app: Flask, site: PageSite) -> None:
    """Serve the pages of ``site``."""
    for route in routes.every():
        app.add_url_rule(route.path, route.path, _view(site, route), methods=route.methods)
    for room in ("console", "partner"):
        app.add_url_rule(f"/{room}/<path:path>", f"{NOWHERE}/{room}", _nowhere(site))
    app.add_url_rule("/static/<name>", "static", _static_view(site))
    if site.settings.docs_folder is not None:
        view = _docs_view(DocsFolder(site.settings.docs_folder), site.settings.public_url.startswith("https:"))
        app.add_url_rule("/docs", "docs-start", lambda: redirect(f"{site.base}/docs/", 308))
        for path in ("/docs/", "/docs/<path:path>"):
            app.add_url_rule(path, "docs", view)
    app.register_error_handler(HTTPException, error_pages.handler(site))


def _view(site: PageSite, route: Route) -> Callable[..., Response]:
    def view(**parts: str) -> Response:
        visit = Visit(site, request, route)
        try:
            answer = _sent_on(visit, route)
            if answer is None:
                _refuse_nul(visit, parts)
                answer = _answer(visit, route, parts)
            return answer
        except NoPage:
            abort(404)
        except PageRefused as refusal:
            return refused(visit, refusal.status, refusal.text, refusal.headers)
        except TooManyOpen:
            return refused(visit, 409, visit.text(_TOO_MANY) % {"most": MOST_OPEN})
        except StoreUnavailable as error:
            log.warning("console-waits where=%s reason=%s", route.path, error)
            return refused(visit, 503, _AWAY, _RETRY)
        except HTTPException as error:
            # Errors of Flask while a form is read.
            return refused(visit, error.code or 400)
        except Exception as error:
            number = str(uuid.uuid4())
            log.error("console-failure error_id=%s where=%s", number, route.path, exc_info=error)
            return refused(visit, 500, _BROKEN, number=number)

    return view


def _answer(visit: Visit, route: Route, parts: Mapping[str, str]) -> Response:
    """Return the answer of the page; a form takes effect once, however often it is sent."""
    if visit.request.method == "POST" and route.changes:
        return answer_once(visit, lambda: route.view(visit, **parts))
    return route.view(visit, **parts)


def _refuse_nul(visit: Visit, parts: Mapping[str, str]) -> None:
    """Refuse what PostgreSQL takes as no text, so that it looks for nothing. Raises ``NoPage`` and ``PageRefused``."""
    asked = visit.request
    if any("\x00" in text for text in (*parts.values(), *chain.from_iterable(asked.args.items(multi=True)))):
        raise NoPage(404, "")
    if asked.method == "POST" and any("\x00" in text for text in chain.from_iterable(asked.form.items(multi=True))):
        raise PageRefused(400, "")


def _sent_on(visit: Visit, route: Route) -> Response | None:
    """Check that the person may use the page, and sent the form from it; None where all is well.

    A visitor without a login is sent to the login page; a user whose proof is old proves it again.
    Raises ``PageRefused``.
    """
    if (response := _checked_head(visit, route)) is not None:
        return response
    is_form = visit.request.method == "POST"
    if is_form and route.changes and not visit.has_form_token():
        raise PageRefused(403, _ELSEWHERE)
    if route.is_fresh and not visit.is_fresh:
        return visit.go_to_login("/login/again")
    return None


def _checked_head(visit: Visit, route: Route) -> Response | None:
    """Check the person without reading the form. Raises ``PageRefused``."""
    if visit.request.method == "POST" and not visit.is_own_origin():
        raise PageRefused(403, _ELSEWHERE)
    if route.who != ANYBODY:
        if visit.user is None:
            return visit.go_to_login()
        if visit.right not in route.who:
            raise PageRefused(403, "")
    return None


def refusal_of_head(visit: Visit, route: Route) -> Response | None:
    """Return the response to a request whose body need not be read, or None."""
    try:
        return _checked_head(visit, route)
    except PageRefused as refusal:
        return refused(visit, refusal.status, refusal.text, refusal.headers)
    except StoreUnavailable:
        return refused(visit, 503, _AWAY, _RETRY)


def _nowhere(site: PageSite) -> Callable[..., Response]:
    """Return the view of addresses below the pages that are none; who is not logged in learns nothing of them."""

    def view(path: str) -> Response:
        visit = Visit(site, request)
        if visit.user is None:
            return visit.go_to_login()
        return refused(visit, 404)

    return view


def _static_view(site: PageSite) -> Callable[[str], Response]:
    def view(name: str) -> Response:
        found = site.static.find(name)
        if found is None:
            abort(404)
        return _file(found, FOR_EVER)

    return view


def _docs_view(docs: DocsFolder, is_behind_https: bool) -> Callable[..., Response]:
    """Return the view of the documentation. Files keep their addresses: browsers ask whether they have changed."""

    def view(path: str = "") -> Response:
        found = docs.find(path)
        if found is None:
            abort(404)
        response = _file(found, DOCS_POLICY, is_secure=request.is_secure or is_behind_https)
        response.set_etag(hashlib.sha256(found.body).hexdigest())
        response.make_conditional(request)
        return response

    return view


def _file(found: StaticFile, *more: tuple[str, str], is_secure: bool = False) -> Response:
    response = Response(found.body, content_type=found.content_type)
    headers: tuple[tuple[str, Any], ...] = (*page_headers(is_secure=is_secure, is_public=True), *more)
    for header, value in headers:
        response.headers[header] = value
    del response.headers["Vary"]
    return response
