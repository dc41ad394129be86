"""Shares of planted and generated personal data that the guard finds."""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from stdnum import luhn
from stdnum.th import pin

from schemas.errors import Rejected
from server.release.guard.personal_data import objects

PLANTED = (
    Path(__file__).parent.parent / "tests" / "unit" / "server" / "release" / "guard" / "personal_data" / "planted.json"
)
MADE = 400
LARGE = ("4", "51", "55", "2230", "34", "37", "6011", "65", "3530", "62")
SMALL = ("5018", "6304", "2200", "6062")


def rows() -> Iterator[list[object]]:
    """Return the share found of each sort: the target is all of the personal data, and none of the rest."""
    planted = json.loads(PLANTED.read_text(encoding="utf-8"))
    for what, texts in planted["planted"].items():
        yield _row(f"planted: {what}", texts)
    for what, texts in _personal().items():
        yield _row(f"made: {what}", texts)
    yield _row("found wrongly: texts about scams", planted["harmless"])
    for what, texts in _ordinary().items():
        yield _row(f"found wrongly: {what}", texts)


def _row(what: str, texts: list[str]) -> list[object]:
    found = sum(is_refused({"type": "note", "content": text}) for text in texts)
    return [what, found, "of", len(texts), f"{found / len(texts):.1%}"]


def is_refused(obj: Mapping[str, Any]) -> bool:
    try:
        objects.refuse_personal_data(obj)
    except Rejected:
        return True
    return False


def _personal() -> dict[str, list[str]]:
    chance = random.Random(7)  # noqa: S311 - the same numbers each time
    digits = [[chance.choice("0123456789") for _ in range(16)] for _ in range(MADE)]
    ids = [_checked(chance.choice("12345678") + "".join(each[:11]), pin.calc_check_digit) for each in digits]
    mobiles = [
        number
        for region in phonenumbers.SUPPORTED_REGIONS
        if (number := phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE))
    ]
    return {
        "cards of the large schemes": [_card(chance.choice(LARGE), each) for each in digits],
        "cards of small schemes": [_card(chance.choice(SMALL), each) for each in digits],
        "Thai ids, digits alone": [f"opened by {each} in Chiang Mai" for each in ids],
        "Thai ids, in groups": [f"opened by {i[0]}-{i[1:5]}-{i[5:10]}-{i[10:12]}-{i[12]}" for i in ids],
        "Thai ids, said to be one": [f"บัตรประชาชน {each}" for each in ids],
        "mobile numbers of all countries, with +": [
            f"she called {phonenumbers.format_number(each, PhoneNumberFormat.INTERNATIONAL)}" for each in mobiles
        ],
        "mobile numbers of all countries, without": [
            f"she called {phonenumbers.format_number(each, PhoneNumberFormat.NATIONAL)}" for each in mobiles
        ],
    }


def _ordinary() -> dict[str, list[str]]:
    chance = random.Random(8)  # noqa: S311 - the same numbers each time
    return {
        f"order numbers of {length} digits": [
            f"order {chance.randint(10 ** (length - 1), 10**length - 1)}" for _ in range(MADE)
        ]
        for length in (8, 10, 12, 13, 16)
    }


def _card(start: str, digits: list[str]) -> str:
    length = 15 if start in ("34", "37") else 16
    return f"he typed {_checked(start + ''.join(digits[: length - 1 - len(start)]), luhn.calc_check_digit)}"


def _checked(number: str, check: Callable[[str], str]) -> str:
    return f"{number}{check(number)}"
