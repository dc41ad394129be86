"""Payment QR codes: the payee of each scheme, and codes that were cut off or changed."""

from binascii import crc_hqx
from contextlib import suppress

import pytest
from hypothesis import assume, given, strategies as st

from schemas import kinds
from schemas.errors import Rejected
from schemas.reference.payment_qr import is_qr_code, pays_account, read_qr_code
from schemas.vocabulary import Tlp

PROMPTPAY = "0016A000000677010111"


def field(tag: str, text: str) -> str:
    return f"{tag}{len(text):02d}{text}"


def code(*templates: str, shop: str = "EXAMPLE SHOP") -> str:
    body = "000201010211" + "".join(templates) + field("58", "TH") + field("59", shop) + "6304"
    return f"{body}{crc_hqx(body.encode(), 0xFFFF):04X}"


def test_first_known_scheme_is_the_payee() -> None:
    unknown, known = field("26", "0008EXAMPLE1"), field("29", PROMPTPAY + field("01", "0066812345678"))
    assert read_qr_code(code(unknown, known)) == ("promptpay", "0066812345678")


@pytest.mark.parametrize("shop", ["ร้านตัวอย่าง", "CỬA HÀNG", "SHOP  WITH  BLANKS"])
def test_name_of_the_shop_is_of_any_script(shop: str) -> None:
    payload = code(field("29", PROMPTPAY + field("02", "0994000617721")), shop=shop)
    assert kinds.recognise(payload).normalise(payload).value == "promptpay:0994000617721"


def test_code_of_an_account_is_a_bank_account_whichever_kind_it_was_reported_as() -> None:
    payload = code(field("29", PROMPTPAY + field("04", "0041234567890")))
    assert kinds.actual_kind(kinds.get("payment-alias"), payload).name == "bank-account"
    assert kinds.canonical("payment-alias", payload) == ("bank-account", "TH:KASITHBK:1234567890")
    assert kinds.recognise(payload).name == "bank-account"


def test_account_with_a_colon_in_it_and_a_far_longer_text_are_no_payee() -> None:
    payload = code(field("29", PROMPTPAY + field("04", "004123456:7890")))
    for kind in ("bank-account", "payment-alias"):
        with pytest.raises(Rejected):
            kinds.get(kind).normalise(payload)
    assert not is_qr_code("000201" + "0000" * 200)


def test_biller_of_many_shops_is_not_the_payee_without_the_reference() -> None:
    biller = field("00", "A000000677010112") + field("01", "099400061772101")
    with pytest.raises(Rejected, match="names no payee"):
        read_qr_code(code(field("30", biller)))
    assert read_qr_code(code(field("30", biller + field("02", "SHOP1")))).name == "099400061772101@SHOP1"


@pytest.mark.parametrize(("kind", "reason"), [("payment-alias", "alias-shared"), ("bank-account", "qr-of-alias")])
@pytest.mark.parametrize("biller", ["099400061772101", "010753600031508", "0107537000882"])
def test_bill_of_a_biller_of_many_is_refused_as_any_kind(kind: str, reason: str, biller: str) -> None:
    payload = code(field("30", field("00", "A000000677010112") + field("01", biller) + field("02", "SHOP1")))
    with pytest.raises(Rejected) as caught:
        kinds.actual_kind(kinds.get(kind), payload).normalise(payload, {})
    assert caught.value.reason == reason


def test_code_of_an_alias_is_one_whichever_kind_it_was_reported_as() -> None:
    payload = code(field("29", PROMPTPAY + field("01", "0066812345678")))
    assert kinds.canonical("bank-account", payload) == ("payment-alias", "promptpay:+66812345678")


def test_payee_beside_a_bill_of_many_is_the_payee() -> None:
    bill = field("30", field("00", "A000000677010112") + field("01", "010753600031508") + field("02", "SHOP1"))
    payload = code(field("29", PROMPTPAY + field("01", "0066812345678")), bill)
    assert kinds.recognise(payload).normalise(payload).value == "promptpay:+66812345678"


def test_bill_of_a_persons_own_biller_is_marked_for_few() -> None:
    normal = kinds.get("payment-alias").normalise("promptpay-bill:123454567878101@REF1")
    assert kinds.get("payment-alias").widest_tlp(normal) is Tlp.AMBER_STRICT


@given(st.integers(12, 90), st.sampled_from("0123456789AZ"))
def test_changed_character_is_refused(place: int, char: str) -> None:
    payload = code(field("29", PROMPTPAY + field("01", "0066812345678")))
    changed = payload[:place] + char + payload[place + 1 :]
    assume(changed != payload)
    with pytest.raises(Rejected) as caught:
        read_qr_code(changed)
    assert caught.value.reason == "qr-checksum"


@given(st.text(max_size=120) | st.text("0123456789ABR.", max_size=120).map("000201".__add__))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert not pays_account(text) or is_qr_code(text)
    with suppress(Rejected):
        assert read_qr_code(text).name
