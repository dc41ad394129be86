"""What a column is by its name: a known one, one with words beside it that change nothing, or somebody's own data."""

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
    """Give the value that a column called ``name`` holds, None where it holds none that is known."""
    found = _known_or_qualified(name, words)
    return found if isinstance(found, ValueColumn) else None


def field_column(name: str, words: Vocabulary) -> Field | None:
    """Give the rank and the field of a report that a column called ``name`` is, None where it is none."""
    found = _known_or_qualified(name, words)
    return None if found is None or isinstance(found, ValueColumn) else found


def is_personal(name: str, words: Vocabulary) -> bool:
    """Tell whether a column of that name is about people: victims, reporters, holders of accounts."""
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
    """Give the names that a header may mean: without what stands in brackets, one of two languages, unnumbered."""
    for text in (name, _BRACKETS.sub(" ", name), *_EITHER.split(name), *_INSIDE.findall(name)):
        spelled = plain(text)
        yield spelled
        bare = plain(_NUMBERED.sub("", text.strip()))
        if bare != spelled and bare not in _STREET:
            yield bare


def _qualified(spelled: str, words: Vocabulary) -> ValueColumn | Field | None:
    """Find a column of values whose name has a word beside it that says what they are: ``banned_address``."""
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
    """Tell whether a column of that name holds values."""
    return value_column(name, vocabulary()) is not None


def column_of_list(name: str) -> str:
    """Give the name of the column that the items of a list called ``name`` would stand in: ``phone`` for phones."""
    words = vocabulary()
    whole = plain(name)
    for each in (name, whole, whole.removesuffix("s"), whole.removesuffix("es")):
        found = value_column(each, words)
        # A list under the name of a platform may be of its accounts, or of what pretends to be it.
        if found and not found.given:
            return each
    return "value"
