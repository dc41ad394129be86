"""Endpoints beside TAXII's, which the TAXII application answers with the same care: who asks, how often, how much."""

from typing import Any, NamedTuple, Protocol

from schemas.partner import Partner
from server.store import Store
from server.taxii.response import TaxiiResponse


class OtherRequest(NamedTuple):
    """A request beside TAXII: the name of its route, the collection it names, and its WSGI environment."""

    route: str
    collection: str
    environ: dict[str, Any]

    @property
    def method(self) -> str:
        """The method, with GET for HEAD."""
        method: str = self.environ["REQUEST_METHOD"]
        return "GET" if method == "HEAD" else method


class Description(NamedTuple):
    """The paths of endpoints as OpenAPI has them, and the schemas that they refer to."""

    paths: dict[str, dict[str, Any]]
    schemas: dict[str, dict[str, Any]]


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
        """Take no body."""
        return 0

    def check(self, request: OtherRequest) -> None:
        """Refuse nothing."""

    def respond(self, store: Store, partner: Partner | None, remote: str, request: OtherRequest) -> TaxiiResponse:
        """Answer nothing."""
        raise NotImplementedError
