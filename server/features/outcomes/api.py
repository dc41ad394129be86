"""``POST /api/outcomes``: a partner's outcomes as plain JSON; ``GET``: the outcomes that it sent."""

import re
from typing import Any

import msgspec

from mappers.record_reader import from_stix
from schemas import timestamp
from schemas.api.lookup import RefusedValue
from schemas.api.statements import (
    OutcomeResult,
    OutcomeResults,
    OwnOutcome,
    OwnOutcomes,
    StatedOutcome,
    StatedOutcomes,
)
from schemas.records import Outcome
from server.features.outcomes.stating import OutcomeObjects, write_all
from server.features.reports.operations import contribute_in_parts
from server.operations.operation import Actor
from server.release.results import Result, Unpublished
from server.store import inbox, partners
from server.store.database.times import stamp
from server.store.item import Item
from server.web.api.routes import ApiCall, ApiRoute, Parameter, RequestBody, ResponseBody, json_response
from server.web.taxii.auth import inbox_check
from server.web.taxii.errors import TaxiiError
from server.web.taxii.openapi_schemas import Schema
from server.web.taxii.response import TaxiiResponse

_PATH = "/api/outcomes"
_MOST_BYTES = 1024 * 1024
# Objects of a page, and of one transaction.
_PAGE, _AT_ONCE = 500, 200
# The place of a page: the moment at which the last outcome before it arrived (microseconds).
_PLACE = re.compile(r"[0-9]{1,18}", re.ASCII)
_NEXT: Schema = {"type": "string", "pattern": "^[0-9]{1,18}$"}
_EXAMPLE = {
    "outcomes": [
        {
            "value": "1234567890",
            "kind": "bank-account",
            "details": {"bank": "004", "country": "TH"},
            "outcome": "held",
            "at": "2026-11-30T03:00:00Z",
            "amount": "15000.00",
        }
    ]
}


def _state(call: ApiCall) -> TaxiiResponse:
    """Contribute the outcomes. Raises ``TaxiiError``."""
    hub, partner = call.site.hub, call.partner
    given = call.read(StatedOutcomes).outcomes
    with hub.store.read() as tx:
        written = write_all(hub, tx, partner, given)
    objects = {obj["id"]: obj for one in written for obj in one.objects}
    # Refused outcomes are charged too: their values were looked up.
    charged = len(objects) + sum(one.refused is not None for one in written)
    quotas = call.site.quotas
    done = contribute_in_parts(
        hub,
        partner,
        [Item.of(obj) for obj in objects.values()],
        Actor.program(partner, call.remote),
        most=_AT_ONCE,
        checks=(inbox_check(quotas, partner, charged), inbox_check(quotas, partner, 0)),
    )
    results = [_result(outcome, one, done) for outcome, one in zip(given, written, strict=True)]
    return json_response(OutcomeResults(results), objects_in=len(given))


def _result(outcome: StatedOutcome, one: OutcomeObjects, done: dict[str, tuple[Result, Unpublished]]) -> OutcomeResult:
    if one.refused is not None:
        error = RefusedValue(one.refused.reason, one.refused.message)
        return OutcomeResult(outcome=outcome.outcome, error=error)
    found = one.unpublished(done)
    if found is None:
        return OutcomeResult(outcome=outcome.outcome, ids=one.ids)
    result, why = found
    if result is Result.REFUSED:
        return OutcomeResult(outcome=outcome.outcome, error=RefusedValue(why.reason or "refused", why.message))
    return OutcomeResult(outcome=outcome.outcome, ids=one.ids, held=why.message)


def _list(call: ApiCall) -> TaxiiResponse:
    """Return outcomes that the partner sent, oldest first."""
    after = _after(call)
    with call.site.hub.store.read() as tx:
        space = partners.space(tx, call.partner.name)
        found = inbox.own_opinions(tx, space, after, _PAGE)
    outcomes = [own for added, body in found if (own := _own(added, msgspec.json.decode(body)))]
    token = str(found[-1][0]) if len(found) == _PAGE else None
    return json_response(OwnOutcomes(outcomes, token), objects_out=len(outcomes))


def _after(call: ApiCall) -> int:
    given = dict(call.query(1))
    place = given.pop("next", None)
    if given or (place is not None and not _PLACE.fullmatch(place)):
        raise TaxiiError("not-a-list-of-outcomes")
    return -1 if place is None else int(place)


def _own(added: int, obj: dict[str, Any]) -> OwnOutcome | None:
    """Return an outcome as shown to its sender; None for a revoked one, and for an opinion that is no outcome."""
    if obj.get("revoked") is True:
        return None
    outcome = next((record for record in from_stix(obj) if isinstance(record, Outcome)), None)
    if outcome is None:
        return None
    return OwnOutcome(
        id=obj["id"],
        added=stamp(added),
        outcome=outcome.outcome,
        listings=obj["object_refs"],
        reported_at=timestamp.text(outcome.reported_at),
        at=timestamp.text(outcome.effective_from) if outcome.effective_from else None,
        until=timestamp.text(outcome.effective_until) if outcome.effective_until else None,
        amount=None if outcome.amount is None else str(outcome.amount),
        currency=outcome.currency,
        count=outcome.count,
        victims=outcome.victims,
        reason=outcome.reason,
        reference=outcome.reference,
    )


ROUTES = (
    ApiRoute(
        "state_outcomes",
        "POST",
        _PATH,
        _state,
        "Report your outcomes about listings: one, or a list of up to 1,000",
        ResponseBody(OutcomeResults),
        request=RequestBody(StatedOutcomes, _MOST_BYTES, "not-outcomes", example=_EXAMPLE, item=StatedOutcome),
        refuses=(403,),
        name="outcomes",
    ),
    ApiRoute(
        "outcomes",
        "GET",
        _PATH,
        _list,
        "Get the outcomes that you sent, oldest first",
        ResponseBody(OwnOutcomes),
        parameters=(Parameter("next", "the field next of the previous page", _NEXT),),
        refuses=(400,),
        name="own-outcomes",
    ),
)
