"""Companies: register numbers with and without check digits, names next to them, numbers of persons."""

import pytest
from hypothesis import given, settings, strategies as st

from schemas.errors import Rejected
from schemas.kind import Normal
from schemas.kinds.company import Company
from schemas.refang import refang

COMPANY = Company()


def value(raw: str, **columns: str) -> str:
    return COMPANY.normalise(refang(raw), columns).value


def refusal(raw: str, **columns: str) -> str:
    with pytest.raises(Rejected) as caught:
        value(raw, **columns)
    return caught.value.reason


def outcome(raw: str, columns: dict[str, str]) -> Normal | Rejected:
    try:
        return COMPANY.normalise(refang(raw), columns)
    except Rejected as refused:
        return refused


# The examples of python-stdnum, published by the registers or their states.
KNOWN = [
    ("AR", "30-50001091-2"),
    ("AU", "004 085 616"),
    ("BR", "16.727.230/0001-97"),
    ("CH", "CHE-100.155.212"),
    ("CN", "91110000600037341L"),
    ("CZ", "25123891"),
    ("DK", "13585628"),
    ("EE", "12345678"),
    ("ES", "J99216582"),
    ("FI", "2077474-0"),
    ("FR", "552 008 443"),
    ("HU", "12892312"),
    ("IL", "516179157"),
    ("IT", "00743110157"),
    ("JP", "5-8356-7825-6246"),
    ("KR", "116-82-00276"),
    ("NO", "988 077 917"),
    ("PT", "501 964 843"),
    ("RO", "18547290"),
    ("SG", "197401143C"),
    ("TH", "0-99-4-000-61772-1"),
]


@pytest.mark.parametrize(("country", "number"), KNOWN)
def test_register_example_is_accepted_and_refused_with_a_wrong_digit(country: str, number: str) -> None:
    accepted = value(number, country=country)
    assert value(accepted) == accepted
    assert value(number.replace("-", " ").replace(".", " "), country=country.lower()) == accepted
    last = max(place for place, char in enumerate(number) if char.isdigit())
    damaged = [number[:last] + digit + number[last + 1 :] for digit in "0123456789" if digit != number[last]]
    assert {refusal(damaged_number, country=country) for damaged_number in damaged} <= {
        "company-checksum",
        "company-form",
    }


def test_siret_yields_its_company() -> None:
    assert value("73282932000074", country="FR") == value("732 829 320", country="FR")


def test_the_same_number_is_another_company_in_another_register() -> None:
    assert value("1234567", country="US-DE") != value("1234567", country="US-NV")
    assert value("12345678", country="GB") != value("12345678", country="NL")


def test_lost_leading_zeros_are_restored() -> None:
    assert value("6", country="GB") == value("00000006", country="GB") == value("Company No: 000006", country="UK")


def test_two_names_of_one_number_are_one_company() -> None:
    first = COMPANY.normalise("00000006", {"country": "GB", "company_name": "EXAMPLE LTD"})
    other = COMPANY.normalise("00000006", {"country": "GB", "company_name": "EXAMPLE LIMITED"})
    assert first.value == other.value
    assert first.details != other.details


@pytest.mark.parametrize(
    ("country", "number"),
    [
        ("TH", "1234545678781"),
        ("BR", "39053344705"),
        ("SE", "8803200016"),
        ("AR", "20-05536168-2"),
        ("PE", "10154713381"),
    ],
)
def test_the_number_of_a_person_is_refused(country: str, number: str) -> None:
    assert refusal(number, country=country) == "company-form"


@pytest.mark.parametrize("raw", ["00000006", "EXAMPLE LTD", "GB:00000006", "TH:1555", "+66812345678", ""])
def test_a_value_that_may_be_of_another_kind_is_not_recognised(raw: str) -> None:
    assert not COMPANY.recognises(raw)


def test_a_number_whose_form_belongs_to_one_register_is_recognised() -> None:
    assert COMPANY.recognises("213800KUD8LAJWSQ9D15")
    assert COMPANY.recognises("LEI:213800KUD8LAJWSQ9D15")


ANY = st.text(max_size=40) | st.text("0123456789 -/:.()ABGTHLEI", max_size=40)


@given(ANY, st.dictionaries(st.sampled_from([*COMPANY.columns]), ANY | st.sampled_from(["GB", "TH", "US-DE", "DE"])))
@settings(deadline=None)
def test_any_value_has_a_stable_normal_form_or_a_refusal_that_does_not_quote_it(
    raw: str, columns: dict[str, str]
) -> None:
    COMPANY.recognises(raw)
    result = outcome(raw, columns)
    if isinstance(result, Rejected):
        values = (raw, *columns.values())
        assert not [value for value in values if sum(map(str.isdigit, value)) > 5 and value in result.message]
    else:
        assert COMPANY.normalise(result.value, result.details) == result
