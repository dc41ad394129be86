"""Examples of the operations on peers and on members of several hubs."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import SecretStr
from sqlalchemy import insert

from mappers import consensus
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.api.overlap import CommonMembers
from schemas.partner import Partner
from schemas.tabular import ReportReader
from schemas.tlog.notes import ED25519, VerifierKey
from server.features.federation import origins
from server.features.federation.members import linking
from server.features.federation.members.comparing import CommonMember
from server.features.federation.members.operations import (
    LinkPartner,
    LinkPublicList,
    ReceiveOverlap,
    SetRegisterNumber,
    StoreOverlap,
    UnlinkPartner,
)
from server.features.federation.members.registers import RegisteredMember
from server.features.federation.operations import (
    AcceptPeerKey,
    AnnounceRestore,
    CountPeerAgain,
    LiftPeerThrottle,
    RetractLeftovers,
)
from server.features.federation.pushed.operations import ReceiveHeads
from server.features.federation.tables import hub_publishing
from server.operations.operation import Act
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.peers import PeerHub
from server.store import partners
from server.store.item import Item
from tests import operators_desk as desk

SECRET = "5c" * 32
PEER = PeerHub("Hub Cambodia", VerifierKey("hub.example.kh/log", ED25519, bytes(32)), frozenset({"KH"}))


def _partner(hub: Hub, name: str = desk.REPORTER) -> Partner:
    with hub.store.read() as tx:
        return partners.get(tx, name)


def _unlink(hub: Hub) -> Act[Any]:
    partner = _partner(hub)
    with hub.store.begin() as tx:
        linking.link(tx, partner.counts_as, linking.secret_of(SECRET))
    return UnlinkPartner(partner=partner)


def _overlap(hub: Hub) -> Act[Any]:
    member = RegisteredMember(_partner(hub).counts_as, (desk.REPORTER,), frozenset({"GB:00000006"}), None)
    return StoreOverlap(peer=PEER, common=(CommonMember(member, ("GB:00000006",), is_linked=False),))


def _with_word(hub: Hub, word: str) -> PeerHub:
    """Store a word of the peer's state."""
    with hub.store.begin() as tx:
        origins.lock(tx, [PEER.origin])
        origins.set_word(tx, PEER.origin, word)
    return PEER


def _decide(hub: Hub) -> Act[Any]:
    peer = _with_word(hub, origins.CONTRADICTS)
    with hub.store.begin() as tx:
        origins.note_contradiction(tx, peer.origin, 1, (b"{}", b"[]"), peer.name)
    return CountPeerAgain(peer=peer)


def _confirm_key(hub: Hub) -> Act[Any]:
    peer = _with_word(hub, origins.NEW_KEY)
    with hub.store.begin() as tx:
        origins.learn(tx, origins.all_origins(tx)[peer.origin], next_key=str(PEER.key))
    return AcceptPeerKey(peer=peer)


def _restored(hub: Hub) -> Act[Any]:
    with hub.store.begin() as tx:
        tx.execute(insert(hub_publishing).values(id=1, number=1, signed=1, key=str(PEER.key)))
    return AnnounceRestore()


def _leftovers(hub: Hub) -> Act[Any]:
    """Report a value as a hub of an earlier version lists it."""
    reader = ReportReader(
        {"reporter": desk.REPORTER, "kind": "domain", "tlp": "green", "reported_at": timestamp.text(timestamp.now())}
    )
    objects = [consensus.as_second_hand(obj) for obj in to_stix(reader.report({"value": "left-over-shop.com"}))]
    with hub.store.begin() as tx:
        done = contribute(hub, tx, partners.get(tx, desk.REPORTER), [Item.of(obj) for obj in objects])
        assert not done.failed, done.failed
    return RetractLeftovers(subjects=("domain:left-over-shop.com",))


EXAMPLES: Mapping[str, Callable[[Hub], Act[Any]]] = {
    "partner link-list": lambda hub: LinkPublicList(partner=_partner(hub), public_list="urlhaus"),
    "partner link": lambda hub: LinkPartner(partner=_partner(hub), secret=SecretStr(SECRET)),
    "partner register": lambda hub: SetRegisterNumber(partner=_partner(hub), number="GB:00000006"),
    "partner unlink": _unlink,
    "peer confirm-key": _confirm_key,
    "peer decide": _decide,
    "peer heads receive": lambda hub: ReceiveHeads(partner=_partner(hub), peer=PEER, heads=()),
    "peer leftovers": _leftovers,
    "peer lift-throttle": lambda hub: LiftPeerThrottle(peer=_with_word(hub, origins.THROTTLED)),
    "peer overlap": _overlap,
    "peer overlap receive": lambda hub: ReceiveOverlap(
        partner=_partner(hub), peer=PEER, told=CommonMembers(["GB:00000006"], [])
    ),
    "peer restored": _restored,
}

NEED_SECOND_PERSON: Mapping[str, Callable[[Hub], Act[Any]]] = {
    name: EXAMPLES[name] for name in ("peer confirm-key", "peer decide")
}
