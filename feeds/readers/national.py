"""Values of lists in the form of their country: telephone numbers, and accounts after the bank's code."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from feeds.readers.rows import FileRow, Row
from schemas import kinds
from schemas.errors import Rejected
from schemas.refang import refang
from schemas.reference import telephone
from schemas.reference.bank_text import is_grouped_as_thai

_SAMPLE = 50
_FEWEST = 2
_FEWEST_DIGITS = 7
# A sort code, a BSB, a routing number or an IFSC, followed by a number.
_CODE_AND_NUMBER = re.compile(r"(?:\d\d-\d\d-\d\d|\d{3}-\d{3}|\d{9}|[A-Z]{4}0[A-Z0-9]{6})[ ,/:]+\d[\d -]{3,20}")
# Countries where national numbers have no 0 in front, and accounts have other lengths.
_WITHOUT_ZERO = frozenset({"SG"})
_SEPARATOR = re.compile(r"[ ()-]")


def with_kinds(rows: Iterable[FileRow], country: str) -> Iterator[FileRow]:
    """Yield the rows of a list with the kind of values that only their country makes clear.

    Numbers are telephone numbers if all numbers at the beginning of the list are. (An account without its bank is not
    usable.)
    """
    rows = iter(rows)
    sample = list(islice(rows, _SAMPLE))
    numbers = [row.fields["value"] for row in sample if isinstance(row, Row) and _is_number(row.fields["value"])]
    phones = len(numbers) >= _FEWEST and all(_is_phone(number, country) for number in numbers)
    for row in chain(sample, rows):
        kind = _kind(row.fields["value"], country, phones=phones) if isinstance(row, Row) else ""
        yield row._replace(fields={**row.fields, "kind": kind}) if isinstance(row, Row) and kind else row


def _kind(text: str, country: str, *, phones: bool) -> str:
    if not phones and text[:1].islower():
        return ""
    if _CODE_AND_NUMBER.fullmatch(text) and _is_account(text, country):
        return "bank-account"
    return "phone" if phones and _is_number(text) and _is_phone(text, country) else ""


def _is_number(text: str) -> bool:
    """Return whether a text consists of a number without country code, which no kind recognises by itself."""
    digits = telephone.digits_of(telephone.plain(text))
    if digits is None or digits.startswith("+") or sum(map(str.isdigit, digits)) < _FEWEST_DIGITS:
        return False
    try:
        kinds.recognise(refang(text))
    except Rejected:
        return True
    return False


def _is_phone(text: str, country: str) -> bool:
    plain = telephone.plain(text)
    written = plain.startswith("0") or country in _WITHOUT_ZERO or _SEPARATOR.search(plain) is not None
    return written and not is_grouped_as_thai(plain) and telephone.subscriber_number(plain, country) is not None


def _is_account(text: str, country: str) -> bool:
    try:
        kinds.get("bank-account").normalise(text, {"country": country})
    except Rejected:
        return False
    return True
