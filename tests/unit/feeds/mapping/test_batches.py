"""Objects dated ahead of this clock are dated now; otherwise the checkpoint would skip them."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from feeds.connector import Batch, Gone
from feeds.connectors import build
from feeds.mapping.batches import PeerObjects, as_of_now
from feeds.mapping.options import Options
from feeds.runs.run import Run
from mappers import extension, ids, marking, records as record_mapper
from mappers.consensus import ORIGIN, is_second_hand, to_stix as to_consensus
from mappers.indicator import Profile, to_stix
from mappers.report_reader import from_stix
from schemas import kinds, tabular, timestamp
from schemas.partner import Partner, PartnerKind
from schemas.report import Report
from schemas.tabular import ReportReader
from schemas.vocabulary import Tlp
from server.release.fuse.consensus import fuse
from server.release.fuse.statements import Statement
from server.store import Store, partners
from tests.contract.connectors.contract import latest
from tests.running import run

NAME = "Example Telecom"
MINE = ids.identity(NAME)


@pytest.fixture
def store(initial_store: Path, tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{shutil.copy(initial_store, tmp_path / 'hub.db')}")
    with opened.begin() as tx:
        partners.add(tx, Partner(name=NAME, kind=PartnerKind.TELECOM, identity=MINE))
    yield opened
    opened.close()


def ahead(hours: float) -> str:
    return timestamp.text(timestamp.now() + timedelta(hours=hours))


def dated_indicator(hours: float, value: str = "a.example.com", **more: Any) -> dict[str, Any]:
    return {**to_stix(Report(kind="domain", value=value, reporter=NAME, reported_at=ahead(hours)))[1], **more}


def pulled(store: Store, *objects: dict[str, Any]) -> Run:
    feed = build({"name": "list", "connector": "file-pull", "path": "/x", "contribute_as": NAME})
    feed.pull = lambda *_: iter([Batch([[obj] for obj in objects], {}, len(objects))])  # type: ignore[attr-defined]
    return run(store, feed)


def kept(store: Store, type_: str = "indicator") -> list[dict[str, Any]]:
    return [obj for obj in latest(store, "inbox") if obj["type"] == type_]


@pytest.mark.parametrize("hours", [0.1, 7, 24 * 365])
def test_an_object_dated_ahead_is_dated_now_and_counted(store: Store, hours: float) -> None:
    result = pulled(store, dated_indicator(hours), dated_indicator(-1, "b.example.com"))
    assert (result.ending, result.accepted, result.rejected, result.dated_ahead) == ("done", 2, 0, 1)
    assert len(kept(store)) == 2
    assert all(obj["created"] <= obj["modified"] <= timestamp.text(timestamp.now()) for obj in kept(store))


def test_later_version_dated_ahead_is_accepted(store: Store) -> None:
    pulled(store, dated_indicator(7))
    assert pulled(store, dated_indicator(7.5, confidence=90)).dated_ahead == 1
    assert [obj["confidence"] for obj in kept(store)] == [90]


def test_revocation_dated_ahead_is_accepted(store: Store) -> None:
    pulled(store, dated_indicator(7))
    pulled(store, dated_indicator(8, revoked=True))
    assert [obj["revoked"] for obj in kept(store)] == [True]


def test_sighting_and_note_are_dated_likewise(store: Store) -> None:
    known = dated_indicator(-1)
    defaults = {"reporter": NAME, "reported_at": ahead(7), "tlp": "green"}
    sighting = record_mapper.to_stix(tabular.read_record("sighting", {"of": known["id"]}, defaults))[-1]
    note = {
        "type": "note",
        "spec_version": "2.1",
        "id": "note--ee20065d-2555-424f-ad9e-0f8428623c75",
        "created_by_ref": MINE,
        "created": ahead(7),
        "modified": ahead(7),
        "content": "Seen in three campaigns.",
        "object_refs": [known["id"]],
        "object_marking_refs": [marking.ref(Tlp.GREEN)],
    }
    assert pulled(store, known, sighting, note).dated_ahead == 2
    assert len(kept(store, "sighting")) == len(kept(store, "note")) == 1


def test_object_slightly_ahead_or_without_a_time_is_unchanged() -> None:
    items = [
        [dated_indicator(0.05)],
        [{"type": "url", "id": "url--1", "value": "x"}],
        [{"modified": 5}],
        [{"modified": "x"}],
    ]
    assert as_of_now(items) == (items, 0)


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


def test_only_the_listing_of_a_hub_becomes_second_hand() -> None:
    listing = {extension.ID: {"extension_type": extension.TYPE, "grade": "block", "reporters": 2}}
    ((adopted,),) = adopter().adopt([indicator(extensions=listing)]).items
    assert extension.context_of(adopted)["second_hand"] is True
    assert is_second_hand(adopted)
    ((first_hand,),) = adopter().adopt([indicator()]).items
    assert not is_second_hand(first_hand)
    # Passed on by another peer, it stays second-hand.
    assert is_second_hand(adopter("Other").adopt([adopted]).items[0][0])


def test_each_value_of_a_pattern_is_a_separate_indicator() -> None:
    pattern = "[domain-name:value = 'a.example.com' OR domain-name:value = 'b.example.com']"
    done = adopter().adopt([indicator(pattern=pattern)])
    assert sorted(adopted["pattern"] for (adopted,) in done.items) == [
        "[domain-name:value = 'a.example.com']",
        "[domain-name:value = 'b.example.com']",
    ]
    assert len({adopted["id"] for (adopted,) in done.items}) == done.read == 2
    revoked = adopter().adopt([indicator(pattern=pattern, revoked=True)])
    assert sorted(gone.subject for gone in revoked.gone) == sorted(adopted["id"] for (adopted,) in done.items)


def test_revocation_with_reversed_times_still_revokes() -> None:
    ended = indicator(revoked=True, valid_until="2025-01-01T00:00:00Z", modified="2026-02-01T00:00:00.000Z")
    ((adopted,),) = adopter().adopt([indicator()]).items
    assert adopter().adopt([ended]).gone == [Gone(adopted["id"], "2026-02-01T00:00:00.000Z")]


def test_indicator_returned_by_another_peer_keeps_its_id() -> None:
    one, other = adopter("One"), adopter("Other")
    first = one.adopt([indicator()]).items[0][0]
    back = other.adopt([first]).items[0][0]
    assert back["id"] != first["id"]
    assert one.adopt([back]).items[0][0]["id"] == first["id"]


def test_two_indicators_of_one_value_stay_two() -> None:
    done = adopter().adopt([indicator(), indicator(id=IDS[1])])
    assert len({adopted["id"] for (adopted,) in done.items}) == 2


def test_own_profile_survives_adoption() -> None:
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


def test_custom_marking_of_the_peer_is_remembered() -> None:
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


def test_other_objects_are_skipped_or_rejected_with_a_reason() -> None:
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


def test_malformed_object_of_the_partner_has_a_reason() -> None:
    mine = {"created_by_ref": ids.identity("Example Telecom")}
    done = adopter().adopt([indicator(**mine), indicator(**mine, id="indicator--1"), indicator(**mine, revoked="yes")])
    assert len(done.items) == 1
    assert done.rejected.total() == 2


def test_a_report_dated_ahead_of_our_clock_is_dated_now() -> None:
    ((adopted,),) = adopter().adopt([indicator(modified="2999-01-01T00:00:00.000Z")]).items
    assert adopted["modified"] < "2999"


# Properties that differ when another maker writes the same indicator.
OF_ITS_MAKER = {"id", "created_by_ref", "created", "external_references"}


@pytest.mark.parametrize("kind", sorted(kinds.every()))
def test_indicator_of_our_profile_is_adopted_with_only_its_creator_changed(kind: str) -> None:
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
def test_faulty_indicator_of_our_profile_has_a_reason(more: dict[str, Any], reason: str) -> None:
    done = adopter().adopt([{**ours(), **more}])
    assert (done.items, done.rejected) == ([], {reason: 1})


@pytest.mark.parametrize("more", [{"name": "Something else"}, {"x_more": True}])
def test_properties_without_a_field_of_the_report_are_not_adopted(more: dict[str, Any]) -> None:
    assert adopter().adopt([{**ours(), **more}]).items == adopter().adopt([ours()]).items


def test_revoked_indicator_of_our_profile_is_retracted() -> None:
    ((adopted,),) = adopter().adopt([ours()]).items
    assert adopter().adopt([{**ours(), "revoked": True}]).gone == [Gone(adopted["id"], adopted["modified"])]


def test_non_text_type_is_rejected_alone() -> None:
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
