"""Currencies and coins accepted for amounts."""

import pytest

from schemas.errors import Rejected
from schemas.reference.numbers import known_currencies, refuse_unknown_currency


@pytest.mark.parametrize("code", ["THB", "USD", "XOF", "BGN", "BTC", "USDT", "KUB", None])
def test_a_currency_and_a_coin_are_known(code: str | None) -> None:
    refuse_unknown_currency("currency", code)


@pytest.mark.parametrize("code", ["XYZ", "XXX", "XTS", "thb", "BAHT", ""])
def test_anything_else_is_refused_with_the_name_of_its_field(code: str) -> None:
    with pytest.raises(Rejected, match=r"^bad-hold-currency: hold_currency: is no currency") as refusal:
        refuse_unknown_currency("hold_currency", code)
    assert not code or code not in refusal.value.message.split(":")[1]


def test_each_code_has_the_form_of_a_currency() -> None:
    assert all(code.isascii() and code.isupper() and 2 <= len(code) <= 12 for code in known_currencies())
