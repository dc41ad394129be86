"""Account numbers outside Thailand: one account for every bank notation, and check digits."""

import pytest
from hypothesis import given, settings, strategies as st
from schwifty import BIC, IBAN

from schemas.errors import Rejected
from schemas.kind import Normal
from schemas.kinds.bank_account import BankAccount
from schemas.reference import iban
from schemas.reference.account_numbers import COUNTRIES, national_account
from schemas.reference.banks import banks_of, bic_by_name

BANK = BankAccount()


def value(raw: str, **columns: str) -> str:
    return BANK.normalise(raw, columns).value


def refusal(raw: str, **columns: str) -> str:
    with pytest.raises(Rejected) as caught:
        value(raw, **columns)
    return caught.value.reason


def outcome(raw: str, columns: dict[str, str]) -> Normal | Rejected:
    try:
        return BANK.normalise(raw, columns)
    except Rejected as refused:
        return refused


@pytest.mark.parametrize(
    ("number", "ways"),
    [
        ("123456789", [{"bic": "DBSSSGSG"}, {"country": "SG", "bank": "DBS"}, {"country": "sg", "bank": "7171"}]),
        ("114012345678", [{"bic": "MBBEMYKL"}, {"country": "MY", "bank": "MAYBANK"}]),
        ("1234567890", [{"bic": "CENAIDJA"}, {"country": "ID", "bank": "014"}, {"country": "ID", "bank": "BCA"}]),
        ("0123456789", [{"bic": "BFTVVNVX"}, {"country": "VN", "bank": "VCB"}, {"country": "VN", "bank": "970436"}]),
        ("50100012345678", [{"bic": "HDFCINBB"}, {"bank": "HDFC0000001"}, {"country": "IN", "bank": "HDFC Bank Ltd"}]),
        (
            "12345678901234",
            [{"bic": "SHBKKRSE"}, {"country": "KR", "bank": "088"}, {"country": "KR", "bank": "신한은행"}],
        ),
        ("0011234567", [{"bic": "BOTKJPJT"}, {"country": "JP", "bank": "0005"}, {"country": "JP", "bank": "MUFG"}]),
        ("123456789001", [{"bic": "HSBCHKHH"}, {"country": "HK", "bank": "004"}, {"country": "HK", "bank": "HSBC"}]),
    ],
)
def test_every_way_to_name_the_bank_gives_one_account(number: str, ways: list[dict[str, str]]) -> None:
    assert len({value(number, **way) for way in ways}) == 1
    assert len({value("", account_number=number, **way) for way in ways}) == 1


@pytest.mark.parametrize(
    ("same", "number", "columns"),
    [
        ("PK36SCBL0000001123456702", "0000001123456702", {"bic": "SCBLPKKX"}),
        ("PK36SCBL0000001123456702", "1123456702", {"bic": "SCBLPKKXXXX"}),
        ("PK36SCBL0000001123456702", "PK:SCBLPKKX:1123456702", {}),
        ("AE070331234567890123456", "1234567890123456", {"bic": "BOMLAEAD"}),
        ("AE070331234567890123456", "AE:BOMLAEAD:1234567890123456", {}),
        ("GB29NWBK60161331926819", "31926819", {"bic": "NWBKGB2L", "bank": "60-16-13"}),
        ("GB29NWBK60161331926819", "601613 31926819", {"bic": "NWBKGB2L"}),
        ("IE29AIBK93115212345678", "93-11-52 12345678", {"bic": "AIBKIE2D"}),
        ("SK3112000000198742637541", "19-8742637541/1200", {"country": "SK"}),
        ("FR1420041010050500013M02606", "20041 01005 0500013M026 06", {"country": "FR", "bank": "Example"}),
        ("IT60X0542811101000000123456", "X 05428 11101 000000123456", {"country": "IT", "bank": "Example"}),
    ],
)
def test_number_that_forms_an_iban_is_the_account_of_the_iban(same: str, number: str, columns: dict[str, str]) -> None:
    assert value(number, **columns) == value(same) == same


@pytest.mark.parametrize("country", ["AE", "PK", "KW", "QA", "BH", "NL", "DE", "FR"])
def test_number_alone_is_no_account_in_a_country_with_ibans(country: str) -> None:
    assert refusal("12", bic=f"AAAA{country}22") in {"iban-missing", "account-form"}


@given(st.integers(0, 10**8 - 1))
@settings(deadline=None)
def test_an_iban_made_of_a_number_contains_number_and_bank(number: int) -> None:
    made = IBAN(iban.from_number("GB", "NWBKGB2L", "601613", f"{number:08d}"))
    assert (made.bank_code, made.branch_code, made.account_code) == ("NWBK", "601613", f"{number:08d}")


@pytest.mark.parametrize(
    "good",
    [
        ("021000021", "US", "CHASUS33"),
        ("011000015", "US", "011000015"),
        ("111000025", "US", "BOFAUS3N"),
    ],
)
def test_a_wrong_digit_of_a_routing_number_is_refused(good: tuple[str, str, str]) -> None:
    code, country, known_by = good
    assert value("1234567890", bank=code, country=country) == f"US:{known_by}:1234567890"
    for digit in set("0123456789") - {code[-1]}:
        assert refusal("1234567890", bank=code[:-1] + digit, country=country) == "bank-code"


@pytest.mark.parametrize(
    ("country", "good"),
    [
        ("MX", "002010077777777771"),
        ("AR", "2850590940090418135201"),
        ("NZ", "01-0902-0068389-00"),
        ("NO", "86011117947"),
    ],
)
def test_a_wrong_digit_of_a_number_with_check_digits_is_refused(country: str, good: str) -> None:
    assert value(good, country=country)
    place = 6 if country == "NZ" else 3
    other = good[:place] + str((int(good[place]) + 1) % 10) + good[place + 1 :]
    assert refusal(other, country=country) in {"account-checksum", "iban-missing"}


def test_a_nuban_is_valid_at_its_own_bank_only() -> None:
    assert value("0000014579", bank="011", country="NG") == "NG:011:0000014579"
    assert refusal("0000014579", bank="058", country="NG") == "account-checksum"


def test_the_same_number_is_another_account_at_another_bank() -> None:
    assert value("1234567890", bank="BCA", country="ID") != value("1234567890", bank="BNI", country="ID")
    assert value("12345678", bank="062-000", country="AU") != value("12345678", bank="063-000", country="AU")


def test_a_bank_name_of_several_countries_needs_the_country() -> None:
    assert refusal("1234567890", bank="HSBC") == "bank-unknown"
    assert value("123456789001", bank="HSBC", country="HK") != value("123456789001", bank="HSBC", country="MY")


def test_a_debit_card_number_is_refused_in_china_too() -> None:
    assert refusal("6212 3456 7890 0000 003", bank="ICBC", country="CN") == "card-number"


def test_every_bank_has_a_bic_of_its_country_and_unique_codes() -> None:
    for country in ("CN", "HK", "ID", "IN", "JP", "KR", "MY", "PH", "SG", "US", "VN"):
        named = [bank for bank in banks_of(country) if bank.names]
        assert named
        codes = [code for bank in named for code in bank.codes]
        assert len(codes) == len(set(codes))
        for bank in named:
            assert BIC(bank.bic).country_code == country
            assert {bic_by_name(country, name) for name in bank.names} == {bank.bic}


@pytest.mark.parametrize("country", COUNTRIES)
def test_a_refusal_describes_the_countrys_numbers(country: str) -> None:
    rules = COUNTRIES[country]
    assert rules.digits[0].isdigit()
    with pytest.raises(Rejected, match=rules.digits[:8].replace("(", r"\(")):
        national_account(country, "AAAA" + country + "22", "1", "")


ANY = st.text("0123456789 -/", max_size=30) | st.text(max_size=12)


@given(
    ANY,
    st.sampled_from([*COUNTRIES, "MX", "AR", "NZ", "AE", "PK", "CZ", "NO", "TH", ""]),
    st.sampled_from(["", "004", "021000021", "062-000", "HDFC0000001", "HSBC", "0005", "nobody's"]),
    st.sampled_from(["", "1", "001", "0123-4", "x"]),
    st.sampled_from(["", "SCBLPKKX", "BOMLAEAD", "CTBAAU2S", "BOTKJPJT"]),
)
@settings(deadline=None)
def test_any_number_has_a_stable_normal_form_or_a_refusal_that_does_not_quote_it(
    raw: str, country: str, bank: str, branch: str, bic: str
) -> None:
    columns = {"country": country, "bank": bank, "branch": branch, "bic": bic}
    result = outcome(raw, columns)
    if isinstance(result, Rejected):
        assert not (sum(map(str.isdigit, raw)) > 5 and raw in result.message)
    else:
        assert BANK.normalise(result.value, result.details) == result
