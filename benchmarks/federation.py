"""The exchange of hub reports: bytes by reporters, signing, verifying, publishing and receiving, in processor time."""

import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import zstandard

from mappers import hub_report as mapper, ids
from mappers.indicator import to_stix
from schemas import hub_report, timestamp
from schemas.hub_report import OPEN, HubReport, ReporterEntry
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from schemas.tlog.notes import COSIGNATURE, SignerKey
from schemas.vocabulary import Tlp
from server.features.federation import own_reports, receiving, stored, sweep
from server.features.federation.publishing import publish_step
from server.features.ledger.keys import LedgerKeys
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.peers import PeerHub
from server.setup import set_up
from server.store import Store, collections, partners
from server.store.item import Item
from server.store.ledger import keys as known_keys

Row = list[object]

_KEY = SignerKey.make("hub.example.th/log")
_OTHER = SignerKey.make("hub.example.kh/log")
_KEYS = LedgerKeys((_KEY,), SignerKey.make("hub.example.th/witness", COSIGNATURE))
_IDENTITY = "identity--11111111-1111-4111-8111-111111111111"
_ROUNDS = 500
_PAGE = 500
REPORTS = 2_000
_MILLION = 1_000_000


def rows(values: int = REPORTS) -> Iterator[Row]:
    """Yield the table's rows; so many values are published by one hub and received by another."""
    yield from _sizes()
    yield from _signatures()
    yield from _exchange(values)


def _signed(reporters: int) -> bytes:
    at = timestamp.now()
    entries = tuple(
        ReporterEntry(
            hub_report.plain_token(b"secret", f"bank {place}", "domain:bad-shop.com"),
            60,
            at,
            at + timedelta(days=30),
            PartnerKind.BANK,
        )
        for place in range(reporters)
    )
    nonce = hub_report.nonce(b"secret", "domain:bad-shop.com")
    report = HubReport(version=1, stream=OPEN, number=1_795_997_014_604_878, nonce=nonce, reports=entries)
    about = own_reports.naming("domain", "bad-shop.com", {}, at)._replace(
        confidence=60, reporters=reporters, countries=("TH",), first_seen=at, last_seen=at
    )
    id_ = hub_report.report_id(_KEY.name, nonce)
    times = {"created": at, "modified": "2026-11-29T08:03:34.604878Z", "until": at + timedelta(days=30)}
    return hub_report.sign(mapper.to_stix(report, about, id_, _IDENTITY, tlp=Tlp.GREEN, **times), _KEY)


def _sizes() -> Iterator[Row]:
    for reporters in (1, 2, 5, 20):
        body = _signed(reporters)
        packed = len(zstandard.ZstdCompressor().compress(body))
        yield [f"hub report, {reporters} reporters, bytes", len(body), "compressed alone", packed, ""]


def _signatures() -> Iterator[Row]:
    body = _signed(1)
    obj, found = orjson.loads(body), hub_report.read(body)
    text = hub_report.signed_text(obj)
    verified = _micros(lambda: found.verify(_KEY.verifier))
    signature = _KEY.sign(text).signature
    alone = _micros(lambda: _KEY.verifier.check(text, signature))
    yield ["sign a hub report, µs", _micros(lambda: hub_report.sign(obj, _KEY)), "", "", ""]
    yield ["read a hub report of another hub, µs", _micros(lambda: hub_report.read(body)), "", "", ""]
    yield ["verify it, µs", verified, "Ed25519 alone, µs", alone, round(verified / alone, 2)]


def _exchange(values: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        origin, reader = (_hub(Path(folder) / f"{name}.db", key) for name, key in (("a", _OTHER), ("b", _KEY)))
        bank = Partner(
            name="First Bank", kind=PartnerKind.BANK, country="TH", identity=ids.identity("First Bank"), vouched=True
        )
        with origin.store.begin() as tx:
            partners.add(tx, bank)
            known_keys.add(tx, str(_KEY.verifier))
        given = {
            "reporter": bank.name,
            "reported_at": timestamp.text(timestamp.now()),
            "kind": "domain",
            "tlp": "green",
        }
        reports = ReportReader(given)
        begun = time.process_time()
        for first in range(0, values, _PAGE):
            items = [
                Item.of(to_stix(reports.report({"value": f"s{n}.bad-shop.com"}))[1])
                for n in range(first, min(first + _PAGE, values))
            ]
            with origin.store.begin() as tx:
                contribute(origin, tx, bank, items)
        released = (time.process_time() - begun) / values * 1e6
        begun = time.process_time()
        publish_step(origin, _KEYS)
        published = (time.process_time() - begun) / values * 1e6
        yield [
            "publish a value's first hub report, µs",
            round(published),
            "contribute it, µs",
            round(released),
            round(published / released, 2),
        ]
        # As the command line does: exclude the loaded modules from garbage collection.
        gc.collect()
        gc.freeze()
        seconds, count, found = 0.0, 0, None
        for bodies in _pages(origin):
            begun = time.process_time()
            page = receiving.check_page(reader, bodies)
            with reader.store.begin() as tx:
                receiving.accept(reader, tx, reader.peers[0], page)
            seconds += time.process_time() - begun
            count += len(bodies)
            found = found or hub_report.read(bodies[0])
        assert found is not None
        assert count == values, count
        received = seconds / count * 1e6
        # At the first exchange a background step releases the values.
        begun = time.process_time()
        while sweep.release_pending(reader):
            pass
        counted = (time.process_time() - begun) / count * 1e6
        gc.unfreeze()
        alone = _micros(lambda: found.verify(_KEY.verifier))
        yield [
            "read, verify and store it elsewhere, µs",
            round(received),
            "verify, µs",
            alone,
            round(received / alone, 2),
        ]
        yield [
            "release it there in the background, µs",
            round(counted),
            "contribute it, µs",
            round(released),
            round(counted / released, 2),
        ]
        whole = (received + counted) * count / 1e6
        yield [
            f"first exchange of {count:,} reports with their release, s",
            round(whole, 1),
            "a million at this rate, minutes",
            round((received + counted) * _MILLION / 60e6, 1),
            "",
        ]
        for hub in (origin, reader):
            hub.store.close()


def _pages(hub: Hub) -> Iterator[list[bytes]]:
    """Yield the hub reports in the order of their ids, a page at a time."""
    after = ""
    while True:
        with hub.store.read() as tx:
            found = stored.between(tx, _KEY.name, OPEN, after, None, _PAGE)
        if not found:
            return
        yield [row.body for row in found]
        after = found[-1].id


def _hub(file: Path, peer: SignerKey) -> Hub:
    """Return a hub whose only peer signs with that key."""
    store = Store.open(f"sqlite:///{file}")
    set_up(store)
    with store.begin() as tx:
        collections.hub_reports(tx)
    return Hub(store, peers=(PeerHub("Other hub", peer.verifier, count="as-own"),))


def _micros(act: Callable[[], Any]) -> float:
    begun = time.process_time()
    for _ in range(_ROUNDS):
        act()
    return round((time.process_time() - begun) / _ROUNDS * 1e6, 1)
