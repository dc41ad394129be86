"""Banks are shown under familiar names."""

import pytest

from schemas.reference.bank_text import bank_of, institution_called
from schemas.reference.banks import banks_of


@pytest.mark.parametrize(
    ("value", "english", "thai"),
    [
        ("TH:KASITHBK:1234567890", "Kasikornbank (KASITHBK)", "กสิกรไทย (KASITHBK)"),
        ("TH:004", "Kasikornbank (KASITHBK)", "กสิกรไทย (KASITHBK)"),
        ("ICICINBB", "ICICI Bank (ICICINBB)", "ICICI Bank (ICICINBB)"),
    ],
)
def test_bank_is_shown_by_name_and_bic(value: str, english: str, thai: str) -> None:
    bank = bank_of(value)
    assert bank is not None
    assert (bank.called("en"), bank.called("th")) == (english, thai)


def test_only_thai_banks_have_a_thai_name() -> None:
    assert all((bank := bank_of(listed.bic)) is not None and bank.english != bank.thai for listed in banks_of("TH"))
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
def test_institution_can_be_shown_by_its_bank_name(written: str, country: str, institution: str) -> None:
    assert institution_called(written, country) == institution
