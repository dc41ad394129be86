"""Readers granted access later do not see earlier delistings in any resource or count."""

import itertools
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
    """Delist a value before ``late`` gets access and another one after, and return the id of the first."""
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


def test_earlier_reader_sees_the_delisting(hub: ApiHub, withdrawn: str) -> None:
    assert withdrawn in _ids(hub, "reader")


@pytest.mark.parametrize("query", ["", _ALL, "match[version]=first,last", "match[spec_version]=2.1", "limit=1000"])
@pytest.mark.parametrize("resource", ["objects", "manifest"])
def test_no_version_is_on_a_page(hub: ApiHub, withdrawn: str, query: str, resource: str) -> None:
    seen, all_there_is = _ids(hub, "late", query, resource), _ids(hub, "reader", query, resource)
    assert withdrawn not in seen
    assert seen == [id_ for id_ in all_there_is if id_ != withdrawn]


def test_request_by_id_finds_nothing(hub: ApiHub, withdrawn: str) -> None:
    assert _get(hub, f"/objects/{withdrawn}/", "reader")[0] == 200
    absent = "indicator--00000000-0000-4000-8000-000000000000"
    for path in ("", "versions/", f"?{_ALL}"):
        hidden = _get(hub, f"/objects/{withdrawn}/{path}", "late")
        assert hidden[0] == 404
        assert {**hidden[2], "error_id": ""} == {**_get(hub, f"/objects/{absent}/{path}", "late")[2], "error_id": ""}
    assert _ids(hub, "late", f"match[id]={withdrawn}") == []
    assert _ids(hub, "late", f"match[id]={withdrawn}&{_ALL}") == []


def test_pages_of_one_object_have_no_gap_and_a_correct_more(hub: ApiHub, withdrawn: str) -> None:
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


def test_later_delisting_is_visible(hub: ApiHub, withdrawn: str) -> None:
    revoked = [
        obj["pattern"]
        for obj in _get(hub, "/objects/?match[type]=indicator", "late")[2]["objects"]
        if obj.get("revoked")
    ]
    assert revoked == ["[domain-name:value = 'later.example.com']"]


def test_repeated_grant_keeps_its_first_date(hub: ApiHub, withdrawn: str) -> None:
    before = _ids(hub, "late")
    hub.grant("late", "takedown")
    assert _ids(hub, "late") == before


def test_restored_grant_shows_delistings_of_the_gap(hub: ApiHub, withdrawn: str) -> None:
    """The partner may still hold objects read earlier. Delistings before its first grant stay hidden."""
    before = _ids(hub, "late")
    with hub.store.begin() as tx:
        collections.revoke(tx, "late", collections.get(tx, "takedown"))
    hub.retract("kept.example.com", "bank")
    hub.grant("late", "takedown")
    objects = _get(hub, "/objects/?match[type]=indicator", "late")[2]["objects"]
    assert "[domain-name:value = 'kept.example.com']" in [obj["pattern"] for obj in objects if obj.get("revoked")]
    assert set(before) <= set(_ids(hub, "late"))
    assert withdrawn not in _ids(hub, "late")


def _full(
    hub: ApiHub, by: str, query: str = "", resource: str = "objects", of: str = "takedown-full"
) -> list[dict[str, Any]]:
    status, _, body = hub.ask("GET", f"/feed/collections/{of}/{resource}/?{query}", by)
    assert status == 200
    found: list[dict[str, Any]] = json.loads(body).get("objects", [])
    return found


@pytest.fixture
def withdrawn_in_full(hub: ApiHub) -> list[dict[str, Any]]:
    """Delist a value with an own text before ``late`` gets access, and return all its objects."""
    hub.grant("reader", "takedown-full")
    hub.report("bank", "kept.example.com", "domain", description="Kept.")
    known = {obj["id"] for obj in _full(hub, "reader")}
    hub.report("bank", "early.example.com", "domain", description="Early.")
    hub.report("police", "early.example.com", "domain", scam_type="investment", confidence="80")
    hub.retract("early.example.com", "bank")
    hub.retract("early.example.com", "police")
    gone = [obj for obj in _full(hub, "reader", _ALL) if obj["id"] not in known and obj["type"] != "identity"]
    assert {obj["type"] for obj in gone} == {"indicator", "domain-name", "relationship", "language-content"}
    hub.join("late", "takedown-full")
    return gone


@pytest.mark.parametrize("query", ["", _ALL, "match[version]=first", "match[version]=first,last", "limit=2"])
def test_full_variant_hides_companions_of_a_delisted_value(
    hub: ApiHub, withdrawn_in_full: list[dict[str, Any]], query: str
) -> None:
    gone = {obj["id"] for obj in withdrawn_in_full}
    for resource in ("objects", "manifest"):
        seen, all_there_is = _full(hub, "late", query, resource), _full(hub, "reader", query, resource)
        assert gone.isdisjoint(obj["id"] for obj in seen)
        if "limit" not in query:
            assert seen == [obj for obj in all_there_is if obj["id"] not in gone]
    stream = hub.ask("GET", "/api/collections/takedown-full/active", "late")[2]
    assert gone.isdisjoint(json.loads(line)["id"] for line in stream.splitlines())


def test_companions_are_not_found_by_id(hub: ApiHub, withdrawn_in_full: list[dict[str, Any]]) -> None:
    for obj in withdrawn_in_full:
        kind = obj["type"]
        for path in (f"{obj['id']}/", f"{obj['id']}/versions/", f"{obj['id']}/?{_ALL}"):
            hidden = hub.ask("GET", f"/feed/collections/takedown-full/objects/{path}", "late")
            absent = f"{kind}--00000000-0000-4000-8000-000000000000"
            never = hub.ask("GET", f"/feed/collections/takedown-full/objects/{path.replace(obj['id'], absent)}", "late")
            assert hidden[0] == never[0] == 404
        assert _full(hub, "late", f"match[id]={obj['id']}&{_ALL}") == []
        assert _full(hub, "late", f"match[type]={kind}&match[id]={obj['id']}") == []


def test_value_listed_again_has_its_observable(hub: ApiHub, withdrawn_in_full: list[dict[str, Any]]) -> None:
    last = hub.ask("GET", "/feed/collections/takedown-full/objects/", "late")[1]["X-TAXII-Date-Added-Last"]
    hub.report("bank", "early.example.com", "domain", seq=1, description="Again.")
    for by, query in itertools.product(("late", "reader"), (f"added_after={last}", "")):
        objects = _full(hub, by, query)
        [listing] = [obj for obj in objects if "early" in obj.get("pattern", "") and not obj.get("revoked")]
        [relationship] = [obj for obj in objects if obj.get("source_ref") == listing["id"]]
        [observable] = [obj for obj in objects if obj["id"] == relationship["target_ref"]]
        assert observable["value"] == "early.example.com"
        assert objects.index(listing) < objects.index(observable) < objects.index(relationship)
    known = {obj["id"] for obj in withdrawn_in_full} - {observable["id"]}
    assert known.isdisjoint(obj["id"] for obj in _full(hub, "late", _ALL))
    assert _full(hub, "late", f"match[id]={observable['id']}&{_ALL}") == [observable]
    for by in ("late", "reader"):
        assert _full(hub, by, f"match[id]={observable['id']}&match[version]=first") == [observable]


def test_texts_in_other_languages_are_revoked_with_their_listing(
    hub: ApiHub, withdrawn_in_full: list[dict[str, Any]]
) -> None:
    [text] = [obj for obj in _full(hub, "reader") if obj.get("object_ref") == withdrawn_in_full[0]["id"]]
    assert text["revoked"] is True
    hub.retract("kept.example.com", "bank")
    assert all(obj["revoked"] for obj in _full(hub, "late") if obj["type"] == "language-content")


def test_annotations_of_it_are_hidden_too(hub: ApiHub) -> None:
    """Sightings, outcomes, notes and cases are stored in a collection of their own and in their subject's."""
    for alias in ("sightings", "takedown"):
        hub.grant("reader", alias)
    hub.grant("bank", "takedown")
    for value in ("kept.example.com", "early.example.com"):
        hub.report("bank", value, "domain")
    kept, early = (
        next(obj["id"] for obj in _full(hub, "reader", of="takedown") if value in obj.get("pattern", ""))
        for value in ("kept.example.com", "early.example.com")
    )
    for which, columns in (
        ("sighting", {"of": early}),
        ("outcome", {"of": early, "outcome": "blocked"}),
        ("case", {"name": "One", "members": [early]}),
        ("sighting", {"of": kept}),
    ):
        hub.contribute_record("bank", which, **columns)
    said = [obj["id"] for obj in _full(hub, "reader", of="sightings") if early in json.dumps(obj)]
    assert len(said) == 3
    hub.retract("early.example.com", "bank")
    hub.join("late", "takedown", "sightings")
    assert all(obj["revoked"] for obj in _full(hub, "reader", of="sightings") if obj["id"] in said)
    for query in ("", _ALL, "match[version]=first"):
        for resource, of in itertools.product(("objects", "manifest"), ("sightings", "takedown")):
            seen = _full(hub, "late", query, resource, of=of)
            assert not {early, *said} & {obj["id"] for obj in seen}
            assert early not in json.dumps(seen)
    assert kept in json.dumps(_full(hub, "late", of="sightings"))
    stream = hub.ask("GET", "/api/collections/sightings/active", "late")[2]
    assert kept.encode() in stream
    assert early.encode() not in stream
    for id_ in said:
        assert hub.ask("GET", f"/feed/collections/sightings/objects/{id_}/versions/", "late")[0] == 404


def test_pages_for_one_reader_are_not_served_to_another(hub: ApiHub, withdrawn: str) -> None:
    for number in range(40):
        hub.report("bank", f"more{number}.example.com", "domain")
    for _ in range(2):
        for query in ("", _ALL):
            assert withdrawn in _ids(hub, "reader", query)
            assert withdrawn not in _ids(hub, "late", query)
