"""Banks as a registry names them, and which accounts are at them."""

import re
from collections.abc import Iterable, Mapping

from schemas.kind import NO_DETAILS

_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}")
_OF_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{2,11}")
_RULE = "a BIC of 8 characters (NWBKGB2L), or the beginning of its IBANs up to the end of the bank's code (GB29NWBK)"


def checked(text: str) -> str:
    """Give an institution in the one spelling that is compared. Raises ``ValueError`` with the rule."""
    plain = text.replace(" ", "").upper()
    if not _is_bic(plain) and _OF_IBAN.fullmatch(plain) is None:
        raise ValueError(_RULE)
    return plain


def keeps(institutions: Iterable[str], value: str, details: Mapping[str, str] = NO_DETAILS) -> bool:
    """Tell whether one of ``institutions`` keeps a bank account, given in its normal form.

    The two check digits of an IBAN differ from account to account and are not compared.
    """
    bank = value.split(":")[1] if value.count(":") >= 2 else ""
    named = {bank, details.get("bic", "")[:8]}
    return any(each in named if _is_bic(each) else _begins(value, bank, each) for each in institutions)


def _begins(value: str, bank: str, institution: str) -> bool:
    """Tell whether an account is one of those whose IBANs begin so; ``bank`` is its bank's code where it has no IBAN.

    A sort code names the bank too, so that the account without its IBAN is at the institution that the code ends.
    """
    if not bank:
        return (value[:2], value[4 : len(institution)]) == (institution[:2], institution[4:])
    return value[:2] == institution[:2] == "GB" and len(bank) == 6 and institution[8:] == bank


def _is_bic(text: str) -> bool:
    """Tell a BIC, whose country is in the middle, from an IBAN's beginning, which has check digits third and fourth."""
    return _BIC.fullmatch(text) is not None and _OF_IBAN.fullmatch(text) is None
