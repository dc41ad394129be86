"""Banks in a text are found by the full name in the right country, and not by towns or similar words."""

import time

import pytest

from schemas.reference.bank_text import find_banks


def named(text: str, country: str = "") -> list[tuple[str, str]]:
    return [(mention.name, mention.country) for mention in find_banks(text, country)]


@pytest.mark.parametrize(
    ("text", "country", "found"),
    [
        ("บัญชี ธ.กสิกรไทย 1234567890", "TH", [("กสิกรไทย", "TH")]),
        ("ธ.ก.ส. 020123456789", "TH", [("ธ.ก.ส.", "TH")]),
        ("ธนาคารกรุงเทพ 123-4-56789-0", "TH", [("ธนาคารกรุงเทพ", "TH")]),
        ("กรุงเทพ 123-4-56789-0", "TH", [("กรุงเทพ", "TH")]),
        ("สำนักงานอยู่ที่กรุงเทพ โทร 02-123-4567", "TH", []),
        ("KBANK and SCB, but not scb or Bay", "TH", [("KBANK", "TH"), ("SCB", "TH")]),
        ("STK 0123456789 - Vietcombank", "VN", [("Vietcombank", "VN")]),
        ("收款人:工商银行", "", [("工商银行", "CN")]),
        ("HSBC Hong Kong", "", [("HSBC", "")]),
    ],
)
def test_a_bank_is_found_by_its_whole_name(text: str, country: str, found: list[tuple[str, str]]) -> None:
    assert named(text, country) == found


def test_the_time_is_linear_in_the_text() -> None:
    begun = time.process_time()
    assert len(find_banks("KBANK " * 20_000, "TH")) == 20_000
    assert time.process_time() - begun < 5
