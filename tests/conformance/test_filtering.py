"""TAXII 2.1 §3.4: filters."""

import itertools
import uuid
from typing import Any

import pytest

from tests.conformance.peer import LAST, Peer, indicator, version

STIX_TYPES = """
    attack-pattern campaign course-of-action grouping identity indicator infrastructure intrusion-set location
    malware malware-analysis note observed-data opinion report threat-actor tool vulnerability relationship
    sighting language-content marking-definition extension-definition artifact autonomous-system directory
    domain-name email-addr email-message file ipv4-addr ipv6-addr mac-addr mutex network-traffic process
    software url user-account windows-registry-key x509-certificate incident
""".split()  # noqa: SIM905 - words are read more easily so


def ids(peer: Peer, room: str, query: Any) -> list[str]:
    return [item["id"] for item in peer.get(f"{room}objects/", query).ok().get("objects", ())]


@pytest.fixture
def sent(member: Peer, room: str) -> list[dict[str, Any]]:
    """An indicator in three versions, a tool, its STIX 2.0 twin, and a domain, in this order."""
    first = indicator()
    tool = indicator(type="tool", id=f"tool--{uuid.uuid4()}")
    objects = [
        first,
        version(first, "2026-02-01T00:00:00.000Z"),
        version(first, "2026-03-01T00:00:00.123456Z"),
        {key: value for key, value in tool.items() if key != "spec_version"},
        tool,
        {"type": "domain-name", "spec_version": "2.1", "id": f"domain-name--{uuid.uuid4()}", "value": "a.example"},
    ]
    assert member.post(f"{room}objects/", objects)["success_count"] == 6
    return objects


def asked(peer: Peer, room: str, **matches: str) -> list[Any]:
    query = {f"match[{name}]": value for name, value in matches.items()}
    found: list[Any] = peer.get(f"{room}objects/", query).ok().get("objects", [])
    return found


def test_id_takes_one_or_several(member: Peer, room: str, sent: list[Any]) -> None:  # §3.4.1
    assert asked(member, room, id=sent[0]["id"]) == [sent[2]]
    assert asked(member, room, id=f"{sent[5]['id']},{sent[0]['id']}") == [sent[2], sent[5]]
    assert asked(member, room, id=f"{sent[5]['id']},indicator--{uuid.uuid4()}") == [sent[5]]
    assert asked(member, room, id=f"indicator--{uuid.uuid4()}") == []


def test_type_takes_one_or_several(member: Peer, room: str, sent: list[Any]) -> None:  # §3.4.1
    assert asked(member, room, type="tool") == [sent[4]]
    assert asked(member, room, type="domain-name,indicator") == [sent[2], sent[5]]
    assert asked(member, room, type="x-no-such-thing") == []


@pytest.mark.parametrize("name", STIX_TYPES)
def test_no_type_of_stix_is_an_error(member: Peer, room: str, name: str) -> None:  # §3.4.1: MUST NOT
    assert asked(member, room, type=name) == []


def test_default_spec_version_is_the_newest(member: Peer, room: str, sent: list[Any]) -> None:  # MUST
    assert asked(member, room) == [sent[2], sent[4], sent[5]]


def test_spec_version_takes_one_or_several(member: Peer, room: str, sent: list[Any]) -> None:  # §3.4.1: MUST NOT
    assert asked(member, room, spec_version="2.0") == [sent[3]]
    assert asked(member, room, spec_version="2.1") == [sent[2], sent[4], sent[5]]
    assert asked(member, room, spec_version="2.0,2.1") == sent[2:]
    assert asked(member, room, spec_version="3.7") == []


def test_version_takes_words_and_dates(member: Peer, room: str, sent: list[Any]) -> None:  # §3.4.1
    for value, got in {
        "last": [2, 4, 5],
        "first": [0, 4, 5],
        "all": [0, 1, 2, 4, 5],
        "first,last": [0, 2, 4, 5],
        "last,first": [0, 2, 4, 5],
        "2026-02-01T00:00:00.000Z": [1],
        "2026-02-01T00:00:00Z": [1],
        "2026-03-01T00:00:00.123456Z": [2],
        "2026-03-01T00:00:00.123Z": [],
        "2026-02-01T00:00:00.000Z,2026-01-01T00:00:00.000Z": [0, 1, 4],
        "first,2026-02-01T00:00:00.000Z,last": [0, 1, 2, 4, 5],
    }.items():
        assert asked(member, room, version=value) == [sent[index] for index in got]


def test_all_matches_combine(member: Peer, room: str, sent: list[Any]) -> None:  # §3.4: ANDed
    choices = {
        "id": [None, sent[0]["id"], f"{sent[0]['id']},{sent[4]['id']}"],
        "type": [None, "indicator", "tool,domain-name"],
        "spec_version": [None, "2.0", "2.0,2.1"],
        "version": [None, "all", "first", "2026-02-01T00:00:00.000Z,last"],
    }
    for values in itertools.product(*choices.values()):
        given = {name: value for name, value in zip(choices, values, strict=True) if value is not None}
        got = asked(member, room, **given)
        alone = [
            asked(member, room, **{"version": "all", "spec_version": "2.0,2.1", name: given[name]}) for name in given
        ]
        assert all(item in found for item in got for found in alone)
        if "id" in given:
            assert {item["id"] for item in got} <= set(given["id"].split(","))
        if "type" in given:
            assert {item["type"] for item in got} <= set(given["type"].split(","))


def test_version_and_the_rest_of_the_filters_together(member: Peer, room: str, sent: list[Any]) -> None:
    assert asked(member, room, id=sent[0]["id"], version="all", type="indicator", spec_version="2.1") == sent[:3]
    assert asked(member, room, id=sent[0]["id"], version="all", type="tool") == []
    assert asked(member, room, type="tool", spec_version="2.0", version="first") == [sent[3]]


def test_added_after_is_exclusive_to_the_microsecond(member: Peer, room: str, sent: list[Any]) -> None:  # §3.4
    dates = [item["date_added"] for item in member.get(f"{room}manifest/", {"match[version]": "all"}).ok()["objects"]]
    everything = asked(member, room, version="all")
    for index, date in enumerate(dates):
        query = {"match[version]": "all", "added_after": date}
        assert member.get(f"{room}objects/", query).ok().get("objects", []) == everything[index + 1 :]


@pytest.mark.parametrize(
    "form",
    [
        "2026-05-24T09:00:00Z",
        "2026-05-24T09:00:00.1Z",
        "2026-05-24T09:00:00.123456Z",
        "2026-05-24T09:00:00.123456789Z",
        "2026-05-24t09:00:00z",
        "2026-05-24T16:00:00+07:00",
        "2026-05-24T04:00:00.5-05:00",
        "2016-12-31T23:59:60Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
    ],
)
def test_added_after_takes_any_form_of_rfc_3339(member: Peer, room: str, form: str) -> None:  # §2 timestamp
    member.get(f"{room}objects/", {"added_after": form}).ok()


def test_added_after_has_nothing_to_do_with_dates_in_objects(member: Peer, room: str) -> None:  # §3.4
    old = indicator(created="1999-01-01T00:00:00.000Z", modified="1999-01-01T00:00:00.000Z")
    member.post(f"{room}objects/", [old])
    assert ids(member, room, {"added_after": "2020-01-01T00:00:00Z"}) == [old["id"]]


@pytest.mark.parametrize(
    "query",
    [
        "added_after=",
        "added_after=yesterday",
        "added_after=2026-05-24",
        "added_after=2026-05-24T09:00:00",
        "added_after=2026-02-30T00:00:00Z",
        "added_after=2026-05-24T25:00:00Z",
        "added_after=2026-05-24T09:00:00Z,2026-05-25T09:00:00Z",
        "added_after=1700000000",
        "added_after=2026-05-24T09:00:00Z&added_after=2026-05-25T09:00:00Z",
        "added_after=2026-05-24T09:00:00Z&added_after=2026-05-24T09:00:00Z",
        "limit=",
        "limit=0",
        "limit=-1",
        "limit=1.5",
        "limit=1e3",
        "limit=ten",
        "limit=0x10",
        "limit=%205",
        "limit=5%20",
        "limit=+5",
        "limit=%095",
        "limit=5&limit=6",
        "match[version]=newest",
        "match[version]=",
        "match[version]=2026-02-30T00:00:00.000Z",
        "match[version]=all,last",
        "match[version]=last,last",
        "match[version]=2026-01-01T00:00:00Z,2026-01-01T00:00:00Z",
        "match[type]=indicator&match[type]=malware",
        "match[id]=a&match[id]=b",
        "match[type]=",
        "match[id]=,",
        "match=x",
        "match[]=x",
        "match[id=x",
        "match[id]=%00",
        "next=",
        "next=x",
        "next=AAAA",
        "next=%ff",
        "next=%00",
    ],
)
def test_malformed_parameter_is_a_bad_request(member: Peer, room: str, query: str) -> None:  # §3.4: MUST 400
    for end in ("objects/", "manifest/"):
        member.send("GET", f"/feed/{room}{end}?{query}").refused(400)


def test_unknown_parameters_are_ignored(member: Peer, room: str, sent: list[Any]) -> None:
    assert member.get(f"{room}objects/", {"x_trace": "1", "": ""}).ok() == member.get(f"{room}objects/").ok()


@pytest.mark.parametrize("field", ["colour", "x_risk", "value", "Type"])
def test_unknown_match_field_is_ignored(member: Peer, room: str, sent: list[Any], field: str) -> None:
    # §3.4: servers may ignore fields they do not understand.
    for path in (f"{room}objects/", f"{room}manifest/", f"{room}objects/{sent[0]['id']}/"):
        assert member.get(path, {f"match[{field}]": "red"}).ok() == member.get(path).ok()
    # An incompletely understood filter deletes nothing.
    member.send("DELETE", f"/feed/{room}objects/{sent[0]['id']}/?match[{field}]=red").refused(400)
    assert ids(member, room, {}) == [item["id"] for item in (sent[2], sent[4], sent[5])]


def test_names_and_brackets_may_be_percent_encoded(member: Peer, room: str, sent: list[Any]) -> None:
    answer = member.send("GET", f"/feed/{room}objects/?match%5Btype%5D=tool%2Cindicator")
    assert answer.ok()["objects"] == [sent[2], sent[4]]


def test_filters_and_added_after_and_limit_together(member: Peer, room: str, sent: list[Any]) -> None:
    page = member.get(f"{room}objects/", {"match[type]": "indicator", "match[version]": "all", "limit": "1"})
    query = {"match[type]": "indicator", "match[version]": "all", "added_after": page.headers[LAST], "limit": "1"}
    assert member.get(f"{room}objects/", query).ok()["objects"] == [sent[1]]
