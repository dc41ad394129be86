"""``/api/hub-reports/overlap``: a peer compares its members with those of this hub."""

from schemas.api.matching import ELEMENT
from schemas.api.overlap import MOST_INPUTS, CommonMembers, OverlapAnswer, OverlapRequest
from server.features.federation.members import comparing, overlaps, registers
from server.features.federation.members.comparing import BadComparison, TooManyMembers
from server.features.federation.members.operations import ReceiveOverlap
from server.operations.operation import Actor
from server.operations.run import run
from server.release.peers import PeerHub, peer_reading_as
from server.web.api.routes import ApiCall, ApiRoute, RequestBody, ResponseBody, json_response
from server.web.taxii.errors import TaxiiError, retry_later
from server.web.taxii.response import TaxiiResponse

_PATH = "/api/hub-reports/overlap"
_MOST_BYTES = 256 * 1024
_LONGEST = 200
_BUSY_SECONDS = 3_600


def _compare(call: ApiCall) -> TaxiiResponse:
    """Evaluate the inputs of a peer, in this process: a thousand take a tenth of a second, and the quota is small."""
    _peer_of(call)
    asked = call.read(OverlapRequest)
    # Base64 has four characters for three octets.
    count = len(asked.blinded) * 3 // 4 // ELEMENT
    if wait := overlaps.spend(call.site.hub.store, call.partner.counts_as, count):
        raise retry_later("too-many-comparisons", wait)
    with call.store.read() as tx:
        members = registers.members(call.site.hub, tx)
    try:
        return json_response(comparing.answer(members, asked))
    except BadComparison:
        raise TaxiiError("not-a-comparison", place="$.blinded", most=MOST_INPUTS) from None
    except TooManyMembers:
        raise retry_later("busy", _BUSY_SECONDS) from None


def _receive(call: ApiCall) -> TaxiiResponse:
    """Store the common members that a peer names; the answer is the same for those that this hub does not have."""
    peer = _peer_of(call)
    told = call.read(CommonMembers)
    for name, words in (("numbers", told.numbers), ("links", told.links)):
        if len(words) > MOST_INPUTS or any(len(word) > _LONGEST for word in words):
            raise TaxiiError("not-a-comparison", place=f"$.{name}", most=MOST_INPUTS)
    operation = ReceiveOverlap(partner=call.partner, peer=peer, told=told)
    run(call.site.hub, operation, Actor.program(call.partner, call.remote))
    return json_response({})


def _peer_of(call: ApiCall) -> PeerHub:
    """Return the peer that asks; a partner that is no peer gets the answer of an unknown address."""
    peer = peer_reading_as(call.site.hub.peers, call.partner.name)
    if peer is None:
        raise TaxiiError("not-found")
    return peer


ROUTES = (
    ApiRoute(
        "hub_overlap",
        "POST",
        _PATH,
        _compare,
        "Compare members with this hub, as a peer",
        ResponseBody(OverlapAnswer),
        request=RequestBody(OverlapRequest, _MOST_BYTES, "not-a-comparison"),
        refuses=(404, 429),
    ),
    ApiRoute(
        "hub_overlap_common",
        "POST",
        f"{_PATH}/common",
        _receive,
        "Tell this hub the common members, as a peer",
        ResponseBody({"type": "object"}),
        request=RequestBody(CommonMembers, _MOST_BYTES, "not-a-comparison"),
        refuses=(404,),
    ),
)
