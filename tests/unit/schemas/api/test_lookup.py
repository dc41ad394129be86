"""Values in any spelling are read as in a report, and listings expire."""

import time

import msgspec
import pytest
from hypothesis import given, strategies as st

from schemas import kinds, timestamp
from schemas.api.lookup import (
    ListedHold,
    Listing,
    LookupQuestion,
    LookupRequest,
    LookupResult,
    current,
    readings,
    strongest,
)
from schemas.errors import Rejected
from schemas.report import MAX_VALUE
from schemas.vocabulary import Action

_LISTING = Listing(
    collection="mule-accounts",
    id="indicator--3c1cc1f3-5f7b-4d2c-9a4e-5f7a0b8f1d11",
    grade=Action.HOLD,
    confidence=60,
    reporters=2,
    reporter_kinds=("bank",),
    scam_type="unknown",
    disputed=False,
    hold=ListedHold(amount="1500", currency="THB", until="2026-12-01T00:00:00.000Z"),
    valid_until="2027-01-01T00:00:00.000Z",
    modified="2026-11-01T00:00:00.000Z",
    tlp="amber",
)


def test_an_account_has_one_name_by_iban_and_by_bank_code_and_number() -> None:
    [by_iban] = readings("GB29 NWBK 6016 1331 9268 19")
    [by_code] = readings("31926819", "bank-account", {"bank": "601613", "country": "GB"})
    assert by_iban.name == by_code.name


def test_kind_can_precede_the_value() -> None:
    [behind] = readings("bank-account:TH:KASITHBK:1234567890")
    assert behind.name == "bank-account:TH:KASITHBK:1234567890"
    assert kinds.taken_by(behind.name) == [(kinds.get("bank-account"), "TH:KASITHBK:1234567890")]
    assert [reading.kind for reading in readings("https://example.org:8443/a")] == ["url"]
    with pytest.raises(Rejected, match="no kind takes this value"):
        kinds.taken_by("no such thing")


def test_details_determine_the_kind() -> None:
    [reading] = readings("1234567890", details={"bank": "KBANK"})
    assert reading.kind == "bank-account"
    assert readings("1234567890", "bank-account", {"bank": "004", "country": "TH"}) == [reading]


def test_number_can_be_in_the_details() -> None:
    [reading] = readings("", details={"bank": "KBANK", "account_number": "123-4-56789-0"})
    assert reading.normal == readings("1234567890", details={"bank": "KBANK"})[0].normal


def test_a_defanged_value_is_the_value() -> None:
    assert readings("hxxps://shop.example[.]com/x") == readings("https://shop.example.com/x", "url")


def test_every_accepted_example_is_read_as_its_kind() -> None:
    for kind in kinds.every().values():
        for example in kind.examples():
            if example.value is not None:
                [reading] = readings(example.raw, kind.name, example.given)
                assert reading.normal in (example.value, readings(example.value, kind.name)[0].normal)


@pytest.mark.parametrize(
    ("value", "kind", "details", "reason"),
    [
        ("1234567890", "bank-account", {}, "bank-missing"),
        ("1234567890", "bank-account", {"bnak": "KBANK"}, "unknown-detail"),
        ("1234567890", None, {"bnak": "KBANK"}, "unknown-detail"),
        ("shop.example.com", "no-such-kind", {}, "unknown-kind"),
        ("", None, {}, "kind-not-recognised"),
        ("x" * (MAX_VALUE + 1), None, {}, "bad-value"),
        ("1234567890", None, {"bank": "4" * 201}, "bad-details"),
    ],
)
def test_malformed_value_is_refused_with_its_reason(
    value: str, kind: str | None, details: dict[str, str], reason: str
) -> None:
    with pytest.raises(Rejected) as refused:
        readings(value, kind, details)
    assert refused.value.reason == reason


@given(st.text(max_size=60), st.sampled_from([None, *kinds.every()]))
def test_any_text_is_read_or_refused(text: str, kind: str | None) -> None:
    try:
        found = readings(text, kind)
    except Rejected:
        return
    assert found
    assert len({reading.kind for reading in found}) == len(found)
    for reading in found:
        assert reading.name == kinds.name_of(reading.kind, reading.normal)


def test_the_strongest_grade_is_the_first_action() -> None:
    assert strongest(["warn", Action.HOLD, "monitor"]) is Action.HOLD
    assert strongest([]) is None


def test_hold_ends_before_its_listing_and_listings_expire() -> None:
    assert current(_LISTING, timestamp.parse("2026-11-30T23:59:59.999Z")) is _LISTING
    without = current(_LISTING, timestamp.parse("2026-12-01T00:00:00Z"))
    assert without is not None
    assert without.hold is None
    assert current(_LISTING, timestamp.parse("2027-01-01T00:00:00Z")) is None


def test_responses_omit_unknown_fields() -> None:
    result = LookupResult(value="x", kind="domain", found=False, listings=(), cache_seconds=60)
    assert (
        msgspec.json.encode(result) == b'{"value":"x","kind":"domain","found":false,"listings":[],"cache_seconds":60}'
    )
    assert msgspec.json.decode(msgspec.json.encode(_LISTING), type=Listing) == _LISTING


@pytest.mark.parametrize(
    "body",
    [
        b'{"values": []}',
        b'{"values": [{"value": 5}]}',
        b'{"values": [{"value": "x", "detials": {}}]}',
        b'{"values": [{"value": "x", "details": {"bank": 4}}]}',
        msgspec.json.encode(LookupRequest([LookupQuestion("x")] * 1_001)),
    ],
)
def test_malformed_look_up_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=LookupRequest)


@pytest.mark.parametrize(
    "text",
    ["\ufdfa" * MAX_VALUE, "a" + "\u0316\u0301" * 2_000, "\u0301\u0316" * 2_000 + ".example.com", "\U0001d15e" * 4_000],
    ids=["letters-of-eighteen", "marks-in-disorder", "marks-before-a-host", "notes-of-three"],
)
def test_too_expensive_text_is_refused_at_once(text: str) -> None:
    began = time.process_time()
    with pytest.raises(Rejected) as refused:
        readings(text)
    assert refused.value.reason in ("bad-value", "kind-not-recognised")
    assert time.process_time() - began < 0.03, "66 ms before"


def test_long_marks_of_real_texts_are_read() -> None:
    assert readings("https://example.com/" + "ที่นี่" * 40)
    assert readings("https://example.com/" + "👩‍👩‍👧" * 40)


@pytest.mark.parametrize("text", ["abc", "hello", "SCB2", "สวัสดี"])
def test_word_is_no_sender_name_of_the_default_country(text: str) -> None:
    with pytest.raises(Rejected):
        readings(text, country="TH")
