"""One request for a page: who asks, in which language, and how it is answered."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Request, Response

from server.console.headers import page_headers
from server.console.languages import Language, choose_language
from server.console.site import Site
from server.taxii.proxies import is_local

_LANGUAGE_COOKIE = "lang"
_YEAR = 365 * 86_400


class PageRefused(Exception):
    """A request that gets a page with the reason instead: its status, and what to do, as an English text."""

    def __init__(self, status: int, text: str, headers: Sequence[tuple[str, str]] = ()) -> None:
        """Refuse with ``status`` and a text that the catalogues have."""
        self.status = status
        self.text = text
        self.headers = headers
        super().__init__(text)


class Visit:
    """A request for a page."""

    def __init__(self, site: Site, request: Request, page: str) -> None:
        """Answer ``request`` for the page of that name."""
        self.site = site
        self.request = request
        self.page_name = page

    @cached_property
    def language(self) -> Language:
        """The language of the page: by the link, else by the cookie, else by the browser."""
        asked, kept = self.request.args.get("lang"), self.request.cookies.get(_LANGUAGE_COOKIE)
        return choose_language(self.site.languages, asked, kept, self.request.headers.get("Accept-Language"))

    @property
    def remote(self) -> str:
        """The address that the request comes from."""
        return self.site.proxies.remote(self.request.environ)

    @property
    def is_loopback(self) -> bool:
        """Whether browser and server are one machine, where HTTP without TLS will do."""
        return not self.site.settings.public_url and is_local(self.request.environ)

    @property
    def is_secure(self) -> bool:
        """Whether the browser speaks HTTPS: to this server, or to the proxy at the address in the settings."""
        return self.request.scheme == "https" or self.site.settings.public_url.startswith("https:")

    @property
    def is_partial(self) -> bool:
        """Whether only the part of the page that changes is asked for."""
        return "HX-Request" in self.request.headers

    def field(self, name: str, most: int = 4_096) -> str:
        """Return a field of the form, without the space around it; "" where it is missing or too long."""
        given = self.request.form.get(name, "")
        return given.strip() if len(given) <= most and "\x00" not in given else ""

    def text(self, english: str) -> str:
        """Return a text in the language of the page."""
        return self.language.text(english)

    def address(self, path: str) -> str:
        """Return the address of a path of this hub."""
        return self.site.base + path

    def is_own_origin(self) -> bool:
        """Return whether a form was sent from a page of this hub, as far as the browser says where from."""
        origin = self.request.headers.get("Origin")
        if origin is None:
            return self.request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")
        own = self.site.settings.public_url or f"{self.request.scheme}://{self.request.host}"
        given, wanted = urlsplit(origin), urlsplit(own)
        return bool(given.netloc) and (given.scheme, given.netloc) == (wanted.scheme, wanted.netloc)

    def page(
        self, template: str, status: int = 200, headers: Sequence[tuple[str, str]] = (), **values: Any
    ) -> Response:
        """Return a page; where only a part of it is asked for, the block ``answer`` of its template."""
        found = self.site.environments[self.language.code].get_template(template)
        values |= self._common_values()
        if self.is_partial and "answer" in found.blocks:
            body = "".join(found.blocks["answer"](found.new_context(values)))
        else:
            body = found.render(values)
        response = Response(body, status, content_type="text/html; charset=utf-8")
        for name, value in (*page_headers(is_secure=self.is_secure, is_public=self.is_public), *headers):
            response.headers[name] = value
        self._keep_language(response)
        return response

    def go(self, path: str) -> Response:
        """Return the redirect to another page of this hub."""
        response = Response(status=303, content_type="text/plain")
        for name, value in page_headers(is_secure=self.is_secure, is_public=False):
            response.headers[name] = value
        response.headers["Location"] = self.address(path)
        return response

    @property
    def is_public(self) -> bool:
        """Whether anybody would get this page."""
        return True

    def _common_values(self) -> dict[str, Any]:
        site = self.site
        return {
            "title": site.settings.title,
            "contact": site.settings.contact,
            "language": self.language,
            "languages": site.languages.values(),
            "page_name": self.page_name,
            "here": self.address(self.request.path),
            "link": self.address,
            "static": lambda name: self.address(f"/static/{site.static.address(name)}"),
            "query": quote,
        }

    def _keep_language(self, response: Response) -> None:
        if self.request.args.get("lang") == self.language.code:
            response.set_cookie(
                _LANGUAGE_COOKIE, self.language.code, _YEAR, secure=not self.is_loopback, httponly=True, samesite="Lax"
            )


def local_path(given: str) -> str:
    """Return a path of this hub's own pages, "" for anything that could lead elsewhere."""
    plain = given.isascii() and given.isprintable() and "\\" not in given
    return given if plain and given.startswith("/") and not given.startswith("//") and len(given) < 1_000 else ""


def pairs(found: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return what a mapping has that is not None."""
    return [(name, value) for name, value in found.items() if value is not None]
