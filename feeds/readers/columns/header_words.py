"""Names of columns by their words: ``Mobile No. of Suspect`` is the column ``mobile``, with a suspect's values.

Words that do not affect the meaning (``fillers``) and words that name the owner of the values (``qualifiers``) are left
out, and abbreviations are spelled out. Two names with the same other words, in any order, are one column.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from string import ascii_lowercase
from typing import Any, NamedTuple

from feeds.readers.columns.word_tables import NOT_ALNUM, in_bare_latin, plain

# Scripts without blanks between words: Thai, Lao, Burmese, Khmer, Chinese and Japanese.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
# The name of a count, such as "No. of accounts".
_COUNT = re.compile(r"\W*(?:no|nos|num|number|count|total)\b\W*of\b", re.IGNORECASE)
# The number of a heading: "B. RESPONDENT".
_ENUMERATED = re.compile(
    r"^(?:(?:part|section|bahagian|bagian|phần|mục|parte|seção|ส่วนที่)\s+(?:[a-z]|\d{1,2}|[ivx]{1,4})\b[\s:.–-]*"
    r"|(?:[a-z]|\d{1,2}|[ivx]{1,4})[.)]\s+)",
    re.IGNORECASE,
)
_PLURAL = 3
_MOST_WORDS = 10
_LONGEST = 80
# Minimum lengths of words that are recognised with two letters swapped, and with a letter left out.
_LONG_WORD = re.compile(r"[a-z]{5,}", re.ASCII)
_FEWEST_WITHOUT_ONE = 6

Words = frozenset[str]


class HeaderWords(NamedTuple):
    """The words of headers in all languages, and the names of columns by their other words.

    ``beside`` are words that are left out next to a qualifier: "recipient / scammer". ``tokens`` are all
    words of names.
    """

    fillers: frozenset[str]
    phrases: tuple[str, ...]
    qualifiers: frozenset[str]
    affixes: tuple[str, ...]
    abbreviations: Mapping[str, str]
    names: Mapping[Words, str]
    beside: frozenset[str]
    tokens: frozenset[str] = frozenset()

    @classmethod
    def of(cls, tables: Sequence[Mapping[str, Any]], names: Iterable[str]) -> "HeaderWords":
        """Return the words of ``tables``, and ``names`` by their words; of equal words the first name counts."""
        fillers = [*_listed(tables, "fillers", "words")]
        qualifiers = [*_listed(tables, "qualifiers", "words")]
        affixes = (word for word in (*fillers, *qualifiers) if _UNSPACED.match(word))
        words = cls(
            frozenset(plain(word) for word in fillers),
            _longest_first(word for word in fillers if " " in word),
            frozenset(part for word in qualifiers for part in _tokens(word)) - {plain(word) for word in fillers},
            _longest_first(affixes),
            {plain(short): long for table in tables for long, all_ in _abbreviated(table) for short in all_},
            {},
            frozenset(_listed(tables, "fillers", "of_suspects")),
        )
        known = words._by_words(names)
        tokens = frozenset(token for found in known for token in found) | words.fillers | words.qualifiers
        return words._replace(names=known, tokens=tokens)

    def _by_words(self, names: Iterable[str]) -> dict[Words, str]:
        """Return the names of columns by their words; a name is left out if one word of it describes its content."""
        known: dict[Words, str] = {}
        for name in names:
            for spelling in dict.fromkeys((name, in_bare_latin(name))):
                found, _ = self.split(spelling)
                if found and (len(found) > 1 or plain(next(iter(found))) == plain(name) or _is_one(spelling)):
                    known.setdefault(found, plain(name))
        return known

    def find(self, name: str) -> tuple[str, bool]:
        """Return the known name with the words of ``name`` or "", and whether a qualifier is left out."""
        if len(name) > _LONGEST or _COUNT.match(name):
            return "", False
        text = _ENUMERATED.sub("", name)
        # Names of services are written in one word with capitals in it: PayNow.
        for spelled in dict.fromkeys((text, text.lower(), self._corrected(text.lower()))):
            words, qualified = self.split(spelled)
            if known := self.names.get(words - self.beside if qualified else words, ""):
                break
        return known, qualified

    def _corrected(self, text: str) -> str:
        """Return a text with its mistyped words as known ones: two letters in the other order, or one missing."""
        return _LONG_WORD.sub(lambda word: self._known_word(word[0]), text)

    def _known_word(self, word: str) -> str:
        if word in self.tokens or word in self.abbreviations or word.removesuffix("s") in self.tokens:
            return word
        likely = {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)}
        if len(word) >= _FEWEST_WITHOUT_ONE:
            likely |= {word[:at] + letter + word[at:] for at in range(len(word) + 1) for letter in ascii_lowercase}
        found = likely & self.tokens
        return found.pop() if len(found) == 1 else word

    def split(self, name: str) -> tuple[Words, bool]:
        """Return the words of a name that describe its content, and whether other words name its owner."""
        text = unicodedata.normalize("NFKC", name).casefold() if not name.isascii() else _CAMEL.sub(" ", name).lower()
        for phrase in self.phrases:
            text = text.replace(phrase, " ")
        kept, qualified = set[str](), False
        for place, token in enumerate(_tokens(text)):
            word = self.abbreviations.get(token, token)
            if not place and len(token) == 1 and token.isascii():
                # "S. Phone" is not "suspect's phone": an initial may stand for any role.
                kept.add(word)
                continue
            content, names_owner = self._content(word)
            kept |= {content} - {""}
            qualified |= names_owner
        return (frozenset(kept) if len(kept) <= _MOST_WORDS else frozenset()), qualified

    def _content(self, word: str) -> tuple[str, bool]:
        """Return a word in the form for comparison, "" if it describes no content, and whether it names an owner."""
        is_affixed = False
        if _UNSPACED.match(word):
            word, is_affixed = self._without_affixes(word)
        if word in self.qualifiers:
            return "", True
        if word in self.fillers or (word.isdigit() and len(word) < 3):
            return "", is_affixed
        return (word.removesuffix("s") if len(word) > _PLURAL and word.isascii() else word), is_affixed

    def _without_affixes(self, word: str) -> tuple[str, bool]:
        """Return a word without the fillers and qualifiers at its ends, for scripts without blanks."""
        qualified, before = False, ""
        while word != before:
            before = word
            for affix in self.affixes:
                if word != affix and (word.startswith(affix) or word.endswith(affix)):
                    word = word.removeprefix(affix) if word.startswith(affix) else word.removesuffix(affix)
                    qualified |= affix in self.qualifiers
                    break
        return word, qualified


def _longest_first(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(dict.fromkeys(words), key=len, reverse=True))


def _tokens(text: str) -> Iterator[str]:
    text = text.replace("a/c", " account ").replace("#", " no ").replace("(s)", "s")
    return (token for token in NOT_ALNUM.split(text) if token)


def _is_one(name: str) -> bool:
    return len(list(_tokens(name.casefold()))) == 1


def _listed(tables: Iterable[Mapping[str, Any]], section: str, key: str) -> Iterator[str]:
    for table in tables:
        for word in table.get(section, {}).get(key, ()):
            text = unicodedata.normalize("NFKC", word).casefold()
            yield from dict.fromkeys((text, in_bare_latin(text)))


def _abbreviated(table: Mapping[str, Any]) -> Iterable[tuple[str, Sequence[str]]]:
    found: Mapping[str, Sequence[str]] = table.get("abbreviations", {})
    return found.items()
