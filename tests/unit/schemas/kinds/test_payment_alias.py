"""Payment aliases: check digits, spellings of one alias, personal numbers, ambiguous values."""

import pytest
from hypothesis import given, settings, strategies as st

from schemas.errors import Rejected
from schemas.kind import Normal
from schemas.kinds.payment_alias import PaymentAlias
from schemas.refang import refang
from schemas.reference.aliases import SYSTEMS, find_system
from schemas.tabular import ReportReader
from schemas.vocabulary import Tlp

ALIAS = PaymentAlias()
PROMPTPAY = "promptpay:+66812345678"
PERSON = "1-2345-45678-78-1"


def value(raw: str, system: str = "") -> str:
    return ALIAS.normalise(refang(raw), {"system": system} if system else {}).value


def refusal(raw: str, system: str = "") -> Rejected:
    with pytest.raises(Rejected) as caught:
        value(raw, system)
    return caught.value


def outcome(raw: str, columns: dict[str, str]) -> Normal | Rejected:
    try:
        return ALIAS.normalise(refang(raw), columns)
    except Rejected as refused:
        return refused


@given(
    st.sampled_from(
        ["0812345678", "081-234-5678", "๐๘๑ ๒๓๔ ๕๖๗๘", "+66 81 234 5678", "0066812345678", "０８１２３４５６７８"]
    ),
    st.sampled_from(
        ["promptpay:{}", "PromptPay {}", "PROMPT PAY: {}", "พร้อมเพย์ {}", "พร้อมเพย์ : {}", "promptpay id {}"]
    ),
)
@settings(deadline=None)
def test_all_spellings_of_a_promptpay_alias_are_one_alias(number: str, around: str) -> None:
    assert value(around.format(number)) == value(number, "promptpay") == PROMPTPAY


@pytest.mark.parametrize(
    ("system", "good", "personal"),
    [
        ("promptpay", "1234545678781", True),
        ("promptpay", "3100600445635", True),
        ("promptpay", "0994000617721", False),
        ("paynow", "S1234567D", True),
        ("paynow", "G1234567X", True),
        ("paynow", "T1234567J", True),
        ("paynow", "F1234567N", True),
        ("paynow", "M1234567K", True),
        ("paynow", "197401143C", False),
        ("paynow", "00192200M", False),
        ("duitnow", "770305021234", True),
        ("duitnow", "A12345678MYS", True),
        ("duitnow", "201901000005", False),
        ("pix", "39053344705", True),
        ("pix", "16727230000197", False),
        ("pix", "12ABC34501DE35", False),
        ("payid", "83914571673", False),
        ("payid", "004085616", False),
        ("promptpay", "0812345678", False),
        ("upi", "someone@okaxis", False),
    ],
)
def test_a_persons_registered_number_is_marked_amber_strict(system: str, good: str, personal: bool) -> None:
    normal = ALIAS.normalise(good, {"system": system})
    assert ALIAS.widest_tlp(normal) is (Tlp.AMBER_STRICT if personal else Tlp.CLEAR)


@pytest.mark.parametrize(
    ("system", "good"),
    [
        ("promptpay", "1234545678781"),
        ("promptpay", "0994000617721"),
        ("paynow", "S1234567D"),
        ("paynow", "197401143C"),
        ("pix", "39053344705"),
        ("pix", "16727230000197"),
    ],
)
def test_a_registered_number_with_another_last_character_is_refused(system: str, good: str) -> None:
    others = set("0123456789" if good[-1].isdigit() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ") - {good[-1]}
    assert {refusal(good[:-1] + last, system).reason for last in others} == {"alias-checksum"}


def test_a_marking_wider_than_the_kind_allows_is_narrowed() -> None:
    def marked(tlp: str | None, raw: str = PERSON) -> Tlp:
        reader = ReportReader(
            {"reporter": "Example Bank", "kind": "payment-alias", "system": "promptpay"} | {"tlp": tlp or ""}
        )
        return reader.report({"value": raw, "reported_at": "2026-01-15T08:00:00Z"}).tlp

    assert marked("clear") is marked("amber") is marked(None) is Tlp.AMBER_STRICT
    assert marked("red") is Tlp.RED
    assert marked("clear", "0812345678") is Tlp.CLEAR
    assert marked(None, "0812345678") is Tlp.AMBER


@pytest.mark.parametrize("order", [(PERSON, "0812345678", PERSON), ("0812345678", PERSON, "0812345678")])
def test_only_personal_numbers_in_a_list_are_narrowed(order: tuple[str, ...]) -> None:
    reader = ReportReader(
        {
            "reporter": "Example Bank",
            "kind": "payment-alias",
            "system": "promptpay",
            "tlp": "green",
            "reported_at": "2026-01-15T08:00:00Z",
        }
    )
    levels = [reader.report({"value": raw}).tlp for raw in order]
    assert levels == [Tlp.AMBER_STRICT if raw == PERSON else Tlp.GREEN for raw in order]


def test_the_same_alias_is_another_one_in_another_system() -> None:
    assert value("0812345678", "promptpay") != value("0812345678", "truemoney")
    assert value("123456", "mpesa-till") != value("123456", "mpesa-paybill")


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_is_found_by_its_names(name: str) -> None:
    assert find_system(name) is SYSTEMS[name]
    for called in SYSTEMS[name].called:
        assert find_system(called) is SYSTEMS[name]


def test_a_cpf_and_a_mobile_number_are_distinguished() -> None:
    assert value("11961234567", "pix") == "pix:+5511961234567"
    assert value("390.533.447-05", "pix") == value("39053344705", "pix") == "pix:39053344705"
    assert refusal("39053344706", "pix").reason == "alias-checksum"


def test_a_link_or_a_code_gives_the_alias_in_it() -> None:
    assert value("https://www.paypal.com/paypalme/SomeOne1") == "paypal:someone1"
    assert value("hxxps://cash[.]app/$SomeOne1") == "cashapp:someone1"
    assert value("upi://pay?cu=INR&pa=someone@ybl") == "upi:someone@ybl"


def test_misspelled_system_gets_the_nearest_name() -> None:
    assert "promptpay" in refusal("0812345678", "promtpay").message


@pytest.mark.parametrize(
    ("raw", "system", "reason"),
    [
        ("someone@okaxis.example", "upi", "alias-form"),
        ("+85251234567", "promptpay", "alias-form"),
        ("1234567890123", "promptpay", "alias-checksum"),
        ("0812345678", "mpesa", "alias-form"),
        ("someone", "zelle", "alias-form"),
        ("x" * 1000, "paypal", "alias-form"),
        ("0002010102112937001600", "promptpay", "alias-form"),
        ("00020101021129370016A00000067701011101130066812345678", "", "qr-checksum"),
        ("0002010102115303764540410005802TH5907EXAMPLE63049C5A", "", "system-unknown"),
        ("5555 5555 5555 4444", "promptpay", "card-number"),
    ],
)
def test_an_ambiguous_value_is_refused(raw: str, system: str, reason: str) -> None:
    assert refusal(raw, system).reason == reason


@pytest.mark.parametrize("raw", ["0812345678", "someone@example.com", "paypal.com", "$", "$100", "@someone", "pixel"])
def test_a_value_that_may_be_of_another_kind_is_not_recognised(raw: str) -> None:
    assert not ALIAS.recognises(raw)


ANY = st.text(max_size=40) | st.text("0123456789 @.$:-+abcPIXpromtay", max_size=40)


@given(ANY, st.sampled_from(["", "no such", *SYSTEMS]))
@settings(deadline=None)
def test_any_value_has_a_stable_normal_form_or_a_refusal_that_does_not_quote_it(raw: str, system: str) -> None:
    ALIAS.recognises(raw)
    result = outcome(raw, {"system": system} if system else {})
    if isinstance(result, Rejected):
        assert not (sum(map(str.isdigit, raw)) > 5 and raw in result.message)
    else:
        assert ALIAS.normalise(result.value) == result
        assert ALIAS.widest_tlp(result) in (Tlp.CLEAR, Tlp.AMBER_STRICT)
