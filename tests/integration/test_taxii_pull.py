"""``taxii-pull`` from unmodified Medallion, and from a Scamfeed server, over real sockets."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from feeds.connectors import build
from feeds.runs.runner import Run
from feeds.runs.schedule import Schedule
from mappers import ids
from mappers.indicator import to_stix
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.retract import retract
from server.setup import set_up
from server.store import Store, collections, partners
from server.store.item import Item
from tests.contract.connectors.contract import latest
from tests.integration import peers
from tests.integration.peers import TAXII
from tests.running import run
from tests.times import text_ago

ROOM = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"


def indicator(number: int, day: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid5(uuid.NAMESPACE_DNS, str(number))}",
        "created_by_ref": "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": f"2026-01-{day:02d}T00:00:00.000Z",
        "pattern": f"[domain-name:value = 'h{number}.example.com']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_until": "2199-01-01T00:00:00Z",
        "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
        **more,
    }


@pytest.fixture
def medallion(tmp_path: Path) -> Iterator[str]:
    with peers.medallion(tmp_path, (ROOM,), 50) as address:
        yield address


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("PEER_PASSWORD", "s3cret")
    store = Store.open(f"sqlite:///{tmp_path / 'hub.db'}")
    set_up(store)
    with store.begin() as tx:
        partners.add(tx, Partner(name="Peer", kind=PartnerKind.GOVERNMENT, identity=ids.identity("Peer"), vouched=True))
    yield store
    store.close()


def table(url: str) -> dict[str, Any]:
    return {
        "name": "from-a-peer",
        "connector": "taxii-pull",
        "url": url,
        "user": "hub",
        "password": {"env": "PEER_PASSWORD"},
        "contribute_as": "Peer",
        "allow_private": True,
    }


def pulled(store: Store, url: str, **more: Any) -> Run:
    return run(store, build({**table(url), **more}))


def active(store: Store) -> list[str]:
    return sorted(
        obj["pattern"] for obj in latest(store) if obj["type"] == "indicator" and obj.get("revoked") is not True
    )


def patterns(*numbers: int) -> list[str]:
    return sorted(f"[domain-name:value = 'h{number}.example.com']" for number in numbers)


def test_medallion_is_read_page_by_page_to_its_end(hub: Store, medallion: str) -> None:
    url = f"{medallion}api/collections/{ROOM}/"

    def post(*objects: dict[str, Any]) -> None:
        headers = {"Content-Type": TAXII, "Accept": TAXII}
        auth = ("hub", "s3cret")
        answer = requests.post(f"{url}objects/", json={"objects": objects}, headers=headers, auth=auth, timeout=60)
        assert answer.status_code == 202, answer.text

    assert pulled(hub, url).error is None
    for start in range(0, 130, 13):
        post(*(indicator(number) for number in range(start, start + 13)))
    result = pulled(hub, url, batch=20)
    assert (result.error, result.accepted) == (None, 130)
    assert active(hub) == patterns(*range(130))

    post(indicator(3, 2, revoked=True), indicator(130))
    result = pulled(hub, url, batch=20)
    assert (result.error, result.accepted) == (None, 2)
    assert active(hub) == patterns(*(number for number in range(131) if number != 3))
    assert pulled(hub, url).read == 0


class OtherHub:
    """Another Scamfeed hub, to which a bank reports."""

    def __init__(self, folder: Path) -> None:
        self.database = f"sqlite:///{folder / 'peer.db'}"
        self._store = Store.open(self.database)
        set_up(self._store)
        self._bank = Partner(name="A bank", kind=PartnerKind.BANK, identity=ids.identity("A bank"), vouched=True)
        us = Partner(name="Hub", kind=PartnerKind.GOVERNMENT, identity=ids.identity("Hub"), vouched=True)
        with self._store.begin() as tx:
            partners.add(tx, self._bank)
            self.login = partners.add(tx, us)
            for alias in ("takedown", "takedown-full"):
                collections.grant(tx, "Hub", collections.get(tx, alias), read=True)

    def report(self, *numbers: int) -> None:
        reader = ReportReader(
            {"reporter": "A bank", "kind": "domain", "reported_at": text_ago(days=31), "tlp": "green"}
        )
        objects = [obj for n in numbers for obj in to_stix(reader.report({"value": f"h{n}.example.com"}))]
        with self._store.begin() as tx:
            contribute(Hub(self._store), tx, self._bank, [Item.of(obj) for obj in objects])

    def retract(self, number: int) -> None:
        with self._store.begin() as tx:
            assert retract(Hub(self._store), tx, f"h{number}.example.com", self._bank)

    def close(self) -> None:
        self._store.close()


@pytest.fixture
def other_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OtherHub]:
    other = OtherHub(tmp_path)
    monkeypatch.setenv("PEER_PASSWORD", other.login.password)
    yield other
    other.close()


def test_our_own_server_is_read_to_its_end(hub: Store, other_hub: OtherHub, tmp_path: Path) -> None:
    other_hub.report(*range(250))
    with peers.scamfeed(other_hub.database, tmp_path / "peer.log") as address:
        for alias in ("takedown", "takedown-full"):
            more = {"peer_collection": alias, "user": other_hub.login.user, "batch": 100}
            result = pulled(hub, f"{address}feed/", **more, name=f"from-{alias}")
            assert (result.error, result.read, result.accepted) == (None, 250, 250)
            assert active(hub) == patterns(*range(250))
        more = {"peer_collection": "takedown", "user": other_hub.login.user, "batch": 100, "name": "from-takedown"}
        assert pulled(hub, f"{address}feed/", **more).read == 0
        other_hub.report(250)
        other_hub.retract(7)
        assert pulled(hub, f"{address}feed/", **more).accepted == 2
        assert active(hub) == patterns(*(number for number in range(251) if number != 7))


@pytest.mark.long
def test_a_feed_with_a_long_interval_runs_when_its_collection_changes(
    hub: Store, other_hub: OtherHub, tmp_path: Path
) -> None:
    with peers.scamfeed(other_hub.database, tmp_path / "peer.log") as address:
        url = f"{address}feed/collections/takedown/"
        feed = build({**table(url), "user": other_hub.login.user, "every": "1d"})
        with Schedule(Hub(hub), [feed]):
            for number in range(3):
                other_hub.report(number)
                deadline = time.monotonic() + 60
                while active(hub) != patterns(*range(number + 1)):
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
