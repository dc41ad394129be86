"""The meaning of a row's cells: the words that reports use for them, or the reason why they are not read."""

import gettext
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import pycountry

from feeds.readers.columns.vocabulary import VAGUE, Vocabulary
from feeds.readers.columns.word_tables import HINTS, ValueColumn, plain
from schemas.report import FIELDS
from schemas.text import ascii_digits

# Columns with a verdict on the value, the most certain first.
VERDICT_HINTS = ("classification", "type", "category")
_NOT_ALNUM = re.compile(r"[\W_]+")
_WORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LONGEST_WORD = 60
_LANG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_DIGEST = re.compile(r"[0-9a-fA-F]{64}(?:\s*[,;]\s*[0-9a-fA-F]{64}){0,49}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_PERCENT = re.compile(
    r"(?:[^\d.,/]*?)(\d{1,3}(?:[.,]\d+)?)\s*(?:%|percent|pct|เปอร์เซ็นต์|phần trăm|persen|peratus|パーセント|퍼센트)\W*"
)
_SHARE = re.compile(r"(\d{1,3}(?:[.,]\d+)?)\s*(?:/|out of|จาก|of|trên|dari|÷)\s*(\d{1,3})")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?|[.,]\d+")
_LONGEST = {name: field.constraint("max_length") for name, field in FIELDS.items() if field.is_free_text}
_CLOSED = frozenset(name for name, field in FIELDS.items() if field.closed)
_COUNTRY_LISTS = {"countries", "only_countries", "not_to_countries"}
# Words that limit the action on a value: an unknown one is not ignored, but refuses its row.
_LIMITS = frozenset(name for name, field in FIELDS.items() if field.declaration.limits_use)

WORD_UNKNOWN, NUMBER_UNKNOWN, TOO_LONG, FORM = "word-unknown", "number-unknown", "too-long", "form-unknown"


class CellMeaning(NamedTuple):
    """The word that reports use for a cell, "" for an empty one; and the reason if it is not read."""

    text: str
    unread: str = ""


_NOTHING = CellMeaning("")


def is_empty_word(text: str, words: Vocabulary) -> bool:
    """Return whether a cell contains a word for nothing, such as ``N/A``."""
    return len(text) <= 16 and text.casefold() in words.nothing


def cell_meaning(field: str, raw: str, words: Vocabulary) -> CellMeaning:
    """Return the meaning of a cell that contains one of a field's words."""
    if field == "kind" or field in HINTS:
        return _NOTHING
    if field == "confidence":
        return _confidence(raw, words)
    if field in words.meanings:
        return _worded(field, raw, words)
    if is_empty_word(raw, words):
        return _NOTHING
    if field == "tlp":
        word = raw.casefold().removeprefix("tlp").lstrip(":_- ")
        return CellMeaning(words.tlp.get(plain(word), word))
    if field == "country":
        return CellMeaning(country_code(raw) or raw)
    if field in _COUNTRY_LISTS:
        return CellMeaning(_country_codes(raw))
    if field == "lang":
        return CellMeaning(raw) if _LANG.fullmatch(raw) else CellMeaning("", WORD_UNKNOWN)
    return CellMeaning(raw)


def free_text_fault(field: str, text: str) -> str:
    """Return the reason why a cell of free text cannot be read, "" if it can."""
    if field in _LONGEST and (len(text) > _LONGEST[field] or _CONTROL.search(text)):
        return TOO_LONG if len(text) > _LONGEST[field] else FORM
    if field == "sha256" and _DIGEST.fullmatch(text) is None:
        return FORM
    return ""


def scam_type_of(text: str, words: Vocabulary) -> str | None:
    """Return the scam type of a text: of the whole text, else of its first word that means one."""
    spelled = plain(text)
    if (found := words.scam_types.get(spelled)) is not None:
        return found
    if not spelled:
        return None
    return next((meaning for part, meaning in words.parts if part in spelled), None)


def verdict_words(texts: Mapping[str, str], words: Vocabulary) -> list[str]:
    """Return the verdicts on the value in a row's hints, the most certain first."""
    named = [plain(texts[hint]) for hint in VERDICT_HINTS if hint in texts]
    return [word for word in named if word not in words.kinds and word not in VAGUE]


def unknown_hints(texts: Mapping[str, str], words: Vocabulary) -> list[str]:
    """Return the hints whose word is unknown."""
    known = (words.kinds, words.scam_types, words.doubt, words.innocent, words.innocent_categories, VAGUE)
    return [
        hint
        for hint in VERDICT_HINTS
        if hint in texts
        and not is_empty_word(texts[hint], words)
        and not any(plain(texts[hint]) in group for group in known)
        and scam_type_of(texts[hint], words) is None
    ]


def is_innocent(texts: Mapping[str, str], named: Sequence[str], words: Vocabulary, *, of_address: bool) -> bool:
    """Return whether a row clears its value: by a verdict, by the votes of others, or an address by its owner."""
    if any(verdict in words.innocent for verdict in named) or plain(texts.get("scam_type", "")) in words.innocent:
        return True
    if any(_clears(verdict, words) for verdict in named):
        return True
    if re.fullmatch(r"-\d+(?:\.\d+)?|0+(?:\.0+)?", texts.get("votes", "")):
        return True
    accused = "scam_type" in texts or "classification" in texts
    return of_address and not accused and plain(texts.get("category", "")) in words.innocent_categories


def _clears(verdict: str, words: Vocabulary) -> bool:
    """Return whether a longer verdict has words that clear a value: "cleared, not involved"."""
    return any(part in verdict and f"not{part}" not in verdict for part in words.innocent_parts)


def kind_named(texts: Mapping[str, str], words: Vocabulary) -> str | None:
    """Return the kind stated in a column of a row; unknown words of the column ``kind`` are returned unchanged."""
    if "kind" in texts:
        return words.kinds.get(plain(texts["kind"]), texts["kind"])
    hints = (words.kinds.get(plain(texts.get(hint, ""))) for hint in ("type", "classification"))
    return next(filter(None, hints), None)


def kind_of(column: ValueColumn, texts: Mapping[str, str]) -> str | None:
    """Return the kind of a value column, by its name or by other columns of the row."""
    beside = (kind for kind, others in column.kind_beside if any(field in texts for field in others))
    return column.kind or next(beside, None)


def _worded(field: str, raw: str, words: Vocabulary) -> CellMeaning:
    if (word := words.meanings[field].get(plain(raw))) is not None:
        return CellMeaning(word)
    if is_empty_word(raw, words) or not plain(raw):
        return _NOTHING
    if field == "scam_type" and (word := scam_type_of(raw, words)) is not None:
        return CellMeaning(word)
    if field in _LIMITS:
        return CellMeaning(_kebab(raw) or raw)
    open_word = _kebab(raw) if raw.isascii() and field not in _CLOSED else ""
    if _WORD.fullmatch(open_word) and len(open_word) <= _LONGEST_WORD:
        return CellMeaning(open_word)
    return CellMeaning("", WORD_UNKNOWN)


def _confidence(raw: str, words: Vocabulary) -> CellMeaning:
    """Return a level from 0 to 100, or a number whose scale ``feeds.readers.columns.conventions`` determines."""
    if (level := words.confidence.get(plain(raw))) is not None and not raw.strip().isdecimal():
        return CellMeaning(level)
    if is_empty_word(raw, words):
        return _NOTHING
    text = ascii_digits(unicodedata.normalize("NFKC", raw)).strip().casefold()
    if found := _PERCENT.fullmatch(text):
        return _level(float(found[1].replace(",", ".")))
    if (found := _SHARE.fullmatch(text)) and int(found[2]):
        return _level(100 * float(found[1].replace(",", ".")) / int(found[2]))
    if _NUMBER.fullmatch(text):
        return (
            CellMeaning(text.replace(",", "."))
            if float(text.replace(",", ".")) <= 100
            else CellMeaning("", NUMBER_UNKNOWN)
        )
    return CellMeaning("", WORD_UNKNOWN)


def _level(number: float) -> CellMeaning:
    return CellMeaning(str(round(number))) if number <= 100 else CellMeaning("", NUMBER_UNKNOWN)


@lru_cache(maxsize=4096)
def _kebab(text: str) -> str:
    return _NOT_ALNUM.sub("-", text).strip("-").lower()


_COUNTRY_LANGUAGES = ("th", "vi", "zh_CN", "zh_TW", "id", "ms", "ja", "ko")
_OTHER_COUNTRY_NAMES = {
    "uk": "GB", "england": "GB", "usa": "US", "southkorea": "KR", "korea": "KR", "hongkong": "HK", "macau": "MO",
    "burma": "MM", "myanmar": "MM", "laos": "LA", "vietnam": "VN", "việtnam": "VN", "taiwan": "TW", "ไทย": "TH",
    "uae": "AE", "中国": "CN", "中國": "CN", "中国大陆": "CN", "台湾": "TW", "臺灣": "TW", "台灣": "TW", "香港": "HK",
}  # fmt: skip


def country_code(name: str) -> str | None:
    """Return the ISO 3166-1 code of the country called ``name``; None for unknown names and for codes."""
    spelled = plain(name)
    if not spelled:
        return None
    if len(spelled) == 2 and spelled.isascii() and spelled not in _OTHER_COUNTRY_NAMES:
        return None
    return _country_names().get(spelled)


def _country_codes(text: str) -> str:
    parts = [part.strip() for part in re.split(r"[;,、/]", text) if part.strip()]
    return ",".join(country_code(part) or part for part in parts)


@cache
def _country_names() -> Mapping[str, str]:
    names: dict[str, str] = {}
    for language in _COUNTRY_LANGUAGES:
        translation = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language], fallback=True)
        for country in pycountry.countries:
            for english in _english_names(country):
                names.setdefault(plain(translation.gettext(english)), country.alpha_2)
    for country in pycountry.countries:
        for english in (*_english_names(country), country.alpha_3):
            names[plain(english)] = country.alpha_2
    return names | _OTHER_COUNTRY_NAMES


def _english_names(country: object) -> list[str]:
    given = [getattr(country, name, None) for name in ("name", "common_name", "official_name")]
    return [name for name in given if name]
