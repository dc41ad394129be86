"""Over real sockets, a provider learns of its customer's wrong listing, clears it, and the reporter is notified."""

import base64
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from feeds.connectors import build
from mappers import extension, ids, records
from mappers.indicator import to_stix
from schemas import tabular, timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.setup import set_up
from server.store import Store, collections, partners
from server.store.providers import kept_accounts
from tests.contract.connectors.peer import Asked, HttpPeer, Said, serving
from tests.integration import peers
from tests.integration.peers import TAXII
from tests.running import run

ACCOUNT = {"value": "4567890123", "kind": "bank-account", "bank": "KBANK", "country": "TH"}
PARTNERS: tuple[tuple[str, PartnerKind, tuple[str, ...], tuple[str, ...]], ...] = (
    ("bank-a", PartnerKind.BANK, ("mule-accounts",), ()),
    ("bank-b", PartnerKind.BANK, (), ("TH:004",)),
    ("bank-c", PartnerKind.BANK, ("mule-accounts-full", "public"), ()),
    ("police", PartnerKind.GOVERNMENT, ("mule-accounts",), ()),
)
SECONDS = 60
SECRET = "whsec_" + base64.b64encode(b"a secret of the webhook's tests!").decode()


@dataclass
class Served:
    """A hub over a socket, and the tokens of its partners."""

    address: str
    store: Store
    tokens: dict[str, str]

    def read(self, by: str, collection: str) -> dict[str, dict[str, Any]]:
        """Return the latest objects of a collection as a partner reads them, or none if it is hidden from it."""
        headers = {"Accept": TAXII, "Authorization": f"Bearer {self.tokens[by]}"}
        answer = requests.get(f"{self.address}feed/collections/{collection}/objects/", headers=headers, timeout=60)
        objects = answer.json().get("objects", []) if answer.ok else []
        return {obj["id"]: obj for obj in objects}

    def post(self, by: str, *objects: dict[str, Any]) -> dict[str, Any]:
        headers = {"Accept": TAXII, "Content-Type": TAXII, "Authorization": f"Bearer {self.tokens[by]}"}
        url = f"{self.address}feed/collections/inbox/objects/"
        answer = requests.post(url, json={"objects": list(objects)}, headers=headers, timeout=60)
        assert answer.status_code == 202, answer.text
        status: dict[str, Any] = answer.json()
        return status

    def answer(self, by: str, *answers: dict[str, Any]) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.tokens[by]}"}
        return requests.post(f"{self.address}api/answers", json={"answers": list(answers)}, headers=headers, timeout=60)

    def get(self, by: str, path: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.tokens[by]}"}
        return requests.get(f"{self.address}{path}", headers=headers, timeout=60)

    def looked_up(self, by: str) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.tokens[by]}"}
        url = f"{self.address}api/lookup"
        found = requests.post(url, json={"values": [_value()]}, headers=headers, timeout=60).json()
        listings: list[dict[str, Any]] = found["results"][0]["listings"]
        return listings

    def report(self, by: str, **columns: str) -> dict[str, Any]:
        defaults = {"reporter": by, "reported_at": timestamp.text(timestamp.now()), "tlp": "amber"}
        objects = to_stix(ReportReader(defaults).report({**ACCOUNT, **columns}))
        assert self.post(by, *objects)["failure_count"] == 0
        return next(obj for obj in objects if obj["type"] == "indicator")

    def listings(self, by: str, collection: str) -> list[dict[str, Any]]:
        found = self.read(by, collection).values()
        return [obj for obj in found if obj["type"] == "indicator" and not obj.get("revoked")]

    def feedback(self, by: str) -> list[dict[str, Any]]:
        notes = self.read(by, f"outcomes-{by}").values()
        return [
            {**extension.context_of(note)["feedback"], "refs": note["object_refs"]}
            for note in notes
            if note["type"] == "note"
        ]


@pytest.fixture(params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        url = server.url(server.database(request.getfixturevalue("postgres_template")))
    store = Store.open(url)
    set_up(store)
    tokens = {}
    with store.begin() as tx:
        for name, kind, reads, institutions in PARTNERS:
            made = Partner(
                name=name, kind=kind, country="TH", identity=ids.identity(name), institutions=institutions, vouched=True
            )
            tokens[name] = partners.add(tx, made).token
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
            for alias in reads:
                collections.grant(tx, name, collections.get(tx, alias), read=True)
    with peers.scamfeed(url, tmp_path / "hub.log") as address:
        yield Served(address, store, tokens)
    store.close()


def test_wrong_listing_is_cleared_by_the_account_holding_bank(served: Served) -> None:
    begun = time.monotonic()
    said = served.report("bank-a", reference="A-1", confidence="90", description="our desk heard of it")
    served.report("police", confidence="90")
    [heard] = served.listings("bank-b", "accounts-bank-b")
    assert time.monotonic() - begun < SECONDS
    assert extension.context_of(heard)["reporters"] == 2
    assert "our desk" not in str(heard)
    for by, collection in (("bank-a", "mule-accounts"), ("bank-c", "mule-accounts-full")):
        [listed] = served.listings(by, collection)
        assert extension.context_of(listed)["grade"] == "block"

    assert [listing["id"] for listing in served.looked_up("bank-b")] == [heard["id"]]
    assert served.get("bank-b", "api/collections/accounts-bank-b/digest").json()["active"] == len(
        served.read("bank-b", "accounts-bank-b")
    )
    assert heard["id"] in served.get("bank-b", "api/collections/accounts-bank-b/active").text
    assert served.get("bank-c", "api/collections/accounts-bank-b/digest").status_code == 404

    answered = served.answer("bank-b", {**_value(), "code": "genuine", "note": "checked by two persons"})
    assert answered.status_code == 200
    [result] = answered.json()["answers"]
    assert result["listing"] == heard["id"]
    assert result["answer"].startswith("opinion--")

    for by, collection in (
        ("bank-a", "mule-accounts"),
        ("bank-c", "mule-accounts-full"),
        ("bank-b", "accounts-bank-b"),
    ):
        [listed] = served.listings(by, collection)
        context = extension.context_of(listed)
        assert (context["grade"], context["disputed"]) == ("investigate", True)
    [told] = [event for event in served.feedback("bank-a") if event["event"] == "qualified"]
    assert (told["code"], told["by_kind"], told["refs"]) == ("genuine", "bank", [said["id"]])
    assert told["references"] == {said["id"]: "A-1"}
    assert "checked by two persons" not in str([served.read(by, f"outcomes-{by}") for by in ("bank-a", "police")])
    with served.store.read() as tx:
        [counts] = kept_accounts.counts(tx, 4 * 3600 * 1_000_000, 2**62, 0)
    assert (counts.partner, counts.open, counts.answered, counts.in_time) == ("bank-b", 0, 1, 1)


def test_finding_over_taxii_has_the_same_effect(served: Served) -> None:
    served.report("bank-a", tlp="red")
    [heard] = served.listings("bank-b", "accounts-bank-b")
    defaults = {"reporter": "bank-b", "reported_at": timestamp.text(timestamp.now())}
    columns = {"of": heard["id"], "code": "closed"}
    [opinion] = records.to_stix(tabular.read_record("qualification", columns, defaults))
    status = served.post("bank-b", opinion)
    assert status["success_count"] == 1
    assert served.listings("bank-b", "accounts-bank-b") == []


@dataclass
class Desk(HttpPeer):
    """A provider's case system that receives webhook events."""

    events: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        if asked.method == "HEAD":
            return Said(405)
        message = Webhook(SECRET).verify(asked.body, dict(asked.headers))
        self.bodies.append(asked.body)
        self.events += message["data"]["events"]
        return Said(200)

    def heard(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the listing events since the last call."""
        events, self.events = self.events, []
        return [(event["event"], event["object"]) for event in events if event["object"]["type"] == "indicator"]


def test_webhook_notifies_the_provider_and_its_finding_is_accepted(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = served.report("bank-a", reference="A-1", confidence="90", tlp="red", description="our desk heard of it")
    with served.store.read() as tx:
        found = collections.find_private(tx, "bank-b", "accounts")
    assert found is not None
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    desk = Desk()
    with serving(desk):
        webhook = {"connector": "webhook-push", "url": f"{desk.url}hook", "secret": {"env": "WEBHOOK_SECRET"}}
        common = {"name": "desk", "partner": "bank-b", "collection": found.alias, "allow_private": True}

        def pushed() -> list[tuple[str, dict[str, Any]]]:
            assert run(served.store, build({**webhook, **common})).ending == "done"
            return desk.heard()

        [(event, listing)] = pushed()
        assert event == "added"
        assert pushed() == []
        [result] = served.answer("bank-b", {"listing": listing["id"], "code": "genuine"}).json()["answers"]
        assert result["listing"] == listing["id"]
        [(event, changed)] = pushed()
        assert (event, changed["id"]) == ("changed", listing["id"])
        context = extension.context_of(changed)
        assert (context["grade"], context["disputed"]) == ("investigate", True)
        served.answer("bank-b", {"listing": listing["id"], "code": "closed"})
        [(event, gone)] = pushed()
        assert (event, gone["id"], gone["revoked"]) == ("revoked", listing["id"], True)
    told = b"".join(desk.bodies).decode().replace("bank-account", "")
    assert not [word for word in ("bank-a", ids.identity("bank-a"), said["id"], "A-1", "our desk") if word in told]
    codes = [event["code"] for event in served.feedback("bank-a") if event["event"] == "qualified"]
    assert sorted(codes) == ["closed", "genuine"]


def test_invalid_findings_are_refused_individually_with_a_reason(served: Served) -> None:
    served.report("bank-a")
    unknown = {"value": "1111111111", "kind": "bank-account", "details": {"bank": "004", "country": "TH"}}
    others = {"value": "1111111111", "kind": "bank-account", "details": {"bank": "014", "country": "TH"}}
    wrong = {"value": "4", "kind": "bank-account", "details": {"bank": "004", "country": "TH"}}
    asked = [
        {**about, "code": "genuine"} for about in (unknown, others, wrong, {"listing": "indicator--x"}, {}, _value())
    ]
    results = served.answer("bank-b", *asked).json()["answers"]
    assert [result.get("error", {}).get("reason") for result in results[:2]] == ["not-listed", "not-listed"]
    assert results[2]["error"]["reason"] not in ("not-listed", None)
    assert results[3]["error"]["reason"] == "not-listed"
    assert results[4]["error"]["reason"] == "no-subject"
    assert results[5]["answer"]
    # A partner without accounts gets the same response for listed and unlisted values.
    hidden, absent = (served.answer("bank-c", {**about, "code": "closed"}).json() for about in (_value(), unknown))
    assert hidden == absent


def test_results_of_many_findings_are_in_order(served: Served) -> None:
    served.report("bank-a")
    unknown = {"kind": "bank-account", "details": {"bank": "004", "country": "TH"}, "code": "genuine"}
    asked = [{"value": f"{number:010d}", **unknown} for number in range(1_111_111_111, 1_111_111_211)]
    asked[45] = {**_value(), "code": "closed"}
    results = served.answer("bank-b", *asked).json()["answers"]
    assert [place for place, result in enumerate(results) if "error" not in result] == [45]
    assert results[45]["code"] == "closed"
    assert served.listings("bank-b", "accounts-bank-b") == []


def test_finding_with_an_unknown_code_does_not_stop_the_others(served: Served) -> None:
    served.report("bank-a")
    wrong, right = served.answer("bank-b", _value() | {"code": "innocent"}, _value() | {"code": "genuine"}).json()[
        "answers"
    ]
    assert (wrong["error"]["reason"], wrong["code"]) == ("unknown-code", "innocent")
    assert "genuine, merchant" in wrong["error"]["message"]
    assert right["answer"]
    assert "error" not in right


def test_malformed_body_is_refused(served: Served) -> None:
    headers = {"Authorization": f"Bearer {served.tokens['bank-b']}", "Content-Type": "application/json"}
    url = f"{served.address}api/answers"
    for body in (b"", b"[]", b'{"answers": []}', b'{"answers": [{"code": 7, "value": "x"}]}', b"[" * 100_000):
        assert requests.post(url, data=body, headers=headers, timeout=60).status_code in (400, 422)
    assert requests.post(url, json={}, timeout=60).status_code == 401
    assert requests.put(url, headers=headers, timeout=60).status_code == 405


def _value() -> dict[str, Any]:
    return {"value": ACCOUNT["value"], "kind": "bank-account", "details": {"bank": "KBANK", "country": "TH"}}
