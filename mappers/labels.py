"""Context as labels, for clients that show labels and no extensions: ``scam:type="investment"``."""

import re
from collections.abc import Iterable, Mapping

# What all of ours begin with.
OURS = "scam"
_LABEL = re.compile(rf'{OURS}:([a-z]+(?:-[a-z]+)*)="([^"]*)"')
# What others may show among their own labels: words, never numbers or names.
_WORD = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


def of(words: Mapping[str, str | None], countries: Iterable[str] = ()) -> list[str]:
    """Give the labels of some words by their names, and of countries; what is None is left out."""
    said = [_label(name, word) for name, word in words.items() if word is not None]
    return [OURS, *said, *(_label("country", country) for country in countries)]


def of_details(details: Mapping[str, str]) -> list[str]:
    """Give the labels of those of a kind's own details that are words: the chain, the platform."""
    return [_label(name, text) for name, text in details.items() if _WORD.fullmatch(text)]


def read(labels: Iterable[str]) -> dict[str, list[str]]:
    """Give the words that labels of this form say, by their names."""
    said: dict[str, list[str]] = {}
    for label in labels:
        if found := _LABEL.fullmatch(label):
            said.setdefault(found[1].replace("-", "_"), []).append(found[2])
    return said


def _label(name: str, word: str) -> str:
    return f'{OURS}:{name.replace("_", "-")}="{word}"'
