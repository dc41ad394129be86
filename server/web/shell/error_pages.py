"""The page of a request that is refused: what happened, and where to go from there."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from server.web.shell.site import PageSite
from server.web.shell.visit import Visit
from server.web.shell.words import Translatable, mark
from server.web.taxii.failures import RefusalPage
from server.web.taxii.response import TaxiiResponse

_JSON, _HTML = "application/json", "text/html"
_OTHER = mark("This was not possible")
# By HTTP status: the heading, and the text of a refusal that gives no reason of its own.
_WORDS: Mapping[int, tuple[Translatable, Translatable]] = MappingProxyType(
    {
        403: (mark("You cannot do this"), mark("Your role may not use this page.")),
        404: (mark("Page not found"), mark("Check the address. The page may have been moved, or may no longer exist.")),
        405: (mark("Page not found"), mark("This address only receives forms. Open the page with the form again.")),
        410: (mark("No longer available"), mark("This page existed once, and has been removed.")),
        413: (mark("This is too large"), mark("This form is too large, or cannot be read. Nothing was changed.")),
        429: (mark("Please wait a moment"), mark("Too many requests came from your network. Try again in a minute.")),
        500: (mark("Something went wrong"), mark("This is a fault of the hub. Try again, or contact its operator.")),
        503: (mark("Out of service for a moment"), mark("The hub is too busy. Nothing was changed. Try again soon.")),
    }
)
_UNREAD = mark("This form cannot be read. Nothing was changed. Open the page again, and send the form.")
# Requests that a browser can send in good faith, but that no page answers.
_OF_CONNECTIONS = frozenset((413, 500, 503))
# The languages times the statuses above, at either scheme.
_MOST_KEPT = 16


def refused(
    visit: Visit, status: int, text: Translatable = "", headers: Sequence[tuple[str, str]] = (), number: str = ""
) -> Response:
    """Return the page of a refusal, with its reason in ``text`` if it has one of its own.

    ``number`` is the id of a fault in the log.
    """
    heading, usual = _WORDS.get(status, (_OTHER, _UNREAD))
    return visit.page("refused.html", status, headers, heading=heading, text=text or usual, number=number)


def handler(site: PageSite) -> Callable[[HTTPException], Response]:
    """Return the answer to a request without a page: a page for a browser, else the error resource of programs."""

    def view(error: HTTPException) -> Response:
        if not _is_browser():
            raise error
        kept = [(name, value) for name, value in error.get_headers() if name.lower() in ("allow", "retry-after")]
        return refused(Visit(site, request), error.code or 500, headers=kept)

    return view


def refusal_page(app: Flask, site: PageSite) -> RefusalPage:
    """Return the answers to browsers whose requests the server refuses before it has read them, or that fail.

    They are rendered on the event loop, and show the same to everybody, so that each without the ``number`` of a fault
    is rendered once.
    """

    def render(status: int, language: str, scheme: str, number: str = "") -> TaxiiResponse:
        with app.test_request_context(
            "/", base_url=f"{scheme}://localhost", headers={"Accept-Language": language}, method="POST"
        ):
            page = refused(Visit(site, request), status, number=number)
            kept = tuple((name, value) for name, value in page.headers if name.lower() not in _MADE_LATER)
            return TaxiiResponse(status, page.get_data(), kept, page.content_type)

    rendered = lru_cache(_MOST_KEPT)(render)

    def answer(environ: dict[str, Any], status: int, error_id: str = "") -> TaxiiResponse | None:
        if status not in _OF_CONNECTIONS or "HTTP_ACCEPT" not in environ:
            return None
        with app.request_context({**environ, "HTTP_COOKIE": _language_cookie(environ)}):
            if not _is_browser():
                return None
            language, scheme = Visit(site, request).language.code, request.scheme
        if error_id:
            return render(status, language, scheme, error_id)
        return rendered(status, language, scheme)

    return answer


_MADE_LATER = frozenset(("content-type", "content-length"))


def _is_browser() -> bool:
    """Return whether the client asks for a page. A client that accepts both alike, as with */*, is a program."""
    return request.accept_mimetypes.best_match((_JSON, _HTML)) == _HTML or "HX-Request" in request.headers


def _language_cookie(environ: Mapping[str, Any]) -> str:
    """Return the cookies of a request without those of a login, which would be looked up in the store."""
    cookies = str(environ.get("HTTP_COOKIE", "")).split("; ")
    return "; ".join(cookie for cookie in cookies if cookie.startswith("lang="))
