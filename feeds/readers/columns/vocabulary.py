"""The words that files use for columns, kinds, scam types and markings: ours, by language, and a user's own."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from feeds.readers.columns.custom_names import IGNORED, CustomNames, current_custom_names
from feeds.readers.columns.word_tables import (
    ValueColumn,
    field_columns,
    field_words,
    languages,
    meaning_by_word,
    meaning_by_word_in_all,
    plain,
    spellings,
    value_columns,
)
from schemas import kinds
from schemas.vocabulary import Action, Channel, HolderStatus, PaymentRail, ScamType, Tlp

# The fields whose words are ours, and those words.
_WORDED = {
    "scam_type": ScamType,
    "channel": Channel,
    "payment_rail": PaymentRail,
    "action": Action,
    "holder_status": HolderStatus,
}


class Vocabulary(NamedTuple):
    """Each word, as names are compared (``plain``), and what it means.

    ``meanings`` has the words of a field's cells, ``parts`` those that tell a scam type where a longer text has them;
    ``personal`` are names of columns about people and words in such names, ``qualifiers`` what may stand beside a
    column's name without changing what it holds; ``nothing`` is what cells say that say nothing.
    """

    values: Mapping[str, ValueColumn]
    columns: Mapping[str, tuple[int, str]]
    subjects: Mapping[str, str]
    kinds: Mapping[str, str]
    meanings: Mapping[str, Mapping[str, str]]
    parts: tuple[tuple[str, str], ...]
    personal: tuple[frozenset[str], tuple[str, ...]]
    qualifiers: tuple[str, ...]
    ignored: frozenset[str]
    innocent: frozenset[str]
    innocent_categories: frozenset[str]
    confidence: Mapping[str, str]
    doubt: Mapping[str, str]
    tlp: Mapping[str, str]
    nothing: frozenset[str]

    @property
    def scam_types(self) -> Mapping[str, str]:
        """Give the words for scam types."""
        return self.meanings["scam_type"]


def vocabulary() -> Vocabulary:
    """Give all words that are known here."""
    return _vocabulary_with(current_custom_names())


@lru_cache(maxsize=8)
def _vocabulary_with(names: CustomNames) -> Vocabulary:
    table: dict[str, Any] = tomllib.loads(files(__package__).joinpath("columns.toml").read_text("utf-8"))
    values, columns = value_columns(table), field_columns(table)
    _apply_custom_columns(names, values, columns)
    spoken = languages()
    personal = [each.get("personal", {}) for each in spoken]
    meanings = {field: field_words(field, list(map(str, words)), [table, *spoken]) for field, words in _WORDED.items()}
    meanings["scam_type"] |= meaning_by_word(dict(names.scam_types))
    return Vocabulary(
        values=values,
        columns=columns,
        subjects=table["subjects"],
        kinds={plain(kind): kind for kind in kinds.every()}
        | meaning_by_word_in_all("kinds", [*spoken, table])
        | meaning_by_word(dict(names.kinds)),
        meanings=meanings,
        parts=tuple(
            (plain(word), meant)
            for each in spoken
            for meant, words in each.get("scam_words", {}).items()
            for word in words
        ),
        personal=(
            frozenset(name for each in personal for word in each.get("names", ()) for name in spellings(word)),
            tuple(name for each in personal for word in each.get("words", ()) for name in spellings(word)),
        ),
        qualifiers=tuple(
            name for each in spoken for word in each.get("qualifiers", {}).get("words", ()) for name in spellings(word)
        ),
        ignored=frozenset(plain(name) for field, own in names.columns if field == IGNORED for name in own),
        innocent=frozenset(
            name
            for each in [table, *spoken]
            for word in each.get("not_a_scam", {}).get("verdicts", ())
            for name in spellings(word)
        ),
        innocent_categories=frozenset(table["not_a_scam"]["categories"]),
        confidence={
            name: str(level)
            for each in [*spoken, table]
            for word, level in each.get("confidence", {}).items()
            for name in spellings(word)
        },
        doubt={word: str(level) for word, level in table["confidence_of_verdict"].items()},
        tlp={plain(word): word.value for word in Tlp} | table["tlp"] | meaning_by_word(dict(names.tlp)),
        nothing=frozenset(word.casefold() for each in spoken for word in each.get("nothing", {}).get("words", ())),
    )


def _apply_custom_columns(
    names: CustomNames, values: dict[str, ValueColumn], columns: dict[str, tuple[int, str]]
) -> None:
    """Put a user's own names before those that are known."""
    for field, own in names.columns:
        for name in map(plain, own):
            values.pop(name, None)
            columns.pop(name, None)
            if field == "value" or field in kinds.every():
                values[name] = ValueColumn(-1, None if field == "value" else field)
            elif field != IGNORED:
                columns[name] = (-1, field)


_SAYING_NOTHING = {"other", "unknown"}


def is_kind_word(text: str) -> bool:
    """Tell whether ``text`` is what a type column would say."""
    return plain(text) in vocabulary().kinds


def scam_type_of_tags(words: Iterable[str]) -> str | None:
    """Give the scam type that the first telling one of some labels or tags means, None where none tells."""
    known = vocabulary().scam_types
    return next((known[word] for word in map(plain, words) if word in known and word not in _SAYING_NOTHING), None)


def tags_say_innocent(words: Iterable[str]) -> bool:
    """Tell whether one of some labels or tags says that the value is part of no scam."""
    return not vocabulary().innocent.isdisjoint(map(plain, words))


def kind_of_word(word: str) -> str | None:
    """Give the kind that a type column's ``word`` means, None where it means none that is known."""
    return vocabulary().kinds.get(plain(word))


def tlp_of_word(word: str) -> str | None:
    """Give the TLP level that ``word`` means (``TLP:WHITE``), None where it means none."""
    return vocabulary().tlp.get(plain(word.casefold().removeprefix("tlp")))
