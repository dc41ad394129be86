"""An example of each operation on the hub that ``tests.operators_desk`` fills.

Each function returns an operation that changes something there. To add an operation, add its example here.
"""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.api.statements import Ground, ObjectionRequest, UpholdReason
from schemas.partner import Partner, PartnerKind
from schemas.request import Request, RequestAnswer
from server.features.allowlists.operations import AddAllowlistEntry
from server.features.objections.operations import DecideObjection, ReadContact, ReceiveObjection
from server.features.objections.working_days import WorkingDays
from server.features.reports.operations import RetractReports
from server.features.requests import desk as request_desk, hub_requests, records as requests
from server.features.requests.operations import (
    AssignRequest,
    RecordResponse,
    RefuseRequest,
    ReleaseRequest,
    Respond,
    RespondToSeveral,
    SendRequest,
    SendSeveral,
)
from server.operations.operation import Act
from server.release.hub import Hub
from server.store import partners
from server.store.database.times import now, stamp
from tests import operators_desk as desk
from tests.contract.operations import (
    examples_of_collections,
    examples_of_dispatch,
    examples_of_federation,
    examples_of_findings,
    examples_of_incidents,
    examples_of_partners,
    examples_of_people,
    examples_of_proofs,
    examples_of_reviews,
    examples_of_the_hub,
    examples_of_uploads,
)

Example = Callable[[Hub], Act[Any]]


def _partner(hub: Hub, name: str) -> Partner:
    with hub.store.read() as tx:
        return partners.get(tx, name)


def _request_id(hub: Hub, *, addressed: bool) -> str:
    with hub.store.read() as tx:
        found = requests.all_requests(tx, most=10)
        return next(request.id for request in found if (request.addressee is not None) == addressed)


def _respond(hub: Hub) -> Act[Any]:
    given = {"reporter": desk.INSTITUTION, "reported_at": stamp(now()), "state": "acknowledged"}
    response = RequestAnswer.model_validate({**given, "request": _request_id(hub, addressed=True)})
    return Respond(partner=_partner(hub, desk.INSTITUTION), response=response)


def _respond_to_several(hub: Hub) -> Act[Any]:
    ids = (_request_id(hub, addressed=True),)
    return RespondToSeveral(partner=_partner(hub, desk.INSTITUTION), ids=ids, response={"state": "acknowledged"})


def _send(hub: Hub) -> Act[Any]:
    return SendRequest(partner=_partner(hub, desk.SENDER), request=desk.request_of("C-9", desk.INSTITUTION))


def _takedown(addressee: str | None) -> Request:
    given = {"reporter": desk.SENDER, "reported_at": stamp(now()), "asks": "take-down", "basis": "notice"}
    about = {"of": "https://shop.example.com/pay", "reference": "C-10", "explanation": ["obtains-money"]}
    return Request.model_validate({**given, **about, "addressee": addressee})


def _send_several(hub: Hub) -> Act[Any]:
    return SendSeveral(partner=_partner(hub, desk.SENDER), contents=(_takedown(desk.INSTITUTION),))


def _record_response(hub: Hub) -> Act[Any]:
    with hub.store.begin() as tx:
        made = hub_requests.send_for_hub(hub, tx, _takedown(None), outside="abuse@host.example", sent_as="note--1")
    given = {"reporter": "hub", "reported_at": stamp(now()), "request": made.id, "response": "removed"}
    return RecordResponse(id=made.id, response=RequestAnswer.model_validate(given))


def _held(hub: Hub, *, is_order: bool = False) -> str:
    """Send a request about a harmless value, which the gate holds, and return its id."""
    order = {"basis": "order", "legal_basis": "court-order", "legal_reference": "7/2026", "authority": "A court"}
    about = {"of": "https://www.wikipedia.org/", "reference": "C-11", "explanation": ["obtains-money"]}
    given = {"reporter": desk.SENDER, "reported_at": stamp(now()), "asks": "take-down", "basis": "notice"}
    with hub.store.begin() as tx:
        sender = partners.get(tx, desk.SENDER)
        if is_order:
            sender = sender.model_copy(update={"kind": PartnerKind.GOVERNMENT, "authority": ("url",)})
            partners.change(tx, sender)
        request = Request.model_validate({**given, **about, **(order if is_order else {})})
        return request_desk.send(hub, tx, sender, request).view.id


EXAMPLES: Mapping[str, Example] = {
    **examples_of_collections.EXAMPLES,
    **examples_of_dispatch.EXAMPLES,
    **examples_of_federation.EXAMPLES,
    **examples_of_findings.EXAMPLES,
    **examples_of_incidents.EXAMPLES,
    **examples_of_partners.EXAMPLES,
    **examples_of_proofs.EXAMPLES,
    **examples_of_the_hub.EXAMPLES,
    **examples_of_people.EXAMPLES,
    **examples_of_reviews.EXAMPLES,
    **examples_of_uploads.EXAMPLES,
    "objection receive": lambda hub: ReceiveObjection(
        asked=ObjectionRequest(desk.OBJECTED, Ground.NOT_INVOLVED, "domain"), days=WorkingDays()
    ),
    "objection contact": lambda hub: ReadContact(id="o-listed"),
    "objection decide": lambda hub: DecideObjection(id="o-listed", reason=UpholdReason.SEVERAL_REPORTS),
    "request answer": _respond,
    "request assign": lambda hub: AssignRequest(id=_request_id(hub, addressed=False), to=desk.INSTITUTION),
    "request confirm": _respond_to_several,
    "request bulk": _send_several,
    "request open": _send,
    "request record": _record_response,
    "request refuse": lambda hub: RefuseRequest(id=_held(hub)),
    "request release": lambda hub: ReleaseRequest(id=_held(hub)),
    "retract": lambda hub: RetractReports(values=(desk.OBJECTED,)),
}

# The operations under dual control, on a hub with enough readers that each needs a second person.
NEED_SECOND_PERSON: Mapping[str, Example] = {
    **examples_of_federation.NEED_SECOND_PERSON,
    **examples_of_incidents.NEED_SECOND_PERSON,
    **examples_of_partners.NEED_SECOND_PERSON,
    "policy propose": examples_of_the_hub.EXAMPLES["policy propose"],
    "allowlist add": lambda hub: AddAllowlistEntry(value="domain:harmless.example.net", reason="ours", below=True),
    "request release": lambda hub: ReleaseRequest(id=_held(hub, is_order=True)),
    **examples_of_people.NEED_SECOND_PERSON,
    **examples_of_reviews.NEED_SECOND_PERSON,
    "objection decide": lambda hub: DecideObjection(id="o-listed"),
    "retract": lambda hub: RetractReports(values=(desk.OBJECTED,)),
}

# Of these, the operations that make a proposal even without any operator account to confirm it.
ALWAYS_PROPOSED = frozenset(("erase", "policy propose"))
