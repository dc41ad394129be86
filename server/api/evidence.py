"""``GET /api/evidence/<sha256>``: a stored file of evidence, for its holder and those to whom it was handed over."""

import re
from itertools import chain
from typing import Any

from schemas.partner import Partner
from server.api.openapi_parts import operation
from server.release.evidence import desk
from server.release.evidence.desk import StoredEvidence, UnknownEvidence
from server.release.evidence.encryption import UnreadableEvidence
from server.release.evidence.stored import StoreOfFilesUnavailable
from server.release.hub import Hub
from server.store import Store
from server.store.objects.fast_reads import NotFast
from server.taxii.errors import TaxiiError
from server.taxii.other_endpoints import Description, OtherRequest, RouteMethods
from server.taxii.response import TaxiiResponse

PREFIX = "/api/evidence/"
_ROUTE = "evidence"
_HASH = "[0-9a-f]{64}"
_PATH = re.compile(rf"{PREFIX}(?P<sha256>{_HASH})/?")
_METHODS = RouteMethods({_ROUTE: "GET"})
_BINARY = "application/octet-stream"
_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Disposition", "attachment"),
    ("X-Content-Type-Options", "nosniff"),
)


class EvidenceEndpoints:
    """The endpoint of one hub that gives files of evidence."""

    def __init__(self, hub: Hub, place: StoredEvidence | None) -> None:
        """Serve the files of ``hub`` that are stored at ``place``."""
        self._hub = hub
        self._place = place

    def describe(self) -> Description:
        """Describe the endpoint for clients."""
        asked = operation("evidence", "Get a file of evidence", {}, 404)
        asked["responses"]["200"]["content"] = {_BINARY: {"schema": {"type": "string", "format": "binary"}}}
        hash_ = {
            "name": "sha256",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": f"^{_HASH}$"},
            "description": "the SHA-256 of the file",
        }
        return Description({f"{PREFIX}{{sha256}}": {"parameters": [hash_], "get": asked}}, {})

    def find(self, environ: dict[str, Any]) -> OtherRequest | None:
        """Return the request where its path is one of these."""
        found = _PATH.fullmatch(environ["PATH_INFO"])
        return None if found is None else OtherRequest(_ROUTE, found["sha256"], environ)

    def is_open(self, request: OtherRequest) -> bool:
        """Return that nobody asks without credentials."""
        return False

    def body_limit(self, request: OtherRequest) -> int:
        """Return that no request has a body."""
        return 0

    def check(self, request: OtherRequest) -> None:
        """Refuse another method. Raises ``TaxiiError``."""
        _METHODS.check(request)

    def respond(self, store: Store, partner: Partner | None, remote: str, request: OtherRequest) -> TaxiiResponse:
        """Send a file to ``partner``; an absent one and another's get the same answer.

        Raises ``TaxiiError`` and ``NotFast``.
        """
        if (allowed := _METHODS.options(request)) is not None:
            return allowed
        if store.is_fast:
            raise NotFast
        if partner is None or self._place is None:
            raise TaxiiError("not-found")
        try:
            with self._hub.store.begin() as tx:
                file = desk.give(tx, request.collection, partner.name, remote)
            parts = desk.content_of(file, self._place)
            # What cannot be opened is found before the answer begins.
            first = next(parts)
        except (UnknownEvidence, UnreadableEvidence):
            raise TaxiiError("not-found") from None
        except StoreOfFilesUnavailable:
            raise TaxiiError("busy") from None
        return TaxiiResponse(200, b"", _HEADERS, _BINARY, objects_out=1, stream=chain((first,), parts))
