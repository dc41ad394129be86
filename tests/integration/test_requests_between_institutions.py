"""Requests between institutions over real sockets: money traced over three hops, and a police freeze."""

import base64
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from feeds.connectors import build
from mappers import extension, ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.store import Store, collections, partners
from tests.contract.connectors.peer import Asked, HttpPeer, Said, serving
from tests.integration.peers import TAXII, scamfeed
from tests.running import run

SECRET = "whsec_" + base64.b64encode(b"a secret of the webhook's tests!").decode()
# Each account is held by the bank at the same position.
BANKS = ("KASITHBK", "GSBATHBK", "SICOTHBK", "BKKBTHBK")
ACCOUNTS = ("TH:KASITHBK:1234567890", "TH:GSBATHBK:012345678901", "TH:SICOTHBK:1234567890", "TH:BKKBTHBK:1234567890")
PATIENCE = 60.0


@dataclass
class Served:
    """A running hub, with a token for each partner."""

    url: str
    store: Store
    tokens: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, by: str, body: Any = None, status: int = 200) -> Any:
        answer = requests.request(
            method, f"{self.url}{path}", json=body, headers={"Authorization": f"Bearer {self.tokens[by]}"}, timeout=60
        )
        assert answer.status_code == status, answer.text
        return answer.json()

    def ask(self, by: str, **columns: Any) -> dict[str, Any]:
        deadline = timestamp.text(timestamp.now() + timedelta(hours=4))
        given = {"asks": "freeze", "reference": "C-117", "deadline": deadline, "legal_basis": "scheme-rules"}
        account = {"of": {"kind": "bank-account", "value": ACCOUNTS[0]}}
        answer: dict[str, Any] = self.call("POST", "api/requests", by, {**given, **account, **columns}, 201)
        return answer

    def answer(self, by: str, id_: str, status: int = 200, **columns: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.call("POST", f"api/requests/{id_}/answers", by, columns, status)
        return answer

    def asked(self, by: str) -> list[dict[str, Any]]:
        return [entry for entry in self.call("GET", "api/requests", by)["requests"] if entry["role"] == "addressee"]

    def pull(self, by: str, use: Any) -> list[dict[str, Any]]:
        """Return the objects of a private collection, read over TAXII."""
        with self.store.read() as tx:
            found = collections.find_private(tx, by, use)
        if found is None:
            return []
        headers = {"Authorization": f"Bearer {self.tokens[by]}", "Accept": TAXII}
        answer = requests.get(f"{self.url}feed/collections/{found.id}/objects/", headers=headers, timeout=60)
        assert answer.status_code == 200
        objects: list[dict[str, Any]] = answer.json().get("objects", [])
        return objects

    def post(self, by: str, objects: list[dict[str, Any]]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.tokens[by]}", "Accept": TAXII, "Content-Type": TAXII}
        answer = requests.post(
            f"{self.url}feed/collections/inbox/objects/",
            data=json.dumps({"objects": objects}),
            headers=headers,
            timeout=60,
        )
        assert answer.status_code == 202, answer.text
        status: dict[str, Any] = answer.json()
        return status


@pytest.fixture
def hub(initial_store: Path, tmp_path: Path) -> Iterator[Served]:
    url = f"sqlite:///{shutil.copy(initial_store, tmp_path / 'hub.db')}"
    store = Store.open(url)
    served = Served("", store)
    named = [("Victims Bank", PartnerKind.BANK, {}), ("Stranger", PartnerKind.BANK, {})]
    named += [(f"Bank {bank}", PartnerKind.BANK, {"institutions": (bank,)}) for bank in BANKS]
    named.append(("Police", PartnerKind.GOVERNMENT, {"authority": ("bank-account",)}))
    with store.begin() as tx:
        for name, kind, more in named:
            partner = Partner(name=name, kind=kind, country="TH", identity=ids.identity(name), **more, vouched=True)
            served.tokens[name] = partners.add(tx, partner).token
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
    with scamfeed(url, tmp_path / "hub.log") as address:
        served.url = address
        yield served
    store.close()


def soon(found: Callable[[], Any]) -> Any:
    """Return the result once it is found, within a time limit."""
    deadline = time.monotonic() + PATIENCE
    while not (result := found()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return result


def test_money_is_frozen_over_three_hops_and_partly_agreed(hub: Served) -> None:
    first = hub.ask("Victims Bank", amount="800000", currency="THB", uetr="97ed4827-7b6f-4491-a06f-b548d5a7512d")
    assert (first["state"], first["addressee"]) == ("open", "keeper")
    held = ("300000", "150000", "100000")
    left = 800_000
    for place, amount in enumerate(held):
        bank = f"Bank {BANKS[place]}"
        [request] = hub.asked(bank)
        assert (request["amount"], request["reference"], request["hop"]) == (str(left), "C-117", place + 1)
        assert request["sender"] == "Victims Bank"
        assert not {"chain", "earlier"} & request.keys()
        hub.answer(bank, request["id"], state="acknowledged")
        left -= int(amount)
        went_to = [{"of": {"kind": "bank-account", "value": ACCOUNTS[place + 1]}, "amount": str(left)}]
        more = {"went_to": went_to} if place < 2 else {}
        done = hub.answer(bank, request["id"], state="agreed", amount=amount, currency="THB", **more)
        assert "next" not in str(done)
        hub.answer(bank, request["id"], state="done")
    assert hub.asked(f"Bank {BANKS[3]}") == []
    chain = hub.call("GET", "api/requests", "Victims Bank")["requests"]
    assert {entry["chain"] for entry in chain} == {first["id"]}
    assert sum(int(entry["done"]) for entry in chain) == 550_000
    assert [entry["state"] for entry in chain] == ["done"] * 3
    notes = [obj for obj in hub.pull("Victims Bank", "requests") if obj["type"] == "note"]
    assert {note["id"] for note in notes} == {f"note--{entry['id']}" for entry in chain}
    feedback = [extension.context_of(obj).get("feedback") for obj in hub.pull("Victims Bank", "outcomes")]
    events = [told["event"] for told in feedback if told]
    assert events.count("answered") == 9
    assert hub.call("GET", "api/requests", "Stranger") == {"requests": [], "next": None}
    for entry in chain:
        hub.call("GET", f"api/requests/{entry['id']}", "Stranger", status=404)


def test_hidden_and_absent_requests_look_alike(hub: Served) -> None:
    id_ = hub.ask("Victims Bank")["id"]
    absent = "00000000-0000-4000-8000-000000000000"
    for method, path, body in (("GET", "", None), ("POST", "/answers", {"state": "acknowledged"})):
        answers = [hub.call(method, f"api/requests/{one}{path}", "Stranger", body, 404) for one in (id_, absent)]
        assert len({json.dumps({**answer, "error_id": ""}) for answer in answers}) == 1


def test_request_and_response_over_taxii(hub: Served) -> None:
    at = timestamp.text(timestamp.now())
    by = ids.identity("Victims Bank")
    asked = {
        "asks": "trace",
        "of": {"kind": "bank-account", "value": ACCOUNTS[0]},
        "reference": "C-9",
        "amount": "5000",
        "currency": "THB",
        "deadline": timestamp.text(timestamp.now() + timedelta(hours=4)),
        "legal_basis": "scheme-rules",
    }
    note = {
        **{"type": "note", "spec_version": "2.1", "id": "note--0b5bd6a1-2a1c-4b43-9d2c-3b1de9bb0f3a"},
        **{"created_by_ref": by, "created": at, "modified": at, "content": "Please", "object_refs": [by]},
        "extensions": {extension.ID: {"extension_type": "property-extension", "request": asked}},
    }
    status = hub.post("Victims Bank", [note])
    assert (status["success_count"], status["failure_count"]) == (1, 0)
    assert hub.post("Victims Bank", [note])["success_count"] == 1
    bank = f"Bank {BANKS[0]}"
    [read] = [obj for obj in hub.pull(bank, "requests") if obj["type"] == "note"]
    told = extension.context_of(read)["request"]
    assert (told["asks"], told["reference"], told["sender"]) == ("trace", "C-9", "Victims Bank")
    assert "Please" not in json.dumps(read)
    by = ids.identity(bank)
    answer = {
        **note,
        **{"id": "note--1b5bd6a1-2a1c-4b43-9d2c-3b1de9bb0f3a", "created_by_ref": by, "object_refs": [read["id"]]},
        "extensions": {
            extension.ID: {
                "extension_type": "property-extension",
                "request_answer": {"request": told["id"], "state": "disagreed", "reason": "no-funds"},
            }
        },
    }
    assert hub.post(bank, [answer])["success_count"] == 1
    revoked = {**note, "revoked": True, "modified": timestamp.text(timestamp.now())}
    assert hub.post("Victims Bank", [revoked])["success_count"] == 1
    [final] = hub.call("GET", "api/requests", "Victims Bank")["requests"]
    assert [step["state"] for step in final["steps"]] == ["open", "disagreed", "closed"]
    foreign = {**answer, "id": "note--2b5bd6a1-2a1c-4b43-9d2c-3b1de9bb0f3a"}
    assert hub.post("Stranger", [foreign])["failure_count"] == 1


@pytest.mark.long
def test_police_freeze_outlives_corroboration_and_expires(hub: Served) -> None:
    bank, at = f"Bank {BANKS[0]}", timestamp.now()
    defaults = {"reporter": "Stranger", "reported_at": timestamp.text(at), "only_partners": bank}
    report = ReportReader(defaults).report({"kind": "bank-account", "value": ACCOUNTS[0]})
    said = to_stix(report)
    assert hub.post("Stranger", said)["failure_count"] == 0
    until = timestamp.now() + timedelta(seconds=6)
    frozen = hub.ask("Police", amount="50000", currency="THB", until=timestamp.text(until), legal_basis="police-order")

    def listings() -> list[dict[str, Any]]:
        """Return the listings of the account with the hold, as the bank looks it up."""
        answer = hub.call("POST", "api/lookup", bank, {"values": [{"value": ACCOUNTS[0], "kind": "bank-account"}]})
        found: list[dict[str, Any]] = answer["results"][0]["listings"]
        return [listing for listing in found if listing.get("hold")]

    assert {listing["grade"] for listing in listings()} <= {"hold", "block"}
    assert {listing["hold"]["amount"] for listing in listings()} == {"50000"}
    indicator = next(obj for obj in said if obj["type"] == "indicator")
    gone = {**indicator, "revoked": True, "modified": timestamp.text(timestamp.now())}
    assert hub.post("Stranger", [gone])["failure_count"] == 0
    assert {listing["grade"] for listing in listings()} == {"hold"}
    hub.answer(bank, frozen["id"], state="disagreed", reason="holder-legitimate")
    assert {listing["grade"] for listing in listings()} == {"hold"}
    soon(lambda: not listings())
    assert timestamp.now() >= until
    soon(lambda: all(obj.get("revoked") for obj in hub.pull(bank, "for") if obj["type"] == "indicator"))


@dataclass
class Receiver(HttpPeer):
    """A desk system that receives webhook events, and a chat endpoint that receives notices."""

    notes: list[dict[str, Any]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        if asked.method == "HEAD":
            return Said(405)
        if "webhook-id" not in asked.headers:
            self.texts += json.loads(asked.body).values()
            return Said(200, b"ok", {"Content-Type": "text/plain"})
        message = Webhook(SECRET).verify(asked.body, dict(asked.headers))
        self.notes += [event["object"] for event in message["data"]["events"] if event["object"]["type"] == "note"]
        return Said(200)


def test_webhooks_and_notices_bring_requests_to_a_desk(hub: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    bank = f"Bank {BANKS[0]}"
    id_ = hub.ask("Victims Bank", amount="800000", currency="THB")["id"]
    with hub.store.read() as tx:
        collection = collections.find_private(tx, bank, "requests")
    assert collection is not None
    peer = Receiver()
    with serving(peer):
        monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
        monkeypatch.setenv("CHAT_ROOM", f"{peer.url}chat")
        common = {"partner": bank, "collection": collection.alias, "allow_private": True}
        webhook = {"connector": "webhook-push", "url": f"{peer.url}hook", "secret": {"env": "WEBHOOK_SECRET"}}
        notice = {"connector": "notice-push", "url": {"env": "CHAT_ROOM"}, "allow_http": True}
        assert run(hub.store, build({"name": "desk", **webhook, **common})).ending == "done"
        assert run(hub.store, build({"name": "chat", **notice, **common})).ending == "done"
        [note] = peer.notes
        told = extension.context_of(note)["request"]
        assert (told["id"], told["state"], told["role"]) == (id_, "open", "addressee")
        assert ["1 new (freeze request: 1)" in text for text in peer.texts] == [True]
        hub.answer("Victims Bank", id_, state="closed")
        assert run(hub.store, build({"name": "desk", **webhook, **common})).ending == "done"
    assert extension.context_of(peer.notes[-1])["request"]["state"] == "closed"


def test_invalid_requests_are_refused_with_a_reason(hub: Served) -> None:
    deadline = timestamp.text(timestamp.now() + timedelta(hours=4))
    good = {
        **{"asks": "freeze", "of": {"kind": "bank-account", "value": ACCOUNTS[0]}, "reference": "C-1"},
        **{"deadline": deadline, "legal_basis": "scheme-rules"},
    }
    for wrong in (
        {"amount": "1" + "0" * 30, "currency": "THB"},
        {"amount": "5"},
        {"amount": "5", "currency": "XYZ"},
        {"deadline": "2020-01-01"},
        {"victim": "somebody"},
        {"reporter": "Police"},
        {"description": "about somebody"},
        {"of": "shop.example.com"},
        {"of": 5},
        {"also_to": "x" * 300},
    ):
        answer = hub.call("POST", "api/requests", "Victims Bank", {**good, **wrong}, 422)
        assert answer["error_code"] == "field-refused"
    hub.call("POST", "api/requests", "Victims Bank", [], 422)
    hub.call("GET", "api/requests?colour=red", "Victims Bank", status=400)
    hub.call("GET", "api/requests?limit=0", "Victims Bank", status=400)
    hub.call("DELETE", "api/requests", "Victims Bank", status=405)
    assert hub.asked(f"Bank {BANKS[0]}") == []


def test_a_long_list_is_read_page_by_page(hub: Served) -> None:
    opened = [hub.ask("Victims Bank", reference=f"C-{number}")["id"] for number in range(5)]
    read, following = [], ""
    while following is not None:
        page = hub.call("GET", f"api/requests?limit=2&state=open{following}", "Victims Bank")
        read += [entry["id"] for entry in page["requests"]]
        following = f"&next={page['next']}" if page["next"] else None
    assert read == opened[::-1]
