"""Payment aliases as reports write them: published example numbers, each with its normal form or refusal."""

from collections.abc import Iterable

from schemas.kind import ValueExample

_PROMPTPAY = "promptpay:+66812345678"
_UUID = "123e4567-e89b-42d3-a456-426614174000"
# Of EMVCo's form: PromptPay to 081-234-5678, with its check digits.
_QR = "00020101021129370016A000000677010111011300668123456785303764540510.005802TH6304"


def every() -> Iterable[ValueExample]:
    """Yield examples of each system's forms, in several spellings, and refused values."""
    yield from _promptpay()
    yield from _asia()
    yield from _elsewhere()
    yield from _refused()


def _of(system: str, *pairs: tuple[str, str]) -> Iterable[ValueExample]:
    for raw, alias in pairs:
        yield ValueExample(raw, f"{system}:{alias}", given={"system": system})


def _promptpay() -> Iterable[ValueExample]:
    """Yield aliases of PromptPay."""
    for raw in (
        "promptpay:081-234-5678",
        "PromptPay 0812345678",
        "พร้อมเพย์ ๐๘๑-๒๓๔-๕๖๗๘",
        "พร้อมเพย์: 081 234 5678",
        "พร้อมเพย์0812345678",
        _PROMPTPAY,
        f"{_QR}853C",
    ):
        yield ValueExample(raw, _PROMPTPAY)
    for system in ("promptpay", "PromptPay", "พร้อมเพย์", "prompt pay"):
        yield ValueExample("081-234-5678", _PROMPTPAY, given={"system": system})
    yield from _of(
        "promptpay",
        ("0066812345678", "+66812345678"),
        ("1-2345-45678-78-1", "1234545678781"),
        ("0-99-4-000-61772-1", "0994000617721"),
        ("140000012345678", "140000012345678"),
    )


def _asia() -> Iterable[ValueExample]:
    """Yield aliases of other systems in Asia and the Pacific."""
    yield from _of(
        "upi", ("Someone.Name@OKAXIS", "someone.name@okaxis"), ("someone@examplebank", "someone@examplebank")
    )
    yield ValueExample("someone@ybl", "upi:someone@ybl")
    yield ValueExample("upi://pay?pa=someone%40oksbi&pn=Name&am=10", "upi:someone@oksbi")
    yield ValueExample("PhonePe: someone@ybl", "upi:someone@ybl")
    yield from _of(
        "paynow",
        ("8123 4567", "+6581234567"),
        ("197401143C", "197401143C"),
        ("s1234567d", "S1234567D"),
        ("+65 8123 4567#wallet", "+6581234567#WALLET"),
    )
    yield from _of(
        "duitnow",
        ("012-345 6789", "+60123456789"),
        ("770305-02-1234", "770305021234"),
        ("201901000005", "201901000005"),
        ("1234567-X", "1234567X"),
    )
    yield from _of(
        "payid",
        ("0412 345 678", "+61412345678"),
        ("Someone@Example.com", "someone@example.com"),
        ("83 914 571 673", "83914571673"),
        ("004 085 616", "004085616"),
        ("shop.example", "shop.example"),
    )
    yield from _of("fps", ("5123 4567", "+85251234567"), ("1234567", "1234567"))
    yield from _of("gcash", ("0917 123 4567", "+639171234567"))
    yield from _of("momo", ("0912 345 678", "+84912345678"))
    yield from _of("kakaopay", ("https://qr.kakaopay.com/Ej7aBcDeF", "Ej7aBcDeF"))
    yield from _of("alipay", ("2088 0000 0000 0000", "2088000000000000"))


def _elsewhere() -> Iterable[ValueExample]:
    """Yield aliases of systems in Europe, Africa and the Americas."""
    yield from _of(
        "pix",
        ("390.533.447-05", "39053344705"),
        ("16.727.230/0001-97", "16727230000197"),
        ("(11) 96123-4567", "+5511961234567"),
        ("Someone@Example.com", "someone@example.com"),
        (_UUID.upper(), _UUID),
    )
    yield ValueExample("chave pix: 39053344705", "pix:39053344705")
    yield from _of("bizum", ("612 34 56 78", "+34612345678"))
    yield from _of("swish", ("123 456 78 90", "1234567890"), ("070-123 45 67", "+46701234567"))
    yield from _of("revolut", ("@Someone.1", "someone.1"), ("revolut.me/someone1", "someone1"))
    yield from _of("wise", ("https://wise.com/pay/me/someone1", "someone1"))
    yield from _of("mpesa", ("+254 712 123456", "+254712123456"))
    yield ValueExample("Till 123456", "mpesa-till:123456")
    yield ValueExample("Paybill: 123456", "mpesa-paybill:123456")
    yield from _of("zelle", ("(201) 555-0123", "+12015550123"), ("someone@example.com", "someone@example.com"))
    yield from _of("venmo", ("@Someone-Name", "someone-name"), ("https://venmo.com/u/Someone-Name", "someone-name"))
    yield ValueExample("$SomeOne1", "cashapp:someone1")
    yield ValueExample("https://cash.app/$SomeOne1", "cashapp:someone1")
    yield ValueExample("paypal.me/SomeOne1/25USD", "paypal:someone1")
    yield ValueExample("PayPal someone@example.com", "paypal:someone@example.com")
    yield from _of("interac", ("someone@example.com", "someone@example.com"))
    yield from _of("webmoney", ("Z123456789012", "Z123456789012"))


def _refused() -> Iterable[ValueExample]:
    """Yield refused values."""
    yield ValueExample("081-234-5678", reason="system-missing")
    yield ValueExample("someone@example.com", reason="system-missing")
    yield ValueExample("081-234-5678", reason="system-unknown", given={"system": "promtpayy"})
    yield ValueExample("promptpay: 081-234-5678", reason="system-conflict", given={"system": "upi"})
    yield ValueExample("1234545678789", reason="alias-checksum", given={"system": "promptpay"})
    yield ValueExample("0994000617723", reason="alias-checksum", given={"system": "promptpay"})
    yield ValueExample("s1234567a", reason="alias-checksum", given={"system": "paynow"})
    yield ValueExample("197401143D", reason="alias-checksum", given={"system": "paynow"})
    yield ValueExample("231.002.999-00", reason="alias-checksum", given={"system": "pix"})
    yield ValueExample("16.727.230/0001-98", reason="alias-checksum", given={"system": "pix"})
    yield ValueExample("99 999 999 999", reason="alias-checksum", given={"system": "payid"})
    yield ValueExample("02-123-4567", reason="alias-form", given={"system": "promptpay"})
    yield ValueExample("someone@example.com", reason="alias-form", given={"system": "upi"})
    yield ValueExample("$12345", reason="alias-form", given={"system": "cashapp"})
    yield ValueExample("", reason="alias-form", given={"system": "pix"})
    yield ValueExample("0712 345678", reason="alias-ambiguous", given={"system": "mpesa"})
    yield ValueExample("4111 1111 1111 1111", reason="card-number", given={"system": "alipay"})
    yield ValueExample(f"{_QR}0000", reason="qr-checksum")
