"""A word for an identity document in one text of an object, and its number in another one beside it."""

from collections.abc import Iterator, Mapping, Set
from itertools import islice
from typing import Any

from schemas.readings import normalised
from server.release.guard.personal_data import documents

# Maximum number of words of an object with which each of its numbers is read.
_MOST_WORDS = 10


def pairs(members: Mapping[str, Any], no_words: Set[str], skipped: Set[str] = frozenset()) -> Iterator[tuple[str, str]]:
    """Yield each number beside a document's word among the properties of an object, with the number's property.

    Both are properties of the object or of one inside it, or items of their lists. Properties with ``no_words`` are not
    searched at any depth, and those ``skipped`` not in the object itself. Each pair is one text: "passport: AA1234567".
    """
    searched = [(key, value) for key, value in members.items() if key not in skipped and key not in no_words]
    texts = [(key, text) for key, value in searched for text in _texts(value)]
    words = dict.fromkeys(text for _, text in texts if documents.is_word_alone(normalised(text)))
    for key, text in texts if words else ():
        if documents.may_be_number(text) and _is_number(key, text):
            yield from ((key, f"{word}: {text}") for word in islice(words, _MOST_WORDS))
    for value in members.values():
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                yield from pairs(inner, no_words)


def _texts(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str | int):
            text = str(item)
            if len(text) <= documents.LONGEST_ALONE:
                yield text


def _is_number(key: str, text: str) -> bool:
    return documents.is_number_alone(normalised(text)) and not documents.is_of_another_thing(key.replace("_", " "))
