"""Elastic's custom threat intelligence integration, request by request.

Follows elastic/integrations, packages/ti_custom/data_stream/indicator/agent/stream/cel.yml.hbs: it follows ``next``
whatever ``more`` says, drops ``added_after`` on the way, keeps X-TAXII-Date-Added-Last of each page.
"""

from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from tests.conformance.deployment import Deployment
from tests.conformance.peer import Peer, indicator


class Agent:
    """The program's state between two evaluations."""

    def __init__(self, url: str, headers: dict[str, str], verify: str | bool) -> None:
        self.url = url
        self.headers = headers
        self.verify = verify
        self.last: str | None = None
        self.got: list[Any] = []

    def interval(self, initial: str) -> int:
        base = self.url.rstrip("/") + "/?"
        url, pages = base + urlencode({"added_after": self.last or initial, "limit": 100}), 0
        while True:
            answer = requests.get(url, headers=self.headers, verify=self.verify, timeout=30)
            assert answer.status_code == 200
            body = answer.json()
            self.got += body.get("objects", [])
            self.last = answer.headers.get("X-Taxii-Date-Added-Last", self.last)
            pages += 1
            if not body.get("next"):
                return pages
            url = base + urlencode({"next": body["next"], "limit": 100})


@pytest.fixture(params=["Bearer", "Basic"])
def agent(request: pytest.FixtureRequest, server: Deployment, member: Peer, collection: str) -> Agent:
    bearer = f"Bearer {server.database.partners['member']['token']}"
    headers = {
        "Accept": "application/taxii+json;version=2.1",
        "Content-Type": "application/taxii+json;version=2.1",
        "Authorization": bearer if request.param == "Bearer" else str(member.authorization),
    }
    return Agent(f"{server.url}/feed/collections/{collection}/objects/", headers, server.verify)


def test_it_gets_everything_once(agent: Agent, member: Peer, collection: str, sent: list[Any]) -> None:
    assert agent.interval("2020-01-01T00:00:00Z") == 3
    assert agent.interval("2020-01-01T00:00:00Z") == 1
    later = [indicator(), indicator()]
    member.post(f"collections/{collection}/objects/", later)
    assert agent.interval("2020-01-01T00:00:00Z") == 1
    assert agent.got == sent + later


def test_the_start_holds_though_it_is_dropped(agent: Agent, member: Peer, collection: str, sent: list[Any]) -> None:
    [record] = member.get(f"collections/{collection}/manifest/", {"match[id]": sent[29]["id"]}).ok()["objects"]
    agent.last = record["date_added"]
    agent.interval("2020-01-01T00:00:00Z")
    assert agent.got == sent[30:]
