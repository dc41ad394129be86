"""Each country's IBAN registry example is one account in all spellings, for look-ups and for matching."""

from pathlib import Path

import pytest

from schemas.api.lookup import readings
from schemas.api.matching import input_of

EXAMPLES = Path(__file__).with_name("iban_examples.txt").read_text(encoding="ascii").split()


@pytest.mark.parametrize("iban", EXAMPLES)
def test_all_spellings_of_an_iban_are_one_input(iban: str) -> None:
    [plain] = readings(iban, "bank-account")
    grouped = " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))
    spellings = [(grouped, {}), (iban.lower(), {}), (f"IBAN: {grouped}", {}), ("", {"iban": iban}), (plain.normal, {})]
    if plain.name != f"bank-account:{plain.normal}":
        spellings.append((plain.name.removeprefix("bank-account:"), {}))
    assert {input_of(readings(text, "bank-account", given)[0].name) for text, given in spellings} == {
        input_of(plain.name)
    }


def test_a_british_iban_and_its_sort_code_are_one_input() -> None:
    [iban] = readings("GB29NWBK60161331926819", "bank-account")
    [coded] = readings("31926819", "bank-account", {"bank": "60-16-13", "country": "GB"})
    assert input_of(iban.name) == input_of(coded.name) == b"scamfeed/match/1\0bank-account\0GB:601613:31926819"
