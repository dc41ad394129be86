"""Currencies and coins that amounts may be in."""

import pytest

from schemas.errors import Rejected
from schemas.reference.currencies import known, refuse_unknown


@pytest.mark.parametrize("code", ["THB", "USD", "XOF", "BGN", "BTC", "USDT", "KUB", None])
def test_a_currency_and_a_coin_are_known(code: str | None) -> None:
    refuse_unknown("currency", code)


@pytest.mark.parametrize("code", ["XYZ", "XXX", "XTS", "thb", "BAHT", ""])
def test_anything_else_is_refused_with_the_name_of_its_field(code: str) -> None:
    with pytest.raises(Rejected, match=r"^bad-hold-currency: hold_currency: is no currency") as refusal:
        refuse_unknown("hold_currency", code)
    assert not code or code not in refusal.value.message.split(":")[1]


def test_each_code_is_one_that_the_form_of_a_currency_takes() -> None:
    assert all(code.isascii() and code.isupper() and 2 <= len(code) <= 12 for code in known())
