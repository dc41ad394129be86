"""A word for an identity document in one text of an object, and its number in another one beside it."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from schemas.readings import normalised
from server.release.guard.personal_data import documents

_LONGEST = 80
_FIVE_DIGITS = re.compile(r"(?:\D{0,40}\d){5}")


def may_have_number(value: Any) -> bool:
    """Return, quickly, whether a property's value may be the number of a document, alone or in a list."""
    if isinstance(value, str):
        return len(value) <= _LONGEST and _FIVE_DIGITS.match(value) is not None
    if isinstance(value, list):
        return any(map(_may_be_number, filter(_is_text, value)))
    return isinstance(value, int) and _may_be_number(str(value))


def pairs(properties: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield each number beside a document's word among the properties of an object, with the number's property.

    A property is a text, a number, or a list of them. Each pair is written as one text: "passport: AA1234567".
    """
    texts = [(key, text) for key, value in properties for text in _texts(value)]
    words = [text for _, text in texts if documents.is_word_alone(normalised(text))]
    if words:
        for key, text in texts:
            if _may_be_number(text) and _is_number(key, text):
                yield from ((key, f"{word}: {text}") for word in words)


def _texts(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        if _is_text(item) or (isinstance(item, int) and not isinstance(item, bool)):
            text = str(item)
            if len(text) <= _LONGEST:
                yield text


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


# Labels are mostly the same in a batch.
@lru_cache(maxsize=4096)
def _may_be_number(text: str) -> bool:
    return len(text) <= _LONGEST and _FIVE_DIGITS.match(text) is not None


def _is_number(key: str, text: str) -> bool:
    return documents.is_number_alone(normalised(text)) and not documents.is_another_things(key.replace("_", " "))
