"""Daily and monthly figures for everyone, and each partner's own quality."""

import csv
import io
import json
from datetime import date
from typing import Any

import pytest

from server.features.trends.counts import DAY
from server.features.trends.fold import fold_all
from server.features.trends.publish import DELAY, publish_due
from server.features.trends.query import text_of
from server.store.database.times import now
from tests.integration.api.conftest import ApiHub


@pytest.fixture
def published(hub: ApiHub) -> str:
    """Let three banks report six values, let a day and the delay pass, and return the day."""
    for number in range(3):
        hub.join(f"bank {number}")
    for number in range(6):
        hub.report(f"bank {number % 3}", f"bad{number}.example.com", "domain", scam_type="investment")
    hub.report("bank", "one.example.com/page", "url")
    fold_all(hub.hub)
    day = now() // DAY
    publish_due(hub.hub, (day + 1) * DAY + DELAY)
    return text_of(day, "day")


def _get(hub: ApiHub, path: str, by: str | None = None) -> Any:
    status, _, body = hub.ask("GET", path, by)
    assert status == 200, body
    return json.loads(body)


def test_published_figures_are_readable_by_everyone(hub: ApiHub, published: str) -> None:
    answer = _get(hub, f"/api/trends?by=day&from={published}&figure=reports")
    assert answer["published_up_to"] == published
    told = {(row["dimension"], row["word"]): row["count"] for row in answer["figures"]}
    # The page reported by only one bank is in no cell, and the total reveals only that more exists.
    assert told[("", "")] == 7
    assert ("kind", "url") not in told
    assert ("kind", "domain") not in told
    assert answer == _get(hub, f"/api/trends?by=day&from={published}&figure=reports", "stranger")


def test_the_same_is_served_as_csv(hub: ApiHub, published: str) -> None:
    status, headers, body = hub.ask("GET", f"/api/trends.csv?by=day&from={published}&figure=reports&dimension=", None)
    assert status == 200
    assert headers["Content-Type"].startswith("text/csv")
    [row] = csv.DictReader(io.StringIO(body.decode()))
    assert (row["period"], row["figure"], row["count"]) == (published, "reports", "7")


def test_response_is_cacheable_for_a_minute(hub: ApiHub, published: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/api/trends?by=day&from={published}"
    first = hub.ask("GET", path, None)
    assert first[1]["Cache-Control"] == "public, max-age=60"
    monkeypatch.setattr("server.features.trends.query.published", None)
    assert hub.ask("GET", path, None)[2] == first[2]


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "by=hour",
        "from=2026-06-01&from=2026-06-01",
        "partner=bank",
        "figure=received-by-nobody",
        "dimension=partner",
    ],
)
def test_malformed_range_is_refused(hub: ApiHub, query: str) -> None:
    status, _, body = hub.ask("GET", f"/api/trends?{query}", None)
    assert status == 400, body


@pytest.mark.parametrize("query", ["from=0001-01-01", "from=0001-01-01&to=0001-01-02&by=day", "to=9999-12-31"])
def test_too_long_range_returns_the_last_days(hub: ApiHub, query: str) -> None:
    answer = _get(hub, f"/api/trends?{query}")
    assert answer["figures"] == []
    first, last = (date.fromisoformat(answer[name]) for name in ("from", "to"))
    assert (last - first).days <= 60 * 31 + 31


def test_exact_figures_are_for_the_operator_only(hub: ApiHub, published: str) -> None:
    for name in ("received", "active"):
        assert _get(hub, f"/api/trends?by=day&from={published}&figure={name}")["figures"] == []


def test_partner_sees_only_its_own_quality(hub: ApiHub, published: str) -> None:
    assert hub.ask("GET", "/api/quality", None)[0] == 401
    [own] = _get(hub, "/api/quality", "bank 0")["kinds"]
    assert (own["kind"], own["volume"], own["exclusive"], own["first"]) == ("domain", 2, 1.0, 1.0)
    assert own["median"] == {}
    assert _get(hub, "/api/quality", "stranger") == {"kinds": []}
    assert "bank 1" not in json.dumps(_get(hub, "/api/quality", "bank 0"))


def test_other_methods_are_refused(hub: ApiHub) -> None:
    status, headers, _ = hub.ask("POST", "/api/trends", None)
    assert (status, headers["Allow"]) == (405, "HEAD, OPTIONS, GET")
