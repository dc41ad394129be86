"""The bank that people name beside an account's number: by code, symbol, BIC or name, once or in several ways."""

import re

from schemas.errors import Rejected
from schemas.reference.banks import lengths, national, thailand
from schemas.reference.banks.spelling import bare, plain
from schemas.reference.banks.written import is_grouped, names, parted

BIC_SHAPE = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")

_MOBILE = re.compile(r"0[689]")


def one_bank(*named: str) -> str:
    """Give the one bank that all that is ``named`` and not empty means; a country's code tells more than a BIC."""
    banks = {each for each in named if each}
    banks = {each for each in banks if BIC_SHAPE.fullmatch(each) is None} or banks
    if len(banks) > 1:
        raise Rejected("bank-conflict", "the report names two banks for one account; keep the one that holds it")
    return banks.pop() if banks else ""


def bank_called(text: str, written: str, country: str) -> str:
    """Give the bank that ``text`` names, once or in several ways: its BIC, else its country's own code for it."""
    try:
        return _by_one_name(text, written, country)
    except Rejected as refusal:
        parts = names(text)
        if refusal.reason != "bank-unknown" or parts in ([], [text]):
            raise
        thai = [thailand.named(part) for part in parts]
        # Name and code that agree are sure, though banks elsewhere may have each of them.
        if any(found and not found.shared for found in thai) or len({found and found.bank for found in thai}) == 1:
            country = country or "TH"
        return one_bank(*(_by_one_name(part, written, country) for part in parts))


def _by_one_name(name: str, written: str, country: str) -> str:
    if thailand.is_service(name):
        raise Rejected("bank-unknown", "this is a payment service and no bank; report its alias as a payment-alias")
    if country not in ("", "TH"):
        return national.bank_of(country, name)
    return _thai_bank(name, written, country)


def _thai_bank(name: str, written: str, country: str) -> str:
    """Give the BIC of the bank that ``name`` names, where name, number or country leave no doubt that it is Thai."""
    found = thailand.named(name.zfill(3) if name.isdigit() else name)
    if found is None:
        raise Rejected("bank-unknown", "only Thai banks are known by name alone; add the bank's country, or its BIC")
    sure = country == "TH" or thailand.is_thai(name) or is_grouped(written)
    plain_ten = name.isdigit() and len(bare(written)) == 10
    if found.shared and not sure and not plain_ten:
        raise Rejected("bank-unknown", "banks of several countries have this name or code: add country TH, or the BIC")
    return found.bank.bic


def is_named(text: str) -> bool:
    """Tell whether ``text`` is an account's number with the name of a Thai bank beside it, and nothing else.

    A number that is written as one of a mobile telephone may be that, in a town that a bank is named after.
    """
    words, number = parted(plain(text), "", alone=True)
    if not words or words.isdigit() or not number or (_MOBILE.match(bare(number)) and not is_grouped(number)):
        return False
    try:
        bank = bank_called(words, number, "")
        lengths.check(bank, bare(number))
    except Rejected:
        return False
    return 10 <= len(bare(number)) <= 15
