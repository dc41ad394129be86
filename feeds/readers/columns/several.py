"""Cells with several values: two accounts in one cell are two reports, each with the bank on its line."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from feeds.readers.columns import account_cells
from schemas.reference.account_numbers import has_routing_form

_SEPARATOR = re.compile(r"\s*\n\s*|\s*[;；、，]\s*|,\s+|\s+(?:/|\||&|and|และ|กับ|dan|và|at|e|y|og|и|और|និង|ແລະ)\s+")
# Without a blank these may be part of a value: only long numbers on both sides are values of their own.
_TIGHT = re.compile(r"[,/]")
_DIGITS, _LONG = 6, 9
_LONGEST = 64
_MOST = 50
_JOINED = "-–_.:/@"
_NUMBER = re.compile(r"[\d\s().+-]+")
_HANDLE = re.compile(r"@[\w.]{2,40}")
# A routing number followed by an account number is one value.
_ROUTED = re.compile(r"(\d{9})\s*/\s*\d[\d -]{2,18}")

# A column of several alike: "Bank 2", "Acct2".
_NUMBERED = re.compile(r"(.*[^\W\d_].*?)[\s_#.-]*([1-9])")

IsValue = Callable[[str], bool]


def one_each(
    cells: Sequence[str], value_places: Sequence[int], companions: Sequence[int], is_value: IsValue
) -> Iterator[list[str]] | None:
    """Yield the cells of a row once for each further value in a cell; None where no cell has several.

    A copy has one value of the divided column, all other values only in the first copy. ``companions`` are columns
    such as the bank, whose cell has as many parts as the value's.
    """
    here = len(cells)
    parts = {
        place: found for place in value_places if place < here and len(found := values_in(cells[place], is_value)) > 1
    }
    return _copies(list(cells), parts, value_places, companions) if parts else None


def numbered(names: Sequence[str], places: Sequence[int]) -> Mapping[int, str]:
    """Return the number at the end of each column's name, if several columns have the same name before it."""
    found = {place: match for place in places if (match := _NUMBERED.fullmatch(names[place].strip()))}
    alike = Counter(match[1].strip().casefold() for match in found.values())
    return {place: match[2] for place, match in found.items() if alike[match[1].strip().casefold()] > 1}


def one_each_number(
    cells: Sequence[str], numbers: Mapping[int, str], value_places: Sequence[int]
) -> Iterator[list[str]]:
    """Yield the cells of a row once for each number of its columns; the first has the values without a number."""
    places = [place for place in value_places if place < len(cells) and cells[place]]
    used = sorted({numbers[place] for place in places if place in numbers}) or [""]
    for count, number in enumerate(used):
        left_out = {place for place, own in numbers.items() if own != number}
        if count:
            left_out |= {place for place in value_places if place not in numbers}
        yield ["" if place in left_out else cell for place, cell in enumerate(cells)]


def values_in(text: str, is_value: IsValue) -> list[str]:
    """Return the values in a cell, or the whole text where it is one."""
    if len(text) < 2 * _DIGITS or _is_routed(text):
        return [text]
    for separator, digits in ((_SEPARATOR, _DIGITS), (_TIGHT, _LONG)):
        if separator.search(text) is None:
            continue
        parts = [part.strip() for part in separator.split(text) if part.strip()]
        if 1 < len(parts) <= _MOST and all(_is_whole(part, digits, is_value) for part in parts):
            return parts
    return [text]


def _is_routed(text: str) -> bool:
    """Return whether a cell is a routing number of the United States followed by a number."""
    found = _ROUTED.fullmatch(text)
    return found is not None and has_routing_form(found[1])


def _is_whole(part: str, digits: int, is_value: IsValue) -> bool:
    """Return whether a part of a cell is a value by itself: an identifier is never cut."""
    if digits == _DIGITS and _HANDLE.fullmatch(part):
        return True
    if part[0] in _JOINED or part[-1] in _JOINED:
        return False
    if _NUMBER.fullmatch(part):
        return len(part) <= _LONGEST and sum(map(str.isdigit, part)) >= digits
    return digits == _DIGITS and (is_value(part) or account_cells.is_named_number(part))


def _copies(
    cells: list[str], parts: dict[int, list[str]], value_places: Sequence[int], companions: Sequence[int]
) -> Iterator[list[str]]:
    first = list(cells)
    for place, found in parts.items():
        first[place] = found[0]
    for place, found in _paired(first, parts, companions).items():
        first[place] = found[0]
    yield first
    for place, found in parts.items():
        pairs = _paired(cells, {place: found}, companions)
        for number, value in enumerate(found[1:], 1):
            copy = ["" if other in value_places else cell for other, cell in enumerate(cells)]
            copy[place] = value
            for other, texts in pairs.items():
                copy[other] = texts[number]
            yield copy


def _paired(cells: list[str], parts: dict[int, list[str]], companions: Sequence[int]) -> dict[int, list[str]]:
    """Return the parts of the cells beside the values, where there are as many as values."""
    counts = {len(found) for found in parts.values()}
    divided = {
        place: [part.strip() for part in _SEPARATOR.split(cells[place]) if part.strip()]
        for place in companions
        if place < len(cells)
    }
    return {place: texts for place, texts in divided.items() if len(texts) > 1 and len(texts) in counts}
