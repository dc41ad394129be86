"""Objects of peers, adopted: the creator, the id, and objects that are passed over."""

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


def adopter(name: str = "Example Telecom") -> PeerObjects:
    return PeerObjects(Options(reporter=name))


def test_an_indicator_is_adopted_in_the_partners_name_and_refers_to_its_first_id() -> None:
    ((adopted,),) = adopter().adopt([indicator()]).items
    assert adopted["created_by_ref"] == ids.identity("Example Telecom")
    assert adopted["external_references"] == [{"source_name": ORIGIN, "external_id": IDS[0]}]
    assert adopted["pattern"] == "[domain-name:value = 'a.example.com']"
    assert adopted["modified"] == "2026-01-02T00:00:00.000Z"
    assert adopted["id"] != IDS[0]


def test_each_value_of_a_pattern_is_an_indicator_of_its_own() -> None:
    pattern = "[domain-name:value = 'a.example.com' OR domain-name:value = 'b.example.com']"
    done = adopter().adopt([indicator(pattern=pattern)])
    assert sorted(adopted["pattern"] for (adopted,) in done.items) == [
        "[domain-name:value = 'a.example.com']",
        "[domain-name:value = 'b.example.com']",
    ]
    assert len({adopted["id"] for (adopted,) in done.items}) == done.read == 2
    revoked = adopter().adopt([indicator(pattern=pattern, revoked=True)])
    assert sorted(gone.subject for gone in revoked.gone) == sorted(adopted["id"] for (adopted,) in done.items)


def test_a_revocation_that_ends_before_it_begins_is_taken_back_all_the_same() -> None:
    ended = indicator(revoked=True, valid_until="2025-01-01T00:00:00Z", modified="2026-02-01T00:00:00.000Z")
    ((adopted,),) = adopter().adopt([indicator()]).items
    assert adopter().adopt([ended]).gone == [Gone(adopted["id"], "2026-02-01T00:00:00.000Z")]


def test_an_indicator_that_comes_back_through_another_peer_keeps_its_id() -> None:
    one, other = adopter("One"), adopter("Other")
    first = one.adopt([indicator()]).items[0][0]
    back = other.adopt([first]).items[0][0]
    assert back["id"] != first["id"]
    assert one.adopt([back]).items[0][0]["id"] == first["id"]


def test_two_indicators_of_one_value_stay_two() -> None:
    done = adopter().adopt([indicator(), indicator(id=IDS[1])])
    assert len({adopted["id"] for (adopted,) in done.items}) == 2


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
    objects = to_stix(report)
    done = adopter().adopt(objects)
    ((adopted,),) = done.items
    (ours,) = [obj for obj in objects if obj["type"] == "indicator"]
    differing = {name for name in adopted.keys() | ours.keys() if adopted.get(name) != ours.get(name)}
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
    first = adopter()
    marked = indicator(object_marking_refs=[NARROW])
    unknown = first.adopt([marked]).items[0][0]["object_marking_refs"]
    assert unknown == [marking.ref(Tlp.RED)]
    known = first.adopt([marked, definition]).items[0][0]["object_marking_refs"]
    assert known == [marking.ref(Tlp.GREEN)]
    later = PeerObjects(Options(reporter="Example Telecom"), first.markings)
    assert later.adopt([marked]).items[0][0]["object_marking_refs"] == known
    stated = {**definition, "name": "made", "definition": {"statement": "made by a tool"}}
    assert adopter().adopt([marked, stated]).items[0][0]["object_marking_refs"] == [marking.ref(Tlp.AMBER)]
    odd = {**definition, "name": "TLP:PURPLE"}
    assert adopter().adopt([marked, odd]).items[0][0]["object_marking_refs"] == [marking.ref(Tlp.RED)]


def test_other_objects_are_passed_over_or_rejected_with_a_reason() -> None:
    done = adopter().adopt(
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
    done = adopter().adopt([indicator(**mine), indicator(**mine, id="indicator--1"), indicator(**mine, revoked="yes")])
    assert len(done.items) == 1
    assert done.rejected.total() == 2


def test_a_report_dated_ahead_of_our_clock_is_dated_now() -> None:
    ((adopted,),) = adopter().adopt([indicator(modified="2999-01-01T00:00:00.000Z")]).items
    assert adopted["modified"] < "2999"


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
        ((adopted,),) = adopter().adopt([obj]).items
        differing = {name for name in obj.keys() | adopted.keys() if obj.get(name) != adopted.get(name)}
        same += differing <= OF_ITS_MAKER
    assert same > len(objects) / 2


def test_evidence_keeps_its_reference() -> None:
    report = Report(
        kind="domain",
        value="a.example.com",
        reporter="Example Bank",
        reported_at="2026-01-02",
        evidence=[{"sha256": "ab" * 32, "reference": "case 7"}],
    )
    ((adopted,),) = adopter().adopt(to_stix(report, Profile.CORE)).items
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
    done = adopter().adopt([{**ours(), **more}])
    assert (done.items, done.rejected) == ([], {reason: 1})


@pytest.mark.parametrize("more", [{"name": "Something else"}, {"x_more": True}])
def test_properties_without_a_field_of_the_report_are_not_adopted(more: dict[str, Any]) -> None:
    assert adopter().adopt([{**ours(), **more}]).items == adopter().adopt([ours()]).items


def test_a_revoked_indicator_of_our_own_profile_is_taken_back() -> None:
    ((adopted,),) = adopter().adopt([ours()]).items
    assert adopter().adopt([{**ours(), "revoked": True}]).gone == [Gone(adopted["id"], adopted["modified"])]


def test_a_type_that_is_no_text_is_rejected_alone() -> None:
    done = adopter().adopt([indicator(type=["indicator"]), indicator()])
    assert (len(done.items), done.rejected) == (1, {"not-an-indicator": 1})


def ours() -> dict[str, Any]:
    report = Report(kind="domain", value="a.example.com", reporter="Example Bank", reported_at="2026-01-02")
    return to_stix(report, Profile.CORE)[0]


def test_the_consensus_of_a_hub_is_adopted_with_its_grade() -> None:
    partner = Partner(name="Example Bank", kind=PartnerKind.BANK, identity=ids.identity("Example Bank"))
    report = ReportReader(
        {"reporter": "Example Bank", "reported_at": timestamp.text(timestamp.now()), "kind": "domain"}
    ).report({"value": "bad.example.com"})
    consensus = fuse([Statement(partner, report, IDS[1], origins=frozenset({IDS[1]}))], at=timestamp.now())
    now = timestamp.text(timestamp.now())
    theirs = to_consensus(consensus, IDS[0], ids.identity("Another hub"), created=now, modified=now, tlp=Tlp.GREEN)
    ((adopted,),) = adopter().adopt([theirs]).items
    assert (adopted["pattern"], adopted["confidence"]) == (theirs["pattern"], theirs["confidence"])
    assert not {"grade", "reporters", "reporter_kinds"} & extension.context_of(adopted).keys()
    assert adopted["external_references"] == [{"source_name": ORIGIN, "external_id": IDS[1]}]
    assert from_stix(adopted).action == consensus.grade
