"""Keepers: the institution at which an account, an alias, a profile or a number is kept, read from the value alone.

Anybody may name any bank beside a value, so that nothing but the value itself counts.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from schemas.errors import Rejected
from schemas.reference.aliases import systems
from schemas.reference.banks import accounts
from schemas.reference.banks.recognition import find_bank
from schemas.reference.platforms import PLATFORMS

_BANK, _ALIAS, _SOCIAL, _PHONE = "bank-account", "payment-alias", "social-account", "phone"
# Systems of many banks: the alias alone does not tell which of them keeps the account.
_SCHEMES = frozenset(
    {"aani", "alias-cbu", "bakong", "bizum", "blik", "dimo", "duitnow", "fps", "instapay-eg", "interac", "payid"}
    | {"paynow", "payshap", "pix", "plin", "promptpay", "raast", "sbp", "twint", "upi", "wero", "zelle"}
)
# The mark in an alias behind which its bank or wallet stands.
_MARKS = {"upi": "@", "bakong": "@", "payshap": "@", "paynow": "#"}
# An e-wallet's number at PromptPay begins with the number of its provider.
_EWALLET = re.compile(r"\d{15}")
_PROVIDER = re.compile(r"promptpay:\d{3,6}")
_NATIONAL = re.compile(r"([A-Z]{2}):([A-Z0-9]{2,11})")
_NUMBERS = re.compile(r"\+[1-9]\d{2,13}")
# Countries whose bank codes begin with the bank, which may have many: a sort code, a BSB.
_RANGES = frozenset({"GB", "AU"})
_FEWEST_OF_RANGE = 2
_SORT_CODES = re.compile(r"GB:\d+")
_ANY_NUMBER = "1234567890"
_IBAN_BANKS = range(6, 16)
_RULE = (
    "a BIC of 8 characters (KASITHBK), the beginning of its IBANs up to the end of the bank's code (DE8937040044), "
    "a code with its country (TH:004, GB:6016), payment-alias:truemoney, payment-alias:upi:@okhdfcbank, "
    "social-account:line, or phone:+66812"
)


def checked_institution(text: str) -> str:
    """Return an institution in the one spelling that is compared. Raises ``ValueError`` with the rule."""
    plain = "".join(text.split())
    kind, _, rest = plain.partition(":")
    if kind.lower() in (_ALIAS, _SOCIAL, _PHONE):
        return f"{kind.lower()}:{_checked_prefix(kind.lower(), rest)}"
    upper = plain.upper()
    if national := _NATIONAL.fullmatch(upper):
        return ":".join(national.groups())
    try:
        return accounts.checked_institution(upper)
    except ValueError:
        raise ValueError(_RULE) from None


def _checked_prefix(kind: str, rest: str) -> str:
    if kind == _PHONE and _NUMBERS.fullmatch(rest):
        return rest
    if kind == _SOCIAL and (platform := PLATFORMS.find(rest)) is not None:
        return platform.name
    name, _, part = rest.lower().partition(":")
    system = systems.find(name) if kind == _ALIAS else None
    if system is not None and _is_keeper_of_aliases(system.name, part):
        return f"{system.name}:{part}" if part else system.name
    raise ValueError(_RULE)


def _is_keeper_of_aliases(system: str, part: str) -> bool:
    """Return whether the name of a system, or a part of its aliases, names one institution."""
    if system not in _SCHEMES:
        return not part
    mark = _MARKS.get(system)
    return (mark is not None and re.fullmatch(rf"{mark}[a-z0-9]{{2,64}}", part) is not None) or (
        _PROVIDER.fullmatch(f"{system}:{part}") is not None
    )


def kind_of(institution: str) -> str:
    """Return the kind of the values that an institution keeps."""
    kind = institution.partition(":")[0]
    return kind if kind in (_ALIAS, _SOCIAL, _PHONE) else _BANK


def keeps_nothing(institution: str) -> bool:
    """Return whether no account is at an institution: British letters and BICs name none, as sort codes do."""
    country = institution[4:6] if accounts.is_bic(institution) else institution[:2]
    return country == "GB" and not any(_SORT_CODES.fullmatch(key) for key in keys_of(institution))


@lru_cache(maxsize=4096)
def keys_of(institution: str) -> frozenset[str]:
    """Return the keys of an institution, of which ``keeper`` returns one for each value that it keeps."""
    if kind_of(institution) != _BANK:
        return frozenset({institution})
    if national := _NATIONAL.fullmatch(institution):
        country, code = national.groups()
        canonical = _bank_of_code(country, code)
        return frozenset({institution, f"{country}:{canonical}", *_bic(canonical)})
    if accounts.is_bic(institution):
        country = institution[4:6]
        return frozenset({institution, f"{country}:{accounts.canonical_bank(country, institution)}"})
    country, bank = institution[:2], institution[4:]
    sort_code = {f"GB:{bank[4:]}"} if country == "GB" and re.fullmatch(r"[A-Z]{4}\d{2,6}", bank) else set()
    return frozenset({f"{country}*{bank}", *sort_code})


@lru_cache(maxsize=65_536)
def keeper(kind: str, value: str) -> frozenset[str]:
    """Return the keys of the institution that may keep a value in its normal form; none where the value names none.

    All names of one account give the same keys: those of the shortest name, which follows from every other.
    """
    if kind == _BANK:
        return _of_account(accounts.key(value))
    if kind == _ALIAS:
        return _of_alias(value)
    if kind == _SOCIAL:
        return frozenset({f"{_SOCIAL}:{value.partition(':')[0]}"})
    if kind == _PHONE and value.startswith("+"):
        return frozenset(f"{_PHONE}:{value[:length]}" for length in range(4, len(value) + 1))
    return frozenset()


def _of_account(account: str) -> frozenset[str]:
    if ":" not in account:
        beginnings = (f"{account[:2]}*{account[4:length]}" for length in _IBAN_BANKS)
        return frozenset({*_bic(accounts.keeping_bank(account)), *beginnings})
    country, bank = account.split(":")[:2]
    found = {f"{country}:{bank}", *_bic(bank), *_bic(accounts.keeping_bank(account))}
    if country in _RANGES and bank.isdecimal():
        found |= {f"{country}:{bank[:length]}" for length in range(_FEWEST_OF_RANGE, len(bank))}
    return frozenset(found)


def _of_alias(value: str) -> frozenset[str]:
    system, _, alias = value.partition(":")
    if system not in _SCHEMES:
        return frozenset({f"{_ALIAS}:{system}"})
    mark = _MARKS.get(system)
    if mark is not None and mark in alias:
        return frozenset({f"{_ALIAS}:{system}:{mark}{alias.rpartition(mark)[2].lower()}"})
    if system == "promptpay" and _EWALLET.fullmatch(alias):
        return frozenset(f"{_ALIAS}:{system}:{alias[:length]}" for length in range(3, 7))
    return frozenset()


def _bank_of_code(country: str, code: str) -> str:
    """Return the code or BIC under which accounts at the bank of a country's code are known."""
    try:
        return find_bank(code, _ANY_NUMBER, country)
    except Rejected:
        return accounts.canonical_bank(country, code)


def _bic(text: str) -> Iterable[str]:
    return (text,) if accounts.is_bic(text) else ()
