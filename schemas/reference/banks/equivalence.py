"""All names of one account: what they have in common, and which of them says most.

An account of Great Britain is known by its IBAN and by sort code and number, one of Brazil by IBAN and by the bank's
code, agency and number. The shorter name follows from the longer one, never the other way round: a sort code does not
say the bank's letters.
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
    """Give the shortest name of an account, in the normal form; all its names give the same, no two accounts do.

    ``account`` is in a normal form of today's or of before.
    """
    if ":" not in account:
        return _of_iban(account)
    if at_agency := _AT_AN_AGENCY.fullmatch(account):
        return _brazilian(*at_agency.groups())
    country, _, rest = account.partition(":")
    bank, _, number = rest.partition(":")
    return ":".join((country, *at_bank(country, bank, number)))


def fullest(accounts: Iterable[str]) -> str:
    """Give the name that says most among names of one account: its IBAN, where one of them is that."""
    return min(accounts, key=lambda account: (":" in account, account))


def known_by(country: str, bank: str) -> str:
    """Give what accounts at ``bank``, its code or BIC, are known by in ``country``."""
    if found := codes.known_by(country, bank) or names.by_code(country, bank):
        return found
    # Where nothing else is known, an Indian bank has the same four letters in its BIC and its IFSC.
    return bank[:4] if country == "IN" and len(bank) == 8 and not names.by_name(country, bank) else bank


def at_bank(country: str, bank: str, number: str) -> tuple[str, str]:
    """Give what the account with a bare ``number`` at ``bank``, its code or BIC, is known by: bank and number.

    A Canadian bank's code has the transit number in it, which stands in front of a number that comes with the BIC.
    """
    one = known_by(country, bank)
    if country != "CA" or one == bank:
        return one, number
    if parts := re.fullmatch(rf"(?:0?{one}(\d{{5}})|(\d{{5}}){one})(\d{{5,12}})", number):
        return f"0{one}{parts[1] or parts[2]}", parts[3]
    return bank, number


def keeper(account: str) -> str:
    """Give the BIC of the bank that keeps an account in its normal form, "" where it is not known."""
    if found := _BRAZILIAN.fullmatch(account):
        return codes.bic("BR", found[1])
    if ":" not in account:
        return iban.bank(account)
    country, bank = account.split(":")[:2]
    return bank if len(bank) == 8 and bank[4:6] == country else codes.bic(country, bank)


def _of_iban(account: str) -> str:
    if british := _BRITISH.fullmatch(account):
        return f"GB:{british[1]}:{british[2]}"
    if (brazilian := _BRAZILIAN.fullmatch(account)) and brazilian[4] != _SAVINGS:
        return _brazilian(*brazilian.groups()[:3])
    return account


def _brazilian(bank: str, agency: str, number: str) -> str:
    """Give the account at an agency; IBANs fill numbers up with zeros, and write the check digit X as 0."""
    return f"BR:{known_by('BR', bank)}:{agency}{number.replace('X', '0').lstrip('0').zfill(_FEWEST)}"
