"""A provider's reported accounts as JSON: listed by filters, and each with its facts."""

import csv
import io
import json
import re
from typing import Any

import pytest

from schemas.partner import Partner
from server.store import partners
from tests.integration.api.conftest import ApiHub

NUMBERS = ("4567890123", "4567890124", "4567890125")


@pytest.fixture(autouse=True)
def reported(hub: ApiHub) -> None:
    with hub.store.begin() as tx:
        before = partners.get(tx, "reader")
        partners.change(tx, Partner(**{**before.model_dump(), "institutions": ("KASITHBK", "SICOTHBK")}))
    hub.grant("reader", "mule-accounts")
    for number in NUMBERS:
        details = {"bank": "KBANK", "country": "TH"}
        hub.report("bank", number, "bank-account", details=details, tlp="amber", reference="VB-117")


def get(hub: ApiHub, path: str, by: str = "reader") -> dict[str, Any]:
    status, _, body = hub.ask("GET", path, by)
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)
    return found


def values(page: dict[str, Any]) -> list[str]:
    return [account["value"].rpartition(":")[2] for account in page["accounts"]]


def test_accounts_are_listed_page_by_page(hub: ApiHub) -> None:
    first = get(hub, "/api/answers?limit=2")
    rest = get(hub, f"/api/answers?limit=2&next={first['next']}")
    assert "next" not in rest
    assert sorted(values(first) + values(rest)) == list(NUMBERS)
    assert (first["accounts"][0]["late"], first["accounts"][0]["reporter_kinds"]) == (False, ["bank"])
    assert get(hub, "/api/answers", by="stranger") == {"accounts": []}


def test_accounts_are_a_csv_page_by_page(hub: ApiHub) -> None:
    path: str | None = "/api/answers.csv?limit=2&order=reverse"
    found: list[dict[str, str]] = []
    while path is not None:
        status, headers, body = hub.ask("GET", path, "reader")
        assert (status, headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
        found += csv.DictReader(io.StringIO(body.decode("utf-8-sig")))
        link = re.fullmatch('<(.+)>; rel="next"', headers.get("Link", ""))
        path = link and link[1]
    reverse = values(get(hub, "/api/answers?order=reverse"))
    assert [row["value"].rpartition(":")[2] for row in found] == reverse
    path, by_account = "/api/answers?limit=1&order=account", []
    while path:
        page = get(hub, path)
        by_account += values(page)
        path = page.get("next") and f"/api/answers?limit=1&order=account&next={page['next']}"
    assert by_account == list(NUMBERS)
    assert sorted(reverse) == list(NUMBERS)
    assert {row["code"] for row in found} == {""}
    assert hub.ask("GET", "/api/answers.csv?order=up", "reader")[0] == 400


def test_accounts_are_filtered(hub: ApiHub) -> None:
    assert sorted(values(get(hub, "/api/answers?bank=KASITHBK"))) == list(NUMBERS)
    for query in ("bank=SICOTHBK", "overdue=true", "age=4h", "state=answered"):
        assert values(get(hub, f"/api/answers?{query}")) == [], query
    for query in ("age=4", "age=", "state=open", "limit=0", "next=x", "next=", "order=up", "value=1"):
        assert hub.ask("GET", f"/api/answers?{query}")[0] == 400, query
    status, _, body = hub.ask("GET", "/api/answers?bank=BKKBTHBK")
    assert (status, json.loads(body)["error_code"]) == (422, "not-your-institution")


def test_facts_are_the_providers_alone(hub: ApiHub) -> None:
    listing = get(hub, "/api/answers?limit=1")["accounts"][0]["listing"]
    facts = get(hub, f"/api/answers/{listing}")
    assert facts["case_references"] == ["VB-117"]
    assert facts["withheld"] == ["payments", "first_seen", "last_seen", "evidence"]
    absent = "indicator--00000000-0000-4000-8000-000000000000"
    refused = [hub.ask("GET", f"/api/answers/{listing}", "stranger"), hub.ask("GET", f"/api/answers/{absent}")]
    assert {status for status, _, _ in refused} == {404}
    bodies = [{**json.loads(body), "error_id": ""} for _, _, body in refused]
    assert bodies[0] == bodies[1]
