"""Bank accounts: IBANs of every country, Thai numbers and names, recognition."""

import random

import pytest
from hypothesis import given, strategies as st
from schwifty import IBAN

from schemas import kinds
from schemas.errors import Rejected
from schemas.kind import Normal, ValueExample
from schemas.kinds.bank_account import BankAccount

BANK = BankAccount()
DE = "DE89370400440532013000"
KBANK = "TH:KASITHBK:1234567890"
# The examples of the IBAN registry (SWIFT), one for each form of national part.
REGISTRY = [
    "AD1200012030200359100100",
    "AE070331234567890123456",
    "AL47212110090000000235698741",
    "AT611904300234573201",
    "AZ21NABZ00000000137010001944",
    "BA391290079401028494",
    "BE68539007547034",
    "BG80BNBG96611020345678",
    "BH67BMAG00001299123456",
    "BR9700360305000010009795493P1",
    "BY13NBRB3600900000002Z00AB00",
    "CH9300762011623852957",
    "CY17002001280000001200527600",
    "CZ6508000000192000145399",
    "DK5000400440116243",
    "DO28BAGR00000001212453611324",
    "EE382200221020145685",
    "ES9121000418450200051332",
    "FI2112345600000785",
    "FO6264600001631634",
    "FR1420041010050500013M02606",
    "GB29NWBK60161331926819",
    "GE29NB0000000101904917",
    "GI75NWBK000000007099453",
    "GL8964710001000206",
    "GR1601101250000000012300695",
    "HR1210010051863000160",
    "HU42117730161111101800000000",
    "IE29AIBK93115212345678",
    "IL620108000000099999999",
    "IS140159260076545510730339",
    "IT60X0542811101000000123456",
    "JO94CBJO0010000000000131000302",
    "KW81CBKU0000000000001234560101",
    "KZ86125KZT5004100100",
    "LB62099900000001001901229114",
    "LI21088100002324013AA",
    "LT121000011101001000",
    "LU280019400644750000",
    "LV80BANK0000435195001",
    "MC5811222000010123456789030",
    "MD24AG000225100013104168",
    "ME25505000012345678951",
    "MK07250120000058984",
    "MR1300020001010000123456753",
    "MT84MALT011000012345MTLCAST001S",
    "MU17BOMM0101101030300200000MUR",
    "NL91ABNA0417164300",
    "NO9386011117947",
    "PK36SCBL0000001123456702",
    "PL61109010140000071219812874",
    "PS92PALS000000000400123456702",
    "PT50000201231234567890154",
    "QA58DOHB00001234567890ABCDEFG",
    "RO49AAAA1B31007593840000",
    "RS35260005601001611379",
    "SA0380000000608010167519",
    "SE4550000000058398257466",
    "SI56263300012039086",
    "SK3112000000198742637541",
    "SM86U0322509800000000270100",
    "TN5910006035183598478831",
    "TR330006100519786457841326",
    "UA213223130000026007233566001",
    "VG96VPVG0000012345678901",
    "XK051212012345678906",
]


def refusal(raw: str, **columns: str) -> str:
    with pytest.raises(Rejected) as caught:
        BANK.normalise(raw, columns)
    return caught.value.reason


def outcome(raw: str, columns: dict[str, str]) -> Normal | Rejected:
    try:
        return BANK.normalise(raw, columns)
    except Rejected as refused:
        return refused


@pytest.mark.parametrize("example", list(BANK.examples()), ids=lambda e: f"{e.raw[:24]}-{'-'.join(e.given.values())}")
def test_an_example_has_its_normal_form_or_its_refusal(example: ValueExample) -> None:
    if example.reason:
        assert refusal(example.raw, **example.given) == example.reason
    else:
        normal = BANK.normalise(example.raw, example.given)
        assert normal == (example.value, example.details)
        assert BANK.normalise(normal.value, normal.details) == normal


@pytest.mark.parametrize("iban", REGISTRY)
def test_an_iban_of_the_registry_is_accepted_and_recognised_in_all_spellings(iban: str) -> None:
    grouped = " ".join(iban[at : at + 4] for at in range(0, len(iban), 4))
    for spelling in (iban, iban.lower(), grouped, grouped.replace(" ", "-"), f"IBAN {grouped}"):
        assert BANK.normalise(spelling).value == iban
    assert BANK.recognises(iban)
    assert BANK.recognises(grouped.lower())


@given(st.sampled_from(REGISTRY), st.integers(min_value=0), st.sampled_from("0123456789"))
def test_an_iban_with_one_wrong_digit_is_refused(iban: str, at: int, digit: str) -> None:
    at = 2 + at % (len(iban) - 2)
    if iban[at].isdigit() and iban[at] != digit:  # a letter counts as two digits, so mod 97 may miss it
        with pytest.raises(Rejected):
            BANK.normalise(iban[:at] + digit + iban[at + 1 :])


@pytest.mark.parametrize("country", sorted({iban[:2] for iban in REGISTRY}))
def test_every_iban_that_its_country_allows_is_accepted(country: str) -> None:
    source = random.Random(country)  # noqa: S311 - numbers for a test, the same each time
    for _ in range(20):
        iban = str(IBAN.random(country, random=source))
        assert BANK.normalise(iban).value == iban


def test_account_number_next_to_an_iban_is_ignored() -> None:
    assert BANK.normalise(DE, {"account_number": "0532013000"}) == BANK.normalise(DE)
    assert BANK.normalise("0532013000", {"iban": DE}) == BANK.normalise(DE)


def test_an_account_of_a_country_that_requires_ibans_needs_its_iban() -> None:
    assert refusal("0532013000", bic="DEUTDEFF") == "iban-missing"
    assert refusal("DE:DEUTDEFF:0532013000") == "iban-missing"


GROUPED, PLAIN = "123-4-56789-0", "1234567890"


@given(
    st.sampled_from([GROUPED, PLAIN, "123 4 56789 0", "๑๒๓๔๕๖๗๘๙๐", "１２３-４-５６７８９-０", "123–4–56789–0"]),
    st.sampled_from(["KBANK", "kbank", "กสิกรไทย", "ธนาคารกสิกรไทย", "ธ.กสิกรไทย", "Kasikorn Bank", "KASITHBK"]),
    st.sampled_from(["{bank} {number}", "{number} {bank}", "{bank}: {number}", "เลขบัญชี {number} {bank}"]),
)
def test_all_spellings_of_number_and_bank_give_one_account(number: str, bank: str, order: str) -> None:
    assert BANK.normalise(order.format(bank=bank, number=number)).value == KBANK
    assert BANK.normalise(number, {"bank": bank}).value == KBANK
    assert BANK.normalise("", {"bank": bank, "account_number": number}).value == KBANK


@pytest.mark.parametrize(
    ("raw", "columns", "reason"),
    [
        ("0041234567890", {}, "bank-missing"),
        ("999-123-4-56789-0", {}, "bank-unknown"),
        ("UOB 1234567890", {}, "bank-unknown"),
        ("SCB 1234567890", {}, "bank-unknown"),
        ("KBANK", {}, "account-form"),
        ("KBANK 123-4-56789-0 นายตัวอย่าง", {}, "bank-unknown"),
        ("123-4-56789-0", {"bank": "TrueMoney"}, "bank-unknown"),
        ("024-123-4-56789-0", {"bank": "KBANK"}, "bank-conflict"),
        ("x" * 400 + "1", {}, "account-form"),
        ("KBANK 12345678901", {}, "account-form"),
        ("ทิสโก้ 1234567890123456", {}, "account-form"),
        ("THAILAND 123-4-56789-0", {}, "bank-unknown"),
        ("12345678", {"bic": "CTBAAU2S"}, "account-form"),
        ("12345678", {"bic": "COBADEFFXX"}, "bic-form"),
        ("XYZ 12345678", {"bic": "DBSSSGSG"}, "bank-unknown"),
        ("OCBC 12345678", {"bic": "DBSSSGSG"}, "bank-conflict"),
        ("4111111111111111", {"bank": "KBANK"}, "card-number"),
        ("378282246310005", {}, "card-number"),
        ("5555 5555 5555 4444", {}, "card-number"),
        ("3566002020360505", {"bic": "BOTKJPJT"}, "card-number"),
    ],
)
def test_an_ambiguous_value_is_refused(raw: str, columns: dict[str, str], reason: str) -> None:
    assert refusal(raw, **columns) == reason


def test_given_country_is_not_requested_again() -> None:
    with pytest.raises(Rejected, match="no Thai bank has this name or code: give its BIC"):
        BANK.normalise("123-4-56789-0", {"bank": "NOBANK", "country": "TH"})


@pytest.mark.parametrize(
    ("raw", "columns", "value"),
    [
        ("024-123-4-56789-0", {"bank": "UOB"}, "TH:UOVBTHBK:1234567890"),
        ("1234567890", {"bank": "UOB", "country": "TH"}, "TH:UOVBTHBK:1234567890"),
        ("1234567890", {"bank": "ยูโอบี"}, "TH:UOVBTHBK:1234567890"),
        ("11", {"bank": "KBANK", "account_number": "1234567890"}, None),
        ("062-123 456 78901", {"bic": "CTBAAU2S"}, "AU:062123:45678901"),
        ("45678901", {"bic": "CTBAAU2S", "bank": "062-123", "country": "AU"}, "AU:062123:45678901"),
        ("12345678 DBS", {"bic": "DBSSSGSG"}, "SG:DBSSSGSG:12345678"),
        ("AB12 3456 7890 1234", {"bic": "DBSSSGSG"}, "SG:DBSSSGSG:AB12345678901234"),
        ("123456789012345", {"bank": "ออมสิน"}, "TH:GSBATHBK:123456789012345"),
        ("4111111111111112", {"bic": "DBSSSGSG"}, "SG:DBSSSGSG:4111111111111112"),
        ("1234567890", {"bic": "KIFITHB1"}, "TH:KKPBTHBK:1234567890"),
        ("1234567890", {"bank": "KBANK", "bic": "KASITHBK"}, KBANK),
        ("1234567890 KBANK", {"bank": "กสิกรไทย"}, KBANK),
        ("Account no. 12345678", {"bic": "DBSSSGSG"}, "SG:DBSSSGSG:12345678"),
    ],
)
def test_a_value_that_names_one_account_is_accepted(raw: str, columns: dict[str, str], value: str | None) -> None:
    if value is None:
        assert refusal(raw, **columns) == "account-form"
    else:
        assert BANK.normalise(raw, columns).value == value


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "1234567890",
        "KBANK 123",
        "kbank1234567890",
        "SCB 1234567890",
        "004-123-4-56789-0",
        "TrueMoney 0812345678",
        "Bangkok 0812345678 101",
        "Bangkok 0812345678",
        "De89370400440532013000",
        "DE8937040044053201300",
        "TH29KASI60161331926819",
        "shop.example.com",
        "gb29.nwbk60161331926819",
        "+66812345678",
        "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "bitcoin:1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH",
    ],
)
def test_a_value_that_may_be_of_another_kind_is_not_recognised(raw: str) -> None:
    assert not BANK.recognises(raw)


def test_the_normal_form_is_recognised() -> None:
    assert BANK.recognises(KBANK)


ANY = st.text(max_size=40) | st.text("0123456789 -/KBANK:", max_size=40)


@given(ANY, st.dictionaries(st.sampled_from([*BANK.columns, "other"]), ANY))
def test_any_value_has_a_stable_normal_form_or_a_refusal_that_does_not_quote_it(
    raw: str, columns: dict[str, str]
) -> None:
    BANK.recognises(raw)
    result = outcome(raw, columns)
    if isinstance(result, Rejected):
        assert not [
            value for value in (raw, *columns.values()) if sum(map(str.isdigit, value)) > 5 and value in str(result)
        ]
    else:
        assert BANK.normalise(result.value, result.details) == result


@pytest.mark.parametrize(
    "raw",
    [
        "KBANK 123-4-56789-0",
        "กสิกรไทย (KBANK) 123-4-56789-0",
        "KBANK (004) 123-4-56789-0",
        "ธ.กสิกรไทย 1234567890",
        "bbl 1234567890",
        "Bangkok Bank 081-2-34567-8",
    ],
)
def test_number_next_to_a_thai_bank_name_is_recognised(raw: str) -> None:
    assert kinds.recognise(raw).name == "bank-account"
