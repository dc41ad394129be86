"""One value leaves by eight channels, and is delisted: each one that is reachable is corrected within one cycle."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from feeds.connectors import build
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.tabular import ReportReader
from server.observe.collectors import _open_work
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.query import receipts
from server.release.retract import retract
from server.store import Store, collections, log, partners, read_progress, retractions
from server.store.item import Item
from server.store.objects.query import ALL
from tests.contract.connectors import (
    test_gse_push,
    test_misp_push,
    test_sentinel_push,
    test_threatexchange_push,
    test_webhook_push,
)
from tests.contract.connectors.contract import PARTNER, READER
from tests.contract.connectors.peer import serving
from tests.running import run

VALUE = "cleared.example.com"
_SHARED = {"partner": READER, "collection": "takedown", "timeout": "300ms", "retries": 0, "allow_private": True}


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Serve a peer for each channel that connects to one; the last will be dead when the value is delisted."""
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    secrets = {
        "WEBHOOK_SECRET": test_webhook_push.SECRET,
        "MISP_KEY": "k3y",
        "CLIENT_SECRET": "s3cret",
        "GSE_KEY": "k3y",
        "GSE_SECRET": "s3cret",
        "TX_TOKEN": f"{test_threatexchange_push.APP}|{test_threatexchange_push.SECRET}",
        "SIGNING_KEY": key,
    }
    for name, secret in secrets.items():
        monkeypatch.setenv(name, secret)
    made: dict[str, Any] = {
        "webhook": test_webhook_push.Peer(),
        "misp": test_misp_push.Peer(),
        "sentinel": test_sentinel_push.Peer(),
        "gse": test_gse_push.Exchange(),
        "threatexchange": test_threatexchange_push.Graph(),
        "dead": test_webhook_push.Peer(),
    }
    with ExitStack() as stack:
        for peer in made.values():
            stack.enter_context(serving(peer))
        yield made


def _tables(peers: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    webhook = {"connector": "webhook-push", "secret": {"env": "WEBHOOK_SECRET"}}
    own = {
        "webhook": {**webhook, "url": f"{peers['webhook'].url}hook"},
        "misp": {"connector": "misp-push", "url": peers["misp"].url, "key": {"env": "MISP_KEY"}},
        "sentinel": {
            "connector": "sentinel-push",
            "tenant": "contoso.example",
            "client_id": test_sentinel_push.CLIENT,
            "client_secret": {"env": "CLIENT_SECRET"},
            "workspace": test_sentinel_push.WORKSPACE,
            "login_url": peers["sentinel"].url,
            "api_url": peers["sentinel"].url,
            "requests_a_minute": 1_000_000,
            "least_grade": "investigate",
        },
        "gse": {
            "connector": "gse-push",
            "url": f"{peers['gse'].url}report",
            "api_key": {"env": "GSE_KEY"},
            "api_secret": {"env": "GSE_SECRET"},
            "role": "Government",
            "least_grade": "investigate",
        },
        "threatexchange": {
            "connector": "threatexchange-push",
            "url": f"{peers['threatexchange'].url}v24.0",
            "privacy_group": test_threatexchange_push.GROUP,
            "access_token": {"env": "TX_TOKEN"},
            "least_grade": "investigate",
        },
        "dead": {**webhook, "url": f"{peers['dead'].url}hook"},
    }
    tables = [{"name": name, **_SHARED, **table} for name, table in own.items()]
    file = {
        "connector": "file-push",
        "path": str(folder),
        "format": "list",
        "signing_key": {"env": "SIGNING_KEY"},
    }
    return [
        *tables,
        {"name": "file", "partner": READER, "collection": "takedown", "least_grade": "investigate", **file},
    ]


def _cycle(store: Store, peers: dict[str, Any], folder: Path) -> dict[str, str]:
    """Run each feed once, and settle the receipts; return how each run ended."""
    endings = {table["name"]: run(store, build(table)).ending for table in _tables(peers, folder)}
    receipts.settle_in_steps(store)
    return endings


def _read(store: Store) -> None:
    """Let the partner read the collection to its end."""
    with store.begin() as tx:
        collection = collections.get(tx, "takedown")
        end = max(record.date_added for record in log.manifest(tx, collection, ALL).records)
        read_progress.record_reads(tx, [(READER, collection.id, end)])


def _open(store: Store) -> set[str]:
    with store.read() as tx:
        return {receipt.channel for receipt in retractions.all_receipts(tx, only_open=True)}


def test_a_delisting_corrects_each_reachable_channel_within_a_cycle(
    store: Store, peers: dict[str, Any], tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    said = {"reporter": PARTNER, "kind": "domain", "reported_at": timestamp.text(timestamp.now()), "tlp": "green"}
    with store.begin() as tx:
        objects = to_stix(ReportReader(said).report({"value": VALUE}))
        contribute(Hub(store), tx, partners.get(tx, PARTNER), [Item.of(obj) for obj in objects])
    assert set(_cycle(store, peers, folder).values()) == {"done"}
    _read(store)
    assert VALUE in "".join(file.read_text() for file in folder.iterdir() if file.suffix == ".txt")

    peers["dead"].fault = "cut"
    with store.begin() as tx:
        retract(Hub(store), tx, VALUE)
    assert _open(store) == {"", "webhook", "misp", "sentinel", "gse", "threatexchange", "file", "dead"}
    _read(store)
    endings = _cycle(store, peers, folder)
    assert {name for name, ending in endings.items() if ending != "done"} == {"dead"}
    assert _open(store) == {"dead"}

    assert peers["webhook"].events[-1]["event"] == "revoked"
    assert all(attribute.get("deleted") for attribute in peers["misp"].attributes.values())
    assert peers["sentinel"].objects[-1]["revoked"] is True
    assert [row["signal"] for row in peers["gse"].feedback] == [VALUE]
    assert [one["status"] for one in peers["threatexchange"].descriptors.values()] == ["NON_MALICIOUS"]
    full = [file.read_text() for file in folder.iterdir() if file.suffix == ".txt" and "change" not in file.name]
    assert VALUE not in "".join(full)
    samples = {
        (sample.name, sample.labels.get("channel")): sample.value
        for metric in _open_work(store)
        for sample in metric.samples
    }
    assert samples["scamfeed_receipts_of_channel_open", "dead"] == 1
    assert samples["scamfeed_receipts_of_channel_oldest_seconds", "dead"] >= 0

    peers["dead"].fault = ""
    _cycle(store, peers, folder)
    assert _open(store) == set()
