"""Requests as JSON, sent as one or as a list: the same reasons, and in a list each with its own result."""

import json
from datetime import timedelta
from typing import Any

import pytest

from schemas import timestamp
from schemas.partner import Partner
from server.store import collections, partners
from tests.integration.api.conftest import ApiHub

REQUEST = {
    "asks": "trace",
    "of": {"kind": "bank-account", "value": "TH:KASITHBK:4567890123"},
    "reference": "C-2026-117",
    "amount": "800000",
    "currency": "THB",
    "deadline": timestamp.text(timestamp.now() + timedelta(days=3)),
    "legal_basis": "scheme-rules",
}


QUOTA = 20


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"quota_objects_per_day": QUOTA}


@pytest.fixture(autouse=True)
def _writers(hub: ApiHub) -> None:
    with hub.store.begin() as tx:
        for name in ("bank", "reader"):
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
        before = partners.get(tx, "reader")
        partners.change(tx, Partner(**{**before.model_dump(), "institutions": ("KASITHBK",)}))


def post(hub: ApiHub, body: Any, by: str = "bank") -> tuple[int, dict[str, Any]]:
    status, _, answer = hub.ask("POST", "/api/requests", by, json.dumps(body).encode())
    return status, json.loads(answer)


def test_each_request_of_a_list_has_its_result(hub: ApiHub) -> None:
    given = [
        REQUEST,
        {**REQUEST, "reference": "C-2026-118", "deadline": "4h"},
        {**REQUEST, "deadline": "tomorrow"},
        {**REQUEST, "colour": "red"},
        {**REQUEST, "legal_basis": "court-order"},
        "nothing",
    ]
    status, body = post(hub, {"requests": given})
    assert status == 200
    results = body["requests"]
    assert [result.get("error", {}).get("reason") for result in results[:2]] == [None, None]
    assert results[0]["request"]["state"] == "open"
    reasons = [result["error"]["reason"] for result in results[2:]]
    assert reasons[1:] == ["unknown-property", "no-authority", "not-an-object"]
    asked = json.loads(hub.ask("GET", "/api/requests?role=addressee", "reader")[2])["requests"]
    assert {one["reference"] for one in asked} == {"C-2026-117", "C-2026-118"}


def test_list_and_single_request_are_refused_for_the_same_reason(hub: ApiHub) -> None:
    for change, status in (
        ({"deadline": "tomorrow"}, 422),
        ({"asks": "pay"}, 422),
        ({"legal_basis": "court-order"}, 409),
    ):
        alone = post(hub, {**REQUEST, **change})
        [in_list] = post(hub, {"requests": [{**REQUEST, **change}]})[1]["requests"]
        assert alone[0] == status
        assert in_list["error"]["reason"] in alone[1]["description"]
        # A list alone is the same.
        assert post(hub, [{**REQUEST, **change}])[1]["requests"] == [in_list]


def test_request_of_a_list_is_sent_once(hub: ApiHub) -> None:
    first, again = post(hub, {"requests": [REQUEST, REQUEST]}), post(hub, REQUEST)
    ids = {result["request"]["id"] for result in first[1]["requests"]} | {again[1]["id"]}
    assert len(ids) == 1


@pytest.mark.parametrize(
    "body",
    [{"requests": []}, {"requests": [REQUEST] * 101}, {"requests": REQUEST}, {"requests": [REQUEST], **REQUEST}, []],
)
def test_other_lists_are_refused_whole(hub: ApiHub, body: Any) -> None:
    status, answer = post(hub, body)
    assert status == 422
    assert "requests" in answer["description"]
    assert json.loads(hub.ask("GET", "/api/requests", "bank")[2])["requests"] == []


def test_requests_before_an_exhausted_quota_stay(hub: ApiHub) -> None:
    given = [{**REQUEST, "reference": f"C-{place}"} for place in range(QUOTA + 2)]
    status, body = post(hub, {"requests": given})
    assert status == 200
    assert ["request" in result for result in body["requests"]] == [True] * QUOTA + [False] * 2
    assert {result["error"]["reason"] for result in body["requests"][QUOTA:]} == {"objects-a-day"}
    assert post(hub, {"requests": given[-1:]})[0] == 429


@pytest.mark.parametrize("query", ["months=0", "months=37", "months=x", "month=3", "months=3&limit=1"])
def test_statistics_name_their_only_parameter(hub: ApiHub, query: str) -> None:
    status, _, answer = hub.ask("GET", f"/api/requests/statistics?{query}", "reader")
    assert (status, json.loads(answer)["error_code"]) == (400, "not-statistics")


def test_statistics_are_about_the_reader_alone(hub: ApiHub) -> None:
    given = {"asks": "take-down", "basis": "notice", "reference": "T-1", "explanation": ["obtains-money"]}
    place = {"of": "https://shop.example.com/pay", "addressee": "reader"}
    assert post(hub, {**given, **place})[0] == 201
    for name, number in (("reader", 1), ("bank", 0)):
        status, _, answer = hub.ask("GET", "/api/requests/statistics?months=2", name)
        assert (status, len(json.loads(answer)["statistics"])) == (200, number)
