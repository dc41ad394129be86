"""Words of files for columns, kinds, scam types and markings: built in, by language, and a user's own."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
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
from schemas.report import FIELDS
from schemas.vocabulary import Tlp

# Fields whose words this project defines, and those words; TLP levels have spellings of their own.
_WORDED = {name: field.vocabulary for name, field in FIELDS.items() if field.vocabulary and name != "tlp"}


class Vocabulary(NamedTuple):
    """Meanings by word; words are in the form that ``plain`` returns.

    ``meanings`` holds the words of each field's cells, ``parts`` words that mean a scam type within a longer text;
    ``personal`` names of columns about people, and parts of such names; ``qualifiers`` words beside a column's name
    that do not change its content; ``nothing`` the words of empty cells (``N/A``).
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
        """Return scam types by word."""
        return self.meanings["scam_type"]


def vocabulary() -> Vocabulary:
    """Return the words in use: built in, and those of the current custom names."""
    return _vocabulary_with(current_custom_names())


@lru_cache(maxsize=8)
def _vocabulary_with(names: CustomNames) -> Vocabulary:
    table: dict[str, Any] = tomllib.loads(files(__package__).joinpath("columns.toml").read_text("utf-8"))
    values, columns = value_columns(table), field_columns(table)
    _apply_custom_columns(names, values, columns)
    tables = languages()
    meanings = {field: field_words(field, list(map(str, words)), [table, *tables]) for field, words in _WORDED.items()}
    meanings["scam_type"] |= meaning_by_word(dict(names.scam_types))
    return Vocabulary(
        values=values,
        columns=columns,
        subjects=table["subjects"],
        kinds={plain(kind): kind for kind in kinds.every()}
        | meaning_by_word_in_all("kinds", [*tables, table])
        | meaning_by_word(dict(names.kinds)),
        meanings=meanings,
        parts=tuple((plain(word), meaning) for meaning, word in _entries(tables, "scam_words")),
        personal=(
            frozenset(_listed(tables, "personal", "names")),
            tuple(_listed(tables, "personal", "words")),
        ),
        qualifiers=tuple(_listed(tables, "qualifiers", "words")),
        ignored=frozenset(plain(name) for field, own in names.columns if field == IGNORED for name in own),
        innocent=frozenset(_listed([table, *tables], "not_a_scam", "verdicts")),
        innocent_categories=frozenset(table["not_a_scam"]["categories"]),
        confidence=_levels([*tables, table]),
        doubt={word: str(level) for word, level in table["confidence_of_verdict"].items()},
        tlp={plain(word): word.value for word in Tlp} | table["tlp"] | meaning_by_word(dict(names.tlp)),
        nothing=frozenset(
            word.casefold() for language in tables for word in language.get("nothing", {}).get("words", ())
        ),
    )


def _listed(tables: Iterable[Mapping[str, Any]], section: str, key: str) -> Iterator[str]:
    """Yield the spellings of all words that tables list under a key of a section."""
    for table in tables:
        for word in table.get(section, {}).get(key, ()):
            yield from spellings(word)


def _entries(tables: Iterable[Mapping[str, Any]], section: str) -> Iterator[tuple[str, str]]:
    """Yield the meanings and words of a section of several tables."""
    for table in tables:
        for meaning, words in table.get(section, {}).items():
            for word in words:
                yield meaning, word


def _levels(tables: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the levels of confidence by word."""
    words = (entry for table in tables for entry in table.get("confidence", {}).items())
    return {spelling: str(level) for word, level in words for spelling in spellings(word)}


def _apply_custom_columns(
    names: CustomNames, values: dict[str, ValueColumn], columns: dict[str, tuple[int, str]]
) -> None:
    """Replace built-in columns by those of a user's own names."""
    for field, own in names.columns:
        for name in map(plain, own):
            values.pop(name, None)
            columns.pop(name, None)
            if field == "value" or field in kinds.every():
                values[name] = ValueColumn(-1, None if field == "value" else field)
            elif field != IGNORED:
                columns[name] = (-1, field)


# Words for scam types that name none.
VAGUE = {"other", "unknown"}


def is_kind_word(text: str) -> bool:
    """Return whether ``text`` names a kind, as cells of a type column do."""
    return plain(text) in vocabulary().kinds


def scam_type_of_tags(words: Iterable[str]) -> str | None:
    """Return the scam type of the first label or tag that names one, None where none does."""
    known = vocabulary().scam_types
    return next((known[word] for word in map(_plain_tag, words) if word in known and word not in VAGUE), None)


def tags_say_innocent(words: Iterable[str]) -> bool:
    """Return whether one of some labels or tags means that the value is no part of a scam."""
    return not vocabulary().innocent.isdisjoint(map(_plain_tag, words))


# Sources give the same few tags to all they list; longer ones are texts.
_LONGEST_TAG = 64


def _plain_tag(tag: str) -> str:
    return _plain_short_tag(tag) if len(tag) <= _LONGEST_TAG else plain(tag)


@lru_cache(maxsize=4096)
def _plain_short_tag(tag: str) -> str:
    return plain(tag)


def kind_of_word(word: str) -> str | None:
    """Return the kind that a ``word`` of a type column means, None for unknown words."""
    return vocabulary().kinds.get(plain(word))


def tlp_of_word(word: str) -> str | None:
    """Return the TLP level that ``word`` (``TLP:WHITE``) means, None for unknown words."""
    return vocabulary().tlp.get(plain(word.casefold().removeprefix("tlp")))
