"""Whoever is let read a collection learns of nothing that was withdrawn before, in no resource and by no count."""

import json
from typing import Any

import pytest

from server.store import collections
from tests.integration.api.conftest import ApiHub

_ALL = "match[version]=all"


def _get(hub: ApiHub, path: str, by: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    status, headers, body = hub.ask("GET", f"/feed/collections/takedown{path}", by)
    return status, headers, json.loads(body)


def _ids(hub: ApiHub, by: str, query: str = "", resource: str = "objects") -> list[str]:
    return [obj["id"] for obj in _get(hub, f"/{resource}/?{query}", by)[2].get("objects", ())]


@pytest.fixture
def withdrawn(hub: ApiHub) -> str:
    """Withdraw a value before ``late`` is let in, and another one after; return the id of the first."""
    for value in ("kept.example.com", "early.example.com", "later.example.com"):
        hub.report("bank", value, "domain")
    hub.retract("early.example.com", "bank")
    hub.join("late", "takedown", "takedown-full")
    hub.retract("later.example.com", "bank")
    [found] = [
        obj["id"]
        for obj in _get(hub, f"/objects/?match[type]=indicator&{_ALL}", "reader")[2]["objects"]
        if "early" in obj["pattern"] and obj.get("revoked")
    ]
    return str(found)


def test_who_was_there_before_is_told(hub: ApiHub, withdrawn: str) -> None:
    assert withdrawn in _ids(hub, "reader")


@pytest.mark.parametrize("query", ["", _ALL, "match[version]=first,last", "match[spec_version]=2.1", "limit=1000"])
@pytest.mark.parametrize("resource", ["objects", "manifest"])
def test_no_version_of_it_is_on_a_page(hub: ApiHub, withdrawn: str, query: str, resource: str) -> None:
    seen, all_there_is = _ids(hub, "late", query, resource), _ids(hub, "reader", query, resource)
    assert withdrawn not in seen
    assert seen == [id_ for id_ in all_there_is if id_ != withdrawn]


def test_by_its_id_it_is_not_there(hub: ApiHub, withdrawn: str) -> None:
    assert _get(hub, f"/objects/{withdrawn}/", "reader")[0] == 200
    absent = "indicator--00000000-0000-4000-8000-000000000000"
    for path in ("", "versions/", f"?{_ALL}"):
        hidden = _get(hub, f"/objects/{withdrawn}/{path}", "late")
        assert hidden[0] == 404
        assert {**hidden[2], "error_id": ""} == {**_get(hub, f"/objects/{absent}/{path}", "late")[2], "error_id": ""}
    assert _ids(hub, "late", f"match[id]={withdrawn}") == []
    assert _ids(hub, "late", f"match[id]={withdrawn}&{_ALL}") == []


def test_pages_of_one_have_no_gap_and_say_rightly_that_there_is_more(hub: ApiHub, withdrawn: str) -> None:
    for query in ("", f"&{_ALL}"):
        whole, paged, token = _ids(hub, "late", query), list[str](), ""
        while True:
            status, headers, envelope = _get(hub, f"/objects/?limit=1{query}{token}", "late")
            assert status == 200
            [obj] = envelope["objects"]
            assert headers["X-TAXII-Date-Added-First"] == headers["X-TAXII-Date-Added-Last"]
            paged.append(obj["id"])
            if not envelope["more"]:
                break
            token = f"&next={envelope['next']}"
        assert paged == whole


def test_what_is_withdrawn_afterwards_is_told(hub: ApiHub, withdrawn: str) -> None:
    revoked = [
        obj["pattern"]
        for obj in _get(hub, "/objects/?match[type]=indicator", "late")[2]["objects"]
        if obj.get("revoked")
    ]
    assert revoked == ["[domain-name:value = 'later.example.com']"]


def test_a_right_that_is_given_twice_begins_once(hub: ApiHub, withdrawn: str) -> None:
    before = _ids(hub, "late")
    hub.grant("late", "takedown")
    assert _ids(hub, "late") == before


def test_who_gets_a_right_back_is_told_what_was_withdrawn_meanwhile(hub: ApiHub, withdrawn: str) -> None:
    """It may still have what it read before; what was withdrawn before it first came stays hidden."""
    before = _ids(hub, "late")
    with hub.store.begin() as tx:
        collections.revoke(tx, "late", collections.get(tx, "takedown"))
    hub.retract("kept.example.com", "bank")
    hub.grant("late", "takedown")
    objects = _get(hub, "/objects/?match[type]=indicator", "late")[2]["objects"]
    assert "[domain-name:value = 'kept.example.com']" in [obj["pattern"] for obj in objects if obj.get("revoked")]
    assert set(before) <= set(_ids(hub, "late"))
    assert withdrawn not in _ids(hub, "late")


def test_the_full_variant_hides_it_too(hub: ApiHub, withdrawn: str) -> None:
    status, _, body = hub.ask("GET", "/feed/collections/takedown-full/objects/", "late")
    assert status == 200
    indicators = [obj["id"] for obj in json.loads(body)["objects"] if obj["type"] == "indicator"]
    assert withdrawn not in indicators
    assert len(indicators) == 2


def test_pages_made_for_one_reader_are_not_given_to_another(hub: ApiHub, withdrawn: str) -> None:
    for number in range(40):
        hub.report("bank", f"more{number}.example.com", "domain")
    for _ in range(2):
        for query in ("", _ALL):
            assert withdrawn in _ids(hub, "reader", query)
            assert withdrawn not in _ids(hub, "late", query)
