"""Look-ups and active sets over sockets, and the command that checks files against a hub."""

import csv
import io
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.hub import Hub as ReleaseHub
from server.setup import set_up
from server.store import collections, partners
from server.store.item import Item
from tests.integration.access.conftest import Hub, Serve
from tests.integration.command import Run

_ACCOUNTS = 40


@pytest.fixture(scope="module")
def hub(serve_all: Serve) -> Hub:
    """A hub that lists forty accounts, readable by the bank."""
    served = serve_all(workers=1, log_level="DEBUG")
    set_up(served.store)
    reader = ReportReader({"reporter": "reporter", "kind": "bank-account", "tlp": "green", "bank": "KBANK"})
    with served.store.begin() as tx:
        reporter = Partner(
            name="reporter", kind=PartnerKind.BANK, country="TH", identity=ids.identity("reporter"), vouched=True
        )
        partners.add(tx, reporter)
        for alias in ("mule-accounts", "mule-accounts-full"):
            collections.grant(tx, "bank", collections.get(tx, alias), read=True)
    now = timestamp.text(timestamp.now())
    reports = [reader.report({"value": f"12345678{n:02}", "reported_at": now}) for n in range(_ACCOUNTS)]
    with served.store.begin() as tx:
        contribute(ReleaseHub(served.store), tx, reporter, [Item.of(o) for r in reports for o in to_stix(r)])
    return served


@pytest.fixture
def session(hub: Hub) -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.auth = (hub.bank.user, hub.bank.password)
        yield opened


def _account(number: str) -> dict[str, Any]:
    return {"value": number, "kind": "bank-account", "details": {"bank": "KBANK", "country": "TH"}}


def test_look_ups_of_any_size_on_one_connection(hub: Hub, session: requests.Session) -> None:
    for size in (1, 3, 1_000, 1):
        values = [_account(f"12345678{number % _ACCOUNTS:02}") for number in range(size)]
        answer = session.post(f"{hub.url}/api/lookup", json={"values": values}, timeout=60)
        assert answer.status_code == 200, answer.text
        results = answer.json()["results"]
        assert [result["value"] for result in results] == [value["value"] for value in values]
        assert all(result["found"] for result in results)
        assert answer.headers["RateLimit-Policy"] == '"lookups";q=600000;w=60'


def test_a_body_beyond_the_bound_is_refused_unread(hub: Hub) -> None:
    head = (
        f"POST /api/lookup HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {hub.bank.token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2000000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", int(hub.url.rpartition(":")[2])), 30) as raw:
        raw.sendall(head.encode())
        assert b" 413 " in raw.recv(65_536).split(b"\r\n")[0]


def test_active_set_is_chunked_and_keeps_the_connection_open(hub: Hub, session: requests.Session) -> None:
    for alias, each in (("mule-accounts", 1), ("mule-accounts-full", 3)):
        for encoding in ("identity", "gzip", "zstd"):
            answer = session.get(
                f"{hub.url}/api/collections/{alias}/active", headers={"Accept-Encoding": encoding}, timeout=60
            )
            assert answer.headers["Transfer-Encoding"] == "chunked"
            lines = [json.loads(line) for line in answer.content.splitlines()]
            of_values = [obj for obj in lines if obj["type"] in ("indicator", "relationship", "bank-account")]
            assert len(of_values) == _ACCOUNTS * each
        digest = session.get(f"{hub.url}/api/collections/{alias}/digest", timeout=60).json()
        assert digest["active"] == len(lines)
        assert digest["added_up_to"] == answer.headers["X-Scamfeed-Added-Up-To"]
    assert session.head(f"{hub.url}/api/collections/mule-accounts/active", timeout=60).content == b""
    assert session.get(f"{hub.url}/taxii2/", timeout=60).status_code == 200


def test_http_1_0_client_gets_the_stream_until_the_connection_closes(hub: Hub) -> None:
    asked = f"GET /api/collections/mule-accounts/active HTTP/1.0\r\nAuthorization: Bearer {hub.bank.token}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", int(hub.url.rpartition(":")[2])), 30) as raw:
        raw.sendall(asked.encode())
        head, _, body = b"".join(iter(lambda: raw.recv(65_536), b"")).partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert all(json.loads(line) for line in body.splitlines())


def test_looked_up_values_are_not_stored(hub: Hub, session: requests.Session) -> None:
    secret = "9081726354"
    session.post(f"{hub.url}/api/lookup", json={"values": [_account(secret)]}, timeout=60)
    session.post(f"{hub.url}/api/lookup", data=f'{{"values": ["{secret}"]}}', timeout=60)
    requests.get(f"{hub.url}/api/check?value={secret}", timeout=60)
    requests.get(f"{hub.url}/metrics", timeout=60)
    kept = [*Path(hub.log).parent.glob("hub.db*"), hub.log]
    assert len(kept) > 1
    for file in kept:
        assert secret.encode() not in file.read_bytes(), file
    assert b"route=lookup" in hub.log.read_bytes()


class TestCommand:
    @pytest.fixture(autouse=True)
    def _token(self, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HUB_TOKEN", hub.bank.token)

    def test_lookup_of_a_file_adds_the_results(self, hub: Hub, run: Run, tmp_path: Path) -> None:
        rows = ["payment,value;kind;bank;country".replace(",", ";")]
        rows += [f"p{n};12345678{n:02};bank-account;KBANK;TH" for n in range(1_500)]
        Path("payments.csv").write_text("\n".join(rows), encoding="utf-8-sig")
        result = run("lookup", "--server", hub.url, "payments.csv", "--output", "found.csv")
        assert result.exit_code == 0, result.output
        found = list(csv.DictReader(io.StringIO((tmp_path / "found.csv").read_text())))
        assert [row["payment"] for row in found] == [f"p{n}" for n in range(1_500)]
        assert [row["payment"] for row in found if row["found"] == "yes"] == [f"p{n}" for n in range(_ACCOUNTS)]
        assert found[0]["collections"] == "mule-accounts"
        assert found[0]["normal"] == "TH:KASITHBK:1234567800"
        assert found[0]["grade"]
        assert found[1_499]["error"].startswith("account-form")

    def test_lookup_of_values_and_of_files_without_a_header(self, hub: Hub, run: Run) -> None:
        result = run(
            "lookup", "--server", hub.url, "KBANK 1234567800", "-", "--json", stdin="KBANK 1234567801\nshop.example\n"
        )
        assert result.exit_code == 0, result.output
        found = json.loads(result.stdout)
        assert [(entry["row"]["value"], entry["found"]) for entry in found] == [
            ("KBANK 1234567800", True),
            ("KBANK 1234567801", True),
            ("shop.example", False),
        ]

    def test_lookup_errors_are_named(self, hub: Hub, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        Path("odd.csv").write_text("name,amount\nx,5\n")
        assert "no column value" in run("lookup", "--server", hub.url, "odd.csv").output
        assert "--server" in run("lookup", "--server", "not a url", "a.example").output
        monkeypatch.setenv("HUB_TOKEN", "wrong")
        refused = run("lookup", "--server", hub.url, "a.example")
        assert (refused.exit_code, "credentials" in refused.output) == (1, True)
        monkeypatch.delenv("HUB_TOKEN")
        assert "HUB_TOKEN" in run("lookup", "--server", hub.url, "a.example").output
