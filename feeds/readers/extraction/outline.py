"""Where in a report's text a line stands: what its headings and labels say about the values below and behind them."""

import re
from collections.abc import Callable
from typing import NamedTuple

from feeds.readers.extraction.labels import CLOSING, SCAM, Purpose, is_contact, purpose_of


class LabelledLine(NamedTuple):
    """A line without its bullet and its label, and what the label, or else the heading, says is in it."""

    text: str
    label: str
    place: Purpose


_MARKDOWN = re.compile(r"(#{1,6})\s+(\S.{0,200}?)\s*#*\s*$")
# Signs in front of an item: bullets with or without a blank, numbers, boxes, and what people draw on telephones.
_PICTURES = (
    r"\u2190-\u21ff\u2300-\u23ff\u25b2-\u25c9\u2600-\u2714\u2717-\u2730\u2732-\u27bf\u2b05-\u2b0f"
    r"\U0001f000-\U0001faff\ufe0f\u200d"
)
_BULLET = re.compile(
    r"\s*(?:>\s*)*(?:(?:[-*+•●▪–—·◦‣]+|\(?\d{1,3}[.)、．]|[一二三四五六七八九十]{1,3}[、.．]|\[[ xX*]\])\s+"
    rf"|\[\d[\d :.,/T-]{{3,25}}\]\s*|[{_PICTURES}]+\s*|[-–—•●▪·]{{1,2}}(?=[^\W_])(?!(?:redact|remov|mask)ed\b))*"
)
_NUMBERED = re.compile(
    r"\s*(?:\(?(?:\d{1,2}(?:\.\d{1,2}){0,3}|[IVX]{1,4}|[A-H])[.):]\)?|\d{1,2}(?:\.\d{1,2}){1,3}"
    r"|[(（]?[一二三四五六七八九十]{1,3}[、.．)）]|[①-⑳])\s*(?=\D)"
)
# "Domain name: x", but not "https://x" and no sentence.
_LABEL = re.compile(
    r"[*_`]*([^\W\d_][^:：|*_`\[\]/@.]{1,59}?)[*_`]*\s*[:：=＝][*_`]*(?!\s*[\[({]?\s?[/\\]|\])\s*(?=\S)"
)
_COLON = re.compile(r"[*_#\s]*([^:：]{2,300}?)[*_\s]*[:：][*_\s]*$")
_SENTENCES = re.compile(r"(?<=[.!?。！？])\s*")
_FRAMED = re.compile(
    r"(?:\*\*|__)([^*_]{2,100})(?:\*\*|__):?$|[【\[〔]([^\[\]【】]{2,80})[】\]〕]$|[=~*-]{2,}\s*([^=~*]{2,100}?)\s*[=~*-]{2,}$"
)
_UNDERLINE = re.compile(r"\s*(?:={3,}|-{3,}|~{3,}|\*{3,})\s*$")
_STOPS = re.compile(r"[.!?。！？]$")
_FORWARDED = re.compile(
    r"[-_=\s>]*(?:begin )?(?:forwarded message|original message|original email|ข้อความที่ส่งต่อ|ข้อความต้นฉบับ|"
    r"thư (?:chuyển tiếp|gốc)|转发(?:的)?邮件|原始邮件|轉寄郵件|mensaje reenviado)[-_=:\s]*$",
    re.IGNORECASE,
)
_WRITER = re.compile(r"(?:from|sender|reply-to|return-path|จาก|ผู้ส่ง|từ|发件人|寄件者|寄件人)\s*$", re.IGNORECASE)
_READER = re.compile(r"(?:to|cc|bcc|delivered-to|for|ถึง|ผู้รับ|đến|收件人|抄送)\s*$", re.IGNORECASE)
# What mail servers write, which names who passed a mail on.
_TRANSPORT = re.compile(
    r"(?:received|message-id|mime-version|content-[\w-]+|dkim-signature|authentication-results|arc-[\w-]+|x-[\w-]+|"
    r"list-[\w-]+|delivered-to|references|in-reply-to)\s*$",
    re.IGNORECASE,
)
_ORDINAL = re.compile(r"(\d{1,3})[.、．)](?=[^\s\d.])")
_UNSPACED = re.compile(r"[\u0e01-\u0e2e\u3040-\u9fff]")
_SCHEME = re.compile(r"h(?:tt|xx|\*\*)ps?\b|www\.", re.IGNORECASE)
_LOWEST = 7
# An item of a list that ends in a colon is a heading for the items below it.
_ITEM = 8
# A mail begins with who wrote it; further down it is one that is told of.
_HEADER = 12
# A date; more may be a number of somebody's.
_MOST_DIGITS = 8
_LONGEST = 100
_MOST_WORDS = 12


class _Heading(NamedTuple):
    place: Purpose
    words: str
    scam: bool


class Outline:
    """Follows the headings of a text; a lower heading that says nothing is for what the higher one is for."""

    def __init__(self) -> None:
        """Begin above the first heading."""
        self._headings: dict[int, _Heading] = {}
        self._forwarded = False
        self._before = ""
        self._joined = False
        self._ordinal = 0
        self._lines = 0

    def heading(self, line: str, valued: Callable[[], bool] = lambda: False) -> bool:
        """Take note of ``line`` where it is a heading, and tell whether it was; ``valued`` tells of values in it."""
        before, self._before = self._before, line
        self._joined = bool(before.strip())
        self._lines += 1
        text = line.strip()
        if _FORWARDED.match(text):
            self._forwarded = True
            self._headings = {}
            return True
        if _UNDERLINE.match(line) and before.strip():
            return True
        if text.rstrip() == "--" or CLOSING.fullmatch(text.rstrip(" ,.!，。！")):
            self._headings = {_LOWEST: _Heading(Purpose.CONTACT, text, scam=False)}
            return True
        if (found := self._found(line, text, before, valued)) is None:
            return False
        level, words = found
        place = purpose_of(words)
        self._headings = {each: heading for each, heading in self._headings.items() if each < level}
        self._headings[level] = _Heading(place or self.place, words, SCAM.search(words) is not None)
        return True

    def _found(self, line: str, text: str, before: str, valued: Callable[[], bool]) -> tuple[int, str] | None:
        if found := _MARKDOWN.match(text):
            return len(found[1]), found[2]
        bullet = _BULLET.match(line)
        bulleted = bullet is not None and bool(bullet.end()) and not text.startswith(("**", "__"))
        bare = text[numbered.end() :] if (numbered := _NUMBERED.match(text)) else text
        if found := _FRAMED.match(bare):
            return _LOWEST, next(filter(None, found.groups()))
        if found := _COLON.match(bare):
            last = _SENTENCES.split(found[1])[-1]
            words = last if last and purpose_of(last) else found[1]
            if not bulleted or numbered or not text[:1].isascii():
                return _LOWEST, words
            return (_ITEM, words) if purpose_of(words) is not None else None
        if not 3 < len(bare) <= 150 or _has_digits(bare) or _LABEL.match(bare) or "@" in bare:
            return None
        listed = bulleted and not numbered
        capital = bare.isupper() and " " in bare and "." not in bare and not listed
        titled = len(bare) <= _LONGEST and len(bare.split()) <= _MOST_WORDS and not _STOPS.search(bare)
        titled = titled and (not listed or not text[:1].isascii()) and (not before.strip() or numbered is not None)
        if not capital and not (titled and purpose_of(bare) is not None):
            return None
        return None if valued() else (_LOWEST, bare)

    @property
    def place(self) -> Purpose:
        """Say what the lines here are for."""
        if self._headings:
            return self._headings[max(self._headings)].place
        # Who sends a mail on says of what is in it that it is a scam's.
        return Purpose.VALUES if self._forwarded else Purpose.WORDS

    @property
    def words(self) -> str:
        """Return the words of the nearest heading above."""
        return self._headings[max(self._headings)].words if self._headings else ""

    def blank(self) -> None:
        """Take note of a blank line, which ends what an item said of those below it."""
        self._before = ""
        self._headings.pop(_ITEM, None)
        self._lines += 1

    @property
    def of_scam(self) -> bool:
        """Tell whether the heading names those who scam, so that all below it is theirs."""
        return bool(self._headings) and self._headings[max(self._headings)].scam and self.place is Purpose.VALUES

    def labelled(self, line: str) -> LabelledLine:
        """Give what a line says behind its bullet and its label; the label says what for, else the heading."""
        bullet = _BULLET.match(line).end()  # type: ignore[union-attr]  # matches always
        text = self._unnumbered(line[bullet:].rstrip(), bulleted=bool(line[:bullet].strip()))
        label, place = "", self.place
        if found := _LABEL.match(text):
            label, text = found[1], text[found.end() :]
            place = self.stricter(self._of_mail(label) or purpose_of(label, label=True), label)
        return LabelledLine(text, label, place)

    def _unnumbered(self, text: str, *, bulleted: bool) -> str:
        """Return an item without its number where no blank parts them: "3.http://…", "3.a.example" below Chinese."""
        ordinal = _ORDINAL.match(text)
        if ordinal is None or bulleted:
            self._ordinal = 0
            return text
        counted = int(ordinal[1]) == self._ordinal + 1 and _UNSPACED.search(self.words) is not None
        if not counted and not _SCHEME.match(text, ordinal.end()):
            return text
        self._ordinal = int(ordinal[1])
        return text[ordinal.end() :]

    def stricter(self, said: Purpose | None, label: str) -> Purpose:
        """Return what a label says, which goes before its heading except where that stands above what is no scam."""
        place = self.place
        if said is Purpose.VALUES and SCAM.search(label) and place is not Purpose.SOURCES:
            return said
        if said is None or place in (Purpose.SOURCES, Purpose.CONTACT, Purpose.INNOCENT):
            return place
        theirs = said in (Purpose.TOLD, Purpose.CONTACT) and self.of_scam and self._joined
        return Purpose.VALUES if theirs and not is_contact(label, surely=True) else said

    def _of_mail(self, label: str) -> Purpose | None:
        """Tell writer and readers of a mail: who sends one on is the victim, who wrote it first is not."""
        if _TRANSPORT.match(label):
            return Purpose.WORDS
        if _READER.match(label):
            return Purpose.INNOCENT
        if _WRITER.match(label):
            return Purpose.VALUES if self._forwarded or self.of_scam or self._lines > _HEADER else Purpose.TOLD
        return None


def _has_digits(text: str) -> bool:
    digits = sum(map(str.isdigit, text))
    return digits > _MOST_DIGITS or digits * 4 > len(text)
