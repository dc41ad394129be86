"""Telephone numbers as people write them, read by each country's numbering plan.

The prefixes for calls abroad are libphonenumber's. In countries without ``00`` among them, such as Thailand (001,
007, 008, 009), ``00`` is not the + of an international number.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import accumulate

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from schemas.errors import Rejected
from schemas.text import ascii_digits

_DASHES = dict.fromkeys([*range(0x2010, 0x2016), 0x2212, 0xAD, 0x30FC], "-")
_LABEL = re.compile(
    r"(?:tel(?:ephone)?|phone(?:number)?|mobile|call(?:to)?|sms(?:to)?|fax|เบอร์(?:โทร(?:ศัพท์)?)?|หมายเลขโทรศัพท์|โทร(?:ศัพท์)?)"
    r"(?:[\s.]*:\s*(?://)?|\.\s*|\s+)(?=[(+]*\d)",
    re.IGNORECASE,
)
_EXTENSION = r"(?:\s*(?:;ext=|,?\s*extension\s*|,?\s*ext\.?\s*:?|,?\s*x|#|ต่อ)\s*\d{1,7})?"
_CONTEXT = r"(?:;phone-context=(?P<context>\+[\d-]{1,10}))?"
_PARAMETERS = r"(?:;(?!phone-context|ext)[a-z-]+=[^;]{0,50})*"
# One plus at most, and at the front: phonenumbers itself takes "++1" for a number.
_WRITTEN = re.compile(
    rf"(?P<digits>\(?\+?[\d\s().\-/]{{3,40}}?){_CONTEXT}{_EXTENSION}{_PARAMETERS}(?:\?.{{0,500}})?", re.IGNORECASE
)
# Words for digits, as on an advertisement: 1-800-FLOWERS.
_LETTERED = re.compile(r"\+?[\d\s().-]{3,12}[A-Za-z][A-Za-z\d\s-]{3,20}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
_FREE_OR_PAID = {PhoneNumberType.TOLL_FREE, PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST}

# Numbers that desks have; mobile phones are persons'.
_OF_DESKS = {PhoneNumberType.FIXED_LINE, PhoneNumberType.TOLL_FREE, PhoneNumberType.SHARED_COST, PhoneNumberType.UAN}
_SHORT = re.compile(r"\d{3,6}", re.ASCII)


def plain(raw: str) -> str:
    """Return ``raw`` with ASCII dashes and digits, and without a label such as ``tel:``."""
    text = raw
    if not raw.isascii():
        text = ascii_digits(unicodedata.normalize("NFKC", raw).translate(_DASHES))
    return _LABEL.sub("", text.strip(), count=1) if text[:1].isalpha() else text.strip()


def region(country: str) -> str:
    """Return a country as two letters, "" if ``country`` is empty. Raises ``Rejected``."""
    country = country.strip().upper()
    if not country:
        return ""
    if _COUNTRY.fullmatch(country) is None:
        raise Rejected("country-form", "the country is not given as two letters (ISO 3166-1), as TH")
    if country not in phonenumbers.SUPPORTED_REGIONS:
        raise Rejected("country-form", "these two letters are no country that has telephone numbers (ISO 3166-1)")
    return country


def digits_of(text: str) -> str | None:
    """Return the number in a plain ``text`` with its + and separators, None if the text is no number."""
    if (written := _WRITTEN.fullmatch(text)) is None:
        return None
    digits = written["digits"].strip().replace("(+", "+", 1)
    if not any(char.isdigit() for char in digits):
        return None
    if (context := written["context"]) and not digits.startswith("+"):
        digits = context + digits  # RFC 3966 §5.1.5
    return digits


def e164(digits: str, country: str = "") -> str:
    """Return a number in E.164, with ``country`` for those without their country code. Raises ``Rejected``."""
    if digits.startswith("00"):
        return from_international_prefix(digits, region(country))
    if not digits.startswith("+") and not (country := region(country)):
        raise _without_country(digits)
    try:
        number = phonenumbers.parse(digits, country or None)
    except NumberParseException:
        hint = "; before the 0 of a national number stands no +: give its country" if digits.startswith("+0") else ""
        raise Rejected("phone-form", f"no country's numbers begin like this{hint}") from None
    if not phonenumbers.is_valid_number(number):
        raise Rejected("phone-not-assigned", "not a number of its country's numbering plan: wrong length or range")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


class PersonalNumber(Exception):
    """The number may be a person's, as a mobile's is."""


def hotline(text: str) -> str | None:
    """Return the number of a desk as a ``tel:`` address, None if ``text`` is not a number.

    A short one, such as 1441, is dialled in its country; others have their country code. Raises ``PersonalNumber`` for
    a number that may be a person's, and ``Rejected`` for a number that does not exist.
    """
    digits = digits_of(plain(text))
    if digits is None:
        return None
    if _SHORT.fullmatch(digits):
        return f"tel:{digits}"
    number = e164(digits)
    if phonenumbers.number_type(phonenumbers.parse(number)) not in _OF_DESKS:
        raise PersonalNumber
    return f"tel:{number}"


def vanity_number(text: str, country: str) -> str | None:
    """Return the free or premium number that a plain ``text`` spells with letters, None if it is none."""
    if _LETTERED.fullmatch(text) is None or not (country or text.startswith("+")):
        return None
    try:
        number = phonenumbers.parse(text, country or None)
    except NumberParseException:
        return None
    if phonenumbers.number_type(number) not in _FREE_OR_PAID:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def subscriber_number(text: str, country: str, *, mobile: bool = False) -> str | None:
    """Return ``text`` in E.164 if it is a number of ``country``, else None.

    ``mobile`` leaves out the numbers of fixed lines.
    """
    digits = digits_of(plain(text))
    if digits is None:
        return None
    try:
        number = phonenumbers.parse("+" + digits[2:] if digits.startswith("00") else digits, country)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number_for_region(number, country):
        return None
    if mobile and phonenumbers.number_type(number) not in _MOBILE:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _without_country(digits: str) -> Rejected:
    """Return the refusal of a number without country, with a hint if a + alone would make it a number."""
    hint = "give its country (a country column) or write it with + and the country code"
    try:
        if phonenumbers.is_valid_number(phonenumbers.parse("+" + digits, None)):
            hint += "; with a + in front it would be valid as it stands"
    except NumberParseException:
        pass
    return Rejected("country-missing", f"the number has no country code: {hint}")


# Prefixes beside 00 that a number of unknown country may begin with: those of East Asia, Australia and Brazil.
_OF_SOME_COUNTRY = re.compile(r"00(?:[125789]|1[14-9]|2[1-35]|31|41|700)")
_LONGEST_PREFIX = 5


def from_international_prefix(digits: str, country: str) -> str:
    """Return with its + a number that begins with ``00``, as dialled in ``country``, or anywhere if that is "".

    Groups of digits may stand apart. A number of the country itself may have 00 in place of the + anywhere. Raises
    ``Rejected`` if it may be several numbers, or none.
    """
    groups = re.findall(r"\d+", digits)
    bare, ends = "".join(groups), set(accumulate(map(len, groups)))
    with_plus = _number_behind(bare, 2, ends)
    anywhere = {_e164(found) for cut in _prefix_lengths(bare, "") if (found := _number_behind(bare, cut, ends))}
    own = with_plus is not None and phonenumbers.is_valid_number_for_region(with_plus, country or "ZZ")
    if len(anywhere) == 1 and (not country or own):
        return anywhere.pop()
    if country:
        for cut in _prefix_lengths(bare, country):
            if found := _number_behind(bare, cut, ends):
                return _e164(found)
    raise _unclear_prefix(country, anywhere, with_plus=with_plus is not None)


def _prefix_lengths(bare: str, country: str) -> Iterator[int]:
    """Yield the possible lengths of the prefix, the longest first, as networks read it."""
    metadata = PhoneMetadata.metadata_for_region(country) if country else None
    prefix = re.compile(metadata.international_prefix or "(?!)") if metadata else _OF_SOME_COUNTRY
    for length in range(_LONGEST_PREFIX, 2, -1):
        if prefix.fullmatch(bare[:length]):
            yield length
    if metadata is None or prefix.fullmatch(bare[:2]):
        yield 2


def _number_behind(bare: str, cut: int, ends: Iterable[int]) -> PhoneNumber | None:
    """Return the valid number behind a prefix of ``cut`` digits, None if a group ends inside prefix or country code."""
    try:
        number = phonenumbers.parse("+" + bare[cut:], None)
    except NumberParseException:
        return None
    code = cut + len(str(number.country_code))
    apart = any(end < code and end != cut for end in ends)
    return None if apart or not phonenumbers.is_valid_number(number) else number


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _unclear_prefix(country: str, numbers: set[str], *, with_plus: bool) -> Rejected:
    if not country and len(numbers) > 1:
        return Rejected(
            "phone-ambiguous",
            "the digits behind 00 may be a country code, or more of the prefix (001 in Thailand and Korea): give the "
            "country it was dialled in (a country column), or write it with + and the country code",
        )
    if country and with_plus:
        return Rejected(
            "phone-prefix",
            "in that country 00 is not the prefix for calls abroad: write the number with + and its country code",
        )
    return Rejected("phone-not-assigned", "not a number of any numbering plan behind the prefix for going abroad")


def country_of(number: str) -> str:
    """Return the country of a number in E.164, "" for any other text and for numbers of no one country."""
    if not number.startswith("+"):
        return ""
    try:
        country = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except NumberParseException:
        return ""
    return country if country and country != "001" else ""
