"""Other people's objects said anew: in whose name, under which id, and what is nothing."""

from typing import Any

import pytest

from feeds.connector import Gone
from feeds.mapping.options import Options
from feeds.mapping.peer_objects import PeerObjects
from mappers import extension, ids, marking
from mappers.consensus import ORIGIN, to_stix as to_consensus
from mappers.indicator import Profile, from_stix, to_stix
from schemas import kinds, timestamp
from schemas.partner import Partner, PartnerKind
from schemas.report import Report
from schemas.tabular import ReportReader
from schemas.vocabulary import Tlp
from server.release.fuse.consensus import fuse
from server.release.fuse.statements import Statement

NARROW = "marking-definition--26ffb872-1dd9-446e-b6f5-d58527e5b5d2"
IDS = [
    "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "indicator--26ffb872-1dd9-446e-b6f5-d58527e5b5d2",
]


def indicator(**more: Any) -> dict[str, Any]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": IDS[0],
        "created_by_ref": "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-02T00:00:00.000Z",
        "pattern": "[domain-name:value = 'a.example.com']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
        **more,
    }


def adopting(name: str = "Example Telecom") -> PeerObjects:
    return PeerObjects(Options(reporter=name))


def test_an_indicator_is_said_in_the_partners_name_and_names_its_first_id() -> None:
    ((said,),) = adopting().adopt([indicator()]).items
    assert said["created_by_ref"] == ids.identity("Example Telecom")
    assert said["external_references"] == [{"source_name": ORIGIN, "external_id": IDS[0]}]
    assert said["pattern"] == "[domain-name:value = 'a.example.com']"
    assert said["modified"] == "2026-01-02T00:00:00.000Z"
    assert said["id"] != IDS[0]


def test_each_value_of_a_pattern_is_an_indicator_of_its_own() -> None:
    pattern = "[domain-name:value = 'a.example.com' OR domain-name:value = 'b.example.com']"
    done = adopting().adopt([indicator(pattern=pattern)])
    assert sorted(said["pattern"] for (said,) in done.items) == [
        "[domain-name:value = 'a.example.com']",
        "[domain-name:value = 'b.example.com']",
    ]
    assert len({said["id"] for (said,) in done.items}) == done.read == 2
    gone = adopting().adopt([indicator(pattern=pattern, revoked=True)])
    assert sorted(each.subject for each in gone.gone) == sorted(said["id"] for (said,) in done.items)


def test_what_ended_before_it_began_is_taken_back_all_the_same() -> None:
    ended = indicator(revoked=True, valid_until="2025-01-01T00:00:00Z", modified="2026-02-01T00:00:00.000Z")
    ((said,),) = adopting().adopt([indicator()]).items
    assert adopting().adopt([ended]).gone == [Gone(said["id"], "2026-02-01T00:00:00.000Z")]


def test_what_comes_round_a_circle_of_peers_comes_round_once() -> None:
    one, other = adopting("One"), adopting("Other")
    had = one.adopt([indicator()]).items[0][0]
    back = other.adopt([had]).items[0][0]
    assert back["id"] != had["id"]
    assert one.adopt([back]).items[0][0]["id"] == had["id"]


def test_two_indicators_of_one_value_stay_two() -> None:
    done = adopting().adopt([indicator(), indicator(id=IDS[1])])
    assert len({said["id"] for (said,) in done.items}) == 2


def test_our_own_profile_loses_nothing_on_the_way() -> None:
    report = Report(
        kind="domain",
        value="a.example.com",
        reporter="Another",
        reported_at="2026-01-02T00:00:00Z",
        scam_type="romance",
        channel="sms",
        countries=["TH"],
        confidence=70,
        tlp="green",
    )
    told = to_stix(report)
    done = adopting().adopt(told)
    ((said,),) = done.items
    (ours,) = [obj for obj in told if obj["type"] == "indicator"]
    differing = {name for name in said.keys() | ours.keys() if said.get(name) != ours.get(name)}
    assert differing == {"id", "created_by_ref", "external_references"} | (differing & {"created"})
    assert not done.rejected


def test_a_marking_of_the_peers_own_is_remembered() -> None:
    definition = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": NARROW,
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "TLP:GREEN"},
        "name": "TLP:GREEN",
    }
    first = adopting()
    marked = indicator(object_marking_refs=[NARROW])
    unknown = first.adopt([marked]).items[0][0]["object_marking_refs"]
    assert unknown == [marking.ref(Tlp.RED)]
    known = first.adopt([marked, definition]).items[0][0]["object_marking_refs"]
    assert known == [marking.ref(Tlp.GREEN)]
    later = PeerObjects(Options(reporter="Example Telecom"), first.markings)
    assert later.adopt([marked]).items[0][0]["object_marking_refs"] == known
    stated = {**definition, "name": "made", "definition": {"statement": "made by a tool"}}
    assert adopting().adopt([marked, stated]).items[0][0]["object_marking_refs"] == [marking.ref(Tlp.AMBER)]
    odd = {**definition, "name": "TLP:PURPLE"}
    assert adopting().adopt([marked, odd]).items[0][0]["object_marking_refs"] == [marking.ref(Tlp.RED)]


def test_what_is_no_indicator_is_nothing_or_has_its_reason() -> None:
    done = adopting().adopt(
        [
            {"type": "identity", "id": "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff", "name": "X"},
            {"type": "domain-name", "spec_version": "2.1", "id": "domain-name--1", "value": "a.example.com"},
            {"type": "malware", "spec_version": "2.1", "created": "2026-01-01T00:00:00.000Z", "id": "malware--1"},
            "an indicator",
            None,
            indicator(pattern=7),
            indicator(pattern="[domain-name:value MATCHES 'x']", revoked=True),
        ]
    )
    assert done.rejected == {"not-an-indicator": 1, "not-a-record": 2, "indicator-form": 1, "revoked": 1}
    assert (done.items, done.gone) == ([], [])


def test_a_malformed_object_of_the_partners_own_has_its_reason() -> None:
    mine = {"created_by_ref": ids.identity("Example Telecom")}
    done = adopting().adopt([indicator(**mine), indicator(**mine, id="indicator--1"), indicator(**mine, revoked="yes")])
    assert len(done.items) == 1
    assert done.rejected.total() == 2


def test_a_time_ahead_of_ours_is_ours() -> None:
    ((said,),) = adopting().adopt([indicator(modified="2999-01-01T00:00:00.000Z")]).items
    assert said["modified"] < "2999"


# What another maker of the same indicator writes otherwise.
OF_ITS_MAKER = {"id", "created_by_ref", "created", "external_references"}


@pytest.mark.parametrize("kind", sorted(kinds.every()))
def test_an_indicator_of_our_own_profile_is_adopted_with_another_maker_and_nothing_else_changed(kind: str) -> None:
    stated = {"reporter": "Example Bank", "reported_at": "2026-01-02T03:04:05Z", "kind": kind}
    more: list[dict[str, str]] = [
        {},
        {"scam_type": "romance", "confidence": "80", "tlp": "green", "countries": "TH;SG", "channel": "messenger"},
        {"description": "Seen in a room.", "lang": "de", "first_seen": "2026-01-01", "sha256": "ab" * 32},
    ]
    objects = [
        to_stix(ReportReader({**stated, **columns}).report({"value": example.raw, **example.given}), Profile.CORE)[0]
        for example in kinds.get(kind).examples()
        if example.reason is None
        for columns in more
    ]
    assert objects
    same = 0
    for obj in objects:
        ((adopted,),) = adopting().adopt([obj]).items
        differing = {name for name in obj.keys() | adopted.keys() if obj.get(name) != adopted.get(name)}
        same += differing <= OF_ITS_MAKER
    assert same > len(objects) / 2


def test_a_proof_keeps_where_its_holder_keeps_it() -> None:
    report = Report(
        kind="domain",
        value="a.example.com",
        reporter="Example Bank",
        reported_at="2026-01-02",
        evidence=[{"sha256": "ab" * 32, "reference": "case 7"}],
    )
    ((adopted,),) = adopting().adopt(to_stix(report, Profile.CORE)).items
    assert from_stix(adopted).evidence == report.evidence


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"labels": ["benign"]}, "not-a-scam"),
        ({"extensions": {extension.ID: 7}}, "indicator-form"),
        ({"extensions": []}, "indicator-form"),
        ({"pattern": 7}, "indicator-form"),
    ],
)
def test_an_indicator_of_our_own_profile_with_a_fault_has_its_reason(more: dict[str, Any], reason: str) -> None:
    done = adopting().adopt([{**ours(), **more}])
    assert (done.items, done.rejected) == ([], {reason: 1})


@pytest.mark.parametrize("more", [{"name": "Something else"}, {"x_more": True}])
def test_what_a_report_has_no_field_for_is_not_adopted(more: dict[str, Any]) -> None:
    assert adopting().adopt([{**ours(), **more}]).items == adopting().adopt([ours()]).items


def test_a_revoked_indicator_of_our_own_profile_is_taken_back() -> None:
    ((adopted,),) = adopting().adopt([ours()]).items
    assert adopting().adopt([{**ours(), "revoked": True}]).gone == [Gone(adopted["id"], adopted["modified"])]


def test_a_type_that_is_no_text_is_rejected_alone() -> None:
    done = adopting().adopt([indicator(type=["indicator"]), indicator()])
    assert (len(done.items), done.rejected) == (1, {"not-an-indicator": 1})


def ours() -> dict[str, Any]:
    report = Report(kind="domain", value="a.example.com", reporter="Example Bank", reported_at="2026-01-02")
    return to_stix(report, Profile.CORE)[0]


def test_what_a_hub_says_of_several_reports_is_adopted_as_what_they_come_to() -> None:
    partner = Partner(name="Example Bank", kind=PartnerKind.BANK, identity=ids.identity("Example Bank"))
    report = ReportReader(
        {"reporter": "Example Bank", "reported_at": timestamp.text(timestamp.now()), "kind": "domain"}
    ).report({"value": "bad.example.com"})
    said = fuse([Statement(partner, report, IDS[1], origins=frozenset({IDS[1]}))], at=timestamp.now())
    now = timestamp.text(timestamp.now())
    theirs = to_consensus(said, IDS[0], ids.identity("Another hub"), created=now, modified=now, tlp=Tlp.GREEN)
    ((adopted,),) = adopting().adopt([theirs]).items
    assert (adopted["pattern"], adopted["confidence"]) == (theirs["pattern"], theirs["confidence"])
    assert not {"grade", "reporters", "reporter_kinds"} & extension.context_of(adopted).keys()
    assert adopted["external_references"] == [{"source_name": ORIGIN, "external_id": IDS[1]}]
    assert from_stix(adopted).action == said.grade
