"""Banks are shown by the names that people know."""

import pytest

from schemas.reference.banks.shown import bank_of, institution_called
from schemas.reference.banks.thai_banks import bank_codes


@pytest.mark.parametrize(
    ("value", "english", "thai"),
    [
        ("TH:KASITHBK:1234567890", "Kasikornbank (KASITHBK)", "กสิกรไทย (KASITHBK)"),
        ("TH:004", "Kasikornbank (KASITHBK)", "กสิกรไทย (KASITHBK)"),
        ("ICICINBB", "ICICI Bank (ICICINBB)", "ICICI Bank (ICICINBB)"),
    ],
)
def test_a_bank_is_called_by_its_name_and_its_bic(value: str, english: str, thai: str) -> None:
    bank = bank_of(value)
    assert bank is not None
    assert (bank.called("en"), bank.called("th")) == (english, thai)


def test_every_thai_bank_has_a_thai_name_and_what_is_no_bank_has_none() -> None:
    assert all((bank := bank_of(bic)) is not None and bank.english != bank.thai for _, bic, *_ in bank_codes())
    assert [bank_of(value) for value in ("DE89370400440532013000", "phone:+66812", "TH:999", "")] == [None] * 4


@pytest.mark.parametrize(
    ("written", "country", "institution"),
    [
        ("กรุงไทย", "", "KRTHTHBK"),
        ("Krungthai", "TH", "KRTHTHBK"),
        ("hsbc", "HK", "HSBCHKHH"),
        ("DE8937040044", "DE", "DE8937040044"),
        ("TH:004", "TH", "TH:004"),
        ("No Such Bank", "TH", "No Such Bank"),
    ],
)
def test_an_institution_may_be_called_by_its_banks_name(written: str, country: str, institution: str) -> None:
    assert institution_called(written, country) == institution
