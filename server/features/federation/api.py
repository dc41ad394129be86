"""``/api/hub-reports``: the heads of all known origins, and complete sets, for other hubs."""

from typing import Any

from werkzeug.http import parse_etags

from schemas.hub_report import OPEN
from server.features.federation import serving, stored
from server.store import collections
from server.web.api.routes import ApiCall, ApiRoute, NamedSchema, Parameter, ResponseBody
from server.web.taxii import auth
from server.web.taxii.errors import TaxiiError
from server.web.taxii.openapi_schemas import STRING
from server.web.taxii.response import JSON, TaxiiResponse

JSON_LINES = "application/x-ndjson"
# A set counts as one request for each started block of this many hub reports.
_REPORTS_A_REQUEST = 10_000
_MOST_PARAMETERS = 10
_REVALIDATED = ("Cache-Control", "private, no-cache")


def _heads(call: ApiCall) -> TaxiiResponse:
    """Return the heads, or 304. Raises ``TaxiiError`` 404 for a partner that is no peer."""
    if not call.partner.peer:
        raise TaxiiError("not-found")
    with call.store.read() as tx:
        found = serving.heads(call.site.hub, tx, call.partner)
    headers = (("ETag", found.tag), _REVALIDATED)
    if parse_etags(call.environ.get("HTTP_IF_NONE_MATCH")).contains_weak(found.tag.strip('"')):
        return TaxiiResponse(304, headers=headers, content_type=JSON)
    return TaxiiResponse(200, found.body, headers, JSON)


def active(call: ApiCall) -> TaxiiResponse:
    """Stream the complete set of an origin and stream. Raises ``TaxiiError`` 404 for one that is unknown or hidden."""
    asked = dict(call.query(_MOST_PARAMETERS))
    stream = asked.get("stream") or OPEN
    hub, partner = call.site.hub, call.partner
    with call.store.read() as tx:
        origin = serving.origin_called(tx, asked.get("origin", ""))
        if stream == OPEN:
            auth.readable(tx, partner, collections.HUB_REPORTS[0])
        elif origin is None or not serving.is_reader_of(hub, tx, partner, origin, stream):
            raise TaxiiError("not-found")
        if origin is None:
            raise TaxiiError("not-found")
        reports = stored.of_stream(tx, origin, stream).reports
    # The first request is counted already.
    call.site.quotas.count_more(hub.store, partner.counts_as, max(0, -(-reports // _REPORTS_A_REQUEST) - 1))
    lines = serving.set_lines(hub.store, origin, stream)
    return TaxiiResponse(200, b"", (("Cache-Control", "no-store"),), JSON_LINES, stream=lines)


_HEAD: dict[str, Any] = {"type": "object", "description": "a signed head, as its origin published it"}
_HEADS = NamedSchema(
    "heads",
    {
        "type": "object",
        "properties": {
            "heads": {"type": "array", "items": _HEAD},
            "number": {
                "anyOf": [{"type": "integer"}, {"type": "null"}],
                "description": "the newest number that this hub has of the asking hub",
            },
            "retained": {
                "type": "array",
                "items": STRING,
                "maxItems": 1000,
                "description": "ids of erased hub reports of the asking hub whose values this hub still reports",
            },
            "collections": {"type": "array", "items": STRING, "description": "the collections to read by TAXII"},
        },
        "required": ["heads", "number", "retained", "collections"],
    },
)
_ETAG = {"ETag": {"description": "the tag of this state, for If-None-Match", "schema": STRING}}
ROUTES = (
    ApiRoute(
        "hub_report_heads",
        "GET",
        "/api/hub-reports/heads",
        _heads,
        "Get the heads of all known origins of hub reports",
        ResponseBody(_HEADS, headers=_ETAG),
        also=(ResponseBody(None, status=304, description="nothing changed"),),
        refuses=(404,),
    ),
    ApiRoute(
        "active_hub_reports",
        "GET",
        "/api/hub-reports/active",
        active,
        "Get the complete set of hub reports of one origin as one stream",
        ResponseBody({"type": "string", "description": "a hub report a line"}, media_type=JSON_LINES),
        parameters=(
            Parameter("origin", "the name of the origin's key, or its identity", is_required=True),
            Parameter("stream", "`open`, or the identity of the hub that the stream is for; `open` by default"),
        ),
        refuses=(403, 404),
    ),
)
