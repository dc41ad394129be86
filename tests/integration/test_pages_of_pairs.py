"""A collection and its full variant share one log, and their cached pages match it at each moment."""

import json
import random
import uuid
from datetime import timedelta
from typing import Any

import pytest

from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from server.setup import set_up
from server.store import collections, partners
from server.web.taxii import page_cache
from server.web.taxii.page_cache import PageCache
from tests.integration.taxii_hub import TaxiiHub

BEGAN = timestamp.now() - timedelta(minutes=5)
QUERIES = [
    f"limit={limit}{more}"
    for limit in (7, 40, 1_000)
    for more in ("", "&match[version]=all", "&match[type]=indicator", "&match[type]=domain-name,relationship")
]


@pytest.fixture
def tokens(hub: TaxiiHub) -> dict[str, str]:
    """Two contributors. The first one reads takedown and its full variant."""
    set_up(hub.store)
    tokens = {"bank": hub.token}
    with hub.store.begin() as tx:
        ngo = Partner(name="ngo", kind=PartnerKind.NGO, identity=f"identity--{uuid.uuid4()}", vouched=True)
        tokens["ngo"] = partners.add(tx, ngo).token
        for alias in ("takedown", "takedown-full"):
            collections.grant(tx, "bank", collections.get(tx, alias), read=True)
        for name in tokens:
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
    return tokens


def _moment(seconds: int) -> str:
    return timestamp.text(BEGAN + timedelta(seconds=seconds))


def report(value: str, **more: Any) -> dict[str, Any]:
    moment = _moment(0)
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid4()}",
        "created": moment,
        "modified": moment,
        "indicator_types": ["malicious-activity"],
        "pattern": f"[domain-name:value = '{value}']",
        "pattern_type": "stix",
        "valid_from": moment,
        "confidence": 80,
        "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
        **more,
    }


def pages(hub: TaxiiHub, alias: str, query: str) -> list[tuple[dict[str, str], bytes]]:
    """Read a listing page by page."""
    found: list[tuple[dict[str, str], bytes]] = []
    following = ""
    while True:
        status, headers, body = hub.get(f"/feed/collections/{alias}/objects/?{query}{following}")
        assert status == "200 OK"
        found.append((headers, body))
        token = json.loads(body).get("next")
        if token is None:
            return found
        following = f"&next={token}"


@pytest.mark.long
def test_cached_pages_equal_new_pages(hub: TaxiiHub, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_cache, "_SMALLEST_PAGE", 1)
    kept = PageCache()
    chance = random.Random(13)  # noqa: S311 - chooses what a test does
    own: list[dict[str, Any]] = []
    final: dict[tuple[str, bytes], bytes] = {}

    def post(name: str, objects: list[dict[str, Any]]) -> None:
        with hub.store.read() as tx:
            identity = partners.get(tx, name).identity
        body = json.dumps({"objects": [item | {"created_by_ref": identity} for item in objects]}).encode()
        authorization = f"Bearer {tokens[name]}"
        path = "/feed/collections/inbox/objects/"
        assert (
            hub.get(path, REQUEST_METHOD="POST", **_body(hub, body), HTTP_AUTHORIZATION=authorization)[0][:3] == "202"
        )

    def compare() -> int:
        compared = 0
        for alias in ("takedown", "takedown-full"):
            for query in QUERIES:
                hub.application._objects._pages = kept
                cached = pages(hub, alias, query)
                hub.application._objects._pages = PageCache()
                assert cached == pages(hub, alias, query), (alias, query)
                compared += len(cached)
                for headers, body in cached:
                    if "immutable" in headers.get("Cache-Control", ""):
                        assert final.setdefault((alias, headers["ETag"].encode()), body) == body
        return compared

    for step in range(6):
        new = [report(f"{uuid.uuid4().hex}-scam.net") for _ in range(12)]
        own += new
        post("bank", new)
        compare()
        post("ngo", [report(chance.choice(own)["pattern"].split("'")[1]) for _ in range(6)])
        compare()
        revoked = [item | {"revoked": True, "modified": _moment(step + 1)} for item in chance.sample(own, 3)]
        post("bank", revoked)
        assert compare() > 20
    assert len(final) > 10


def _body(hub: TaxiiHub, body: bytes) -> dict[str, Any]:
    made = hub.environ("/", "POST", body)
    return {name: made[name] for name in ("wsgi.input", "CONTENT_TYPE", "CONTENT_LENGTH")}
