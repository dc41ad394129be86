"""``POST /api/evidence``: a partner sends a file about its own report or case.

``GET /api/evidence/<sha256>``: a stored file, for its holder and the partners with access to it.
``GET /api/requests/<id>/evidence/<sha256>``: one that the sender of a takedown request attached, for its addressee.
"""

import re
from itertools import chain
from typing import IO

from server.features.evidence import desk, files, timestamping
from server.features.evidence.desk import EvidenceRefused, Measured, StoredEvidence, UnknownEvidence
from server.features.evidence.encryption import UnreadableEvidence
from server.features.evidence.operations import AddEvidence, GiveEvidence, add_file
from server.features.evidence.place import evidence_place
from server.features.evidence.stored import StoreOfFilesUnavailable
from server.operations.operation import Actor
from server.operations.run import run
from server.settings import Settings
from server.web.api.routes import (
    BINARY,
    NO_STORE,
    ApiCall,
    ApiRoute,
    ApiService,
    ApiSite,
    Parameter,
    RequestBody,
    ResponseBody,
    json_response,
)
from server.web.taxii.errors import TaxiiError, retry_later
from server.web.taxii.limits import MAX_CONTENT_LENGTH
from server.web.taxii.openapi_schemas import Schema, ref
from server.web.taxii.request_body import received
from server.web.taxii.response import TaxiiResponse

_PATH = "/api/evidence"
_HASH = "[0-9a-f]{64}"
_OBJECT = r"[a-z0-9-]{1,60}--[0-9a-f-]{36}"
_MOST_PARAMETERS = 10
_HEADERS = (NO_STORE, ("Content-Disposition", "attachment"), ("X-Content-Type-Options", "nosniff"))

_ANSWER: Schema = {
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


def _most_bytes(settings: Settings) -> int:
    """Return the maximum size of a file in bytes."""
    return min(settings.evidence_file_bytes, MAX_CONTENT_LENGTH)


class EvidenceFiles(ApiService):
    """Where the files of evidence of one application are stored."""

    def __init__(self, site: ApiSite) -> None:
        """Receive and serve files by the settings of ``site``."""
        super().__init__(site)
        self._stored = evidence_place(site.settings)

    @property
    def place(self) -> StoredEvidence:
        """The store of the files. Raises ``TaxiiError`` if files stay with their holders."""
        if self._stored is None:
            raise TaxiiError("not-found")
        return self._stored


def _take(call: ApiCall) -> TaxiiResponse:
    """Receive a file of the partner. Raises ``TaxiiError``."""
    partner, hub, settings = call.partner, call.site.hub, call.site.settings
    place, store = call.of(EvidenceFiles).place, hub.store
    if not settings.evidence_per_day:
        raise TaxiiError("not-found")
    object_id = _object(call)
    try:
        if wait := desk.charge(store, partner, object_id, settings.evidence_per_day):
            raise retry_later("evidence-a-day", wait)
        with received(call.environ, call.most) as (content, _):
            found = _measured(content, call.most, frozenset(settings.evidence_media_types))
            content.seek(0)
            operation = AddEvidence(
                object_id=object_id, partner=partner.name, file=found, stored_limit=settings.evidence_partner_bytes
            )
            added = add_file(hub, operation, content, place, Actor.program(partner, call.remote))
    except UnknownEvidence:
        raise TaxiiError("not-found") from None
    except EvidenceRefused as error:
        raise TaxiiError("evidence-refused", message=error) from None
    except StoreOfFilesUnavailable:
        raise TaxiiError("busy") from None
    timestamping.stamp_on_receipt(store, added.file, settings, call.remote)
    with store.read() as tx:
        kept = files.of_partner(tx, partner.name, found.sha256) or added.file
        known = desk.described(tx, kept)
        answer = {name: known[name] for name in _ANSWER["properties"] if name in known}
        answer["named_in_object"] = desk.names_hash(tx, added.key, found.sha256)
    return json_response(answer, objects_in=1)


def _give(call: ApiCall) -> TaxiiResponse:
    """Send a file to the partner; unknown files and those of others give the same error. Raises ``TaxiiError``."""
    place = call.of(EvidenceFiles).place
    request = call.arguments["id"].removeprefix("note--") if "id" in call.arguments else None
    try:
        operation = GiveEvidence(sha256=call.arguments["sha256"], to=call.partner.name, request=request)
        parts = desk.content_of(run(call.site.hub, operation, Actor.program(call.partner, call.remote)).file, place)
        # An unreadable file is detected before the response begins.
        first = next(parts)
    except (UnknownEvidence, UnreadableEvidence):
        raise TaxiiError("not-found") from None
    except StoreOfFilesUnavailable:
        raise TaxiiError("busy") from None
    return TaxiiResponse(200, b"", _HEADERS, BINARY, objects_out=1, stream=chain((first,), parts))


def _measured(content: IO[bytes], most: int, media_types: frozenset[str]) -> Measured:
    """Return the measures of a file. Raises ``TaxiiError`` for a file that the hub never accepts."""
    try:
        found = desk.measured(content, most)
    except EvidenceRefused as error:
        raise TaxiiError("evidence-unfit", message=error) from None
    if media_types and found.media_type not in media_types:
        raise TaxiiError("evidence-unfit", message=f"files of {found.media_type} are not taken here")
    return found


def _object(call: ApiCall) -> str:
    """Return the id that a request names. Raises ``TaxiiError``, as for an unknown one if it is no id."""
    try:
        pairs = call.query(_MOST_PARAMETERS)
    except TaxiiError:
        raise TaxiiError("not-found") from None
    given = [value for name, value in pairs if name == "object" and value]
    if len(given) != 1 or not re.fullmatch(_OBJECT, given[0]):
        raise TaxiiError("not-found")
    return given[0]


_FILE: Schema = {"type": "string", "format": "binary"}
_SHA256 = Parameter("sha256", "the SHA-256 of the file", {"type": "string", "pattern": f"^{_HASH}$"}, pattern=_HASH)
ROUTES = (
    ApiRoute(
        "evidence-add",
        "POST",
        _PATH,
        _take,
        "Send a file of evidence",
        ResponseBody(_ANSWER),
        request=RequestBody({**_FILE, "minLength": 1}, _most_bytes, media_type=BINARY),
        parameters=(
            Parameter(
                "object",
                "the id of the report or case, as this partner contributed it",
                {"type": "string", "pattern": f"^{_OBJECT}$"},
                is_required=True,
            ),
        ),
        refuses=(404,),
        also=(ResponseBody(ref("error"), 409, description="refused: one too many"),),
        is_long=True,
        service=EvidenceFiles,
    ),
    ApiRoute(
        "evidence",
        "GET",
        f"{_PATH}/{{sha256}}",
        _give,
        "Get a file of evidence",
        ResponseBody(_FILE, media_type=BINARY),
        parameters=(_SHA256,),
        service=EvidenceFiles,
    ),
    ApiRoute(
        "request-evidence",
        "GET",
        f"/api/requests/{{id}}{_PATH.removeprefix('/api')}/{{sha256}}",
        _give,
        "Get a file that the sender of a takedown request to you attached",
        ResponseBody(_FILE, media_type=BINARY),
        parameters=(
            Parameter("id", "the id of the request", pattern="(?:note--)?[0-9a-f-]{36}"),
            _SHA256,
        ),
        service=EvidenceFiles,
    ),
)
