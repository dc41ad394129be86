"""Countries as files name them, in English or the language of the file, as two letters (ISO 3166-1)."""

import gettext
from collections.abc import Mapping
from functools import cache

import pycountry

from feeds.readers.columns.word_tables import plain

_LANGUAGES = ("th", "vi", "zh_CN", "zh_TW", "id", "ms", "ja", "ko")
_ALSO = {
    "uk": "GB", "england": "GB", "usa": "US", "southkorea": "KR", "korea": "KR", "hongkong": "HK", "macau": "MO",
    "burma": "MM", "myanmar": "MM", "laos": "LA", "vietnam": "VN", "việtnam": "VN", "taiwan": "TW", "ไทย": "TH",
    "uae": "AE", "中国": "CN", "中國": "CN", "中国大陆": "CN", "台湾": "TW", "臺灣": "TW", "台灣": "TW", "香港": "HK",
}  # fmt: skip


def country_called(name: str) -> str | None:
    """Give the two letters of the country called ``name``; two letters that are one's own already, too."""
    spelled = plain(name)
    if not spelled:
        return None
    if len(spelled) == 2 and spelled.isascii() and spelled not in _ALSO:
        return None
    return _names().get(spelled)


@cache
def _names() -> Mapping[str, str]:
    names: dict[str, str] = {}
    for language in _LANGUAGES:
        told = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language], fallback=True)
        for country in pycountry.countries:
            for english in _english(country):
                names.setdefault(plain(told.gettext(english)), country.alpha_2)
    for country in pycountry.countries:
        for english in (*_english(country), country.alpha_3):
            names[plain(english)] = country.alpha_2
    return names | _ALSO


def _english(country: object) -> list[str]:
    given = [getattr(country, name, None) for name in ("name", "common_name", "official_name")]
    return [name for name in given if name]
