"""A word for an identity document in one text of an object, and its number in another one beside it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from schemas.readings import normalised
from server.release.guard.personal_data import documents

_LONGEST = 80
# Few letters, and a digit after them: all other texts are skipped quickly.
_MAY_BE_NUMBER = re.compile(r"(?:\D{0,40}\d){5}")


def pairs(members: Mapping[str, Any], searched: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each number beside a document's word among the ``searched`` members, with its property.

    A member's value counts as a text, as a number, or as a list of both. Each pair is one text: "passport: AA1234567".
    """
    texts = [(key, text) for key in searched for text in _texts(members[key])]
    numbers = [(key, text) for key, text in texts if _MAY_BE_NUMBER.match(text) and _is_number(key, text)]
    if numbers:
        words = [text for _, text in texts if documents.is_word_alone(normalised(text))]
        for key, number in numbers:
            yield from ((key, f"{word}: {number}") for word in words)


def _texts(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str | int) and not isinstance(item, bool):
            text = str(item)
            if len(text) <= _LONGEST:
                yield text


def _is_number(key: str, text: str) -> bool:
    return documents.is_number_alone(normalised(text)) and not documents.is_another_things(key.replace("_", " "))
