"""Numbers as people and spreadsheets write them: plain digits, separators, lost zeros, payment cards, currencies."""

import re
import unicodedata
from functools import cache
from urllib.parse import unquote

import pycountry
from babel.numbers import get_territory_currencies

from schemas.errors import Rejected
from schemas.text import ascii_digits

_COUNTRY = 2
_SEPARATORS = re.compile(r"[\s.\-/]+")
_DASHES = dict.fromkeys([*range(0x2010, 0x2016), 0x2212, 0xAD], "-")
_IBAN_LABEL = re.compile(r"IBAN[\s:.]*", re.IGNORECASE)
# A number as programs format a quantity: 1.23457E+11, 123456789.0, 0.123456789, -123456789, 1,234,567.00.
_SPREADSHEET_NUMBER = re.compile(
    r"[+-]?(?:\d+E\+\d{1,3}|\d+[.,]\d+E[+-]?\d{1,3}|\d*[.,]\d+|\d{1,3}(?:,\d{3})+(?:\.\d+)?"
    r"|\d{1,3}(?:[. ]\d{3})+,\d+|\d{1,3}(?: \d{3})+\.\d+)|-\d+",
    re.IGNORECASE,
)
# A date, which programs make of digits with dashes or slashes: 2026-01-15, 15/01/2026, with a time or without.
_DATE = re.compile(
    r"(?:(?:19|20|25)\d\d([-/.])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])([-/.])(?:0?[1-9]|[12]\d|3[01])\2(?:19|20|25)\d\d)(?:[T ]\d{1,2}:\d\d.{0,20})?"
)

_CARD = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|4[4-9]\d|5\d{2})\d{12}|(?:35|62)\d{14,17}"
    # NAPAS (Viet Nam), Mir, Troy, Uzcard and Humo
    r"|9704\d{12}(?:\d{3})?|220[0-4]\d{12,15}|(?:9792|8600|9860)\d{12}"
)


def plain(text: str) -> str:
    """Return ``text`` with digits, dashes and blanks of any script or width converted to ASCII."""
    if text.isascii():
        return text.strip()
    return ascii_digits(unicodedata.normalize("NFKC", text).translate(_DASHES)).strip()


# A quantity with groups of three digits, and a currency's sign or name beside it.
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_MONEY_SIGNS = re.compile(r"[\s฿$€£¥₫₱₹]|บาท|THB|BAHT", re.IGNORECASE)


def plain_quantity(text: str) -> str:
    """Return a quantity of money in ASCII digits, without groups and without the sign of its currency."""
    found = _MONEY_SIGNS.sub("", plain(text))
    return found.replace(",", "") if _GROUPED.fullmatch(found) else found


@cache
def currency_of(country: str) -> str:
    """Return the currency of a country, "" if it has none, or several."""
    found = get_territory_currencies(country) if len(country) == _COUNTRY else []
    return str(found[0]) if len(found) == 1 else ""


def bare(text: str) -> str:
    """Return a number or code without blanks, dots, dashes and slashes, in upper case."""
    return _SEPARATORS.sub("", text).upper()


def refuse_spreadsheet_number(written: str) -> None:
    """Refuse an account or telephone number that a program made a quantity or a date of. Raises ``Rejected``.

    Read as digits, ``123456789.0`` would be somebody else's account ``1234567890``.
    """
    text = written.strip()
    if _SPREADSHEET_NUMBER.fullmatch(text):
        raise Rejected(
            "digits-lost",
            "a program took these digits for a number to count with (a sign, a decimal part, an exponent or "
            "thousands): format the column as text and enter it again from its source",
        )
    if _DATE.fullmatch(text):
        raise Rejected(
            "digits-lost",
            "this is a date, which a program may have made of other digits: format the column as text and enter it "
            "again from its source",
        )


def compact(text: str) -> str:
    """Return an IBAN or BIC without blanks, dashes and label, in upper case."""
    return bare(_IBAN_LABEL.sub("", text, count=1))


# Thirteen digits, of which few characters stand between two.
_LONG = re.compile(r"(?<![0-9])[0-9](?:[^0-9]{0,12}+[0-9]){12}")
_NOT_DIGITS = bytes(code for code in range(256) if not 48 <= code <= 57)
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_ENCODINGS = 3
# Digits, and the signs with which people and programs part the groups of a card; a path parts them by a slash.
_IN_A_ROW = re.compile(r"(?<!\d)\d{13,19}(?!\d)")
_IN_GROUPS = re.compile(r"(?<!\d)\d{1,15}(?:[\s._+*~:;,|()\[\]-]{1,3}\d{1,15}){1,40}(?!\d)")
_IN_PARTS = re.compile(
    r"(?<!\d)\d{4}(?:[/&=?#;,\w.()\[\]-]{1,12}?(?<!\d)\d{4}){3}(?!\d)|(?<!\d)\d{4}/\d{6}/\d{4,5}(?!\d)"
)
_FEWEST_OF_CARD, _MOST_OF_CARD = 13, 19


def has_card(text: str) -> bool:
    """Return True if a payment card's number is in ``text``, a URL or another value, however it is written.

    The digits may be percent-encoded, of any script, and in groups between separators.
    """
    if "%" not in text and text.isascii():
        digits = text.encode().translate(None, _NOT_DIGITS)
        if len(digits) < _FEWEST_OF_CARD or _LONG.search(text) is None:
            return False
    for _ in range(_ENCODINGS):
        if "%" not in text or _ESCAPED.search(text) is None:
            break
        text = unquote(text)
    text = plain(text)
    if any(is_card(match[0]) for match in _IN_A_ROW.finditer(text)):
        return True
    return any(_has_card_in(re.findall(r"\d+", match[0])) for match in _IN_GROUPS.finditer(text)) or any(
        is_card("".join(re.findall(r"(?<!\d)\d{4,6}(?!\d)", match[0]))) for match in _IN_PARTS.finditer(text)
    )


def refuse_card_in(text: str) -> None:
    """Refuse a value that has a payment card's number in it. Raises ``Rejected``."""
    if has_card(text):
        raise Rejected(
            "card-number",
            "there is the number of a payment card in it: cards are never taken; take it out, or delete the row",
        )


def _has_card_in(groups: list[str]) -> bool:
    """Return True if groups of digits, some of them in a row, are a card's number."""
    for start in range(len(groups)):
        number = ""
        for group in groups[start:]:
            number += group
            if len(number) > _MOST_OF_CARD:
                break
            if len(number) >= _FEWEST_OF_CARD and is_card(number):
                return True
    return False


def is_card(number: str) -> bool:
    """Return True if a bare ``number`` is a payment card's, by its issuer's digits and its check digit."""
    if _CARD.fullmatch(number) is None:
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0  # ISO/IEC 7812-1 annex B


# Codes for tests and for "no currency".
_NO_MONEY = frozenset({"XXX", "XTS"})
# Codes that ISO 4217 withdrew lately: figures of years past still have them.
_WITHDRAWN = "ANG BGN BYR CUC HRK LTL MRO SLL STD VEF ZWL"
_COINS = """
ADA AERGO ALGO APT ARB ATOM AVAX AXS BCH BGB BNB BONK BSV BTC BTCB BTG BTT BUSD CAKE CBBTC CRO DAI DASH DCR DGB DOGE DOT
EGLD ENA EOS ETC ETH EURC EURI EURS EURT FDUSD FIL FLOW FTM GALA GNO GRT GUSD HBAR HYPE ICP INJ IOTA JFIN JST KAIA KAS
KLAY KSM KUB LDO LEO LINK LTC LUNA LUNC MANA MATIC MKR MNT NANO NEAR NOT OKB OM ONDO OP PAXG PEPE POL PYUSD QTUM RLUSD
RUNE RVN SAND SEI SHIB SOL STETH STX SUI SUN TAO TIA TON TRUMP TRX TUSD UNI USD1 USDC USDD USDE USDP USDS USDT VET WAVES
WBNB WBTC WETH WIF WLD WSTETH XAUT XBT XDAI XDG XLM XMR XRP XTZ XVG ZEC ZIL
"""


@cache
def known_currencies() -> frozenset[str]:
    """Return the codes of currencies, and the symbols of coins, that an amount may be in."""
    of_states = {currency.alpha_3 for currency in pycountry.currencies}
    return frozenset(of_states - _NO_MONEY) | frozenset(_WITHDRAWN.split()) | frozenset(_COINS.split())


def refuse_unknown_currency(field: str, code: object) -> None:
    """Raise ``Rejected``, with the name of the ``field``, for a ``code`` that is neither a currency nor a coin."""
    if isinstance(code, str) and code not in known_currencies():
        message = (
            "is no currency of ISO 4217 and no coin known here: write its code, as THB, or a coin's symbol, as USDT"
        )
        raise Rejected(f"bad-{field.replace('_', '-').replace('.', '-')}", f"{field}: {message}")
