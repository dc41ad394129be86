"""From a folder to a partner's server: file-pull into one Scamfeed, taxii-push into another, over real sockets."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from feeds.connectors import build
from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.release.hub import Hub
from server.release.retract import retract
from server.setup import set_up
from server.store import Store, collections, log, partners
from server.store.objects.query import Query
from tests.integration import peers
from tests.running import run


@dataclass(frozen=True)
class Bank:
    """A bank's own Scamfeed with a room for the hub's objects."""

    url: str
    store: Store
    user: str
    secret: Path


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    url = f"sqlite:///{tmp_path / 'bank.db'}"
    store = Store.open(url)
    set_up(store)
    with store.begin() as tx:
        room = collections.add(tx, "from-the-hub", "From the hub")
        hub = partners.add(
            tx,
            Partner(name="Hub", kind=PartnerKind.GOVERNMENT, identity=ids.identity("Hub"), vouched=True, forwards=True),
        )
        collections.grant(tx, "Hub", room, read=True, write=True)
    secret = tmp_path / "secret"
    secret.write_text(hub.password)
    with peers.scamfeed(url, tmp_path / "log") as address:
        yield Bank(f"{address}feed/", store, hub.user, secret)
    store.close()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 'hub.db'}")
    set_up(store)
    with store.begin() as tx:
        partners.add(
            tx, Partner(name="Telecom", kind=PartnerKind.TELECOM, identity=ids.identity("Telecom"), vouched=True)
        )
        partners.add(tx, Partner(name="Bank", kind=PartnerKind.BANK, identity=ids.identity("Bank"), vouched=True))
        collections.grant(tx, "Bank", collections.get(tx, "takedown-full"), read=True)
    yield store
    store.close()


def active(store: Store, alias: str) -> dict[str, bool]:
    with store.read() as tx:
        bodies = log.page(tx, collections.get(tx, alias), Query()).bodies
    return {obj["id"]: obj.get("revoked", False) for obj in map(orjson.loads, bodies)}


@pytest.mark.long
def test_both_sides_have_the_same_objects_in_the_end(hub: Store, bank: Bank, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    domains = "".join(f"{number},h{number}[.]example[.]com,phishing\n" for number in range(2500))
    (drop / "domains.csv").write_text("id,domain,classification\n" + domains + "x,good.example.com,legitimate\n")
    (drop / "phones.jsonl").write_text('{"PhoneNumber": "+66812345678"}\n')
    pull = build({"name": "drop", "connector": "file-pull", "path": str(drop), "contribute_as": "Telecom"})
    push = build(
        {
            "name": "to-the-bank",
            "connector": "taxii-push",
            "url": bank.url,
            "peer_collection": "from-the-hub",
            "user": bank.user,
            "password": {"file": str(bank.secret)},
            "partner": "Bank",
            "collection": "takedown-full",
            "allow_private": True,
        }
    )
    pulled = run(hub, pull)
    assert (pulled.error, pulled.read, pulled.accepted) == (None, 2502, 2501)
    assert pulled.reasons == {"not-a-scam": 1}
    pushed = run(hub, push)
    assert (pushed.error, pushed.rejected) == (None, 0)
    assert pushed.read == len(active(hub, "takedown-full")) > 7500
    assert active(bank.store, "from-the-hub") == active(hub, "takedown-full")

    gone = next(id_ for id_ in active(hub, "takedown-full") if id_.startswith("indicator--"))
    with hub.begin() as tx:
        retract(Hub(hub), tx, gone, partners.get(tx, "Telecom"))
    assert run(hub, push).read >= 1
    assert active(bank.store, "from-the-hub")[gone] is True
    assert active(bank.store, "from-the-hub") == active(hub, "takedown-full")
    assert run(hub, push).read == 0
