"""Forms that send files: their bodies are long, so who may send one is checked before the body is read."""

from typing import Any

from flask import Flask, request

from server.web.shell import routes
from server.web.shell.error_pages import refused
from server.web.shell.pages import refusal_of_head
from server.web.shell.site import PageSite
from server.web.shell.visit import Visit
from server.web.taxii.request_body import announced
from server.web.taxii.response import TaxiiResponse

# Bytes of the other fields of the form, and of the framing of its parts.
_BESIDE = 64 * 1024


class PageFileForms:
    """The pages whose routes allow a file."""

    def __init__(self, app: Flask, site: PageSite) -> None:
        """Find the forms of ``site`` by their addresses, which have no variable parts."""
        self._app = app
        self._site = site
        self._routes = {route.path: route for route in routes.every() if route.file_bytes}

    def body_limit(self, environ: dict[str, Any]) -> int:
        """Return the maximum size of the body of such a form, 0 for any other request."""
        route = self._routes.get(environ.get("PATH_INFO", "").rstrip("/"))
        return route.file_bytes + _BESIDE if route is not None and environ["REQUEST_METHOD"] == "POST" else 0

    def refuse(self, environ: dict[str, Any]) -> TaxiiResponse | None:
        """Return the page for a visitor who may not send the form, or whose file is too large; None for others."""
        route = self._routes[environ["PATH_INFO"].rstrip("/")]
        with self._app.request_context({**environ, "CONTENT_LENGTH": "0"}):
            visit = Visit(self._site, request, route)
            found = refusal_of_head(visit, route)
            if found is None and announced(environ) > route.file_bytes + _BESIDE:
                found = refused(visit, 413)
            if found is None:
                return None
            kept = tuple((name, value) for name, value in found.headers if name.lower() not in _MADE_LATER)
            return TaxiiResponse(found.status_code, found.get_data(), kept, found.content_type or "text/html")


_MADE_LATER = frozenset(("content-type", "content-length"))
