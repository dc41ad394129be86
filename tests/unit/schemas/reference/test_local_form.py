"""Numbers are shown as their countries write them."""

import pytest

from schemas.reference.local_form import local_form


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        ("bank-account", "TH:KASITHBK:1234567890", "123-4-56789-0"),
        ("bank-account", "TH:GSBATHBK:020123456789", "020123456789"),
        ("bank-account", "SG:DBSSSGSG:0123456789", "0123456789"),
        ("bank-account", "DE89370400440532013000", "DE89 3704 0044 0532 0130 00"),
        ("bank-account", "a number", "a number"),
        ("phone", "+66812345678", "+66 81 234 5678"),
        ("phone", "+0", "+0"),
        ("domain", "shop.example.com", "shop.example.com"),
    ],
)
def test_value_is_written_as_in_its_country(kind: str, value: str, written: str) -> None:
    assert local_form(kind, value) == written
