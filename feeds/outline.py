"""Where in a report's text a line stands: what its headings and labels say about the values below and behind them."""

import re
from enum import Enum
from typing import NamedTuple


class Place(Enum):
    """What a place is for: words, a list of values, what the writer refers to, or what is nobody's scam."""

    WORDS = "words"
    VALUES = "values"
    SOURCES = "sources"
    INNOCENT = "innocent"


class Labelled(NamedTuple):
    """A line without its bullet and its label, and what the label, or else the heading, says is in it."""

    text: str
    label: str
    place: Place


_SOURCES = re.compile(
    r"\b(?:references?|sources?|citations?|further reading|read more|more (?:information|info|details)|see also|"
    r"learn more|credits?|acknowledge?ments?|authors?|contacts?|related|footnotes?|disclaimer|licen[cs]e|"
    r"fuentes|referencias|quellen|källor)\b"
    r"|อ้างอิง|แหล่งที่มา|ที่มา|แหล่งข่าว|ติดต่อ|อ่านเพิ่มเติม|ข้อมูลเพิ่มเติม|ผู้เขียน",
    re.IGNORECASE,
)
# "Tweet: x" is where something is told, "Tweeted domains" are values.
_TOLD = re.compile(
    r"\b(?:about|background|press|media|news|articles?|blogs?|report(?:s|ed|ing)?|tweet(?:s|ed)?|posts?|previous\w*)\b",
    re.IGNORECASE,
)
_INNOCENT = re.compile(
    r"\b(?:legit(?:imate)?|official|genuine|impersonated|targeted|abused|brands?|victims?|allow(?:ed)?[ -]?list\w*|"
    r"white[ -]?list\w*|benign|safe|not malicious|registrars?|name ?servers?|ns ?\d*|nameservers?|whois|registrant|"
    r"certificates?(?: \w+){0,2}|issuer|asn|isp|hosting provider|file ?names?|file ?size|package|version)\b"
    r"|เว็บไซต์จริง|ของจริง|ทางการ|ผู้เสียหาย|เหยื่อ",
    re.IGNORECASE,
)
_VALUES = re.compile(
    r"\b(?:iocs?|indicators?|observables?|artifacts?|domains?|urls?|links?|web ?sites?|sites?|hosts?(?:names?)?|"
    r"ips?|ipv[46]|address(?:es)?|wallets?|crypto\w*|phones?|telephones?|tel|mobiles?|numbers?|callers?|sms|senders?|"
    r"e-?mails?|accounts?|ibans?|banks?|pages?|shops?|stores?|channels?|profiles?|handles?|c2|payloads?|locations?|"
    r"btc|bitcoin|eth|ethereum|usdt|trx|tron|xrp|doge|ada|sol|solana|bnb|ltc|line(?: id)?|telegram|whatsapp|"
    r"facebook|instagram|tiktok|wechat|promptpay)\b"
    r"|โดเมน|เว็บ|ลิงก์|ลิ้งก์|เบอร์|หมายเลข|โทร|บัญชี|กระเป๋า|อีเมล|ไลน์|เฟซบุ๊ก|เทเลแกรม|พร้อมเพย์",
    re.IGNORECASE,
)
_FILES = re.compile(r"\b(?:files?|hash(?:es)?|sha-?(?:1|256|512)|md5|samples?|malware|binar(?:y|ies))\b", re.IGNORECASE)
_MARKDOWN = re.compile(r"(#{1,6})\s+(\S.{0,200}?)\s*#*\s*$")
_BULLET = re.compile(r"\s*(?:>\s*)*(?:(?:[-*+•●▪–—]+|\d{1,3}[.)]|\[[ xX]\])\s+)*")
# "Domain name: x", but not "https://x" and no sentence.
_LABEL = re.compile(r"[*_`]*([^\W\d_][^:：|*_`\[\]/@.]{1,49}?)[*_`]*\s*[:：][*_`]*(?!\s*[\[({]?\s?[/\\]|\])\s*(?=\S)")
_COLON = re.compile(r"[*_#\s]*([^:：]{2,150}?)[*_\s]*[:：][*_\s]*$")
_BOLD = re.compile(r"(?:\*\*|__)([^*_]{2,100})(?:\*\*|__)$")
_LOWEST = 7


class Outline:
    """Follows the headings of a text; a lower heading that says nothing is for what the higher one is for."""

    def __init__(self) -> None:
        """Begin above the first heading."""
        self._places: dict[int, Place] = {}

    def heading(self, line: str) -> bool:
        """Take note of ``line`` where it is a heading, and tell whether it was."""
        text = line.strip()
        if found := _MARKDOWN.match(text):
            level, words = len(found[1]), found[2]
        elif found := _COLON.match(text) or _BOLD.match(text):
            if _BULLET.match(line).end() and not text.startswith(("**", "__")):  # type: ignore[union-attr]  # matches always
                return False
            level, words = _LOWEST, found[1]
        elif 3 < len(text) <= 150 and text.isupper() and " " in text and "." not in text and not _has_digits(text):
            level, words = _LOWEST, text
        else:
            return False
        self._places = {each: place for each, place in self._places.items() if each < level}
        self._places[level] = meaning(words) or self.place
        return True

    @property
    def place(self) -> Place:
        """Say what the lines here are for."""
        return self._places[max(self._places)] if self._places else Place.WORDS

    def labelled(self, line: str) -> Labelled:
        """Give what a line says behind its bullet and its label; the label says what for, else the heading."""
        text = line[_BULLET.match(line).end() :].rstrip()  # type: ignore[union-attr]  # matches always
        label, place = "", self.place
        if found := _LABEL.match(text):
            label, text = found[1], text[found.end() :]
            place = _stricter(place, meaning(label))
        return Labelled(text, label, place)


def meaning(words: str) -> Place | None:
    """Give what a heading, a label or the header of a column says is there, None where it says nothing."""
    if _INNOCENT.search(words):
        return Place.INNOCENT
    if _SOURCES.search(words):
        return Place.SOURCES
    if _VALUES.search(words):
        return Place.VALUES
    if _TOLD.search(words):
        return Place.SOURCES
    return Place.WORDS if _FILES.search(words) else None


def _stricter(place: Place, said: Place | None) -> Place:
    """A label goes before its heading, except where that stands above what is no scam."""
    return place if said is None or place in (Place.SOURCES, Place.INNOCENT) else said


def _has_digits(text: str) -> bool:
    return sum(map(str.isdigit, text)) * 4 > len(text)
