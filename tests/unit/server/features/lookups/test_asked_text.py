"""The values of a text that somebody checks are found in their order, in any spelling and language."""

import pytest

from schemas.api.lookup import asked_readings
from server.features.lookups.asked_text import LONGEST_TEXT, MOST_VALUES, questions_of

WALLET = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
ETHER = "0x52908400098527886E0F7030069857D2E4169EE7"
TRON = "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"


def normals(text: str, country: str = "TH") -> list[str]:
    """Return the normal form of each value of a text."""
    found = questions_of(text, country).questions
    return [asked_readings(one.value, one.kind, one.details, country)[0].normal for one in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Please check shop.example.com now", ["shop.example.com"]),
        ("I got a link (www.example.com/pay?id=3), is it real?", ["http://www.example.com/pay?id=3"]),
        ("คลิกที่www.example.comด่วนก่อนบัญชีถูกระงับ", ["www.example.com"]),
        ("กดลิงก์https://example.com/abcเพื่อรับสิทธิ์", ["https://example.com/abc"]),
        ("Your parcel waits: hxxp://evil[.]example[.]net/a.", ["http://evil.example.net/a"]),
        (
            "“example.com”, 'https://example.org/x' [https://example.net]",
            ["example.com", "https://example.org/x", "https://example.net/"],
        ),
        ("[click](https://example.com/login)", ["https://example.com/login"]),
        ("mail <help@example.org> or call 02-123-4567", ["help@example.org", "+6621234567"]),
        ("โทร 081 234 5678 หรือ 08-9876-5432", ["+66812345678", "+66898765432"]),
        ("เบอร์0812345678นะ", ["+66812345678"]),
        ("โทร.๐๘๑-๒๓๔-๕๖๗๘ ด่วน", ["+66812345678"]),
        ("081 2345678,0898765432", ["+66812345678", "+66898765432"]),
        ("tel +44 20 7946 0958 thanks", ["+442079460958"]),
        ("T.0812345678", ["+66812345678"]),
        ("โอนเข้าบัญชี 123-4-56789-0 ธนาคารกสิกรไทย ชื่อเจ้าของบัญชี", ["TH:KASITHBK:1234567890"]),
        ("โอนมาที่ SCB 123-456789-0 นะครับ", ["TH:SICOTHBK:1234567890"]),
        ("IBAN DE89 3704 0044 0532 0130 00 please", ["DE89370400440532013000"]),
        ("แอดไลน์ @scamshop123 ได้เลย", ["line:@scamshop123"]),
        ("add LINE ID: somchai99 now and see example.com", ["line:somchai99", "example.com"]),
        ("telegram @cryptoking or @example_two", ["telegram:cryptoking", "telegram:example_two"]),
        (f"send BTC to {WALLET} or ETH to {ETHER}", [WALLET, ETHER.lower()]),
        (f"USDT TRC20 {TRON} now", [TRON]),
        ("พร้อมเพย์ 0812345678", ["promptpay:+66812345678"]),
        ("192.0.2.55 is the server", ["192.0.2.55"]),
        ("first example.com\nthen example.org\nand EXAMPLE.com again", ["example.com", "example.org"]),
        ("shop\u200b.example\u200b.com is new", ["shop.example.com"]),
    ],
)
def test_values_are_found_in_their_order(text: str, found: list[str]) -> None:
    assert [normal.lower() for normal in normals(text)] == [one.lower() for one in found]


@pytest.mark.parametrize(
    "value",
    [
        *("shop.example.com", "hxxps://shop[.]example[.]com/x", "0 8 1 234 5678", "081-234-5678", "(081) 234 5678"),
        *("+1 (202) 555-0143", "DE89 3704 0044 0532 0130 00", "phone:+66812345678", WALLET, "กสิกร 1234567890"),
    ],
)
def test_single_value_is_asked_as_it_is_written(value: str) -> None:
    assert [one.value for one in questions_of(f" {value} ", "TH").questions] == [value]


@pytest.mark.parametrize(
    "text",
    [
        *("", "  ", "hello there", "what is this?", "ราคา 1,500 บาท วันที่ 12/12/2569", "12/05/2026 at 10:30"),
        *("I paid 25000 baht", "e.g. this", "มีคนโทรมาหลอกให้โอนเงิน", "2026-12-05 14:00", "1,234,567.00 baht"),
    ],
)
def test_text_without_a_value_asks_nothing(text: str) -> None:
    assert questions_of(text, "TH").questions == []


def test_large_text_is_cut_and_says_so() -> None:
    many = questions_of("\n".join(f"site{number}.example.com is bad" for number in range(50)), "TH")
    assert (len(many.questions), many.is_cut) == (MOST_VALUES, True)
    late = questions_of("word " * LONGEST_TEXT + "example.com", "TH")
    assert (late.questions, late.is_cut) == ([], True)
    assert not questions_of("see example.com and example.org", "TH").is_cut
