"""``POST /api/hub-reports/heads``: a peer sends heads after the hub reports that it posted."""

from schemas.api.pushed_heads import PushedHeads, PushedHeadsAnswer
from server.features.federation import serving
from server.features.federation.desk import erasures
from server.features.federation.heads import MOST_HEADS
from server.features.federation.pushed.operations import ReceiveHeads
from server.operations.operation import Actor
from server.operations.run import run
from server.release.peers import peer_reading_as
from server.web.api.routes import ApiCall, ApiRoute, RequestBody, ResponseBody, json_response
from server.web.taxii.errors import TaxiiError
from server.web.taxii.response import TaxiiResponse

# Heads have 312 bytes, and up to a thousand while a key is replaced.
_MOST_BYTES = MOST_HEADS * 1024


def _receive(call: ApiCall) -> TaxiiResponse:
    """Take the heads, and answer as to a reader of heads. Raises ``TaxiiError`` 404 for a partner that is no peer."""
    hub, partner = call.site.hub, call.partner
    peer = peer_reading_as(hub.peers, partner.name) if partner.peer else None
    if peer is None:
        raise TaxiiError("not-found")
    sent = call.read(PushedHeads)
    operation = ReceiveHeads(partner=partner, peer=peer, heads=sent.heads)
    received = run(hub, operation, Actor.program(partner, call.remote))
    with call.store.read() as tx:
        number, retained = serving.newest_number(tx, peer.origin), erasures.retained(tx, peer.origin)
    return json_response(PushedHeadsAnswer(dict(received.refused), list(received.incomplete), number, retained))


ROUTES = (
    ApiRoute(
        "push_hub_report_heads",
        "POST",
        "/api/hub-reports/heads",
        _receive,
        "Send this hub the heads of hub reports, as a peer that it does not read from",
        ResponseBody(PushedHeadsAnswer),
        request=RequestBody(PushedHeads, _MOST_BYTES),
        refuses=(404,),
    ),
)
