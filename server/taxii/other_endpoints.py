"""Endpoints beside TAXII's, which the TAXII application answers with the same care: who asks, how often, how much."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from schemas.partner import Partner
from server.store import Store
from server.taxii.errors import TaxiiError
from server.taxii.negotiation import is_json
from server.taxii.response import JSON, TaxiiResponse

# The room of a request, and the path that it was found by.
_ROOM = "scamfeed.room"


class OtherRequest(NamedTuple):
    """A request beside TAXII: the name of its route, the collection it names, and its WSGI environment.

    One that ``is_long`` is answered with no view of the store open.
    """

    route: str
    collection: str
    environ: dict[str, Any]
    is_long: bool = False

    @property
    def method(self) -> str:
        """The method, with GET for HEAD."""
        method: str = self.environ["REQUEST_METHOD"]
        return "GET" if method == "HEAD" else method


class Description(NamedTuple):
    """The paths of endpoints as OpenAPI has them, and the schemas that they refer to."""

    paths: dict[str, dict[str, Any]]
    schemas: dict[str, dict[str, Any]]


class RouteMethods:
    """The one method of each route, beside HEAD where that is GET, and OPTIONS."""

    def __init__(self, methods: Mapping[str, str]) -> None:
        """Hold the method of each route."""
        self._methods = methods

    def check(self, request: OtherRequest) -> None:
        """Refuse a method that the route does not have, and a body that is no JSON. Raises ``TaxiiError``."""
        if request.method not in (self._methods[request.route], "OPTIONS"):
            raise TaxiiError("method-not-allowed", (self._allow(request),))
        if request.method == "POST" and not is_json(request.environ.get("CONTENT_TYPE")):
            raise TaxiiError("not-json")

    def options(self, request: OtherRequest) -> TaxiiResponse | None:
        """Answer OPTIONS; None for another method."""
        if request.method != "OPTIONS":
            return None
        return TaxiiResponse(200, headers=(self._allow(request),), content_type=JSON)

    def _allow(self, request: OtherRequest) -> tuple[str, str]:
        method = self._methods[request.route]
        return "Allow", ", ".join(("HEAD", "OPTIONS", method) if method == "GET" else ("OPTIONS", method))


class OtherEndpoints(Protocol):
    """The endpoints of another room."""

    def describe(self) -> Description:
        """Describe the endpoints for clients."""

    def find(self, environ: dict[str, Any]) -> OtherRequest | None:
        """Return the request where its path is one of this room's."""

    def is_open(self, request: OtherRequest) -> bool:
        """Return whether anybody may send the request, without credentials."""

    def body_limit(self, request: OtherRequest) -> int:
        """Return how many bytes the body may have; 0 for a request that has none."""

    def check(self, request: OtherRequest) -> None:
        """Refuse a request by its method and its headers. Raises ``TaxiiError``."""

    def respond(self, store: Store, partner: Partner | None, remote: str, request: OtherRequest) -> TaxiiResponse:
        """Answer a request of ``partner``, None for anybody, from the address ``remote``.

        Raises ``TaxiiError``, and ``NotFast`` where ``store`` answers only what takes no time.
        """


class NoEndpoints:
    """No endpoints beside TAXII's."""

    def describe(self) -> Description:
        """Describe none."""
        return Description({}, {})

    def find(self, environ: dict[str, Any]) -> OtherRequest | None:
        """Find none."""
        return None

    def is_open(self, request: OtherRequest) -> bool:
        """Open none."""
        return False

    def body_limit(self, request: OtherRequest) -> int:
        """Accept no body."""
        return 0

    def check(self, request: OtherRequest) -> None:
        """Refuse nothing."""

    def respond(self, store: Store, partner: Partner | None, remote: str, request: OtherRequest) -> TaxiiResponse:
        """Answer nothing."""
        raise NotImplementedError


class EndpointsByPath:
    """The endpoints of several rooms, each below a path of its own."""

    def __init__(self, rooms: Mapping[str, OtherEndpoints]) -> None:
        """Hold rooms by what their paths begin with."""
        self._rooms = tuple(rooms.items())
        self._none = NoEndpoints()

    def describe(self) -> Description:
        """Describe the endpoints of all rooms."""
        paths: dict[str, Any] = {}
        schemas: dict[str, Any] = {}
        for _, room in self._rooms:
            described = room.describe()
            paths |= described.paths
            schemas |= described.schemas
        return Description(paths, schemas)

    def find(self, environ: dict[str, Any]) -> OtherRequest | None:
        """Return the request where its path is one of these rooms'."""
        return self._room(environ).find(environ)

    def is_open(self, request: OtherRequest) -> bool:
        """Return whether anybody may send the request, without credentials."""
        return self._room(request.environ).is_open(request)

    def body_limit(self, request: OtherRequest) -> int:
        """Return how many bytes the body may have; 0 for a request that has none."""
        return self._room(request.environ).body_limit(request)

    def check(self, request: OtherRequest) -> None:
        """Refuse a request by its method and its headers. Raises ``TaxiiError``."""
        self._room(request.environ).check(request)

    def respond(self, store: Store, partner: Partner | None, remote: str, request: OtherRequest) -> TaxiiResponse:
        """Answer a request, see ``OtherEndpoints.respond``."""
        return self._room(request.environ).respond(store, partner, remote, request)

    def _room(self, environ: dict[str, Any]) -> OtherEndpoints:
        """Return the room of a request's path; it is looked for once of a request, which is asked about often."""
        path: str = environ["PATH_INFO"]
        known: tuple[str, OtherEndpoints] | None = environ.get(_ROOM)
        if known is None or known[0] is not path:
            room = next((room for prefix, room in self._rooms if path.startswith(prefix)), self._none)
            known = environ[_ROOM] = path, room
        return known[1]
