"""An erasure at the origin: signed tombstones in every stream replace all data of the value in hub reports."""

from dataclasses import replace

import orjson

from mappers import ids
from schemas import hub_report
from schemas.hub_report import OPEN
from schemas.partner import Partner, PartnerKind
from schemas.tlog.notes import COSIGNATURE, SignerKey
from server.features.federation import stored
from server.features.federation.publishing import publish_step
from server.features.federation.tables import hub_origins
from server.features.ledger.keys import LedgerKeys
from server.release.peers import PeerHub
from server.store import collections, partners
from tests.unit.server.features.erasures.conftest import ErasingHub

KEY = SignerKey.make("hub.example.th/log")
KEYS = LedgerKeys((KEY,), SignerKey.make("hub.example.th/witness", COSIGNATURE))
PEER = PeerHub("Hub Cambodia", SignerKey.make("hub.example.kh/log").verifier, tlp="amber", partner="Hub Cambodia")
PEER_IDENTITY = "identity--22222222-2222-4222-8222-222222222222"
VALUE = "scam-shop-of-somchai.com"


def test_erasure_leaves_signed_tombstones_in_the_streams_that_had_the_value(hub: ErasingHub) -> None:
    hub.hub = replace(hub.hub, peers=(PEER,))
    reader = Partner(
        name=PEER.partner, kind=PartnerKind.RESEARCH, country="KH", identity=ids.identity(PEER.partner), peer=True
    )
    with hub.store.begin() as tx:
        partners.add(tx, reader)
        tx.execute(hub_origins.insert().values(origin=PEER.origin, identity=PEER_IDENTITY, state="", since=1))
    first, second = hub.join("First Bank", "bank", "takedown"), hub.join("Second Bank", "bank", "takedown")
    hub.report(first, VALUE, "domain", tlp="green")
    hub.report(second, VALUE, "domain", tlp="amber")
    assert publish_step(hub.hub, KEYS) == 2
    hub.erase(VALUE)
    assert publish_step(hub.hub, KEYS) == 2
    assert hub.traces(VALUE) == []
    for stream in (OPEN, PEER_IDENTITY):
        with hub.store.read() as tx:
            [row] = stored.every(tx, KEY.name, stream)
            direct = collections.find_private(tx, PEER.partner, "hub-reports")
        signed = hub_report.read(row.body)
        signed.verify(KEY.verifier)
        assert signed.report is not None
        assert signed.report.erased == hub_report.Erased("law")
        assert direct is not None
        served = hub.latest("hub-reports" if stream == OPEN else direct.alias)
        assert [orjson.dumps(obj) for obj in served.values()] == [row.body]
    again = hub.post(first, *hub.objects(first, VALUE, "domain", tlp="green"))
    assert again.pending
    assert publish_step(hub.hub, KEYS) == 0
