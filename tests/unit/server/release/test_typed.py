"""A value is found in every search by each spelling in which people type it, and no other value is."""

import re
from pathlib import Path

import pytest

from schemas import kinds
from server.release.query.typed import ending_of, typed_value

SPELLINGS: list[tuple[str, str, dict[str, str], list[str]]] = [  # kind, raw, details, typed spellings
    (
        "domain",
        "shop.example.com",
        {},
        [
            "shop.example.com",
            "SHOP.EXAMPLE.COM",
            "shop[.]example[.]com",
            "hxxp://shop[.]example[.]com",
            "https://shop.example.com",
            "http://shop.example.com/",
            "shop.example.com/",
            "www.shop.example.com",
            "sh\u200bop.example.com",
            "ｓｈｏｐ．ｅｘａｍｐｌｅ．ｃｏｍ",
            " shop.example.com. ",
            "<shop.example.com>",
            "“shop.example.com”",
            "shop (dot) example (dot) com",
        ],
    ),
    (
        "url",
        "https://shop.example.com/pay/1",
        {},
        [
            "https://shop.example.com/pay/1",
            "shop.example.com/pay/1",
            "hxxps://shop[.]example[.]com/pay/1",
            "http://shop.example.com/pay/1",
            "https://shop.example.com/pay/1/",
            "HTTPS://SHOP.EXAMPLE.COM/pay/1",
            "www.shop.example.com/pay/1",
            " shop.example.com/pay/1/",
        ],
    ),
    (
        "url",
        "https://shop.example.com/",
        {},
        ["shop.example.com", "https://shop.example.com", "http://shop.example.com/"],
    ),
    (
        "phone",
        "0812345678",
        {"country": "TH"},
        [
            "0812345678",
            "081-234-5678",
            "081 234 5678",
            "๐๘๑-๒๓๔-๕๖๗๘",
            "+66812345678",
            "+66 81 234 5678",
            "66812345678",
            "0066812345678",
            "(081) 234-5678",
            "081.234.5678",
            "０８１２３４５６７８",
            "+66(0)812345678",
            "081\u200b2345678",
            "tel:0812345678",
        ],
    ),
    (
        "bank-account",
        "123-4-56789-0",
        {"bank": "KBANK", "country": "TH"},
        [
            "1234567890",
            "123-4-56789-0",
            "123 4 56789 0",
            "๑๒๓-๔-๕๖๗๘๙-๐",
            "１２３４５６７８９０",
            "KBANK 1234567890",
            "กสิกร 123-4-56789-0",
            "TH:KASITHBK:1234567890",
            "1234567890 กสิกรไทย",
            "123\u200b4567890",
            "123.4.56789.0",
            "‐123‐4‐56789‐0",
        ],
    ),
    ("bank-account", "0201234567", {"bank": "SCB", "country": "TH"}, ["0201234567", "020-1-23456-7"]),
    ("bank-account", "0812345678", {"bank": "SCB", "country": "TH"}, ["0812345678", "081-2-34567-8"]),
    (
        "bank-account",
        "DE89370400440532013000",
        {},
        [
            "DE89370400440532013000",
            "DE89 3704 0044 0532 0130 00",
            "de89 3704 0044 0532 0130 00",
            "DE89-3704-0044-0532-0130-00",
            "ＤＥ８９３７０４００４４０５３２０１３０００",
            "532013000",
            "IBAN DE89 3704 0044 0532 0130 00",
        ],
    ),
    (
        "payment-alias",
        "0812345678",
        {"system": "promptpay"},
        ["0812345678", "081-234-5678", "+66812345678", "promptpay 0812345678", "พร้อมเพย์ 081-234-5678", "๐๘๑๒๓๔๕๖๗๘"],
    ),
    (
        "email",
        "fraud@example.com",
        {},
        [
            "fraud@example.com",
            "FRAUD@example.com",
            "fraud[at]example[.]com",
            "mailto:fraud@example.com",
            "fraud＠example.com",
        ],
    ),
    ("social-account", "@scamshop123", {"platform": "line"}, ["@scamshop123", "line @scamshop123", "ไลน์ @scamshop123"]),
    (
        "wallet",
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        {},
        [
            "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
            "BC1QAR0SRRR7XFKVY5L643LYDNW9RE59GTZZWF5MDQ",
            "bitcoin:bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        ],
    ),
    (
        "wallet",
        "0x52908400098527886E0F7030069857D2E4169EE7",
        {},
        [
            "0x52908400098527886e0f7030069857d2e4169ee7",
            "0x52908400098527886E0F7030069857D2E4169EE7",
            "eth:0x52908400098527886E0F7030069857D2E4169EE7",
        ],
    ),
    (
        "ip",
        "192.0.2.55",
        {},
        ["192.0.2.55", "192[.]0[.]2[.]55", "http://192.0.2.55/", "192.0.2.55:8080", "１９２.０.２.５５"],
    ),
]
# Each field in which a person searches for a stored value, and the module that reads it by ``typed_value``; and the
# fields of acts and look-ups, which have their own exact readings.
SEARCHES = {
    "partner/reports.html": "server/features/reports/partner_pages.py",
    "partner/accounts.html": "server/features/findings/listing.py",
    "partner/evidence.html": "server/features/evidence/upload_page.py",
    "operator/explain.html": "server/release/explain.py",
}
ACTS = {
    "public/values.html",
    "operator/allowlists.html",
    "operator/erase.html",
    "operator/evidence.html",
    "operator/incident_new.html",
    "operator/retract.html",
    "notice_fields.html",
    "partner/report.html",
    "partner/request_form.html",
    "partner/takedown_order.html",
    "partner/upload_row.html",
}
_FIELD = re.compile(
    r'(?:<input(?![^>]*type="(?:hidden|checkbox|radio|file)")|<textarea)[^>]*name="(?:value|values|object|about|q|search|asked)"'
)
_TEXT = re.compile(r'\{\{ (?:forms\.)?text\("(?:value|values|object|about|q|search|asked)"')


@pytest.mark.parametrize(("kind", "raw", "details", "typed"), SPELLINGS, ids=lambda given: str(given)[:30])
def test_value_is_found_in_every_spelling(kind: str, raw: str, details: dict[str, str], typed: list[str]) -> None:
    value = kinds.normalise(kinds.get(kind), raw, details, "TH").value
    for text in typed:
        found = typed_value(text, "TH")
        is_end = found.ending and value.casefold().endswith(found.ending.casefold())
        assert kinds.name_of(kind, value) in found.names or is_end, text


@pytest.mark.parametrize(
    ("kind", "value", "typed"),
    [
        ("domain", "shop.example.com", "example.com"),
        ("domain", "shop.example.com", "shop.example.com/pay"),
        ("url", "https://shop.example.com/pay", "https://shop.example.com/PAY"),
        ("url", "https://shop.example.com/pay?x=1", "https://shop.example.com/pay"),
        ("url", "https://shop.example.com/pay", "https://wwwshop.example.com/pay"),
        ("phone", "+66812345678", "0812345679"),
        ("email", "fraud@example.com", "fraud@example.org"),
    ],
)
def test_other_value_is_not_found(kind: str, value: str, typed: str) -> None:
    assert kinds.name_of(kind, value) not in typed_value(typed, "TH").names


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("123", ""),
        ("5678", "5678"),
        ("56-78", "5678"),
        (" ๕๖๗๘ ", "5678"),
        ("(56) 7.8", "5678"),
        ("５６\u200b７８", "5678"),
    ],
)
def test_end_of_a_number_has_no_separators(text: str, ending: str) -> None:
    assert ending_of(text) == ending


def test_every_field_for_a_value_is_a_search_or_an_act() -> None:
    found = set()
    for file in Path("server").rglob("templates/**/*.html"):
        text = file.read_text()
        if _FIELD.search(text) or _TEXT.search(text):
            found.add(str(file).partition("templates/")[2])
    assert found <= SEARCHES.keys() | ACTS, "say whether it searches or acts"
    assert found >= SEARCHES.keys()
    for module in SEARCHES.values():
        assert "typed_value(" in Path(module).read_text(), module
