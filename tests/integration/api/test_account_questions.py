"""Questions about an account as JSON: asked one by one or as a list, listed with deadlines, and answered."""

import json
from typing import Any

import pytest

from schemas.partner import Partner
from server.store import collections, partners
from tests.integration.api.conftest import ApiHub


@pytest.fixture
def listing(hub: ApiHub) -> str:
    """Return the listing of an account of the partner "reader" that two others report."""
    with hub.store.begin() as tx:
        before = partners.get(tx, "reader")
        partners.change(tx, Partner(**{**before.model_dump(), "institutions": ("KASITHBK",)}))
        for name in ("reader", "bank", "police", "stranger"):
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
    for by in ("bank", "police"):
        hub.report(by, "4567890123", "bank-account", details={"bank": "KBANK", "country": "TH"}, tlp="amber")
    return str(get(hub, "/api/answers")["accounts"][0]["listing"])


def get(hub: ApiHub, path: str, by: str = "reader") -> dict[str, Any]:
    status, _, body = hub.ask("GET", path, by)
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)
    return found


def post(hub: ApiHub, path: str, body: Any, by: str = "reader") -> tuple[int, dict[str, Any]]:
    status, _, answer = hub.ask("POST", path, by, json.dumps(body).encode())
    return status, json.loads(answer)


def test_question_is_asked_listed_answered_and_read(hub: ApiHub, listing: str) -> None:
    status, body = post(hub, "/api/questions", {"listing": listing, "kind": "number", "deadline": "4h"})
    assert status == 200
    [result] = body["questions"]
    id_ = result["question"]["id"]
    [received] = get(hub, "/api/questions", "bank")["questions"]
    assert (received["id"], received["kind"], received["late"], received["asker"]) == (id_, "number", False, "bank")
    assert received["due"] == result["question"]["due"]
    assert post(hub, f"/api/questions/{id_}/answers", {"text": "Yes, it is."}, "bank")[0] == 200
    assert get(hub, "/api/questions", "bank") == {"questions": []}
    assert get(hub, "/api/questions?state=answered", "bank")["questions"][0]["answer"] == "Yes, it is."
    [question] = get(hub, f"/api/answers/{listing}/questions")["questions"]
    assert [(one["text"], one["by"]) for one in question["answers"]] == [("Yes, it is.", "bank")]


def test_a_refused_question_stops_no_other(hub: ApiHub, listing: str) -> None:
    absent = "indicator--00000000-0000-4000-8000-000000000000"
    given = [
        {"listing": absent, "kind": "number"},
        {"listing": listing, "kind": "number", "text": "see bank.example.com"},
        {"listing": listing, "kind": "number", "deadline": "never"},
        {"listing": listing, "kind": "number"},
    ]
    status, body = post(hub, "/api/questions", {"questions": given})
    assert status == 200
    reasons = [one["error"]["reason"] if "error" in one else None for one in body["questions"]]
    assert reasons == ["not-listed", "contact-in-question", "time-form", None]
    for wrong in (
        {},
        {"listing": listing, "kind": "name"},
        {"questions": []},
        {"listing": listing, "kind": "number", "x": 1},
    ):
        assert post(hub, "/api/questions", wrong)[0] == 422, wrong


def test_hidden_and_absent_questions_are_refused_alike(hub: ApiHub, listing: str) -> None:
    _, body = post(hub, "/api/questions", {"listing": listing, "kind": "number"})
    id_ = body["questions"][0]["question"]["id"]
    refused = [
        post(hub, f"/api/questions/{id_}/answers", {"text": "Yes."}, "stranger"),
        post(hub, f"/api/questions/{'a' * 20}/answers", {"text": "Yes."}, "bank"),
    ]
    assert [status for status, _ in refused] == [404, 404]
    assert {**refused[0][1], "error_id": ""} == {**refused[1][1], "error_id": ""}
    assert hub.ask("GET", f"/api/answers/{listing}/questions", "bank")[0] == 404
    for query in ("state=late", "limit=0", "next=1", "next=", "x=1"):
        assert hub.ask("GET", f"/api/questions?{query}", "bank")[0] == 400, query


def test_list_of_questions_goes_on(hub: ApiHub, listing: str) -> None:
    for kind in ("number", "payment", "evidence"):
        assert "error" not in post(hub, "/api/questions", {"listing": listing, "kind": kind})[1]["questions"][0]
    first = get(hub, "/api/questions?limit=2", "police")
    rest = get(hub, f"/api/questions?limit=2&next={first['next']}", "police")
    assert "next" not in rest
    assert {one["kind"] for one in first["questions"] + rest["questions"]} == {"number", "payment", "evidence"}
