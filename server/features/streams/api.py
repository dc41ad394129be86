"""The changes of a collection as server-sent events, for mirrors, feeds and partners' programs."""

import msgspec

from server.web.api.routes import ApiCall, ApiRoute, Parameter, ResponseBody
from server.web.taxii import objects
from server.web.taxii.errors import TaxiiError
from server.web.taxii.event_stream import EVENTS, PLACE
from server.web.taxii.openapi_schemas import STAMP
from server.web.taxii.response import TaxiiResponse

# The most objects of an event.
_OBJECTS = 500
_MOST_PARAMETERS = 20


def _changes(call: ApiCall) -> TaxiiResponse:
    """Return the next changes after the place that the client has read up to. Raises ``TaxiiError``."""
    asked = dict(call.query(_MOST_PARAMETERS))
    which = asked.pop("objects", "all")
    if which not in ("all", "none"):
        raise TaxiiError("field-refused", field="objects", reason="unknown-value", message="objects is all or none")
    place = call.environ.get("HTTP_LAST_EVENT_ID") or asked.get("added_after")
    pairs = [(name, value) for name, value in asked.items() if name.startswith("match")]
    pairs += [("limit", str(_OBJECTS)), *([("added_after", place)] if place else [])]
    with call.store.read() as tx:
        response = objects.changes(tx, call.partner, call.arguments["collection_id"], pairs)
    if which == "none" and response.body:
        # The client reads the objects itself.
        stated = {"added_up_to": dict(response.headers)[PLACE]}
        response = response._replace(body=msgspec.json.encode(stated), objects_out=0, read_to=None)
    return response._replace(content_type=EVENTS)


ROUTES = (
    ApiRoute(
        "stream",
        "GET",
        "/api/collections/{collection_id}/stream",
        _changes,
        "Follow the changes of a collection as server-sent events",
        ResponseBody({"type": "string", "description": "events without end"}, media_type=EVENTS),
        parameters=(
            Parameter(
                "added_after", "the first event follows this place, like the header Last-Event-ID; none: now", STAMP
            ),
            Parameter("objects", "none: the events only say that there is more to read", {"enum": ["all", "none"]}),
        ),
        refuses=(403,),
        has_events=True,
    ),
)
