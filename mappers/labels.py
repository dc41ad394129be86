"""The context of reports as labels (``scam:type="investment"``), for clients that show no extensions."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from schemas.report import FIELDS, Report
from schemas.vocabulary import scam_category

# The prefix of all labels of ours.
PREFIX = "scam"
_LABELLED = {field.declaration.label: name for name, field in FIELDS.items() if field.declaration.label}
# The fields that reports are read from by their labels; a label of the kind says nothing without its value.
FIELD_OF_LABEL: Mapping[str, str] = MappingProxyType(
    {label: name for label, name in _LABELLED.items() if name != "kind"}
)
_LABEL = re.compile(rf'{PREFIX}:([a-z]+(?:-[a-z]+)*)="([^"]*)"')
# Details that may be labels: words, never numbers or names.
_WORD = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


def of(words: Mapping[str, str | None], countries: Iterable[str] = ()) -> list[str]:
    """Return the labels of words by their names, and of countries; words that are None are left out."""
    of_words = [_label(name, word) for name, word in words.items() if word is not None]
    return [PREFIX, *of_words, *(_label("country", country) for country in countries)]


def of_report(report: Report) -> list[str]:
    """Return the labels that show the context of a report, but for the details of its kind."""
    context = {label: getattr(report, name) for label, name in _LABELLED.items()}
    return of({"type": report.scam_type, "category": scam_category(report.scam_type)} | context, report.countries)


def of_details(details: Mapping[str, str]) -> list[str]:
    """Return the labels of those of a kind's details that are words, such as the chain or platform."""
    return [_label(name, text) for name, text in details.items() if _WORD.fullmatch(text)]


def read(labels: Iterable[str]) -> dict[str, list[str]]:
    """Return the words of labels of our form, by their names."""
    words: dict[str, list[str]] = {}
    for label in labels:
        if found := _LABEL.fullmatch(label):
            words.setdefault(found[1].replace("-", "_"), []).append(found[2])
    return words


def _label(name: str, word: str) -> str:
    return f'{PREFIX}:{name.replace("_", "-")}="{word}"'
