"""Elastic's custom threat intelligence integration, request by request.

Follows elastic/integrations, packages/ti_custom/data_stream/indicator/agent/stream/cel.yml.hbs, from 0.6.0 on. It
follows ``next`` regardless of ``more``, and drops ``added_after`` while paging. It keeps X-TAXII-Date-Added-Last of the
last page only, since elastic/mito's ``with`` (lib/collections.go) replaces the old cursor by the new one.

The program had two reactions to a page without objects. Before pull request 19303, it fails on the missing ``objects``
and keeps its state. After it, the page is accepted, and without a header the position is lost. The next interval then
starts at the initial position, and the integration's fingerprints filter the duplicates.
"""

from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from tests.conformance.deployment import Deployment
from tests.conformance.peer import Peer, indicator

INITIAL = "2020-01-01T00:00:00Z"


class Agent:
    """The program's state between two evaluations. With ``fails`` it fails on an empty page, as it once did."""

    def __init__(self, url: str, headers: dict[str, str], verify: str | bool, *, fails: bool) -> None:
        self.url = url
        self.headers = headers
        self.verify = verify
        self.fails = fails
        self.last: str | None = None
        self.got: dict[str, Any] = {}

    def interval(self) -> int:
        """Run until no further request is needed, and return the number of objects."""
        base = self.url.rstrip("/") + "/?"
        url, came = base + urlencode({"added_after": self.last or INITIAL, "limit": 100}), 0
        while True:
            answer = requests.get(url, headers=self.headers, verify=self.verify, timeout=60)
            assert answer.status_code == 200
            body = answer.json()
            if "objects" not in body and self.fails:
                return came
            came += len(body.get("objects", []))
            # By the fingerprint of the document: duplicates change nothing.
            self.got |= {item["id"]: item for item in body.get("objects", [])}
            self.last = answer.headers.get("X-Taxii-Date-Added-Last")
            if not body.get("next"):
                return came
            url = base + urlencode({"next": body["next"], "limit": 100})


@pytest.fixture(params=["Bearer", "Basic"])
def headers(request: pytest.FixtureRequest, server: Deployment, member: Peer) -> dict[str, str]:
    bearer = f"Bearer {server.database.partners['member']['token']}"
    return {
        "Accept": "application/taxii+json;version=2.1",
        "Content-Type": "application/taxii+json;version=2.1",
        "Authorization": bearer if request.param == "Bearer" else str(member.authorization),
    }


@pytest.fixture(params=[True, False], ids=["fails", "takes"])
def agent(request: pytest.FixtureRequest, server: Deployment, collection: str, headers: dict[str, str]) -> Agent:
    url = f"{server.url}/feed/collections/{collection}/objects/"
    return Agent(url, headers, server.verify, fails=request.param)


def test_it_gets_everything_and_then_only_new_objects_per_interval(
    agent: Agent, member: Peer, collection: str, sent: list[Any]
) -> None:
    assert agent.interval() == 250
    for _ in range(3):
        later = [indicator(), indicator()]
        member.post(f"collections/{collection}/objects/", later)
        assert agent.interval() == 2
        sent += later
    assert list(agent.got.values()) == sent


def test_a_quiet_interval_loses_nothing_and_a_newer_program_reads_again(
    agent: Agent, member: Peer, collection: str, sent: list[Any]
) -> None:
    assert [agent.interval(), agent.interval()] == [250, 0]
    later = [indicator(), indicator()]
    member.post(f"collections/{collection}/objects/", later)
    assert agent.interval() == (2 if agent.fails else 252)
    assert list(agent.got.values()) == sent + later


def test_start_is_respected_though_dropped(agent: Agent, member: Peer, collection: str, sent: list[Any]) -> None:
    [record] = member.get(f"collections/{collection}/manifest/", {"match[id]": sent[29]["id"]}).ok()["objects"]
    agent.last = record["date_added"]
    assert agent.interval() == len(sent) - 30
    assert list(agent.got.values()) == sent[30:]
