"""The outline of a report's text: its headings and labels, and the purpose of the lines below and behind them."""

import re
from collections.abc import Callable
from typing import NamedTuple

from feeds.readers.extraction.labels import CLOSING, SCAM, TextPurpose, is_contact, purpose_of


class LabelledLine(NamedTuple):
    """A line without its bullet and its label, with the purpose that the label, or else the heading, names."""

    text: str
    label: str
    purpose: TextPurpose


_MARKDOWN = re.compile(r"(#{1,6})\s+(\S.{0,200}?)\s*#*\s*$")
# Signs in front of an item: bullets with or without a blank, numbers, boxes, emoji.
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
# Headers of mail servers, which name those who passed a mail on.
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
# A mail names its writer within so many lines; further down, the writer is that of a mail it reports.
_HEADER = 12
# Digits of a date; more may be a number of somebody's.
_MOST_DIGITS = 8
_LONGEST = 100
_MOST_WORDS = 12


class _Heading(NamedTuple):
    purpose: TextPurpose
    words: str
    scam: bool


class Outline:
    """The headings above the current line of a text; a lower one without a purpose has that of the higher one."""

    def __init__(self) -> None:
        """Start above the first heading."""
        self._headings: dict[int, _Heading] = {}
        self._forwarded = False
        self._before = ""
        self._joined = False
        self._ordinal = 0
        self._lines = 0

    def heading(self, line: str, valued: Callable[[], bool] = lambda: False) -> bool:
        """Record ``line`` if it is a heading, and return whether it is; ``valued`` returns whether it holds values."""
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
            self._headings = {_LOWEST: _Heading(TextPurpose.CONTACT, text, scam=False)}
            return True
        if (found := _heading_in(line, text, before, valued)) is None:
            return False
        level, words = found
        purpose = purpose_of(words)
        self._headings = {above: heading for above, heading in self._headings.items() if above < level}
        self._headings[level] = _Heading(purpose or self.purpose, words, SCAM.search(words) is not None)
        return True

    @property
    def purpose(self) -> TextPurpose:
        """Return the purpose of the current line."""
        if self._headings:
            return self._headings[max(self._headings)].purpose
        # Whoever forwards a mail reports that it is a scam's.
        return TextPurpose.VALUES if self._forwarded else TextPurpose.WORDS

    @property
    def words(self) -> str:
        """Return the words of the nearest heading above."""
        return self._headings[max(self._headings)].words if self._headings else ""

    def blank(self) -> None:
        """Record a blank line, which ends an item that is a heading for those below it."""
        self._before = ""
        self._headings.pop(_ITEM, None)
        self._lines += 1

    @property
    def of_scam(self) -> bool:
        """Return whether the heading names the scammers, so that all below it is theirs."""
        return bool(self._headings) and self._headings[max(self._headings)].scam and self.purpose is TextPurpose.VALUES

    def labelled(self, line: str) -> LabelledLine:
        """Split a line into its bullet, its label and its text; the label names the purpose, else the heading."""
        bullet = _BULLET.match(line).end()  # type: ignore[union-attr]  # matches always
        text = self._unnumbered(line[bullet:].rstrip(), bulleted=bool(line[:bullet].strip()))
        label, purpose = "", self.purpose
        if found := _LABEL.match(text):
            label, text = found[1], text[found.end() :]
            purpose = self.stricter(self._purpose_of_mail_header(label) or purpose_of(label, label=True), label)
        return LabelledLine(text, label, purpose)

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

    def stricter(self, labelled: TextPurpose | None, label: str) -> TextPurpose:
        """Return the purpose by a label, except where the heading stands above something that is no scam."""
        purpose = self.purpose
        if labelled is TextPurpose.VALUES and SCAM.search(label) and purpose is not TextPurpose.SOURCES:
            return labelled
        if labelled is None or purpose in (TextPurpose.SOURCES, TextPurpose.CONTACT, TextPurpose.INNOCENT):
            return purpose
        of_scammers = labelled in (TextPurpose.NEWS, TextPurpose.CONTACT) and self.of_scam and self._joined
        return TextPurpose.VALUES if of_scammers and not is_contact(label, surely=True) else labelled

    def _purpose_of_mail_header(self, label: str) -> TextPurpose | None:
        """Return the purpose of a mail's header: whoever forwards a mail is the victim, its first writer is not."""
        if _TRANSPORT.match(label):
            return TextPurpose.WORDS
        if _READER.match(label):
            return TextPurpose.INNOCENT
        if _WRITER.match(label):
            return TextPurpose.VALUES if self._forwarded or self.of_scam or self._lines > _HEADER else TextPurpose.NEWS
        return None


def _heading_in(line: str, text: str, before: str, valued: Callable[[], bool]) -> tuple[int, str] | None:
    """Return level and words of the heading that ``line`` is, None where it is none; ``text`` is the line, stripped."""
    if found := _MARKDOWN.match(text):
        return len(found[1]), found[2]
    numbered = _NUMBERED.match(text)
    bare = text[numbered.end() :] if numbered else text
    bulleted = numbered is None and _is_bulleted(line, text)
    listed = bulleted and text[:1].isascii()
    if found := _FRAMED.match(bare):
        return _LOWEST, next(filter(None, found.groups()))
    if found := _COLON.match(bare):
        return _heading_with_colon(found[1], listed=listed)
    apart = not listed and (numbered is not None or not before.strip())
    is_heading = _can_be_title(bare) and ((not bulleted and _is_in_capitals(bare)) or (apart and _is_title(bare)))
    return (_LOWEST, bare) if is_heading and not valued() else None


def _is_bulleted(line: str, text: str) -> bool:
    bullet = _BULLET.match(line)
    return bullet is not None and bool(bullet.end()) and not text.startswith(("**", "__"))


def _heading_with_colon(text: str, *, listed: bool) -> tuple[int, str] | None:
    """Return level and words of a heading that ends in a colon; the item of a list is one if it names a purpose."""
    last = _SENTENCES.split(text)[-1]
    words = last if last and purpose_of(last) else text
    if not listed:
        return _LOWEST, words
    return (_ITEM, words) if purpose_of(words) is not None else None


def _can_be_title(text: str) -> bool:
    return 3 < len(text) <= 150 and not _has_digits(text) and not _LABEL.match(text) and "@" not in text


def _is_in_capitals(text: str) -> bool:
    return text.isupper() and " " in text and "." not in text


def _is_title(text: str) -> bool:
    """Return whether a line is short, no sentence, and names a purpose."""
    short = len(text) <= _LONGEST and len(text.split()) <= _MOST_WORDS and not _STOPS.search(text)
    return short and purpose_of(text) is not None


def _has_digits(text: str) -> bool:
    digits = sum(map(str.isdigit, text))
    return digits > _MOST_DIGITS or digits * 4 > len(text)
