"""Values of every form in look-ups and private matching: both give the same thing the same name."""

import pytest

from schemas import kinds
from schemas.api.lookup import asked_readings

XRP, TAGGED = "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf", "XVLhHMPHU98es4dbozjVtdWzVrDjtV8xvjGQTYPiAx6gwDC"
PROMPTPAY = "00020101021129370016A000000677010111011300668123456785802TH530376463045D82"
VIETQR = "00020101021138570010A00000072701270006970436011300110012345670208QRIBFTTA5802VN63042CC1"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (PROMPTPAY, "payment-alias:promptpay:+66812345678"),
        (VIETQR, "bank-account:VN:BFTVVNVX:0011001234567"),
        ("phonepe://pay?pa=someone@ybl", "payment-alias:upi:someone@ybl"),
        (f"{XRP} (destination tag: 1)", f"wallet:{TAGGED}"),
        (f"{XRP}:1", f"wallet:{TAGGED}"),
        ("Example.ETH", "wallet:example.eth"),
        ("phone:TH:kbank-sms", "phone:TH:KBANK-SMS"),
        ("https://shopee.co.th/Example_Shop?x=1", "social-account:shopee:example_shop@shopee.co.th"),
        ("https://m.me/j/AbCdEfGhIjKlMnOp/", "social-account:facebook:j/AbCdEfGhIjKlMnOp"),
    ],
)
def test_value_has_one_name(value: str, name: str) -> None:
    [reading] = asked_readings(value)
    assert reading.name == name
    assert kinds.name_of(reading.kind, reading.normal) == name


def test_shared_address_and_its_customer_are_two() -> None:
    assert [reading.name for reading in asked_readings(XRP)] == [f"wallet:{XRP}"]
