"""Recognises values, and the columns that have them, by cells: tables have no header, or none that names a value."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

from feeds.readers.columns.dates import read_date
from feeds.readers.columns.vocabulary import is_kind_word, is_personal, is_value_column, vocabulary
from feeds.readers.rows import without_protection
from schemas import kinds
from schemas.errors import Rejected
from schemas.refang import refang

# Number of rows at the beginning of a table that decide about it.
SAMPLE = 50
_SITE = re.compile(r"https?://([^/?#]+)", re.IGNORECASE)
# Recognisable values of any kind: URLs, addresses, digests.
_VALUE = re.compile(
    r"https?://\S+|\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE
)
# Names of columns that have the form of a name in Norway: "S.No".
_ORDINAL = re.compile(r"(?:s|sl|sr|ser|srl|a/?c|acct?|tel|mob|ph|ref|reg|case|id|bil|no)\.\s?nos?\.?", re.IGNORECASE)
# Reasons that another column or a setting can resolve.
_LACKING = {"country-missing", "bank-missing", "digits-lost"}
# At least this many different pages of one site are the sources of the reports.
_PAGES = 5
ONE_SITE = "pages-of-one-site"


def has_value(cells: Sequence[str]) -> bool:
    """Return whether one of the cells is clearly a value of some kind, so that the row is not a header."""
    return any(is_value(cell) and not is_value_column(cell) and not _ORDINAL.fullmatch(cell) for cell in cells)


def is_value(cell: str) -> bool:
    """Return whether a cell is clearly a value of some kind."""
    text = refang(without_protection(cell))
    if _VALUE.fullmatch(text):
        return True
    try:
        return bool(text) and kinds.recognise(text) is not None
    except Rejected as refusal:
        return refusal.reason == "kind-ambiguous"


def are_values(cells: Iterable[str]) -> bool:
    """Return whether most of the cells are clearly values."""
    sample = [cell for cell in islice(cells, SAMPLE) if cell]
    return sum(map(is_value, sample)) * 10 >= len(sample) * 7 if sample else False


def guess_names(body: Sequence[Sequence[str]]) -> list[str]:
    """Return names for the columns of a table without a header, by their cells; "" for unrecognised columns."""
    width = max(map(len, body))
    filled = [[cells[place] for cells in body if place < len(cells) and cells[place]] for place in range(width)]
    names = [""] * width
    for place, column in enumerate(filled):
        if "type" not in names and column and all(map(is_kind_word, column)):
            names[place] = "type"
        elif "reported_at" not in names and column and all(map(_is_time, column)):
            names[place] = "reported_at"
    likely = [place for place in range(width) if not names[place] and are_values(filled[place])]
    if likely:
        # Pages of one site in addition to other values are the sources of the reports.
        names[min(likely, key=lambda place: (_are_of_one_site(filled[place]), place))] = "value"
    return names


def column_of_kind(names: Sequence[str], body: Iterable[Sequence[str]], kind: str) -> int | None:
    """Return the only column whose cells are values of a kind, None for none or several; never one about people."""
    sample = list(islice(body, SAMPLE))
    words = vocabulary()
    columns = {
        place: [cell for cells in sample if place < len(cells) and (cell := without_protection(cells[place]))]
        for place, name in enumerate(names)
        if not is_personal(name, words)
    }
    for test in (kinds.get(kind).recognises, lambda text: _may_be_of(kind, text)):
        likely = [place for place, cells in columns.items() if _most_pass(test, cells)]
        if likely:
            return likely[0] if len(likely) == 1 else None
    return None


def source_columns(places: Sequence[int], body: Sequence[Sequence[str]]) -> Mapping[int, str]:
    """Return the value columns that only cite the sources of the reports, with the reason."""
    if len(places) < 2:
        return {}
    found = {}
    for place in places:
        cells = [cells[place] for cells in body if place < len(cells) and cells[place]]
        if len(set(cells)) >= _PAGES and len(set(cells)) == len(cells) and _are_of_one_site(cells):
            found[place] = ONE_SITE
    return found if len(found) < len(places) else {}


def _is_time(cell: str) -> bool:
    """Return whether a cell is a date or time rather than a bare number."""
    return bool(read_date(cell).moments) and not cell.replace(".", "").isdigit()


def _most_pass(test: Callable[[str], bool], cells: Sequence[str]) -> bool:
    return sum(test(refang(cell)) for cell in cells) * 10 >= len(cells) * 7 if cells else False


def _may_be_of(kind: str, text: str) -> bool:
    """Return whether a text is a value of a kind, alone or with another column's help; dates are not."""
    if _is_time(text):
        return False
    try:
        kinds.get(kind).normalise(text)
    except Rejected as refusal:
        return refusal.reason in _LACKING
    return True


def _are_of_one_site(column: Sequence[str]) -> bool:
    sites = {site[1] if (site := _SITE.match(cell)) else cell for cell in column}
    return len(column) > 1 and len(sites) == 1
