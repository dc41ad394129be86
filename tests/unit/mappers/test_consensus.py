"""A consensus becomes one indicator by the hub, with the number of reporters and the recommended action."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stix2
from jsonschema import Draft202012Validator

from mappers import consensus, extension, ids
from mappers.indicator import OPENCTI, Profile, to_stix
from mappers.report_reader import from_stix
from schemas.fields import Evidence, Hold
from schemas.json_schema import extension_schema
from schemas.kind import NO_DETAILS
from schemas.kinds import every
from schemas.partner import PartnerKind
from schemas.report import Consensus, Referral, Report
from schemas.vocabulary import Action, HolderStatus, PaymentRail, Tlp

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MOMENT = "2026-11-24T12:00:00.000Z"
HUB = "identity--a3a1f7c0-0000-4000-8000-000000000000"
REFERRAL = Referral("Example Ministry", "protection@example.org")
GOOD = [(name, example) for name, kind in every().items() for example in kind.examples() if example.value]


def about(**words: Any) -> Consensus:
    """Return a consensus with as few fields as possible, except for ``words``."""
    little: dict[str, Any] = {"kind": "domain", "value": "bad.example.com", "details": NO_DETAILS}
    little |= {"first_seen": None, "last_seen": None}
    little |= {"confidence": 50, "grade": Action.WARN, "disputed": False, "reporters": 1}
    little |= {"valid_from": NOON, "valid_until": NOON + timedelta(days=90), "reporter_kinds": (PartnerKind.BANK,)}
    return Consensus(**{**little, **words})


FULL = about(
    kind="bank-account",
    value="GB33BUKB20201555555555",
    details={"bic": "BUKBGB22"},
    first_seen=NOON - timedelta(days=2),
    last_seen=NOON - timedelta(days=1),
    valid_from=NOON - timedelta(days=2),
    confidence=75,
    grade=Action.HOLD,
    disputed=True,
    reporters=2,
    reporter_kinds=(PartnerKind.BANK, PartnerKind.GOVERNMENT),
    scam_type="investment",
    scam_types=("romance",),
    channel="ad",
    payment_rail=PaymentRail.BANK,
    holder_status=HolderStatus.COERCED,
    countries=("GB", "TH"),
    evidence=(Evidence(sha256="a" * 64),),
    reference="case 7",
    description="Said in words",
    hold=Hold(amount="1500.50", currency="THB", reference="case 7", until=NOON + timedelta(days=90)),
    holds=(
        Hold(amount="1500.50", currency="THB", reference="case 7", until=NOON + timedelta(days=90)),
        Hold(until=NOON + timedelta(days=3)),
    ),
    origins=("indicator--5d2d5c2e-0000-4000-8000-000000000001",),
)


def stix(fused: Consensus, *, tlp: Tlp = Tlp.AMBER, seq: int = 0, referral: Referral | None = None) -> dict[str, Any]:
    spelled = consensus.pattern_of(Report.model_construct(kind=fused.kind, value=fused.value, details=fused.details))
    id_ = ids.indicator(HUB, spelled, seq)
    return consensus.to_stix(fused, id_, HUB, created=MOMENT, modified=MOMENT, tlp=tlp, seq=seq, referral=referral)


def ours(obj: dict[str, Any]) -> dict[str, Any]:
    context: dict[str, Any] = obj["extensions"][extension.ID]
    return context


def test_consensus_id_follows_from_the_pattern() -> None:
    obj = stix(about())
    assert obj["created_by_ref"] == HUB
    assert obj["id"] == ids.indicator(HUB, obj["pattern"])
    assert obj["pattern"] == "[domain-name:value = 'bad.example.com']"


def test_reporters_and_grade_are_in_extension_and_labels() -> None:
    obj = stix(FULL)
    assert ours(obj) | {"reporters": 2, "reporter_kinds": ["bank", "government"], "grade": "hold"} == ours(obj)
    assert ours(obj) | {"scam_types": ["romance"], "disputed": True, "requested_action": "hold"} == ours(obj)
    assert {'scam:grade="hold"', 'scam:disputed="yes"', 'scam:action="hold"'} <= set(obj["labels"])
    assert (obj["confidence"], obj["extensions"][OPENCTI]["score"]) == (75, 75)


def test_empty_fields_are_omitted() -> None:
    obj = stix(about())
    assert ours(obj).keys() == {
        *("extension_type", "kind", "scam_category", "scam_type"),
        *("requested_action", "grade", "reporters", "reporter_kinds"),
    }
    assert "external_references" not in obj
    assert not any("disputed" in label for label in obj["labels"])


@pytest.mark.parametrize(
    ("fused", "options"), [(about(), {}), (FULL, {"referral": REFERRAL, "seq": 2})], ids=["little", "full"]
)
def test_the_extension_is_valid_by_its_schema(fused: Consensus, options: dict[str, Any]) -> None:
    obj = stix(fused, **options)
    Draft202012Validator(extension_schema()).validate(ours(obj))
    stix2.parse(obj)


def test_consensus_reads_as_a_report_with_its_grade() -> None:
    report = from_stix(stix(FULL, tlp=Tlp.AMBER_STRICT, referral=REFERRAL))
    fused = {name: getattr(FULL, name) for name in Consensus._fields if name in Report.model_fields}
    # A hold next to the consensus of several reporters is not part of the combined report.
    assert {name: getattr(report, name) for name in fused} == fused | {"hold": None}
    assert from_stix(stix(FULL._replace(reporters=1))).hold == FULL.hold
    assert (report.action, report.tlp, report.reporter) == (Action.HOLD, Tlp.AMBER_STRICT, HUB)


def test_a_new_listing_is_a_new_object_with_its_number() -> None:
    first, second = stix(about()), stix(about(), seq=1)
    assert first["id"] != second["id"]
    assert "listing" not in ours(first)
    assert ours(second)["listing"] == 2


def test_a_coerced_holder_is_referred_to_protection() -> None:
    obj = stix(FULL, referral=REFERRAL)
    assert ours(obj)["referral"] == {"organisation": "Example Ministry", "contact": "protection@example.org"}
    assert {"source_name": "Example Ministry", "description": "For protection: protection@example.org"} in obj[
        "external_references"
    ]


def test_origins_are_written_and_read_back() -> None:
    assert consensus.origins_of(stix(FULL)) == {*FULL.origins}
    assert consensus.origins_of(stix(about())) == frozenset()


def test_companion_objects_are_the_hubs_too() -> None:
    obj = stix(FULL)
    observable, relationship = consensus.basis_of(obj, FULL, consensus.terms_of(FULL))
    assert (observable["type"], observable["iban"]) == ("bank-account", FULL.value)
    assert (relationship["created_by_ref"], relationship["source_ref"]) == (HUB, obj["id"])


@pytest.mark.parametrize(("kind", "example"), GOOD, ids=[f"{kind}-{number}" for number, (kind, _) in enumerate(GOOD)])
def test_consensus_contains_its_reports_indicator(kind: str, example: Any) -> None:
    fused = about(kind=kind, value=example.value, details=example.details)
    report = Report(
        kind=kind,
        value=example.value,
        details=example.details,
        reporter="Example Bank",
        reported_at=NOON,
        valid_until=fused.valid_until,
        confidence=50,
        action="warn",
    )
    [plain] = to_stix(report, Profile.CORE)
    obj = stix(fused)
    differing = {"id", "created_by_ref", "labels", "extensions", "object_marking_refs"}
    assert {name: obj[name] for name in plain.keys() - differing} == {
        name: plain[name] for name in plain.keys() - differing
    }
    assert obj.keys() == plain.keys()
    assert set(plain["labels"]) <= set(obj["labels"])
    assert obj["extensions"][OPENCTI] == plain["extensions"][OPENCTI]
    assert ours(plain).items() <= ours(obj).items()


def test_two_that_differ_in_their_times_share_no_time() -> None:
    later = about(
        valid_from=NOON + timedelta(days=1), last_seen=NOON + timedelta(days=1), valid_until=NOON.replace(2028)
    )
    first, second = stix(about()), stix(later)
    assert (first["valid_from"], second["valid_from"]) == (MOMENT, "2026-11-25T12:00:00.000Z")
    assert (first["valid_until"], second["valid_until"]) == ("2027-02-22T12:00:00.000Z", "2028-11-24T12:00:00.000Z")
    assert ("last_seen" in ours(first), "last_seen" in ours(second)) == (False, True)
