"""Words of files for columns, kinds, scam types and markings: built in, by language, and a user's own."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from feeds.readers.columns.header_words import HeaderWords
from feeds.readers.columns.word_tables import (
    IGNORED,
    CustomNames,
    ValueColumn,
    columns_of_suspects,
    current_custom_names,
    field_columns,
    field_words,
    languages,
    meaning_by_word,
    meaning_by_word_in_all,
    names_of_columns,
    plain,
    spellings,
    value_columns,
)
from schemas import kinds
from schemas.report import FIELDS
from schemas.vocabulary import Tlp

# Fields with words defined by this project, and those words; TLP levels have additional spellings.
_WORDED = {name: field.vocabulary for name, field in FIELDS.items() if field.vocabulary and name != "tlp"}


class Vocabulary(NamedTuple):
    """Meanings by word; words are in the form that ``plain`` returns.

    ``meanings`` has the words of each field's cells, ``parts`` words that mean a scam type within a longer text;
    ``personal`` names of columns about people, and parts of such names; ``qualifiers`` words in a column's name that do
    not change its content; ``nothing`` the words of empty cells (``N/A``). ``people``, ``suspects`` and ``offices`` are
    words of headings that state to whom columns belong, ``neutral`` those that do not; ``payers`` begin the names of
    columns with accounts that paid, ``amounts`` those of columns with sums, ``totals`` rows of totals; ``senders`` and
    ``receivers`` words for senders and receivers, with other words and without; ``lists`` words around them in the
    names of files; ``roles`` cells that state a role, and ``role_columns`` the names of columns with such cells,
    ``only_roles`` those without another meaning; ``parties`` are objects of those who pay, call or report. ``headers``
    finds names of columns by their words; ``of_suspects`` are columns that are read only if their name says that they
    are a suspect's (``contact``).
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
    innocent_parts: tuple[str, ...]
    innocent_categories: frozenset[str]
    confidence: Mapping[str, str]
    doubt: Mapping[str, str]
    tlp: Mapping[str, str]
    nothing: frozenset[str]
    people: frozenset[str]
    suspects: frozenset[str]
    offices: frozenset[str]
    neutral: frozenset[str]
    payers: tuple[str, ...]
    totals: frozenset[str]
    amounts: tuple[str, ...]
    senders: tuple[frozenset[str], frozenset[str]]
    receivers: tuple[frozenset[str], frozenset[str]]
    roles: frozenset[str]
    lists: tuple[str, ...]
    role_columns: frozenset[str]
    only_roles: frozenset[str]
    contacts: frozenset[str]
    parties: frozenset[str]
    headers: HeaderWords
    of_suspects: Mapping[str, ValueColumn]

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
    of_suspects = columns_of_suspects(table)
    known = values.keys() | columns.keys() | of_suspects.keys()
    people, suspects, offices, neutral, role_columns, only_roles = (
        frozenset(_listed([table], "roles", key))
        for key in ("people", "suspects", "offices", "neutral", "columns", "only")
    )
    people |= frozenset(_listed(tables, "personal", "words"))
    suspects |= frozenset(_listed(tables, "qualifiers", "words"))
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
        qualifiers=tuple(sorted(sorted(suspects), key=len, reverse=True)),
        ignored=frozenset(plain(name) for field, own in names.columns if field == IGNORED for name in own),
        innocent=frozenset(_listed([table, *tables], "not_a_scam", "verdicts")),
        innocent_parts=tuple(_listed(tables, "not_a_scam", "parts")),
        innocent_categories=frozenset(table["not_a_scam"]["categories"]),
        confidence=_levels([*tables, table]),
        doubt={word: str(level) for word, level in table["confidence_of_verdict"].items()},
        tlp={plain(word): word.value for word in Tlp} | table["tlp"] | meaning_by_word(dict(names.tlp)),
        nothing=frozenset(
            word.casefold() for language in tables for word in language.get("nothing", {}).get("words", ())
        ),
        people=people,
        suspects=suspects,
        offices=offices,
        neutral=neutral,
        payers=tuple(map(plain, table["roles"]["payers"])),
        totals=frozenset(table["roles"]["totals"]),
        amounts=tuple(map(plain, table["roles"]["amounts"])),
        senders=(
            frozenset(_listed([table], "roles", "senders")),
            frozenset(_listed([table], "roles", "senders_alone")),
        ),
        receivers=(
            frozenset(_listed([table], "roles", "receivers")),
            frozenset(_listed([table], "roles", "receivers_alone")),
        ),
        roles=_role_cells(people) | _role_cells(suspects) | offices,
        lists=tuple(table["roles"]["lists"]),
        role_columns=role_columns | only_roles,
        only_roles=only_roles,
        contacts=frozenset(_listed([table], "roles", "contacts")),
        parties=frozenset(_listed([table], "roles", "parties")),
        headers=HeaderWords.of(tables, (name for name in names_of_columns(table) if plain(name) in known)),
        of_suspects=of_suspects,
    )


# Words around the name of a role.
_AROUND = (
    "ข้อมูล",
    "ข้อมูลของ",
    "ของ",
    "รายละเอียด",
    "ฝ่าย",
    "ผู้",
    "the",
    "data of",
    "information",
    "details",
    "s",
    "'s",
    "data",
    "info",
    "资料",
    "信息",
    "data ",
)


def _role_cells(words: Iterable[str]) -> frozenset[str]:
    """Return the texts that consist only of the name of one of some roles."""
    around = [plain(word) for word in _AROUND]
    return frozenset(
        text for word in words for text in (word, *(a + word for a in around), *(word + a for a in around))
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


# Words for scam types without a specific type.
VAGUE = {"other", "unknown"}


def is_kind_word(text: str) -> bool:
    """Return whether ``text`` is a kind, like the cells of a type column."""
    return plain(text) in vocabulary().kinds


def scam_type_of_tags(words: Iterable[str]) -> str | None:
    """Return the scam type of the first label or tag that means one, None if there is none."""
    known = vocabulary().scam_types
    return next((known[word] for word in map(_plain_tag, words) if word in known and word not in VAGUE), None)


def tags_say_innocent(words: Iterable[str]) -> bool:
    """Return whether one of some labels or tags means that the value is not part of a scam."""
    return not vocabulary().innocent.isdisjoint(map(_plain_tag, words))


# Sources use the same few tags for everything; longer words are free texts.
_LONGEST_TAG = 64


def _plain_tag(tag: str) -> str:
    return _plain_short_tag(tag) if len(tag) <= _LONGEST_TAG else plain(tag)


@lru_cache(maxsize=4096)
def _plain_short_tag(tag: str) -> str:
    return plain(tag)


def kind_of_word(word: str) -> str | None:
    """Return the kind for a ``word`` of a type column, None for unknown words."""
    return vocabulary().kinds.get(plain(word))


def tlp_of_word(word: str) -> str | None:
    """Return the TLP level for ``word`` (``TLP:WHITE``), None for unknown words."""
    return vocabulary().tlp.get(plain(word.casefold().removeprefix("tlp")))


_BRACKETS = re.compile(r"[(\[（【][^)\]）】]*[)\]）】]")
_INSIDE = re.compile(r"[(\[（【]([^)\]）】]*)[)\]）】]")
_EITHER = re.compile(r"\s*[/|\n・]\s*")
_NUMBERED = re.compile(r"^\d{1,2}[.)]\s*|[\s_-]*\d{1,2}$")
_FEWEST = 2
# A longer header is a text.
_LONGEST_NAME = 500
# Fields of an account that a qualified column may hold: the suspect's bank.
_OF_SUBJECTS = frozenset({"iban", "account_number", "company_number", "company_name", "bank", "branch", "bic"})
# Numbered lines of these fields are the lines of a street address.
_STREET = {"address", "addr"}

Field = tuple[int, str]


def value_column(name: str, words: Vocabulary) -> ValueColumn | None:
    """Return the value column called ``name``, None if no such column contains values."""
    found = _known_or_qualified(name, words)
    return found if isinstance(found, ValueColumn) else None


def field_column(name: str, words: Vocabulary) -> Field | None:
    """Return rank and field of the column called ``name``, None if it fills no field of a report."""
    found = _known_or_qualified(name, words)
    return None if found is None or isinstance(found, ValueColumn) else found


def is_personal(name: str, words: Vocabulary) -> bool:
    """Return whether a column of that name is about people: victims, reporters, account holders."""
    names, parts = words.personal
    spelled = plain(name)
    return spelled in names or any(part in spelled for part in parts)


def _known_or_qualified(name: str, words: Vocabulary) -> ValueColumn | Field | None:
    if len(name) > _LONGEST_NAME:
        return None
    spelled = plain(name)
    if spelled in words.ignored:
        return None
    if (found := _known(spelled, words)) is not None:
        return found
    if is_personal(name, words):
        return None
    if (found := _by_words(name, words)) is not None:
        return found
    for other in _other_names(name):
        if (found := _known(other, words)) is not None:
            return found
        if (found := _qualified(other, words)) is not None:
            return found
    return None


def _by_words(name: str, words: Vocabulary) -> ValueColumn | Field | None:
    """Return the column with the same words apart from fillers and qualifiers: ``Mobile No. of Suspect``."""
    known, qualified = words.headers.find(name)
    column = words.values.get(known) or (words.of_suspects.get(known) if qualified else None)
    if column is not None:
        return column._replace(unsure=column.unsure and not qualified)
    field = words.columns.get(known)
    return field if field and (not qualified or field[1] in _OF_SUBJECTS) else None


def _known(spelled: str, words: Vocabulary) -> ValueColumn | Field | None:
    return words.values.get(spelled) or words.columns.get(spelled)


def _other_names(name: str) -> Iterator[str]:
    """Yield the possible meanings of a header: without brackets, in one of two languages, without numbers."""
    for text in (name, _BRACKETS.sub(" ", name), *_EITHER.split(name), *_INSIDE.findall(name)):
        spelled = plain(text)
        yield spelled
        bare = plain(_NUMBERED.sub("", text.strip()))
        if bare != spelled and bare not in _STREET:
            yield bare


def without_notes(name: str) -> str:
    """Return a heading without its number and its notes in brackets: "3. Victims (do not share)"."""
    return _BRACKETS.sub(" ", _NUMBERED.sub("", name.strip())).strip()


def _qualified(spelled: str, words: Vocabulary) -> ValueColumn | Field | None:
    """Return the column whose name is ``spelled`` without a qualifying word: ``banned_address``."""
    if not (spelled.startswith(words.qualifiers) or spelled.endswith(words.qualifiers)):
        return None
    for qualifier in words.qualifiers:
        for rest in (spelled.removeprefix(qualifier), spelled.removesuffix(qualifier)):
            if rest != spelled and len(rest) >= _FEWEST:
                found = words.values.get(rest)
                if found is None and (column := words.columns.get(rest)) and column[1] in _OF_SUBJECTS:
                    return column
                if found is not None:
                    return found._replace(unsure=False)
    return None


def is_known_column(name: str) -> bool:
    """Return whether reports have a column of that name."""
    return _known_or_qualified(name, vocabulary()) is not None


def is_subject_column(name: str) -> bool:
    """Return whether a column of that name identifies what a report is about, by a value or without one."""
    words = vocabulary()
    found = _known_or_qualified(name, words)
    return isinstance(found, ValueColumn) or (found is not None and found[1] in words.subjects)


def is_value_column(name: str) -> bool:
    """Return whether a column of that name holds values."""
    return value_column(name, vocabulary()) is not None


def column_of_list(name: str) -> str:
    """Return the column for the items of a list called ``name``: ``phone`` for ``phones``."""
    words = vocabulary()
    whole = plain(name)
    for spelling in (name, whole, whole.removesuffix("s"), whole.removesuffix("es")):
        found = value_column(spelling, words)
        # A list with the name of a platform may contain its accounts, or sites that imitate it.
        if found and not found.given:
            return spelling
    return "value"
