"""``POST /api/evidence``: a partner sends a file about a report or a case of its own.

``GET /api/evidence/<sha256>``: a stored file, for its holder and those to whom it was handed over.
"""

import logging
import re
from itertools import chain
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from feeds.connector import Misconfigured, TryLater
from feeds.http.timestamps import TimestampAuthority
from schemas.partner import Partner
from server import timestamping
from server.api.openapi_parts import operation
from server.release.evidence import desk
from server.release.evidence.desk import EvidenceLimits, EvidenceRefused, StoredEvidence, UnknownEvidence
from server.release.evidence.encryption import UnreadableEvidence
from server.release.evidence.stored import StoreOfFilesUnavailable
from server.release.hub import Hub
from server.settings import Settings
from server.store import Store, quotas
from server.store.evidence import files
from server.store.objects.fast_reads import NotFast
from server.taxii.errors import TaxiiError, retry_later
from server.taxii.limits import MAX_CONTENT_LENGTH
from server.taxii.other_endpoints import Description, OtherRequest
from server.taxii.request_body import received
from server.taxii.response import JSON, TaxiiResponse

log = logging.getLogger(__name__)

PATH = "/api/evidence"
PREFIX = f"{PATH}/"
_HASH = "[0-9a-f]{64}"
_PATH = re.compile(rf"{PATH}(?:/(?P<sha256>{_HASH}))?/?")
_METHODS = {"evidence": "GET", "evidence-add": "POST"}
_OBJECT = r"[a-z0-9-]{1,60}--[0-9a-f-]{36}"
_MOST_FIELDS = 10
_DAY = 86_400
# Whoever sends a file waits for the time-stamp no longer; sent again, it is stamped.
_PATIENCE = {"timeout": "5s", "answer_within": "10s", "retries": 0}
_BINARY = "application/octet-stream"
_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Disposition", "attachment"),
    ("X-Content-Type-Options", "nosniff"),
)


_ANSWER = {
    "type": "object",
    "required": ["sha256", "size", "media_type", "added", "stored", "time_stamped", "named_in_object"],
    "properties": {
        "sha256": {"type": "string", "pattern": f"^{_HASH}$"},
        "size": {"type": "integer", "minimum": 1, "description": "in bytes"},
        "media_type": {"type": "string", "description": "by content"},
        "added": {"type": "string", "format": "date-time"},
        "stored": {"type": "boolean"},
        "time_stamped": {"type": "boolean", "description": "by an authority; sent again, a file is stamped later"},
        "named_in_object": {"type": "boolean", "description": "whether the report or case names the hash"},
    },
}


class EvidenceRules(NamedTuple):
    """What partners may send: how large, how many files a day, and of which media types (none: any)."""

    limits: EvidenceLimits
    per_day: int
    media_types: frozenset[str]

    @classmethod
    def of(cls, settings: Settings) -> "EvidenceRules":
        """Return the rules of the settings."""
        limits = EvidenceLimits(min(settings.evidence_file_bytes, MAX_CONTENT_LENGTH), settings.evidence_partner_bytes)
        return cls(limits, settings.evidence_per_day, frozenset(settings.evidence_media_types))


class EvidenceEndpoints:
    """The endpoints of one hub that take and give files of evidence."""

    def __init__(
        self,
        hub: Hub,
        place: StoredEvidence | None,
        rules: EvidenceRules,
        authority: TimestampAuthority | None = None,
    ) -> None:
        """Receive and serve the files of ``hub`` that are stored at ``place``, stamped by ``authority``."""
        self._hub = hub
        self._place = place
        self._rules = rules
        self._authority = None if authority is None else authority.model_copy(update=_PATIENCE)

    def describe(self) -> Description:
        """Describe the endpoints for clients."""
        asked = operation("evidence", "Get a file of evidence", {}, 404)
        asked["responses"]["200"]["content"] = {_BINARY: {"schema": {"type": "string", "format": "binary"}}}
        hash_ = {
            "name": "sha256",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": f"^{_HASH}$"},
            "description": "the SHA-256 of the file",
        }
        sent = operation("evidence-add", "Send a file of evidence", _ANSWER, 400, 404, 413, 415)
        sent["parameters"] = [
            {
                "name": "object",
                "in": "query",
                "required": True,
                "schema": {"type": "string", "pattern": f"^{_OBJECT}$"},
                "description": "the id of the report or case, as this partner contributed it",
            }
        ]
        sent["responses"]["409"] = {
            "description": "refused: an empty file, one of another media type, or one too many",
            "content": {JSON: {"schema": {"$ref": "#/components/schemas/error"}}},
        }
        binary = {"schema": {"type": "string", "format": "binary", "minLength": 1}}
        sent["requestBody"] = {"required": True, "content": {_BINARY: binary}}
        paths: dict[str, dict[str, Any]] = {PATH: {"post": sent}}
        paths |= {f"{PREFIX}{{sha256}}": {"parameters": [hash_], "get": asked}}
        return Description(paths, {})

    def find(self, environ: dict[str, Any]) -> OtherRequest | None:
        """Return the request where its path is one of these."""
        found = _PATH.fullmatch(environ["PATH_INFO"])
        if found is None:
            return None
        if found["sha256"] is None:
            return OtherRequest("evidence-add", "", environ, is_long=True)
        return OtherRequest("evidence", found["sha256"], environ)

    def is_open(self, request: OtherRequest) -> bool:
        """Return that nobody asks without credentials."""
        return False

    def body_limit(self, request: OtherRequest) -> int:
        """Return how many bytes the body may have."""
        return self._rules.limits.file if request.route == "evidence-add" and request.method == "POST" else 0

    def check(self, request: OtherRequest) -> None:
        """Refuse another method, and a body of another media type. Raises ``TaxiiError``."""
        if request.method not in (_METHODS[request.route], "OPTIONS"):
            raise TaxiiError("method-not-allowed", (_allow(request),))
        content_type = (request.environ.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()
        if request.method == "POST" and content_type != _BINARY:
            raise TaxiiError("not-octets")

    def respond(self, store: Store, partner: Partner | None, remote: str, request: OtherRequest) -> TaxiiResponse:
        """Receive a file of ``partner``, or send it one; what is absent and another's get the same answer.

        Raises ``TaxiiError`` and ``NotFast``.
        """
        if request.method == "OPTIONS":
            return TaxiiResponse(200, headers=(_allow(request),), content_type=JSON)
        if store.is_fast:
            raise NotFast
        if partner is None or self._place is None:
            raise TaxiiError("not-found")
        if request.route == "evidence-add":
            return self._take(self._place, partner, remote, request)
        return self._give(self._place, partner, remote, request)

    def _take(self, place: StoredEvidence, partner: Partner, remote: str, request: OtherRequest) -> TaxiiResponse:
        store, rules = self._hub.store, self._rules
        if not rules.per_day:
            raise TaxiiError("not-found")
        object_id = _object(request)
        try:
            with store.begin() as tx:
                key, holder = desk.object_key(tx, object_id, partner.name)
                wait = quotas.charge(tx, partner.name, "evidence", 1, limit=rules.per_day, seconds=_DAY)
            if wait:
                raise retry_later("evidence-a-day", wait)
            with received(request.environ, rules.limits.file) as (content, _):
                found = desk.measured(content, rules.limits.file)
                if rules.media_types and found.media_type not in rules.media_types:
                    raise EvidenceRefused(f"files of {found.media_type} are not taken here")
                content.seek(0)
                added = desk.add(store, key, holder, found, content, place, rules.limits, remote)
        except UnknownEvidence:
            raise TaxiiError("not-found") from None
        except EvidenceRefused as error:
            raise TaxiiError("evidence-refused", message=error) from None
        except StoreOfFilesUnavailable:
            raise TaxiiError("busy") from None
        try:
            timestamping.stamp(store, added, self._authority, remote)
        except (Misconfigured, TryLater) as error:
            log.warning("evidence-not-time-stamped file=%s cause=%s", added.id, type(error).__name__)
        with store.read() as tx:
            kept = files.of_partner(tx, partner.name, found.sha256) or added
            known = desk.described(tx, kept)
            answer = {name: known[name] for name in _ANSWER["properties"] if name in known}
            answer["named_in_object"] = desk.names_hash(tx, key, found.sha256)
        return TaxiiResponse(200, msgspec.json.encode(answer), (_HEADERS[0],), JSON, objects_in=1)

    def _give(self, place: StoredEvidence, partner: Partner, remote: str, request: OtherRequest) -> TaxiiResponse:
        try:
            with self._hub.store.begin() as tx:
                file = desk.give(tx, request.collection, partner.name, remote)
            parts = desk.content_of(file, place)
            # What cannot be opened is found before the answer begins.
            first = next(parts)
        except (UnknownEvidence, UnreadableEvidence):
            raise TaxiiError("not-found") from None
        except StoreOfFilesUnavailable:
            raise TaxiiError("busy") from None
        return TaxiiResponse(200, b"", _HEADERS, _BINARY, objects_out=1, stream=chain((first,), parts))


def _allow(request: OtherRequest) -> tuple[str, str]:
    return "Allow", "HEAD, OPTIONS, GET" if _METHODS[request.route] == "GET" else "OPTIONS, POST"


def _object(request: OtherRequest) -> str:
    """Return the id that a request names; what is no id is the id of nothing. Raises ``TaxiiError``."""
    try:
        pairs = parse_qsl(request.environ.get("QUERY_STRING", ""), max_num_fields=_MOST_FIELDS)
    except ValueError:
        pairs = []
    given: list[str] = [value for name, value in pairs if name == "object"]
    if len(given) != 1 or not re.fullmatch(_OBJECT, given[0]):
        raise TaxiiError("not-found")
    return given[0]
