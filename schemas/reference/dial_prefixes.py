"""Numbers as they are dialled to go abroad: behind the prefix that the caller's country has for it.

The prefixes are libphonenumber's. Where ``00`` is none of them, as in Thailand (001, 007, 008, 009), it is not the
+ of an international number.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumber

from schemas.errors import Rejected

# What a number of unknown country may begin with beside 00: prefixes that are dialled in East Asia, Australia, Brazil.
_OF_SOME_COUNTRY = re.compile(r"00(?:[125789]|1[14-9]|2[1-35]|31|41|700)")
_LONGEST = 5


def abroad(digits: str, country: str) -> str:
    """Give with its + a number that begins with ``00``, as dialled in ``country`` or, where that is "", anywhere.

    Groups of digits may stand apart. A number of the country itself may have 00 in place of the + anywhere. Raises
    ``Rejected`` where it says no number, or one of several.
    """
    groups = re.findall(r"\d+", digits)
    bare, ends = "".join(groups), set(accumulate(map(len, groups)))
    with_plus = _number(bare, 2, ends)
    anywhere = {_written(found) for cut in _cuts(bare, "") if (found := _number(bare, cut, ends))}
    own = with_plus is not None and phonenumbers.is_valid_number_for_region(with_plus, country or "ZZ")
    if len(anywhere) == 1 and (not country or own):
        return anywhere.pop()
    if country:
        for cut in _cuts(bare, country):
            if found := _number(bare, cut, ends):
                return _written(found)
    raise _unclear(country, anywhere, with_plus=with_plus is not None)


def _cuts(bare: str, country: str) -> Iterator[int]:
    """Give how long the prefix may be, the longest first, as networks take it."""
    metadata = PhoneMetadata.metadata_for_region(country) if country else None
    prefix = re.compile(metadata.international_prefix or "(?!)") if metadata else _OF_SOME_COUNTRY
    for length in range(_LONGEST, 2, -1):
        if prefix.fullmatch(bare[:length]):
            yield length
    if metadata is None or prefix.fullmatch(bare[:2]):
        yield 2


def _number(bare: str, cut: int, ends: Iterable[int]) -> PhoneNumber | None:
    """Give the valid number behind a prefix of ``cut`` digits, if no group ends within that or the country code."""
    try:
        number = phonenumbers.parse("+" + bare[cut:], None)
    except NumberParseException:
        return None
    code = cut + len(str(number.country_code))
    apart = any(end < code and end != cut for end in ends)
    return None if apart or not phonenumbers.is_valid_number(number) else number


def _written(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _unclear(country: str, numbers: set[str], *, with_plus: bool) -> Rejected:
    if not country and len(numbers) > 1:
        return Rejected(
            "phone-ambiguous",
            "what stands behind 00 may be a country's code or go on with the prefix (001 in Thailand and Korea): give "
            "the country it was dialled in (a country column), or write it with + and the country code",
        )
    if country and with_plus:
        return Rejected(
            "phone-prefix",
            "in that country 00 is not what one dials to go abroad: write the number with + and its country code",
        )
    return Rejected("phone-not-assigned", "not a number of any numbering plan behind the prefix for going abroad")
