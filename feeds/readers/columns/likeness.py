"""Unknown columns whose cells look like those of a known one: proposals for people, never read automatically."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from stdnum import luhn
from stdnum.br import cpf
from stdnum.my import nric
from stdnum.th import pin

from feeds.readers.columns import roles
from feeds.readers.columns.dates import read_date
from feeds.readers.rows import without_protection
from schemas import kinds
from schemas.errors import Rejected
from schemas.refang import refang
from schemas.reference.banks import is_bank_name
from schemas.text import ascii_digits

_NUMBER = re.compile(r"\+?\d[\d\s().-]{6,30}\d")
_LONGEST_NAME = 60
# Lengths of account numbers and of telephone numbers as people write them.
_ACCOUNT, _PHONE = range(8, 21), range(8, 16)
# Numbers that identify people: a column of them is not proposed.
_IDENTITIES, _CARD = (pin, cpf, nric), 16
_MOST_OF = 7


def likely_columns(
    names: Sequence[str], body: Sequence[Sequence[str]], unread: Iterable[int], known: Collection[str]
) -> Mapping[int, str]:
    """Return the places of unread columns that are likely to be a column of reports, with that column.

    ``body`` are the first rows, ``known`` the fields of other columns. A column about people is never named.
    """
    found = dict[int, str]()
    for place in unread:
        cells = [cell for cells in body if place < len(cells) and (cell := without_protection(cells[place]).strip())]
        if cells and not _is_of_people(names[place]) and (column := _likely(cells)) and column not in known:
            found[place] = column
    return found


def _is_of_people(name: str) -> bool:
    """Return whether a column of that name is about victims, or about the people who report."""
    return roles.is_of_person(name) or roles.names_source(name)


def _likely(cells: Sequence[str]) -> str:
    """Return the column of reports, or the kind of values, that most cells look like; "" for none."""
    if _most(lambda cell: len(cell) <= _LONGEST_NAME and is_bank_name(cell), cells):
        return "bank"
    recognised = [_kind(cell) for cell in cells]
    kind = max(set(recognised), key=recognised.count)
    if kind and recognised.count(kind) * 10 >= len(cells) * _MOST_OF:
        return kind
    if not all(_NUMBER.fullmatch(ascii_digits(cell)) for cell in cells) or _most(_is_date, cells):
        return ""
    if _most(_is_persons, cells):
        return ""
    if _most(lambda cell: cell[0] in "+0" and _digits(cell) in _PHONE, cells):
        return "phone"
    return "account_number" if _most(lambda cell: _digits(cell) in _ACCOUNT, cells) else ""


def _most(test: Callable[[str], bool], cells: Sequence[str]) -> bool:
    return sum(map(test, cells)) * 10 >= len(cells) * _MOST_OF


def _kind(cell: str) -> str:
    try:
        return kinds.recognise(refang(cell)).name
    except Rejected:
        return ""


def _is_date(cell: str) -> bool:
    """Return whether a cell is a date; bare digits only as a day (20261125), not as seconds since 1970."""
    return bool(read_date(cell).moments) and (len(cell) == len("20261125") or not cell.isdigit())


def _digits(cell: str) -> int:
    return sum(map(str.isdigit, cell))


def _is_persons(cell: str) -> bool:
    """Return whether a number is a national identity number or a card's by its check digits."""
    digits = "".join(filter(str.isdigit, ascii_digits(cell)))
    return any(form.is_valid(digits) for form in _IDENTITIES) or (len(digits) == _CARD and luhn.is_valid(digits))
