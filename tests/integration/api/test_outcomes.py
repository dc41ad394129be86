"""Outcomes as plain JSON: one or a list; each is checked separately, and only about listings visible to the partner."""

import json
from typing import Any

import pytest

from server.features.outcomes import api
from server.store import audit, audit_search, collections
from server.store.audit_search import TrailFilter
from tests.integration.api.conftest import ApiHub
from tests.times import text_ago, text_ahead

ACCOUNT = {"value": "KBANK 123-4-56789-0", "details": {"country": "TH"}}


@pytest.fixture(autouse=True)
def listed(hub: ApiHub) -> None:
    hub.report("bank", "1234567890", "bank-account", details={"bank": "KBANK", "country": "TH"}, confidence="80")
    hub.report("bank", "shop.example.com", "domain")
    with hub.store.begin() as tx:
        for name in ("reader", "stranger", "police"):
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)


def _state(hub: ApiHub, body: Any, by: str = "reader") -> list[dict[str, Any]]:
    status, _, answer = hub.ask("POST", "/api/outcomes", by, json.dumps(body).encode())
    assert status == 200, answer
    results: list[dict[str, Any]] = json.loads(answer)["outcomes"]
    return results


def _own(hub: ApiHub, by: str = "reader") -> list[dict[str, Any]]:
    status, _, answer = hub.ask("GET", "/api/outcomes", by)
    assert status == 200, answer
    page = json.loads(answer)
    assert "next" not in page
    outcomes: list[dict[str, Any]] = page["outcomes"]
    return outcomes


def test_one_outcome_by_value_arrives_with_its_money(hub: ApiHub) -> None:
    at = text_ago(days=2)
    [result] = _state(hub, {**ACCOUNT, "outcome": "held", "at": at, "amount": 15000.5})
    assert result["outcome"] == "held"
    [own] = _own(hub)
    [listing] = hub.look_up(ACCOUNT)[0]["listings"]
    assert [own["id"], own["listings"]] == [result["ids"][0], [listing["id"]]]
    assert (own["amount"], own["currency"], own["at"]) == ("15000.5", "THB", at)
    with hub.store.read() as tx:
        [entry], _ = audit_search.search(tx, TrailFilter(method="CONTRIBUTE"))
    assert entry.event.partner == "reader"


def test_wrong_outcomes_in_a_list_stop_no_other(hub: ApiHub) -> None:
    [listing] = hub.look_up(ACCOUNT)[0]["listings"]
    results = _state(
        hub,
        {
            "outcomes": [
                {"listing": listing["id"], "outcome": "blocked", "until": text_ahead(days=30)},
                {"value": "shop.example.com", "outcome": "eaten"},
                {"value": "unknown.example.com", "outcome": "blocked"},
                {"value": "shop.example.com", "listing": listing["id"], "outcome": "blocked"},
                {"value": "shop[.]example[.]com", "outcome": "taken-down"},
                {"value": "shop.example.com", "outcome": "warned", "amount": "1 million"},
            ]
        },
    )
    reasons = [result.get("error", {}).get("reason") for result in results]
    assert reasons[0] is reasons[4] is None
    assert [reasons[1], *reasons[2:4]] == ["bad-outcome", "indicator-unknown", "no-subject"]
    assert reasons[5] == "bad-amount"
    assert {own["outcome"] for own in _own(hub)} == {"blocked", "taken-down"}


def test_hidden_and_absent_values_get_the_same_answer(hub: ApiHub) -> None:
    hidden, absent = _state(
        hub,
        {"outcomes": [{"value": name, "outcome": "blocked"} for name in ("shop.example.com", "none.example.com")]},
        "stranger",
    )
    assert hidden == absent
    [listing] = hub.look_up("shop.example.com")[0]["listings"]
    ids = (listing["id"], "indicator--5f0c6c5e-8f5e-4b1a-9d55-6a6f3a1c2b11")
    hidden, absent = (_state(hub, {"listing": id_, "outcome": "blocked"}, "stranger")[0] for id_ in ids)
    assert hidden["held"] == absent["held"]
    assert [own["listings"] for own in _own(hub, "stranger")] == [[id_] for id_ in ids]


def test_each_partner_reads_its_own(hub: ApiHub) -> None:
    _state(hub, {**ACCOUNT, "outcome": "blocked"})
    assert _own(hub, "police") == []


@pytest.mark.parametrize("body", ['{"outcomes": []}', '{"value": "a.example"}', '{"outcome": 5}', "[]", "{"])
def test_malformed_bodies_are_refused_with_the_place(hub: ApiHub, body: str) -> None:
    status, _, answer = hub.ask("POST", "/api/outcomes", "reader", body.encode())
    assert status == 422
    assert "$" in json.loads(answer)["description"]


def test_list_continues_by_next(hub: ApiHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_PAGE", 1)
    values = ("shop.example.com", "KBANK 123-4-56789-0")
    _state(hub, {"outcomes": [{"value": value, "outcome": "warned", "details": {}} for value in values]})
    _state(hub, {"value": "shop.example.com", "outcome": "blocked"}, "police")
    seen, place = [], ""
    while True:
        status, _, answer = hub.ask("GET", f"/api/outcomes{place}", "reader")
        assert status == 200
        page = json.loads(answer)
        seen += [own["outcome"] for own in page["outcomes"]]
        if "next" not in page:
            break
        place = f"?next={page['next']}"
    assert seen == ["warned", "warned"]


def test_list_of_refused_outcomes_leaves_no_audit_entry(hub: ApiHub) -> None:
    with hub.store.read() as tx:
        before = len(audit.tail(tx, 100))
    _state(hub, {"outcomes": [{"value": "none.example.com", "outcome": "blocked"}] * 3})
    with hub.store.read() as tx:
        assert len(audit.tail(tx, 100)) == before
