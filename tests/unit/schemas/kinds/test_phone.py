"""Telephone numbers, short codes and sender names: spellings of one number, and invalid values."""

import phonenumbers
import pytest
from hypothesis import given, settings, strategies as st

from schemas.errors import Rejected
from schemas.kind import Normal
from schemas.kinds.phone import Phone
from schemas.refang import refang

PHONE = Phone()
# Example numbers of libphonenumber, which have no subscriber.
EXAMPLES = [
    (region, phonenumbers.example_number_for_type(region, kind))
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE)
    if phonenumbers.example_number_for_type(region, kind) is not None
]


def value(raw: str, country: str = "") -> str:
    return PHONE.normalise(refang(raw), {"country": country} if country else {}).value


def refusal(raw: str, country: str = "") -> Rejected:
    with pytest.raises(Rejected) as caught:
        value(raw, country)
    return caught.value


def outcome(raw: str, columns: dict[str, str]) -> Normal | Rejected:
    try:
        return PHONE.normalise(refang(raw), columns)
    except Rejected as refused:
        return refused


@pytest.mark.parametrize(
    ("region", "number"), EXAMPLES, ids=lambda parameter: parameter if isinstance(parameter, str) else ""
)
def test_all_printed_forms_of_a_number_are_one_number(region: str, number: phonenumbers.PhoneNumber) -> None:
    forms = phonenumbers.PhoneNumberFormat
    e164 = phonenumbers.format_number(number, forms.E164)
    assert value(e164) == e164
    assert value(phonenumbers.format_number(number, forms.INTERNATIONAL)) == e164
    assert value(phonenumbers.format_number(number, forms.RFC3966)) == e164
    assert value(phonenumbers.format_number(number, forms.NATIONAL), region) == e164


DIGITS = {"thai": "๐๑๒๓๔๕๖๗๘๙", "arabic": "٠١٢٣٤٥٦٧٨٩", "wide": "０１２３４５６７８９", "plain": "0123456789"}


@given(
    st.sampled_from(sorted(DIGITS)),
    st.sampled_from([" ", "-", ".", "", "\u2011", "\u2013", "\u00a0", "\u200b"]),
    st.sampled_from(["+66{0}81{0}234{0}5678", "0066{0}81{0}2345678", "+66 (0)81{0}234{0}5678", "081{0}234{0}5678"]),
    st.sampled_from(
        ["{}", "tel:{}", "Tel. {}", "โทร {}", "เบอร์ {}", "\u202b{}\u202c", "{} ext. 12", "{} ต่อ 3", "<{}>"]
    ),
)
@settings(deadline=None)
def test_all_spellings_of_a_number_give_one_number(script: str, mark: str, shape: str, around: str) -> None:
    written = around.format(shape.format(mark).translate(str.maketrans("0123456789", DIGITS[script])))
    assert value(written, "TH") == "+66812345678"


@pytest.mark.parametrize("raw", ["KBank", "kbank", " KBANK ", "ＫＢＡＮＫ", "TH:kbank", "KB\u200bANK"])
def test_a_sender_name_is_compared_without_case(raw: str) -> None:
    assert value(raw, "TH") == "TH:KBANK"


def test_the_same_name_or_code_is_another_one_in_another_country() -> None:
    assert value("Example", "TH") != value("Example", "SG")
    assert value("1555", "TH") != value("1555", "SG")


def test_a_short_code_and_a_number_are_distinguished() -> None:
    assert value("1555", "TH") == "TH:1555"
    assert value("98765432", "SG") == "+6598765432"


def test_a_vanity_number_gives_its_digits() -> None:
    assert value("+1 800 AMERICA") == value("1-800-AMERICA", "US") == value("1-800-263-7422", "US")


@pytest.mark.parametrize(
    ("digits", "country"), [("191", "TH"), ("911", "US"), ("112", "DE"), ("999", "GB"), ("119", "JP")]
)
def test_an_emergency_number_is_refused(digits: str, country: str) -> None:
    assert refusal(digits, country).reason == "emergency-number"
    assert refusal(f"{country}:{digits}").reason == "emergency-number"


@pytest.mark.parametrize(
    "raw", ["", "+", "()", "...", "-", "+66", "12", "+66 81 234 5678 / +66 82 345 6789", "x" * 5000]
)
def test_malformed_number_is_refused(raw: str) -> None:
    assert refusal(raw).reason in {"phone-form", "country-missing"}


@pytest.mark.parametrize("raw", ["+5695556.*", "56600*", "+66 81 234 XXXX"])
def test_a_pattern_for_many_numbers_is_refused_as_one(raw: str) -> None:
    assert "pattern" in refusal(raw, "CL").message


def test_plus_before_a_national_number_is_refused_with_advice() -> None:
    assert "give its country" in refusal("+0812345678").message


ANY = st.text(max_size=30) | st.text("0123456789 +-().:TH;ext=abc*", max_size=30)


@given(ANY, st.sampled_from(["", "TH", "US", "xx", "Thailand"]))
@settings(deadline=None)
def test_any_value_has_a_stable_normal_form_or_a_refusal_that_does_not_quote_it(raw: str, country: str) -> None:
    PHONE.recognises(raw)
    result = outcome(raw, {"country": country})
    if isinstance(result, Rejected):
        assert not (sum(map(str.isdigit, raw)) > 5 and raw in result.message)
    else:
        assert PHONE.normalise(result.value) == result
