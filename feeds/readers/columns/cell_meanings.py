"""The meaning of a row's cells: their words as reports write them, or the reason why they are not read."""

import gettext
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import pycountry

from feeds.readers.columns.vocabulary import Vocabulary
from feeds.readers.columns.word_tables import HINTS, ValueColumn, plain
from schemas.text import digits

_SAYING_NOTHING = {"other", "unknown"}
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
_LONGEST = {"description": 2000, "reference": 200}
# Words that limit what is done about a value: one that nobody knows is not left out but refused, with its row.
_LIMITS = {"action", "holder_status", "tlp"}

WORD_UNKNOWN, NUMBER_UNKNOWN, TOO_LONG, FORM = "word-unknown", "number-unknown", "too-long", "form-unknown"


class CellMeaning(NamedTuple):
    """A cell as reports write it, "" where it says nothing; and why it is not read, where it says something."""

    text: str
    unread: str = ""


_NOTHING = CellMeaning("")


def is_empty_word(text: str, words: Vocabulary) -> bool:
    """Tell whether a cell says that it has nothing to say, as ``N/A`` does."""
    return len(text) <= 16 and text.casefold() in words.nothing


def cell_meaning(field: str, raw: str, words: Vocabulary) -> CellMeaning:
    """Give what a cell of one of a file's few words means for a field."""
    if field == "kind" or field in HINTS:
        return _NOTHING
    if field == "confidence":
        return _confidence(raw, words)
    if field in words.meanings:
        return _worded(field, raw, words)
    if field == "tlp":
        word = raw.casefold().removeprefix("tlp").lstrip(":_- ")
        return _NOTHING if is_empty_word(raw, words) else CellMeaning(words.tlp.get(plain(word), word))
    if is_empty_word(raw, words):
        return _NOTHING
    if field == "country":
        return CellMeaning(country_code(raw) or raw)
    if field in ("countries", "only_countries", "not_to_countries"):
        parts = [part.strip() for part in re.split(r"[;,、/]", raw) if part.strip()]
        return CellMeaning(",".join(country_code(part) or part for part in parts))
    if field == "lang":
        return CellMeaning(raw) if _LANG.fullmatch(raw) else CellMeaning("", WORD_UNKNOWN)
    return CellMeaning(raw)


def free_text_fault(field: str, text: str) -> str:
    """Say why a cell of free text cannot be read, "" where it can."""
    if field in _LONGEST and (len(text) > _LONGEST[field] or _CONTROL.search(text)):
        return TOO_LONG if len(text) > _LONGEST[field] else FORM
    if field == "sha256" and _DIGEST.fullmatch(text) is None:
        return FORM
    return ""


def scam_type_of(text: str, words: Vocabulary) -> str | None:
    """Give the scam type that a text means: by its one word, else by the first telling word in it."""
    spelled = plain(text)
    if (found := words.scam_types.get(spelled)) is not None:
        return found
    if not spelled:
        return None
    return next((meaning for part, meaning in words.parts if part in spelled), None)


def verdict_words(said: Mapping[str, str], words: Vocabulary) -> list[str]:
    """Give what hints say of the scam, the surest first."""
    named = [plain(said[hint]) for hint in ("classification", "type", "category") if hint in said]
    return [word for word in named if word not in words.kinds and word not in _SAYING_NOTHING]


def unknown_hints(said: Mapping[str, str], words: Vocabulary) -> list[str]:
    """Give the hints whose word nobody knows."""
    known = (words.kinds, words.scam_types, words.doubt, words.innocent, words.innocent_categories, _SAYING_NOTHING)
    return [
        hint
        for hint in ("classification", "type", "category")
        if hint in said
        and not is_empty_word(said[hint], words)
        and not any(plain(said[hint]) in some for some in known)
        and scam_type_of(said[hint], words) is None
    ]


def is_innocent(said: Mapping[str, str], named: Sequence[str], words: Vocabulary) -> bool:
    """Tell whether a row says that its value is no part of a scam."""
    if any(verdict in words.innocent for verdict in named) or plain(said.get("scam_type", "")) in words.innocent:
        return True
    if re.fullmatch(r"-\d+(?:\.\d+)?|0+(?:\.0+)?", said.get("votes", "")):
        return True
    accused = "scam_type" in said or "classification" in said
    return not accused and plain(said.get("category", "")) in words.innocent_categories


def kind_named(said: Mapping[str, str], words: Vocabulary) -> str | None:
    """Give the kind that a column of a row names; as it stands there, where it is none that is known."""
    if "kind" in said:
        return words.kinds.get(plain(said["kind"]), said["kind"])
    hints = (words.kinds.get(plain(said.get(hint, ""))) for hint in ("type", "classification"))
    return next(filter(None, hints), None)


def kind_of(value: ValueColumn, said: Mapping[str, str]) -> str | None:
    """Give the kind that a column of values is of, by its name or by what stands beside it."""
    beside = (kind for kind, others in value.kind_beside if any(each in said for each in others))
    return value.kind or next(beside, None)


def _worded(field: str, raw: str, words: Vocabulary) -> CellMeaning:
    if (word := words.meanings[field].get(plain(raw))) is not None:
        return CellMeaning(word)
    if is_empty_word(raw, words) or not plain(raw):
        return _NOTHING
    if field == "scam_type" and (word := scam_type_of(raw, words)) is not None:
        return CellMeaning(word)
    if field in _LIMITS:
        return CellMeaning(_kebab(raw) or raw)
    open_word = _kebab(raw) if raw.isascii() and field != "payment_rail" else ""
    return CellMeaning(open_word) if _WORD.fullmatch(open_word) and len(open_word) <= _LONGEST_WORD else _unknown()


def _unknown() -> CellMeaning:
    return CellMeaning("", WORD_UNKNOWN)


def _confidence(raw: str, words: Vocabulary) -> CellMeaning:
    """Give a level from 0 to 100, or a number whose scale the column tells (``feeds.readers.columns.conventions``)."""
    if (level := words.confidence.get(plain(raw))) is not None and not raw.strip().isdecimal():
        return CellMeaning(level)
    if is_empty_word(raw, words):
        return _NOTHING
    text = digits(unicodedata.normalize("NFKC", raw)).strip().casefold()
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
    """Give the two letters of the country called ``name``; two letters that are one's own already, too."""
    spelled = plain(name)
    if not spelled:
        return None
    if len(spelled) == 2 and spelled.isascii() and spelled not in _OTHER_COUNTRY_NAMES:
        return None
    return _country_names().get(spelled)


@cache
def _country_names() -> Mapping[str, str]:
    names: dict[str, str] = {}
    for language in _COUNTRY_LANGUAGES:
        told = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language], fallback=True)
        for country in pycountry.countries:
            for english in _english_names(country):
                names.setdefault(plain(told.gettext(english)), country.alpha_2)
    for country in pycountry.countries:
        for english in (*_english_names(country), country.alpha_3):
            names[plain(english)] = country.alpha_2
    return names | _OTHER_COUNTRY_NAMES


def _english_names(country: object) -> list[str]:
    given = [getattr(country, name, None) for name in ("name", "common_name", "official_name")]
    return [name for name in given if name]
