"""Accounts in their normal form: the key that all names of one account share, and the bank that keeps it.

An account of Great Britain has an IBAN, and a sort code with a number; one of Brazil has an IBAN, and the bank's code
with agency and number. The shorter name follows from the longer one, never the other way round: a sort code does not
contain the bank's letters.
"""

import re
from collections.abc import Iterable

from schemas.reference.banks import codes, iban, names

_BRITISH = re.compile(r"GB\d{2}[A-Z]{4}(\d{6})(\d{8})")
# Bank (ISPB), agency, account with its check digit, type of account, holder.
_BRAZILIAN = re.compile(r"BR\d{2}(\d{8})0(\d{4})(\d{10})([A-Z])[A-Z0-9]")
_SAVINGS = "P"
_AT_AN_AGENCY = re.compile(r"BR:(\w+):(\d{4})(\d{3,12}[\dX])")
_FEWEST = 5


def key(account: str) -> str:
    """Return the shortest name of an account in its normal form: equal for all its names, different for two accounts.

    ``account`` is in a normal form of this version or an earlier one.
    """
    if ":" not in account:
        return _key_of_iban(account)
    if at_agency := _AT_AN_AGENCY.fullmatch(account):
        return _brazilian_key(*at_agency.groups())
    country, _, rest = account.partition(":")
    bank, _, number = rest.partition(":")
    return ":".join((country, *canonical_account(country, bank, number)))


def fullest(accounts: Iterable[str]) -> str:
    """Return the name that tells most among names of one account: its IBAN, if one of them is that."""
    return min(accounts, key=lambda account: (":" in account, account))


def canonical_bank(country: str, bank: str) -> str:
    """Return the code or BIC under which accounts at ``bank``, a code or BIC, are known in ``country``."""
    if found := codes.canonical_code(country, bank) or names.bic_by_code(country, bank):
        return found
    # An Indian bank that is not listed has the same four letters in its BIC and its IFSC.
    return bank[:4] if country == "IN" and len(bank) == 8 and not names.bic_by_name(country, bank) else bank


def canonical_account(country: str, bank: str, number: str) -> tuple[str, str]:
    """Return bank and number under which the account with a bare ``number`` at ``bank``, a code or BIC, is known.

    A Canadian bank's code contains the transit number, which is the beginning of a number that comes with the BIC.
    """
    code = canonical_bank(country, bank)
    if country != "CA" or code == bank:
        return code, number
    if parts := re.fullmatch(rf"(?:0?{code}(\d{{5}})|(\d{{5}}){code})(\d{{5,12}})", number):
        return f"0{code}{parts[1] or parts[2]}", parts[3]
    return bank, number


def keeping_bank(account: str) -> str:
    """Return the BIC of the bank that keeps an account in its normal form, "" if it is not known."""
    if found := _BRAZILIAN.fullmatch(account):
        return codes.bic_by_code("BR", found[1])
    if ":" not in account:
        return iban.bic_of(account)
    country, bank = account.split(":")[:2]
    return bank if len(bank) == 8 and bank[4:6] == country else codes.bic_by_code(country, bank)


def _key_of_iban(account: str) -> str:
    if british := _BRITISH.fullmatch(account):
        return f"GB:{british[1]}:{british[2]}"
    if (brazilian := _BRAZILIAN.fullmatch(account)) and brazilian[4] != _SAVINGS:
        return _brazilian_key(*brazilian.groups()[:3])
    return account


def _brazilian_key(bank: str, agency: str, number: str) -> str:
    """Return the key of an account at an agency; IBANs fill numbers with zeros, and write the check digit X as 0."""
    return f"BR:{canonical_bank('BR', bank)}:{agency}{number.replace('X', '0').lstrip('0').zfill(_FEWEST)}"


_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}")
_IBAN_BEGINNING = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{2,11}")
_INSTITUTION_RULE = (
    "a BIC of 8 characters (KASITHBK), or the beginning of its IBANs up to the end of the bank's code (DE8937040044)"
)


def checked_institution(text: str) -> str:
    """Return an institution in the one spelling that is compared. Raises ``ValueError`` with the rule."""
    plain = text.replace(" ", "").upper()
    if not is_bic(plain) and _IBAN_BEGINNING.fullmatch(plain) is None:
        raise ValueError(_INSTITUTION_RULE)
    return plain


def is_bic(text: str) -> bool:
    """Return True for a BIC, whose country is in the middle, False for the beginning of an IBAN."""
    return _BIC.fullmatch(text) is not None and _IBAN_BEGINNING.fullmatch(text) is None
