"""Persons' numbers in registers where an account's number belongs, and accounts that resemble them."""

import pytest
from hypothesis import given, settings, strategies as st

from schemas.errors import Rejected
from schemas.kinds.bank_account import BankAccount

BANK = BankAccount()


def refusal(country: str, bank: str, number: str) -> Rejected:
    with pytest.raises(Rejected) as caught:
        BANK.normalise(number, {"country": country, "bank": bank})
    return caught.value


# Made-up numbers with right check digits, birthdays and regions.
PERSONS = [
    ("IN", "SBI", "987789328793"),
    ("IN", "PNB", "957938347012"),
    ("IN", "ICICI", "455118487334"),
    ("IN", "ICICI", "9468 1453 8401"),
    ("MY", "Maybank", "591025016146"),
    ("MY", "CIMB", "980511-01-4506"),
    ("MY", "Public Bank", "850723146193"),
    ("ID", "BCA", "3273010502030002"),
    ("ID", "BTN", "5103056608580088"),
    ("ID", "BRI", "9271011504900094"),
    ("PH", "BPI", "366166304940"),
    ("PH", "BDO", "7791-6011-0843-6469"),
    ("PH", "BDO", "8482123789914330"),
    ("KR", "KB", "5905142300249"),
    ("KR", "088", "7809191152754"),
    ("KR", "Hana Bank", "990502-1917141"),
    ("KR", "NH", "990502-1917142"),
    ("CN", "ICBC", "11010519491231002X"),
    ("KH", "ABA", "11010519491231002X"),
    ("TH", "KBANK", "440305198001010021"),
    ("TH", "GSB", "1103700123458"),
    ("TH", "BAAC", "1-1037-00123-45-8"),
    ("LA", "BCEL", "1103700123458"),
    ("VN", "VCB", "031203953227"),
    ("VN", "VietinBank", "001061572128"),
    ("VN", "Sacombank", "079199012345"),
    ("SG", "DBS", "S1234567D"),
    ("US", "Chase", "219-09-9999"),
    ("ZA", "250655", "8001015009087"),
    ("AR", "BICXARBA", "20267565393"),
    ("TR", "TGBATRIS", "17291716060"),
    ("EG", "NBEGEGCX", "29001010101234"),
    ("LK", "BCEYLKLX", "198512345678"),
    ("SA", "RJHISARI", "1000000008"),
    ("AE", "EBILAEAD", "784198012345678"),
    ("PK", "HABBPKKA", "42201-1234567-1"),
    ("NL", "ABNANL2A", "111222333"),
    ("CZ", "", "710319/2745"),
]
# Accounts of the lengths and beginnings that their banks have.
ACCOUNTS = [
    ("TH", "GSB", "020123456789"),
    ("TH", "KBANK", "123-4-56789-0"),
    ("TH", "TISCO", "12345678901234"),
    ("VN", "VCB", "0011001234567"),
    ("VN", "Techcombank", "19031234567890"),
    ("VN", "VietinBank", "101234567890"),
    ("VN", "Sacombank", "060123456789"),
    ("MY", "Maybank", "114012345678"),
    ("MY", "Maybank", "151214123456"),
    ("MY", "Maybank", "512345678901"),
    ("MY", "CIMB", "7012345678"),
    ("ID", "BRI", "012345678901234"),
    ("ID", "BCA", "1234567890"),
    ("ID", "BTN", "0000101500123456"),
    ("PH", "BDO", "001234567890"),
    ("PH", "UnionBank", "1094-2012-3456"),
    ("PH", "Metrobank", "3123456789012"),
    ("IN", "ICICI", "987701328794"),
    ("IN", "IndusInd", "100012345670"),
    ("IN", "SBI", "31234567890"),
    ("KR", "090", "3333011234567"),
    ("KR", "NH", "3020123456781"),
    ("KR", "Shinhan Bank", "110123456789"),
    ("CN", "ICBC", "0200001009000012345"),
    ("CN", "CCB", "110105194912310021"),
    ("HK", "HSBC", "123-456789-001"),
    ("TW", "004", "012345678901"),
    ("KH", "ABA", "000123456"),
    ("LA", "BCEL", "010120001234567"),
    ("MM", "KBZ", "09912345678901234"),
    ("US", "Chase", "219099999"),
    ("US", "Chase", "123-456-7890"),
    ("ZA", "250655", "62123456789"),
    ("NL", "ABNANL2A", "417164300"),
    ("CZ", "", "19-2000145399/0800"),
]


@pytest.mark.parametrize(("country", "bank", "number"), PERSONS)
def test_persons_number_is_no_account_and_not_in_the_message(country: str, bank: str, number: str) -> None:
    refused = refusal(country, bank, number)
    assert refused.reason == "personal-data"
    assert number not in refused.message


@pytest.mark.parametrize(("country", "bank", "number"), ACCOUNTS)
def test_account_that_resembles_a_persons_number_is_taken(country: str, bank: str, number: str) -> None:
    assert BANK.normalise(number, {"country": country, "bank": bank}).value


@pytest.mark.parametrize("number", ["9704151797405421", "9704053825773564368", "8600123456789012", "2200123456789019"])
def test_card_of_a_national_scheme_is_no_account(number: str) -> None:
    assert refusal("VN", "VCB", number).reason == "card-number"


@given(st.from_regex(r"1[46][0-9]{10}|5[16][4-9][0-9]{9}", fullmatch=True))
@settings(deadline=None)
def test_account_of_the_largest_malaysian_bank_is_taken(number: str) -> None:
    assert BANK.normalise(number, {"country": "MY", "bank": "Maybank"}).value == f"MY:MBBEMYKL:{number}"


def test_ambiguous_number_is_taken_at_a_bank_that_has_such_numbers() -> None:
    assert "name the bank" in refusal("IN", "HDFC", "987789328793").message
    assert BANK.normalise("987789328793", {"country": "IN", "bank": "IndusInd"}).value == "IN:INDBINBB:987789328793"
