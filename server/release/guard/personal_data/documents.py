"""Numbers of identity documents in free text, in any grouping, beside a word for the document (``documents.toml``)."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from schemas.readings import without_accents
from schemas.text import in_latin_letters
from server.release.guard.personal_data.document_words import PATTERNS, WITHOUT_BLANKS, folded_text, lowered

DOCUMENT = "the number of an identity document"
# The longest text that is read as a number alone.
LONGEST_ALONE = 80

# The characters that are read on each side of a word, and those between it and the number.
_WINDOW = 100
_FURTHEST = 48
_FURTHEST_WITHOUT_BLANKS = 24
_MOST_WORDS = 6
_FEWEST_DIGITS, _MOST_DIGITS = 5, 20
_FEWEST_AFAR = 6
_FEWEST_BESIDE_LETTERS = 3
# Beside a word with other meanings: only digits, or with letters.
_FEWEST_BESIDE_ABBREVIATION, _FEWEST_LETTERED = 7, 6
# Counts of cards that were lost or sold are shorter than the number of a lost card.
_MOST_OF_A_COUNT = 7
_CODE_LENGTHS = range(6, 19)
_LONGEST_PART = 20
_LONGEST_PREFIX = 3
# The part of a text in which the words before a number say what it is, and its last words.
_BEFORE = 30
_LAST_WORDS = 3

# Vowel signs of Indian scripts, Burmese and Khmer are parts of words.
_LETTERS = re.compile(r"(?:[^\W\d_]|[\u0900-\u0963\u0966-\u0dff\u1000-\u109f\u1780-\u17ff])+")
# A number with few digits, whose word may be in another text of the object (``neighbours``).
_SHORT_NUMBER = re.compile(r"[^\W\d_]{0,3}[\W_]{0,3}\d[\dA-Z\W_]{4,20}")
_FIVE_DIGITS = re.compile(r"(?:\D{0,40}+\d){5}")
_DIGIT = re.compile("[0-9]")
_PART = re.compile(r"[0-9A-Za-z]+")
_SEPARATOR = re.compile(r"(?![.,:] )[\t .,:\-+/|*~'’()\[\]#_]{1,3}")
# Letters of a number in lower case: "gha-123456789".
_PREFIX = re.compile(r"(?<![^\W\d_])[a-z]{1,3}[-/]$")
# The word right before another.
_ADJOINING = re.compile(r"([^\W\d_]+)(['’]s)?[\s\-]{0,3}$")
# India's number of a taxpayer.
_PERMANENT_ACCOUNT = re.compile(r"[A-Za-z]{5}\d{4}[A-Za-z]?")
_END_OF_SENTENCE = re.compile(r"[.!?]\s|[;\n]")
# A word with a year, and a number of thousands.
_WITH_YEAR = re.compile(r"[A-Za-z]{4,}(?:19|20|25)\d\d")
_ROUND = re.compile(r"[1-9]\d{0,2}0{3,}")
_COMPACT_DATE = re.compile(r"(?:19|20|25)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_YEAR = r"(?:19|20|25)\d\d"
_DAY, _OF_YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
# Dates, times, prices and addresses are no numbers of documents. Placeholders in their place keep all positions, and
# separate the numbers on both sides, because ``_SEPARATOR`` does not match them.
_NOT_A_NUMBER = re.compile(
    rf"(?<![\w./-])(?:{_DAY}([./-]){_OF_YEAR}\1{_YEAR}|{_OF_YEAR}([./-]){_DAY}\2{_YEAR}|{_YEAR}([./-]){_OF_YEAR}\3{_DAY})"
    r"(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?(?![./-]?\d)"
    rf"|(?<!\w){_DAY}(?:st|nd|rd|th)?[ -]?{_MONTH}[ ,-]{{0,2}}{_YEAR}(?!\w)"
    rf"|(?<!\w){_MONTH} {_DAY}(?:st|nd|rd|th)?,? {_YEAR}(?!\w)"
    rf"|(?<![\w/-]){_YEAR} ?[-/] ?(?:{_YEAR}|\d\d)(?![\w/-])"
    r"|(?<![\w.])\d{1,2}[:.]\d\d ?- ?\d{1,2}[:.]\d\d(?!\w)"
    r"|(?<!\w)\d{1,2}:\d\d(?::\d\d)?(?!\w)"
    rf"|(?<![\w.]){_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}(?!\.?\w)"
    r"|(?<![\w,])\d{1,3}(?:,\d{3}){1,5}(?![\w,])"
    r"|(?:[$€£¥฿₫₱₹₩₽₭៛]|(?<!\w)(?:rp|rm|(?:rs|php|thb|usd|eur|vnd|idr|myr|sgd)\b\.?)) ?\d[\d.,]{0,20}"
    r"|\d[\d.,]{0,20} ?[$€£¥฿₫₱₹₩₽₭៛]",
    re.IGNORECASE,
)
_PLACEHOLDER = "\0"


class _Number(NamedTuple):
    """The groups of one number: where they begin and end, the end of letters after them, the digits and letters, and
    the longest group with both.
    """

    start: int
    end: int
    reach: int
    joined: str
    code: str

    @property
    def digits(self) -> int:
        return sum(map(str.isdigit, self.joined))

    @property
    def is_lettered(self) -> bool:
        return not self.joined.isdigit()


def names_document(text: str) -> bool:
    """Return whether a text has a word for an identity document."""
    return PATTERNS.documents.search(folded_text(text)) is not None


def is_word_alone(text: str) -> bool:
    """Return whether a text has a word for an identity document, and otherwise only words about a person or number."""
    text = in_latin_letters(without_accents(text))
    folded = lowered(text)
    if len(folded) != len(text) or _DIGIT.search(folded) is not None:
        return False
    found = PATTERNS.documents.search(folded)
    if found is None or (_is_abbreviation(found) and not text.isupper()):
        return False
    others = list(_LETTERS.finditer(PATTERNS.number_words.sub(_hidden, PATTERNS.documents.sub(_hidden, folded))))
    return len(others) <= _MOST_WORDS and all(_is_name(text[word.start() : word.end()]) for word in others)


def is_number_alone(text: str) -> bool:
    """Return whether a text is one number that a document could have, with at most the names of a person beside it."""
    text = in_latin_letters(without_accents(text))
    found = list(_numbers(text, 0, len(text)))
    if len(found) != 1 or found[0].digits < _FEWEST_DIGITS or PATTERNS.documents.search(lowered(text)) is not None:
        return False
    if is_of_another_thing(text[: found[0].start]):
        return False
    others = _LETTERS.findall(text[: found[0].start] + " " + text[found[0].end :])
    return len(others) <= _MOST_WORDS and all(map(_is_name, others))


def is_of_another_thing(words: str) -> bool:
    """Return whether the last words before a number name another thing that has the number, such as an order."""
    words = lowered(words)
    return _is_other_thing(words) or _is_other_thing(PATTERNS.number_words.sub(" ", words))


def may_be_number(text: str) -> bool:
    """Return, quickly, whether a text may be one number of a document, also with a name beside it."""
    return len(text) <= LONGEST_ALONE and _FIVE_DIGITS.match(text) is not None


def may_have_number(text: str) -> bool:
    """Return, quickly, whether a plain text with a digit may be the number of an identity document, or have it beside a
    word.

    Of the texts that ``may_be_number`` allows, most case numbers are left out: searching all of them would make the
    mapping of a file with case numbers of five digits 1.5 times slower.
    """
    if _SHORT_NUMBER.fullmatch(text) is not None:
        return True
    return PATTERNS.documents.search(lowered(in_latin_letters(without_accents(text)))) is not None


def has_number(text: str, is_own: Callable[[str], bool]) -> bool:
    """Return whether a text in plain letters, without marks, has the number of an identity document beside a word."""
    if _DIGIT.search(text) is None:
        return False
    folded = lowered(text)
    if len(folded) != len(text) or PATTERNS.documents.search(folded) is None:
        return False
    masked = _NOT_A_NUMBER.sub(_hidden, text.replace(_PLACEHOLDER, " "))
    folded = PATTERNS.names.sub(_hidden, lowered(masked))
    for word in PATTERNS.documents.finditer(folded):
        if not _is_of_another(masked, folded, word) and any(
            not is_own(number.joined) for number in _beside(masked, folded, word)
        ):
            return True
    return False


def _beside(text: str, folded: str, word: re.Match[str]) -> Iterator[_Number]:
    """Yield the numbers that a document's word gives a meaning."""
    for number in _numbers(text, word.end(), word.end() + _WINDOW):
        if _may_be_beside(word, number) and _follows(text, folded, word, number):
            yield number
    for number in _numbers(text, max(0, word.start() - _WINDOW), word.start()):
        if _may_be_beside(word, number) and _precedes(folded, number, word.start()):
            yield number


def _is_of_another(text: str, folded: str, word: re.Match[str]) -> bool:
    """Return whether a word is part of the name of a place, or of the number of a company or another thing."""
    before = folded[max(0, word.start() - _BEFORE) : word.start()]
    if PATTERNS.places.match(folded, word.end()) or PATTERNS.hotlines.search(before):
        return True
    if word["tax"] is not None:
        return PATTERNS.companies.search(folded, max(0, word.start() - _WINDOW), word.end() + _WINDOW) is not None
    if word["document"] is not None:
        return False
    adjoining = _ADJOINING.search(before)
    if adjoining is None:
        return False
    if PATTERNS.other_things.fullmatch(adjoining[1]) is not None:
        return True
    # "LINE ID number", but "Somchai's ID number".
    begins_with_capital = text[word.start() - len(adjoining[0])].isupper()
    return bool(word["id"] and begins_with_capital and not adjoining[2]) and not _is_small(adjoining[1])


def _is_small(word: str) -> bool:
    return PATTERNS.small_words.fullmatch(word) is not None


def _is_abbreviation(word: re.Match[str]) -> bool:
    return word["document"] is None and word["tax"] is None


def _may_be_beside(word: re.Match[str], number: _Number) -> bool:
    """Return whether a number is long enough for its word: much longer for one with other meanings."""
    if not _is_abbreviation(word):
        return True
    if (word["lettered"] and not number.is_lettered) or not (
        number.code.isupper() or number.code == number.code.lower()
    ):
        return False
    fewest = _FEWEST_LETTERED if number.is_lettered else _FEWEST_BESIDE_ABBREVIATION
    return number.digits >= fewest or _has_form_of_a_permanent_account(number)


def _hidden(found: re.Match[str]) -> str:
    return _PLACEHOLDER * len(found[0])


def _numbers(text: str, start: int, end: int) -> Iterator[_Number]:
    """Yield the numbers of a part of a text: groups of digits, and few letters before or between them."""
    parts: list[re.Match[str]] = []
    for part in _PART.finditer(text, start, min(end, len(text))):
        is_next = parts and _SEPARATOR.fullmatch(text, parts[-1].end(), part.start())
        if parts and (not is_next or _begins_another(parts[-1][0], part[0])):
            yield from _number(parts)
            parts = []
        if _is_group(part):
            parts.append(part)
        else:
            yield from _number(parts)
            parts = []
    yield from _number(parts)


def _is_group(part: re.Match[str]) -> bool:
    letters = part[0]
    if not letters.isalpha():
        return len(letters) <= _LONGEST_PART
    if letters.islower():
        # "O RG é 12 345" has a word of one letter.
        return len(letters) == 1 and not part.string.startswith(" ", part.end())
    longest = _LONGEST_PREFIX + part.string.startswith(("-", ".", "/"), part.end())
    return len(letters) == 1 or (len(letters) <= longest and letters.isupper())


def _begins_another(last: str, part: str) -> bool:
    """Return whether letters after digits begin another number, as in "AA1234567 EXP 2030"."""
    return part.isalpha() and len(part) == _LONGEST_PREFIX and last.isdigit()


def _is_blank_between(part: re.Match[str], following: re.Match[str]) -> bool:
    return " " in part.string[part.end() : following.start()]


def _number(parts: list[re.Match[str]]) -> Iterator[_Number]:
    reach = parts[-1].end() if parts else 0
    while parts and parts[-1][0].isalpha():
        parts = parts[:-1]
    # Of several groups of letters in front, those before a blank are no part of the number.
    while len(parts) > 1 and parts[0][0].isalpha() and parts[1][0].isalpha() and _is_blank_between(*parts[:2]):
        parts = parts[1:]
    if parts:
        joined = "".join(part[0] for part in parts)
        code = max((part[0] for part in parts if not part[0].isdigit()), key=len, default="")
        yield _Number(parts[0].start(), parts[-1].end(), reach, joined, code)


def _follows(text: str, folded: str, word: re.Match[str], number: _Number) -> bool:
    """Return whether a number after a document's word is the document's."""
    start = word.end()
    gap = folded[start : number.start]
    if word[0].endswith("no") or "." in word[0]:
        gap = gap.removeprefix(".")
    gap = _PREFIX.sub("", gap)
    if len(gap) > _FURTHEST or _is_amount(folded, number):
        return False
    words_between = PATTERNS.number_words.sub(" ", gap)
    if _is_filler(words_between):
        return number.digits >= _FEWEST_DIGITS or _is_code(number.code) or _has_form_of_a_permanent_account(number)
    if not _may_be_afar(number) or not _may_be_skipped(words_between):
        return False
    if _is_announced(gap, words_between):
        return True
    return not _is_abbreviation(word) and (
        _has_form_of_document(number) or all(map(_is_name, _LETTERS.findall(text[start : number.start])))
    )


def _may_be_afar(number: _Number) -> bool:
    """Return whether a number may be a document's with other words between them."""
    return _is_long(number) and _COMPACT_DATE.fullmatch(number.joined) is None


def _may_be_skipped(words_between: str) -> bool:
    """Return whether the words between a document and a number leave both in one statement about one thing."""
    if _END_OF_SENTENCE.search(words_between) or _is_other_thing(words_between):
        return False
    without_blanks = len("".join(WITHOUT_BLANKS.findall(words_between)))
    return len(_LETTERS.findall(words_between)) <= _MOST_WORDS and without_blanks <= _FURTHEST_WITHOUT_BLANKS


def _has_form_of_document(number: _Number) -> bool:
    """Return whether a number has letters as documents have them."""
    return (number.is_lettered and number.code.isupper()) or _LETTERS.match(number.joined) is not None


def _is_announced(gap: str, words_between: str) -> bool:
    """Return whether a number follows a word about a person, and a sign or a word that announces it."""
    words = _LETTERS.findall(words_between)
    is_of_a_person = bool(words) and _is_small(words[0])
    return is_of_a_person and (gap.rstrip().endswith((":", "=", "(", "#")) or _ends_with_number_word(gap))


def _precedes(folded: str, number: _Number, end: int) -> bool:
    """Return whether a number before a document's word is the document's."""
    gap = folded[number.reach : end]
    if len(gap) > _FURTHEST or _END_OF_SENTENCE.search(gap) or _is_amount(folded, number):
        return False
    if not _may_be_afar(number) or not _is_filler(PATTERNS.small_words.sub(" ", gap)):
        return False
    if is_of_another_thing(folded[max(0, number.start - _BEFORE) : number.start]):
        return False
    return number.is_lettered or gap.lstrip().startswith(("(", "[", "=")) or _LETTERS.search(gap) is not None


def _is_filler(gap: str) -> bool:
    """Return whether nothing but punctuation, digits and one short group of letters is in a gap."""
    words = _LETTERS.findall(gap)
    if _PLACEHOLDER in gap or len(words) > 1:
        return False
    # Letters in front of a number have capitals in every script that writes them so.
    return not words or (
        len(words[0]) < _LONGEST_PREFIX and words[0].upper() != words[0] and gap.rstrip(" -./").endswith(words[0])
    )


def _is_amount(folded: str, number: _Number) -> bool:
    if number.digits > _MOST_DIGITS or _ROUND.fullmatch(number.joined):
        return True
    if not number.is_lettered and (
        PATTERNS.units.match(folded, number.end)
        or (number.digits <= _MOST_OF_A_COUNT and PATTERNS.events.match(folded, number.end))
    ):
        return True
    if number.code.isalpha() and PATTERNS.other_things.fullmatch(lowered(number.code)):
        return True
    return _WITH_YEAR.fullmatch(number.joined) is not None


def _is_long(number: _Number) -> bool:
    fewest = _FEWEST_DIGITS if number.is_lettered else _FEWEST_AFAR
    return number.digits >= fewest or _has_form_of_a_permanent_account(number)


def _has_form_of_a_permanent_account(number: _Number) -> bool:
    return _PERMANENT_ACCOUNT.fullmatch(number.joined) is not None


def _is_code(code: str) -> bool:
    digits = sum(map(str.isdigit, code))
    return len(code) in _CODE_LENGTHS and code.isupper() and digits >= _FEWEST_BESIDE_LETTERS


def _is_other_thing(words: str) -> bool:
    """Return whether the last words before a number say that it is that of another thing."""
    last = list(_LETTERS.finditer(words))[-_LAST_WORDS:]
    return bool(last) and PATTERNS.other_things.search(words, last[0].start()) is not None


def _is_name(word: str) -> bool:
    """Return whether a word may be part of a person's name, or is a small word beside one."""
    return not word[0].islower() or _is_small(lowered(word))


def _ends_with_number_word(gap: str) -> bool:
    last = _LETTERS.findall(gap)[-1:]
    return bool(last) and PATTERNS.number_words.fullmatch(last[0]) is not None
