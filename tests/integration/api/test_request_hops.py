"""An authority's order over real sockets: hops stay information until confirmed, and only authorities order."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, product
from pathlib import Path
from typing import Any

import pytest
import requests

from feeds.connectors import build
from mappers import extension, ids
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from server.store import Store, collections, partners
from tests.contract.connectors.peer import Asked, HttpPeer, Said, serving
from tests.integration.command import Run, answer as command_answer
from tests.integration.peers import TAXII, scamfeed
from tests.running import run

ACCOUNT = "TH:KASITHBK:1234567890"
NEXT = [f"TH:GSBATHBK:{12_345_678_900 + place:012}" for place in range(20)]
FREEZE = {
    **{"asks": "freeze", "of": {"kind": "bank-account", "value": ACCOUNT}, "reference": "C-POLICE-7"},
    **{"amount": "20000", "currency": "THB", "legal_basis": "police-order", "legal_reference": "Order 7/2026"},
}
ORDERS = ("court-order", "police-order", "prosecutor-order", "fiu-order")
# Text that would reveal the order to the next bank.
OF_THE_ORDER = ("Police", "C-POLICE-7", "Order 7/2026", "police-order")
PROVIDER, NEIGHBOUR = "Keeping Bank", "Next Bank"


class Hub:
    """A running hub, with a token for each partner."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.url = ""
        self.tokens: dict[str, str] = {}

    def call(self, by: str, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = requests.request(
            method, f"{self.url}{path}", json=body, headers={"Authorization": f"Bearer {self.tokens[by]}"}, timeout=60
        )
        assert answer.status_code == status, answer.text
        return answer.json()

    def ask(self, by: str, status: int = 201, **columns: Any) -> Any:
        deadline = timestamp.text(timestamp.now() + timedelta(hours=4))
        return self.call(by, "POST", "api/requests", {**FREEZE, "deadline": deadline, **columns}, status)

    def mine(self, by: str, **wanted: str) -> list[dict[str, Any]]:
        found = self.call(by, "GET", "api/requests")["requests"]
        return [view for view in found if all(view.get(name) == value for name, value in wanted.items())]

    def notes(self, by: str) -> list[dict[str, Any]]:
        """Return the notes of the partner's own collection of requests, read over TAXII."""
        with self.store.read() as tx:
            found = collections.find_private(tx, by, "requests")
        if found is None:
            return []
        headers = {"Authorization": f"Bearer {self.tokens[by]}", "Accept": TAXII}
        answer = requests.get(f"{self.url}feed/collections/{found.id}/objects/", headers=headers, timeout=60)
        objects = answer.json().get("objects", [])
        assert all(isinstance(obj, dict) for obj in objects)
        return [obj for obj in objects if obj["type"] == "note"]

    def name_accounts(self, id_: str, most: int) -> None:
        went_to = [{"of": {"kind": "bank-account", "value": value}, "amount": "1000"} for value in NEXT[:most]]
        answer = {"state": "disagreed", "reason": "no-funds", "went_to": went_to}
        self.call(PROVIDER, "POST", f"api/requests/{id_}/answers", answer)


@pytest.fixture
def hub(initial_store: Path, tmp_path: Path) -> Iterator[Hub]:
    url = f"sqlite:///{shutil.copy(initial_store, tmp_path / 'hub.db')}"
    store = Store.open(url)
    served = Hub(store)
    with store.begin() as tx:
        for name, kind, more in (
            ("Police", PartnerKind.GOVERNMENT, {"authority": ("bank-account",)}),
            ("Ministry", PartnerKind.GOVERNMENT, {"authority": ("domain",)}),
            ("Clearing House", PartnerKind.BANK, {"authority": ("bank-account",)}),
            ("Victims Bank", PartnerKind.BANK, {}),
            (PROVIDER, PartnerKind.BANK, {"institutions": ("KASITHBK",)}),
            (NEIGHBOUR, PartnerKind.BANK, {"institutions": ("GSBATHBK",)}),
        ):
            partner = Partner(name=name, kind=kind, country="TH", identity=ids.identity(name), **more, vouched=True)
            served.tokens[name] = partners.add(tx, partner).token
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
    with scamfeed(url, tmp_path / "hub.log") as address:
        served.url = address
        yield served
    store.close()


def test_response_alone_forwards_no_order_to_another_bank(hub: Hub) -> None:
    id_ = hub.ask("Police")["id"]
    hub.name_accounts(id_, 20)
    desk, notes = hub.mine(NEIGHBOUR), hub.notes(NEIGHBOUR)
    assert len(desk) == len(notes) == 20
    for told in (desk, notes):
        assert not [word for word in OF_THE_ORDER if word in json.dumps(told)]
    assert {(view["state"], view["asks"], view["sender"], view["named_by"]) for view in desk} == {
        ("unconfirmed", "information", PROVIDER, PROVIDER)
    }
    assert not {"legal_basis", "legal_reference", "deadline", "reference", "until"} & {*chain.from_iterable(desk)}
    assert all(note["object_refs"] == [ids.identity(PROVIDER)] for note in notes)
    refused = hub.call(NEIGHBOUR, "POST", f"api/requests/{desk[0]['id']}/answers", {"state": "acknowledged"}, 409)
    assert "wrong-step" in json.dumps(refused)
    waiting = hub.mine("Police", state="unconfirmed")
    assert {(view["named_by"], view["addressee"], view["legal_basis"]) for view in waiting} == {
        (PROVIDER, "keeper", "police-order")
    }
    assert {extension.context_of(note)["request"]["state"] for note in hub.notes("Police")} >= {"unconfirmed"}


def test_order_is_forwarded_to_confirmed_accounts(hub: Hub) -> None:
    id_ = hub.ask("Police")["id"]
    hub.name_accounts(id_, 3)
    first, second, third = (view["id"] for view in hub.mine("Police", state="unconfirmed"))
    confirmed = hub.call("Police", "POST", f"api/requests/{first}/answers", {"state": "open"})
    assert (confirmed["state"], confirmed["named_by"]) == ("open", PROVIDER)
    [asked] = hub.mine(NEIGHBOUR, state="open")
    assert (asked["id"], asked["sender"], asked["asks"], asked["named_by"]) == (first, "Police", "freeze", PROVIDER)
    assert (asked["legal_basis"], asked["reference"], asked["authority_known"]) == ("police-order", "C-POLICE-7", True)
    assert timestamp.parse(asked["deadline"]) > timestamp.now() + timedelta(hours=3)
    [note] = [note for note in hub.notes(NEIGHBOUR) if note["id"] == f"note--{first}"]
    assert f"account named by {PROVIDER}" in note["content"]
    declined = hub.call("Police", "POST", "api/requests/answers", {"requests": [second, third], "state": "closed"})
    assert {view["steps"][-1]["reason"] for view in declined["requests"]} == {"declined"}
    for ended in hub.mine(NEIGHBOUR, state="closed"):
        assert not [word for word in OF_THE_ORDER if word in json.dumps(ended)]
    hub.call(NEIGHBOUR, "POST", f"api/requests/{first}/answers", {"state": "agreed"})
    again = hub.call("Police", "POST", f"api/requests/{second}/answers", {"state": "open"}, 409)
    assert "closed" in json.dumps(again)


def test_several_hops_are_confirmed_at_once_despite_one_refusal(hub: Hub) -> None:
    hub.name_accounts(hub.ask("Police")["id"], 5)
    mine = [view["id"] for view in hub.mine("Police", state="unconfirmed")]
    absent = "00000000-0000-4000-8000-000000000000"
    foreign = hub.ask("Victims Bank", legal_basis="statute")["id"]
    body = {"requests": [*mine, absent, foreign, "x", f"note--{mine[0]}"], "state": "open"}
    done = hub.call("Police", "POST", "api/requests/answers", body)
    assert {view["id"] for view in done["requests"]} == set(mine)
    refused = {one["id"]: (one["reason"], one["message"]) for one in done["refused"]}
    assert refused.keys() == {absent, foreign, "x"}
    assert refused[absent] == refused[foreign]
    assert len(hub.mine(NEIGHBOUR, state="open")) == 5
    for wrong in ({"requests": []}, {"requests": ["x"] * 101, "state": "open"}, {"requests": [5], "state": "open"}):
        hub.call("Police", "POST", "api/requests/answers", wrong, 422)
    hub.call("Police", "POST", "api/requests/answers", {"requests": mine, "state": "open", "went_to": []}, 422)


def test_only_the_sender_confirms_a_hop(hub: Hub) -> None:
    hub.name_accounts(hub.ask("Police", also_to=["Victims Bank"])["id"], 1)
    [hop] = hub.mine("Police", state="unconfirmed")
    for by in (PROVIDER, NEIGHBOUR, "Victims Bank", "Ministry"):
        done = hub.call(by, "POST", "api/requests/answers", {"requests": [hop["id"]], "state": "open"})
        assert (done["requests"], len(done["refused"])) == ([], 1)
    assert hub.mine(NEIGHBOUR, state="open") == []


def test_a_hop_is_confirmed_over_taxii(hub: Hub) -> None:
    hub.name_accounts(hub.ask("Police")["id"], 1)
    [hop] = hub.mine("Police", state="unconfirmed")
    at, by = timestamp.text(timestamp.now()), ids.identity("Police")
    note = {
        **{"type": "note", "spec_version": "2.1", "id": "note--1b5bd6a1-2a1c-4b43-9d2c-3b1de9bb0f3a"},
        **{"created_by_ref": by, "created": at, "modified": at, "content": "x", "object_refs": [f"note--{hop['id']}"]},
        "extensions": {
            extension.ID: {
                "extension_type": "property-extension",
                "request_answer": {"request": hop["id"], "state": "open"},
            }
        },
    }
    headers = {"Authorization": f"Bearer {hub.tokens['Police']}", "Accept": TAXII, "Content-Type": TAXII}
    path = f"{hub.url}feed/collections/inbox/objects/"
    status = requests.post(path, data=json.dumps({"objects": [note]}), headers=headers, timeout=60).json()
    assert status["success_count"] == 1
    assert [view["id"] for view in hub.mine(NEIGHBOUR, state="open")] == [hop["id"]]


def test_hops_between_banks_are_forwarded_with_the_naming_bank(hub: Hub) -> None:
    id_ = hub.ask("Victims Bank", legal_basis="scheme-rules")["id"]
    hub.name_accounts(id_, 1)
    [asked] = hub.mine(NEIGHBOUR)
    assert (asked["state"], asked["asks"], asked["sender"]) == ("open", "freeze", "Victims Bank")
    assert (asked["named_by"], asked["legal_basis"]) == (PROVIDER, "scheme-rules")
    assert "authority_known" not in asked


def test_order_without_the_word_order_is_not_forwarded_either(hub: Hub) -> None:
    hub.name_accounts(hub.ask("Police", legal_basis="statute", legal_reference="Decree 5")["id"], 1)
    [told] = hub.mine(NEIGHBOUR)
    assert (told["state"], "legal_basis" in told) == ("unconfirmed", False)


def test_order_needs_an_authority_for_its_kind(hub: Hub) -> None:
    for basis, by in product(ORDERS, ("Ministry", "Clearing House", "Victims Bank")):
        answer = hub.ask(by, 409, legal_basis=basis)
        assert "no-authority" in json.dumps(answer)
        assert basis in json.dumps(answer)
    assert hub.mine(PROVIDER) == []


def test_desk_sees_whether_the_hub_registered_the_authority(hub: Hub) -> None:
    for number, basis in enumerate(ORDERS):
        hub.ask("Police", legal_basis=basis, reference=f"C-POLICE-{number}")
    assert [view["authority_known"] for view in hub.mine(PROVIDER)] == [True] * 4
    assert [extension.context_of(note)["request"]["authority_known"] for note in hub.notes(PROVIDER)] == [True] * 4
    with hub.store.begin() as tx:
        partners.change(tx, partners.get(tx, "Police").model_copy(update={"authority": ()}))
    assert [view["authority_known"] for view in hub.mine(PROVIDER)] == [False] * 4


def test_former_authority_confirms_nothing(hub: Hub) -> None:
    hub.name_accounts(hub.ask("Police")["id"], 1)
    with hub.store.begin() as tx:
        partners.change(tx, partners.get(tx, "Police").model_copy(update={"authority": ()}))
    [hop] = hub.mine("Police", state="unconfirmed")
    answer = hub.call("Police", "POST", f"api/requests/{hop['id']}/answers", {"state": "open"}, 409)
    assert "no-authority" in json.dumps(answer)


@dataclass
class Chat(HttpPeer):
    """A chat endpoint that receives notices."""

    texts: list[str] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        self.texts += json.loads(asked.body).values()
        return Said(200, b"ok", {"Content-Type": "text/plain"})


def test_notice_names_the_bank_that_named_the_account(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.name_accounts(hub.ask("Victims Bank", legal_basis="statute")["id"], 1)
    with hub.store.read() as tx:
        collection = collections.find_private(tx, NEIGHBOUR, "requests")
    assert collection is not None
    chat = Chat()
    with serving(chat):
        monkeypatch.setenv("CHAT_ROOM", f"{chat.url}chat")
        target = {"partner": NEIGHBOUR, "collection": collection.alias, "allow_private": True, "allow_http": True}
        notice = {"name": "chat", "connector": "notice-push", "url": {"env": "CHAT_ROOM"}}
        assert run(hub.store, build({**notice, **target})).ending == "done"
    assert [f"1 new (freeze request to an account named by {PROVIDER}: 1)" in text for text in chat.texts] == [True]


def test_commands_confirm_and_decline_several(run_with_store: Run) -> None:
    scam = run_with_store
    for name, *more in (
        ("Police", "--kind", "government", "--authority", "bank-account"),
        (PROVIDER, "--kind", "bank", "--institution", "KASITHBK"),
        (NEIGHBOUR, "--kind", "bank", "--institution", "GSBATHBK"),
    ):
        assert scam("partner", "add", name, "--country", "TH", *more).exit_code == 0
    order = ("--asks", "freeze", "--reference", "C-7", "--deadline", "4h", "--legal-basis", "police-order")
    money = ("--amount", "20000", "--currency", "THB", "--json")
    id_ = command_answer(scam("request", "open", f"bank-account:{ACCOUNT}", "--partner", "Police", *order, *money))[
        "id"
    ]
    named = [word for value in NEXT[:4] for word in ("--went-to", f"bank-account:{value}=1000")]
    no_funds = ("--state", "disagreed", "--reason", "no-funds")
    assert scam("request", "answer", id_, "--partner", PROVIDER, *no_funds, *named).exit_code == 0
    asked = ("request", "list", "--partner", "Police", "--state", "unconfirmed", "--json")
    hops = [view["id"] for view in command_answer(scam(*asked))]
    assert len(hops) == 4
    assert command_answer(scam("status", "--json"))["requests"]["unconfirmed"] == 4
    confirmed = command_answer(scam("request", "confirm", *hops[:2], "--partner", "Police", "--json"))
    assert [view["state"] for view in confirmed["requests"]] == ["open", "open"]
    assert command_answer(scam("request", "decline", hops[2], "--partner", "Police", "--json"))["refused"] == []
    other = scam("request", "confirm", hops[3], "--partner", PROVIDER)
    assert (other.exit_code, "unknown-request" in other.output or "no request with this id" in other.output) == (
        2,
        True,
    )
    states = [view["state"] for view in command_answer(scam("request", "list", "--partner", NEIGHBOUR, "--json"))]
    assert sorted(states) == ["closed", "open", "open", "unconfirmed"]
