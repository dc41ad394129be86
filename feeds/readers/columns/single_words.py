"""What a word or a column's name means by itself: a kind, a scam type, a marking, a column of values."""

from collections.abc import Iterable

from feeds.readers.columns.headers import value_called
from feeds.readers.columns.word_tables import plain
from feeds.readers.columns.words import vocabulary

_SAYING_NOTHING = {"other", "unknown"}


def is_value_column(name: str) -> bool:
    """Tell whether a column of that name holds values."""
    return value_called(name, vocabulary()) is not None


def column_of_list(name: str) -> str:
    """Give the name of the column that the items of a list called ``name`` would stand in: ``phone`` for phones."""
    words = vocabulary()
    whole = plain(name)
    for each in (name, whole, whole.removesuffix("s"), whole.removesuffix("es")):
        found = value_called(each, words)
        # A list under the name of a platform may be of its accounts, or of what pretends to be it.
        if found and not found.given:
            return each
    return "value"


def is_kind_word(text: str) -> bool:
    """Tell whether ``text`` is what a type column would say."""
    return plain(text) in vocabulary().kinds


def scam_type_of(words: Iterable[str]) -> str | None:
    """Give the scam type that the first telling one of some labels or tags means, None where none tells."""
    known = vocabulary().scam_types
    return next((known[word] for word in map(plain, words) if word in known and word not in _SAYING_NOTHING), None)


def says_innocent(words: Iterable[str]) -> bool:
    """Tell whether one of some labels or tags says that the value is part of no scam."""
    return not vocabulary().innocent.isdisjoint(map(plain, words))


def kind_called(word: str) -> str | None:
    """Give the kind that a type column's ``word`` means, None where it means none that is known."""
    return vocabulary().kinds.get(plain(word))


def tlp_called(word: str) -> str | None:
    """Give the TLP level that ``word`` means (``TLP:WHITE``), None where it means none."""
    return vocabulary().tlp.get(plain(word.casefold().removeprefix("tlp")))
