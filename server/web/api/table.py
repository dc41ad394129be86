"""The table of the JSON API's routes, found in ``api.py`` of every feature; the TAXII application answers by it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from schemas.partner import Partner
from server.features_found import feature_modules
from server.store import Store
from server.store.objects.fast_reads import NotFast
from server.web.api import openapi
from server.web.api.openapi import Description
from server.web.api.routes import BINARY, XML, ApiCall, ApiRoute, ApiSite
from server.web.taxii.errors import TaxiiError
from server.web.taxii.negotiation import is_json
from server.web.taxii.response import JSON, TaxiiResponse

# The request found in a WSGI environment, and the path that it was found by.
_FOUND = "scamfeed.api-request"
_PARAMETER = re.compile(r"{(\w+)}")


@cache
def every() -> tuple[ApiRoute, ...]:
    """Return the routes of all features, sorted by feature. Raises ``ValueError`` for two of one id or path."""
    found = [route for module in feature_modules(".api") for route in getattr(module, "ROUTES", ())]
    if len({route.id for route in found}) < len(found):
        raise ValueError("two routes have the same id")
    if len({(route.method, _PARAMETER.sub("{}", route.path)) for route in found}) < len(found):
        raise ValueError("two routes have the same method and path")
    return tuple(found)


@dataclass
class _Path:
    """The routes of one path by method, and the maximum size of a body of each in bytes."""

    path: str
    routes: dict[str, ApiRoute] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)

    @property
    def first(self) -> ApiRoute:
        return next(iter(self.routes.values()))

    @property
    def allow(self) -> tuple[str, str]:
        return "Allow", ", ".join((*(("HEAD",) if "GET" in self.routes else ()), "OPTIONS", *self.routes))

    def pattern(self, number: int) -> str:
        """Return the regular expression of the path, a group of that number around those of its parameters."""
        patterns = {one.name: one.pattern for one in self.first.parameters}
        parts = _PARAMETER.split(self.path)
        made = (f"({patterns.get(part, '[^/]+')})" if at % 2 else re.escape(part) for at, part in enumerate(parts))
        return f"(?P<path_{number}>{''.join(made)}/?)"


class ApiRequest(NamedTuple):
    """A request to the JSON API. It has a ``route`` unless its path has no such method."""

    path: _Path
    arguments: Mapping[str, str]
    environ: dict[str, Any]
    method: str
    route: ApiRoute | None

    @property
    def name(self) -> str:
        """The name of the route in logs and metrics."""
        return (self.route or self.path.first).called

    @property
    def is_public(self) -> bool:
        """Whether the request needs no credentials."""
        return self.path.first.is_public

    @property
    def takes_credentials(self) -> bool:
        """Whether the request needs no credentials, and is answered for its partner if it has any."""
        return self.path.first.partners_too

    @property
    def is_long(self) -> bool:
        """Whether the request is answered without an open view of the store."""
        return self.path.first.is_long

    @property
    def has_events(self) -> bool:
        """Whether the response continues as a stream of events."""
        return self.route is not None and self.route.has_events and self.environ["REQUEST_METHOD"] == "GET"

    @property
    def body_limit(self) -> int:
        """The maximum size of the body in bytes; 0 for a request without a body."""
        return self.path.most.get(self.method, 0)

    def check(self) -> None:
        """Reject a method that the path does not have, and another media type of the body. Raises ``TaxiiError``."""
        if self.method == "OPTIONS":
            return
        if self.route is None:
            raise TaxiiError("method-not-allowed", (self.path.allow,))
        if self.route.request is None:
            return
        if "*/*" in self.route.request.also:
            return
        expected, given = self.route.request.media_type, self.environ.get("CONTENT_TYPE")
        if expected == JSON and not is_json(given):
            raise TaxiiError("not-json")
        if expected == BINARY and (given or "").partition(";")[0].strip().lower() != BINARY:
            raise TaxiiError("not-octets")
        if expected == XML and (given or "").partition(";")[0].strip().lower() not in (XML, "text/xml"):
            raise TaxiiError("not-xml-body")


class ApiTable:
    """The routes that one application serves."""

    def __init__(self, routes: Iterable[ApiRoute] = (), site: ApiSite | None = None) -> None:
        """Open the services of ``routes`` at ``site``, and leave out those that the hub does not offer."""
        self._site = site
        self._routes: list[ApiRoute] = []
        self._literal: dict[str, _Path] = {}
        patterned: dict[str, _Path] = {}
        for route in routes:
            if site is None or (route.service is not None and not route.service.is_offered(site.settings)):
                continue
            if route.service is not None:
                site.of(route.service)
            self._routes.append(route)
            kept = patterned if "{" in route.path else self._literal
            path = kept.setdefault(route.path, _Path(route.path))
            path.routes[route.method] = route
            if route.request is not None:
                most = route.request.most
                path.most[route.method] = most if isinstance(most, int) else most(site.settings)
        self._patterned = list(patterned.values())
        self._pattern = re.compile("|".join(path.pattern(number) for number, path in enumerate(self._patterned)))

    def describe(self) -> Description:
        """Describe the routes for clients."""
        return openapi.describe(self._routes)

    def find(self, environ: dict[str, Any]) -> ApiRequest | None:
        """Return the request if its path belongs to the JSON API. The result is kept in ``environ``, as it is asked
        for several times.
        """
        path: str = environ["PATH_INFO"]
        known: tuple[str, ApiRequest | None] | None = environ.get(_FOUND)
        if known is None or known[0] is not path:
            known = environ[_FOUND] = path, self._find(path, environ)
        return known[1]

    def _find(self, text: str, environ: dict[str, Any]) -> ApiRequest | None:
        path, arguments = self._literal.get(text.rstrip("/")), dict[str, str]()
        if path is None:
            found = self._pattern.fullmatch(text) if self._patterned else None
            if found is None or found.lastgroup is None:
                return None
            path = self._patterned[int(found.lastgroup.removeprefix("path_"))]
            first = found.re.groupindex[found.lastgroup]
            names = _PARAMETER.findall(path.path)
            arguments = dict(zip(names, found.groups()[first : first + len(names)], strict=True))
        method = "GET" if environ["REQUEST_METHOD"] == "HEAD" else environ["REQUEST_METHOD"]
        return ApiRequest(path, arguments, environ, method, path.routes.get(method))

    def respond(self, store: Store, partner: Partner | None, remote: str, request: ApiRequest) -> TaxiiResponse:
        """Answer a request of ``partner`` (None for the public) from the address ``remote``.

        Raises ``TaxiiError``, and ``NotFast`` if ``store`` answers only fast reads.
        """
        route = request.route
        if route is None or self._site is None:
            return TaxiiResponse(200, headers=(request.path.allow,), content_type=JSON)
        if store.is_fast and not route.is_fast:
            raise NotFast
        if not route.is_public and (partner is None or "\0" in request.environ["PATH_INFO"]):
            raise TaxiiError("not-found")
        call = ApiCall(
            self._site, route, store, remote, request.environ, request.arguments, request.body_limit, partner
        )
        if not route.counts_valid:
            call.count()
        return route.view(call)
