"""Columns by their names: value columns and fields of reports, also with qualifying words, and columns about people."""

import re
from collections.abc import Iterator

from feeds.readers.columns.vocabulary import Vocabulary, vocabulary
from feeds.readers.columns.word_tables import ValueColumn, plain

_BRACKETS = re.compile(r"[(\[（【][^)\]）】]*[)\]）】]")
_INSIDE = re.compile(r"[(\[（【]([^)\]）】]*)[)\]）】]")
_EITHER = re.compile(r"\s*[/|\n・]\s*")
_NUMBERED = re.compile(r"^\d{1,2}[.)]\s*|[\s_-]*\d{1,2}$")
_FEWEST = 2
# Numbered lines of these are the lines of a street.
_STREET = {"address", "addr"}

Field = tuple[int, str]


def value_column(name: str, words: Vocabulary) -> ValueColumn | None:
    """Return the value column called ``name``, None where no such column holds values."""
    found = _known_or_qualified(name, words)
    return found if isinstance(found, ValueColumn) else None


def field_column(name: str, words: Vocabulary) -> Field | None:
    """Return rank and field of the column called ``name``, None where it fills no field of a report."""
    found = _known_or_qualified(name, words)
    return None if found is None or isinstance(found, ValueColumn) else found


def is_personal(name: str, words: Vocabulary) -> bool:
    """Return whether a column of that name is about people: victims, reporters, account holders."""
    names, parts = words.personal
    spelled = plain(name)
    return spelled in names or any(part in spelled for part in parts)


def _known_or_qualified(name: str, words: Vocabulary) -> ValueColumn | Field | None:
    spelled = plain(name)
    if spelled in words.ignored:
        return None
    if (found := _known(spelled, words)) is not None:
        return found
    if is_personal(name, words):
        return None
    for other in _other_names(name):
        if (found := _known(other, words)) is not None:
            return found
        if (found := _qualified(other, words)) is not None:
            return found
    return None


def _known(spelled: str, words: Vocabulary) -> ValueColumn | Field | None:
    return words.values.get(spelled) or words.columns.get(spelled)


def _other_names(name: str) -> Iterator[str]:
    """Yield the names that a header may mean: without brackets, one of two languages, without numbers."""
    for text in (name, _BRACKETS.sub(" ", name), *_EITHER.split(name), *_INSIDE.findall(name)):
        spelled = plain(text)
        yield spelled
        bare = plain(_NUMBERED.sub("", text.strip()))
        if bare != spelled and bare not in _STREET:
            yield bare


def _qualified(spelled: str, words: Vocabulary) -> ValueColumn | Field | None:
    """Return the column whose name is ``spelled`` without a qualifying word: ``banned_address``."""
    for qualifier in words.qualifiers:
        for rest in (spelled.removeprefix(qualifier), spelled.removesuffix(qualifier)):
            if rest != spelled and len(rest) >= _FEWEST:
                found = words.values.get(rest)
                if found is None and (column := words.columns.get(rest)) and column[1] in words.subjects:
                    return column
                if found is not None:
                    return found._replace(unsure=False)
    return None


def is_value_column(name: str) -> bool:
    """Return whether a column of that name holds values."""
    return value_column(name, vocabulary()) is not None


def column_of_list(name: str) -> str:
    """Return the column for the items of a list called ``name``: ``phone`` for ``phones``."""
    words = vocabulary()
    whole = plain(name)
    for spelling in (name, whole, whole.removesuffix("s"), whole.removesuffix("es")):
        found = value_column(spelling, words)
        # A list under the name of a platform may hold its accounts, or sites that imitate it.
        if found and not found.given:
            return spelling
    return "value"
