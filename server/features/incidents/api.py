"""``/api/incidents``: a partner selects many of its own wrong reports, and decides on all of them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from schemas import timestamp
from schemas.errors import Rejected
from server.features.incidents import records
from server.features.incidents.operations import (
    LONGEST_REASON,
    DecideIncident,
    DiscardIncident,
    PauseIncident,
    ResumeIncident,
    SelectReports,
    of_actor,
)
from server.features.incidents.records import UnknownIncident
from server.features.incidents.selection import MOST_VALUES, Chosen
from server.features.incidents.views import as_json, report_as_json, view
from server.operations.operation import Act, Actor
from server.operations.run import run
from server.store.database.times import micros
from server.web.api.routes import ApiCall, ApiRoute, NamedSchema, Parameter, RequestBody, ResponseBody, json_response
from server.web.taxii.errors import TaxiiError
from server.web.taxii.openapi_schemas import STRING, Schema, ref
from server.web.taxii.response import TaxiiResponse

_PATH = "/api/incidents"
_MOST_BYTES = 2 * 1024 * 1024
_MOST_ACT_BYTES = 64 * 1024
_MOST_LISTED, _MOST_REPORTS = 100, 1_000
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Done = TypeVar("_Done")
_EXAMPLE = {"reason": "the wrong column was sent", "since": "2026-11-30T09:00:00Z", "kind": "bank-account"}
# Refusals of a condition; all others are about the state of the incident.
_OF_A_FIELD = frozenset(
    (
        *("no-condition", "no-reason", "no-reports", "no-time", "not-values", "short-search", "too-many-reports"),
        *("too-many-values", "too-much-to-read", "unknown-kind", "bad-timestamp"),
    )
)


class SelectedReports(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The conditions that your reports have to meet, all of them without any; and what went wrong.

    ``since`` and ``until`` are when the hub received a report, ``contribution`` is the id of a TAXII status or of an
    uploaded file, ``search`` a text in the value, ``held`` the rule that holds a report.
    """

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_REASON)]
    since: _Text | None = None
    until: _Text | None = None
    contribution: _Text | None = None
    reference: _Text | None = None
    values: Annotated[
        tuple[Annotated[str, msgspec.Meta(max_length=2_048)], ...], msgspec.Meta(max_length=MOST_VALUES)
    ] = ()
    search: _Text | None = None
    kind: _Text | None = None
    held: _Text | None = None


class IncidentAct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do with all reports of an incident, or with the decision that is being carried out."""

    act: Literal["hold", "release", "retract", "pause", "resume", "discard"]


_OTHER_ACTS: Mapping[str, Callable[..., Act[Any]]] = MappingProxyType(
    {"pause": PauseIncident, "resume": ResumeIncident, "discard": DiscardIncident}
)


def _select(call: ApiCall) -> TaxiiResponse:
    given, hub, actor = call.read(SelectedReports), call.site.hub, Actor.program(call.partner, call.remote)

    def select() -> str:
        chosen = Chosen(
            since=_moment("since", given.since),
            until=_moment("until", given.until),
            file=given.contribution,
            reference=given.reference,
            values=given.values,
            search=given.search,
            kind=given.kind,
            held=given.held,
        )
        return run(hub, SelectReports.read(hub, actor, chosen, given.reason), actor).id

    return json_response(_shown(call, _or_refused(select)), 201)


def _moment(field: str, text: str | None) -> int | None:
    try:
        return None if text is None else micros(timestamp.parse(text))
    except Rejected as refusal:
        raise Rejected("bad-timestamp", f"{field}: {refusal.message}") from None


def _act(call: ApiCall) -> TaxiiResponse:
    id_, act = call.arguments["id"], call.read(IncidentAct).act
    other = _OTHER_ACTS.get(act)
    operation = other(id=id_) if other else DecideIncident.model_validate({"id": id_, "decision": act})
    _or_refused(lambda: run(call.site.hub, operation, Actor.program(call.partner, call.remote)))
    return json_response({"id": id_, "state": "discarded"} if act == "discard" else _shown(call, id_))


def _show(call: ApiCall) -> TaxiiResponse:
    given = dict(call.query(1))
    after = given.pop("after", "0")
    if given or not (after.isascii() and after.isdecimal() and len(after) < 10):
        raise TaxiiError("field-refused", field="after", reason="bad-place", message="after: the place of a report")
    return json_response(_shown(call, call.arguments["id"], int(after)))


def _shown(call: ApiCall, id_: str, after: int | None = None) -> dict[str, Any]:
    """Return an incident of the partner, with a page of its reports where ``after`` is given."""
    with call.site.hub.store.read() as tx:
        found = _or_refused(lambda: of_actor(tx, id_, Actor.program(call.partner, call.remote)))
        shown = as_json(view(tx, found, call.partner.name))
        if after is not None:
            rows = records.reports_after(tx, id_, after, _MOST_REPORTS)
            shown["selected"] = [report_as_json(row) for row in rows]
            shown["next"] = rows[-1].place if len(rows) == _MOST_REPORTS else None
    return shown


def _list(call: ApiCall) -> TaxiiResponse:
    name = call.partner.name
    with call.site.hub.store.read() as tx:
        found = [as_json(view(tx, one, name)) for one in records.all_incidents(tx, owner=name, limit=_MOST_LISTED)]
    return json_response({"incidents": found})


def _or_refused(do: Callable[[], _Done]) -> _Done:
    """Return what is done. Raises ``TaxiiError``: 422 with the field, 409 for the state, and 404."""
    try:
        return do()
    except UnknownIncident:
        raise TaxiiError("not-found") from None
    except Rejected as refusal:
        if refusal.reason not in _OF_A_FIELD:
            raise TaxiiError("request-refused", reason=refusal.reason, message=refusal.message) from None
        field, _, rest = refusal.message.partition(": ")
        named = field if rest and field in SelectedReports.__struct_fields__ else "$"
        raise TaxiiError("field-refused", field=named, reason=refusal.reason, message=refusal.message) from None


_COUNTS: Schema = {"type": "object", "additionalProperties": {"type": "integer"}}
_INCIDENT = NamedSchema(
    "incident",
    {
        "type": "object",
        "properties": {
            **dict.fromkeys(("id", "state", "reason", "made", "made_by", "digest", "first", "last"), STRING),
            **{name: {"type": "integer"} for name in ("reports", "values", "listed", "unconfirmed_receipts")},
            **dict.fromkeys(("kinds", "states"), _COUNTS),
            "decisions": {"type": "array", "items": {"type": "object"}},
            "proposal": {"type": ["string", "null"]},
            "proposed": {"type": ["string", "null"]},
        },
        "required": ["id", "state"],
    },
)
_INCIDENTS: Schema = {
    "type": "object",
    "properties": {"incidents": {"type": "array", "items": {"$ref": "#/components/schemas/incident"}}},
    "required": ["incidents"],
}
_OF_ID = Parameter(
    "id", "the id of the incident", {"type": "string", "pattern": "^[0-9a-f]{10}$"}, pattern="[0-9a-f]{10}"
)
_REFUSED = (ResponseBody(ref("error"), 409, description="the state of the incident refuses it"),)

ROUTES = (
    ApiRoute(
        "select_incident",
        "POST",
        _PATH,
        _select,
        "Select many of your own reports for one decision",
        ResponseBody(_INCIDENT, 201),
        request=RequestBody(SelectedReports, _MOST_BYTES, "not-a-selection", example=_EXAMPLE),
        also=_REFUSED,
        is_long=True,
    ),
    ApiRoute(
        "incidents",
        "GET",
        _PATH,
        _list,
        "List your incidents, the newest first",
        ResponseBody(NamedSchema("incidents", _INCIDENTS, (_INCIDENT,))),
        is_long=True,
        name="incidents",
    ),
    ApiRoute(
        "incident",
        "GET",
        f"{_PATH}/{{id}}",
        _show,
        "Get an incident of yours, with a page of its reports",
        ResponseBody(_INCIDENT),
        parameters=(_OF_ID, Parameter("after", "the place of the last report before the page", {"type": "string"})),
        refuses=(404, 422),
    ),
    ApiRoute(
        "decide_incident",
        "POST",
        f"{_PATH}/{{id}}",
        _act,
        "Propose to hold, release or retract all reports of an incident; pause, resume or discard it",
        ResponseBody(_INCIDENT),
        request=RequestBody(IncidentAct, _MOST_ACT_BYTES, "not-an-act", example={"act": "hold"}),
        parameters=(_OF_ID,),
        refuses=(404,),
        also=_REFUSED,
    ),
)
