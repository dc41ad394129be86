"""OpenCTI's TAXII ingester, request by request.

Follows OpenCTI-Platform/opencti, opencti-platform/opencti-graphql/src/manager/ingestion/ingestionTaxii.ts
(taxiiHttpGet, prepareTaxiiGetParam, processTaxiiResponse). It sends ``next`` and ``added_after`` together, keeps both
between runs, and keeps dates to the millisecond. Only a page with objects advances them. Without
X-TAXII-Date-Added-Last the position becomes the present, so it loses objects added in between.
"""

import datetime
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from tests.conformance.deployment import Deployment
from tests.conformance.peer import Peer, indicator


@dataclass
class Ingester:
    """OpenCTI's state of one ingestion."""

    url: str
    headers: dict[str, str]
    verify: str | bool
    limit: int | None = None
    current_state_cursor: str | None = None
    added_after_start: str | None = None
    got: list[Any] = field(default_factory=list)

    def run(self) -> int:
        params = {"next": self.current_state_cursor, "added_after": self.added_after_start, "limit": self.limit}
        answer = requests.get(self.url, params=params, headers=self.headers, verify=self.verify, timeout=60)
        answer.raise_for_status()
        data = answer.json()
        objects: list[Any] = data.get("objects") or []
        if objects:
            self.got += objects
            if data.get("more") and data.get("next"):
                self.current_state_cursor = data["next"]
            else:
                self.current_state_cursor = None
                last = datetime.datetime.fromisoformat(answer.headers["X-TAXII-Date-Added-Last"])
                # JavaScript's Date keeps milliseconds.
                self.added_after_start = last.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return len(objects)


@pytest.fixture(params=["Basic", "Bearer"])
def ingester(request: pytest.FixtureRequest, server: Deployment, member: Peer, collection: str) -> Ingester:
    bearer = f"Bearer {server.database.partners['member']['token']}"
    return Ingester(
        url=f"{server.url}/feed/collections/{collection}/objects/",
        headers={
            "Accept": "application/taxii+json;version=2.1",
            "Authorization": bearer if request.param == "Bearer" else str(member.authorization),
        },
        verify=server.verify,
        limit=100,
    )


def test_it_gets_everything_once_over_many_runs(
    ingester: Ingester, member: Peer, collection: str, sent: list[Any]
) -> None:
    assert [ingester.run() for _ in range(5)] == [100, 100, 50, 0, 0]
    later = [indicator() for _ in range(3)]
    for item in later:
        member.post(f"collections/{collection}/objects/", [item])
    assert [ingester.run(), ingester.run()] == [3, 0]
    assert ingester.got == sent + later


def test_without_a_limit_it_gets_everything_at_once(ingester: Ingester, sent: list[Any]) -> None:
    ingester.limit = None
    assert [ingester.run(), ingester.run()] == [250, 0]


def test_start_date_applies_to_all_pages(ingester: Ingester, member: Peer, collection: str, sent: list[Any]) -> None:
    [record] = member.get(f"collections/{collection}/manifest/", {"match[id]": sent[119]["id"]}).ok()["objects"]
    ingester.added_after_start = record["date_added"][:23] + "Z"
    assert [ingester.run(), ingester.run()] == [100, 30]
    assert ingester.got == sent[120:]


def test_its_dates_lose_nothing_between_batches(ingester: Ingester, member: Peer, collection: str) -> None:
    batches = [[indicator() for _ in range(7)] for _ in range(6)]
    for batch in batches:
        member.post(f"collections/{collection}/objects/", batch)
        ingester.run()
    assert ingester.got == [item for batch in batches for item in batch]
