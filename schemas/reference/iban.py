"""IBANs: verified by their country's rules, and made from the number and bank of the same account."""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache, lru_cache

from schwifty import IBAN, registry
from schwifty.exceptions import InvalidChecksumDigits, InvalidCountryCode, SchwiftyException

from schemas.errors import Rejected
from schemas.reference.numbers import bare

# Countries whose IBAN holds check digits of its own behind the country's, by one rule for all banks (IBAN registry).
# Countries with a rule for each bank (Germany, the Netherlands) are left out: accounts that exist would be refused.
_NATIONAL_CHECK = frozenset(
    {"BA", "BE", "CZ", "EE", "ES", "FI", "FR", "IT", "MC", "ME", "MK", "MR", "NO", "PL", "PT", "RS", "SI", "SK", "SM"}
    | {"TL", "TN"}
)
# Countries whose IBAN is the bank, by the first four letters of its BIC, and the account's number behind zeros.
_BANK_AND_NUMBER = frozenset({"AZ", "BH", "DO", "KW", "NL", "PK", "PS", "QA", "VG"})
# The same with the sort code of six digits between them.
SORT_CODE = frozenset({"GB", "IE"})
# Lengths of the codes of bank and branch, and of the number; check digits are made from them.
_BY_CODES = {
    "AT": (5, 0, 11),
    "DE": (8, 0, 10),
    "DK": (4, 0, 10),
    "ES": (4, 4, 10),
    "FR": (5, 5, 11),
    "IT": (5, 5, 12),
    "PT": (4, 4, 11),
}
# Countries in which people leave out the zeros in front of a number.
_FILLED = frozenset({"AT", "DE", "DK", "IT"})
_SHAPE = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
# Czech and Slovak numbers: prefix, number, bank.
_WITH_PREFIX = re.compile(r"(?:(\d{1,6})-)?(\d{2,10})/(\d{4})")


@cache
def length(country: str) -> int:
    """Return the length of a country's IBANs, 0 if it has none."""
    try:
        return int(registry.get_iban_spec(country).iban_length)
    except InvalidCountryCode:
        return 0


def looks_like_iban(text: str) -> bool:
    """Return True if a compact ``text`` has the form of an IBAN of any country."""
    return _SHAPE.fullmatch(text) is not None


def has_iban_form(text: str) -> bool:
    """Return True if a compact ``text`` has the form of an IBAN and its country's length."""
    return looks_like_iban(text) and len(text) == length(text[:2])


@cache
def is_required(country: str) -> bool:
    """Return True if a country's accounts are known by IBAN only, which is made of nothing but number and bank.

    These are the countries of the SEPA, whose numbers repeat from branch to branch, and those whose IBAN
    ``from_number`` can make: IBAN and number would be two names of one account.
    """
    if country in _BANK_AND_NUMBER or country in {"AE", "BR"}:
        return True
    return length(country) > 0 and bool(registry.get_iban_spec(country).in_sepa_zone)


def checked(text: str) -> str:
    """Return a compact IBAN that its country's rules allow. Raises ``Rejected``."""
    try:
        iban = IBAN(text)
    except InvalidCountryCode:
        raise Rejected(
            "iban-country",
            "the first two letters are no country that has IBANs: give the account number, and its bank by BIC or name",
        ) from None
    except InvalidChecksumDigits:
        raise Rejected(
            "iban-checksum", "the IBAN's check digits do not fit: a character was mistyped or moved"
        ) from None
    except SchwiftyException:
        wanted = length(text[:2])
        hint = f": it has {len(text)} characters, {wanted} are wanted" if len(text) != wanted else ""
        raise Rejected("iban-form", f"not of the length and form that this country's IBANs have{hint}") from None
    if text[:2] in _NATIONAL_CHECK:
        try:
            iban.bban.validate_national_checksum()
        except SchwiftyException:
            raise Rejected("iban-checksum", "the account's national check digits inside the IBAN do not fit") from None
    return str(iban)


def from_number(country: str, bic: str, sort_code: str, written: str) -> str | None:
    """Return the IBAN of the account with the number ``written``, made by the country's rule; None if it makes none.

    ``bic`` and ``sort_code`` may be "".
    """
    number = bare(written)
    if not length(country) or not (number.isascii() and number.isalnum()):
        return None
    for national in _national_parts(country, bic, sort_code, number, written.replace(" ", "")):
        with suppress(SchwiftyException, ValueError, Rejected):
            return checked(str(IBAN.from_bban(country, national)))
    return None


def from_codes(country: str, bank: str, branch: str, written: str) -> str | None:
    """Return the IBAN of an account from the codes of its bank and, if the country has them, branch.

    None if the rule is each bank's own, or if a part has not the length that the country's IBANs have.
    """
    wanted = _BY_CODES.get(country)
    number = bare(written)
    if wanted is None or (len(bank), len(branch)) != wanted[:2] or not number.isalnum():
        return None
    if len(number) != wanted[2] and not (country in _FILLED and 4 <= len(number) < wanted[2]):
        return None
    with suppress(SchwiftyException, ValueError, Rejected):
        return checked(str(IBAN.generate(country, bank, number.zfill(wanted[2]), branch)))
    return None


def _national_parts(country: str, bic: str, sort_code: str, number: str, written: str) -> Iterator[str]:
    """Yield the texts that may stand behind the check digits of the country's IBAN."""
    size = length(country) - 4
    if country == "PL" and len(number) == 26 and _is_valid(f"PL{number}"):
        yield number[2:]
    if len(number) == size:
        yield number
    if country in {"CZ", "SK"} and (parts := _WITH_PREFIX.fullmatch(written)):
        yield parts[3] + (parts[1] or "").zfill(6) + parts[2].zfill(10)
    if bic:
        yield from _behind_bank(country, bic, sort_code, number, size)


def _behind_bank(country: str, bic: str, sort_code: str, number: str, size: int) -> Iterator[str]:
    """Yield bank and number, for countries whose IBANs consist of these."""
    if country in _BANK_AND_NUMBER and 5 <= len(number) <= size - 4:
        yield bic[:4] + number.zfill(size - 4)
    if country in SORT_CODE and len(sort_code + number) == 14:
        yield bic[:4] + sort_code + number
    if country == "AE" and (code := _emirati(bic)) and 9 <= len(number) <= 16:
        yield code + number.zfill(16)


def _is_valid(text: str) -> bool:
    """Return True if a compact text is an IBAN that its country's rules allow."""
    with suppress(Rejected):
        return bool(checked(text))
    return False


@cache
def _emirati(bic: str) -> str:
    """Return the code of the bank with ``bic`` in the Emirates' IBANs, "" if it is not known."""
    codes = {bank.bank_code for bank in registry.get_banks_by_country("AE") if bank.bic[:8] == bic}
    return codes.pop() if bic and len(codes) == 1 else ""


@lru_cache(maxsize=4096)
def bic_of(iban: str) -> str:
    """Return the BIC of eight characters of the bank of a checked IBAN, "" if the registries have none."""
    try:
        bic = IBAN(iban).bic
    except SchwiftyException:
        return ""
    return str(bic)[:8] if bic else ""
