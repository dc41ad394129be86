"""The outline of a report's text: its headings and labels, and the purpose of the lines that they introduce."""

import re
from collections.abc import Callable
from typing import NamedTuple

from feeds.readers.extraction.cues import CLOSING, SCAM, TextPurpose, expression, is_contact, purpose_of
from feeds.readers.extraction.roles import LineOfSentences


class LabelledLine(NamedTuple):
    """A line without its bullet and its label, with the purpose by the label, or else by the heading."""

    text: str
    label: str
    purpose: TextPurpose


_MARKDOWN = re.compile(r"(#{1,6})\s+(\S.{0,200}?)\s*#*\s*$")
# Signs before an item: bullets with or without a blank, numbers, boxes, emoji.
_PICTURES = (
    r"\u2190-\u21ff\u2300-\u23ff\u25b2-\u25c9\u2600-\u2714\u2717-\u2730\u2732-\u27bf\u2b05-\u2b0f"
    r"\U0001f000-\U0001faff\ufe0f\u200d"
)
_BULLET = re.compile(
    r"\s*(?:>\s*)*(?:(?:[-*+•●▪–—·◦‣]+"
    r"|\(\d{1,3}[.)](?!\s*\d{4,5}[ -]?\d{4})|\d{1,3}[.)、．]|[一二三四五六七八九十]{1,3}[、.．]|\[[ xX*]\])\s+"
    rf"|\[\d[\d :.,/T-]{{3,25}}\]\s*|[{_PICTURES}]+\s*|[-–—•●▪·]{{1,2}}(?=[^\W_])(?!(?:redact|remov|mask)ed\b))*"
)
_NUMBERED = re.compile(
    r"\s*(?:\(?(?:\d{1,2}(?:\.\d{1,2}){0,3}|[IVX]{1,4}|[A-H])[.):]\)?|\d{1,2}(?:\.\d{1,2}){1,3}"
    r"|[(（]?[一二三四五六七八九十]{1,3}[、.．)）]|[①-⑳])\s*(?=\D)"
)
# "Domain name: x", but not "https://x", a sentence, or a text with a wallet ("0:…", "r… tag: 1").
_LABEL = re.compile(
    r"(?![^:：=＝]{0,60}[0-9A-Za-z]{25})[*_`]*([^\W\d_][^:：|*_`\[\]/@.]{1,59}?)(?<!\s0)(?<!\s-1)[*_`]*\s*[:：=＝][*_`]*(?!\s*[\[({]?\s?[/\\]|\])\s*(?=\S)"
)
# A number before a colon is a value, not part of its label; a date is part of it.
_NUMBER = re.compile(
    r"(?<!\d)(?!(?:\d{4}[-.]\d{1,2}[-.]\d{1,2}|\d{1,2}[-.]\d{1,2}[-.]\d{4})(?!\d))\d(?:[ ().-]{0,2}\d){6}"
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
# Headers of mail servers that identify those who forwarded a mail.
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
# A mail states its writer within this many lines; further down, the writer is that of a mail that it reports.
_HEADER = 12
# Maximum number of digits of a date; more digits may be a personal number.
_MOST_DIGITS = 8
_LONGEST = 100
_MOST_WORDS = 12
# A heading with at least as many words, or three times as many letters without blanks, is a headline.
_HEADLINE = 4
_FEWEST = 5
_DOCUMENT, _PAID = map(expression, ("document", "paid"))
# The subject of a letter; the values are in its sentences.
_SUBJECT = re.compile(
    r"(?:เรื่อง|subject|re|perihal|hal|về việc|v/v|trích yếu|tiêu đề|asunto|assunto|ref)(?:\s|[:：])"
    r"|(?:主题|主題|事由|关于|關於)",
    re.IGNORECASE,
)


class _Heading(NamedTuple):
    purpose: TextPurpose
    words: str
    scam: bool


class Outline:
    """The headings above the current line of a text; a lower one without a purpose inherits it from the higher one."""

    def __init__(self) -> None:
        self._headings: dict[int, _Heading] = {}
        self._forwarded = self._signed = False
        self._before = ""
        self._joined = False
        self._ordinal = 0
        self._lines = 0

    def heading(self, line: str, valued: Callable[[], bool] = lambda: False) -> bool:
        """Record ``line`` if it is a heading, and return whether it is; ``valued`` returns whether it has values."""
        before, self._before = self._before, line
        self._joined = bool(before.strip())
        self._lines += 1
        text = line.strip()
        if _FORWARDED.match(text):
            self._forwarded, self._signed = True, False
            self._headings = {}
            return True
        if _UNDERLINE.match(line) and before.strip():
            return True
        if text.rstrip() == "--" or CLOSING.fullmatch(text.rstrip(" ,.!，。！")):
            self._headings = {_LOWEST: _Heading(TextPurpose.CONTACT, text, scam=False)}
            self._signed = True
            return True
        # The unit of the writer, such as "Fraud Operations", is no heading.
        if self._signed or (found := _heading_in(line, text, before, valued)) is None:
            return False
        level, words = found
        purpose = _of_headline(words, purpose_of(words)) or _of_act(text)
        self._headings = {above: heading for above, heading in self._headings.items() if above < level}
        self._headings[level] = _Heading(purpose or self.purpose, words, SCAM.search(words) is not None)
        return True

    @property
    def purpose(self) -> TextPurpose:
        """Return the purpose of the current line."""
        if self._headings:
            return self._headings[max(self._headings)].purpose
        # The person who forwards a mail reports it as a scam.
        return TextPurpose.VALUES if self._forwarded else TextPurpose.WORDS

    @property
    def words(self) -> str:
        """Return the words of the nearest heading above."""
        return self._headings[max(self._headings)].words if self._headings else ""

    def blank(self) -> None:
        """Record a blank line, which ends the effect of an item that is a heading."""
        if self._before and not CLOSING.fullmatch(self._before.strip(" ,.!，。！")):
            self._signed = False
        self._before = ""
        self._headings.pop(_ITEM, None)
        self._lines += 1

    @property
    def of_scam(self) -> bool:
        """Return whether the heading mentions the scammers, so that everything below it is theirs."""
        return bool(self._headings) and self._headings[max(self._headings)].scam and self.purpose is TextPurpose.VALUES

    def labelled(self, line: str) -> LabelledLine:
        """Split a line into its bullet, its label and its text; the label states the purpose, else the heading."""
        bullet = _BULLET.match(line).end()  # type: ignore[union-attr]  # matches always
        text = self._unnumbered(line[bullet:].rstrip(), bulleted=bool(line[:bullet].strip()))
        label, purpose = "", self.purpose
        if (found := _LABEL.match(text)) and not _NUMBER.search(found[1]):
            label, text = found[1], text[found.end() :]
            purpose = self.stricter(self._purpose_of_mail_header(label) or purpose_of(label, label=True), label)
        return LabelledLine(text, label, purpose)

    def _unnumbered(self, text: str, *, bulleted: bool) -> str:
        """Return an item without its number if no blank separates them: "3.http://…", "3.a.example" below Chinese."""
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
        """Return the purpose by a label, unless the heading introduces something legitimate."""
        purpose = self.purpose
        if labelled is TextPurpose.VALUES and SCAM.search(label) and purpose is not TextPurpose.SOURCES:
            return labelled
        if labelled is None or purpose in (TextPurpose.SOURCES, TextPurpose.CONTACT, TextPurpose.INNOCENT):
            return purpose
        of_scammers = labelled in (TextPurpose.NEWS, TextPurpose.CONTACT) and self.of_scam and self._joined
        return TextPurpose.VALUES if of_scammers and not is_contact(label, surely=True) else labelled

    def _purpose_of_mail_header(self, label: str) -> TextPurpose | None:
        """Return the purpose of a mail's header: the forwarder of a mail is the victim, its first writer is not."""
        if _TRANSPORT.match(label):
            return TextPurpose.WORDS
        if _READER.match(label):
            return TextPurpose.INNOCENT
        if _WRITER.match(label):
            return TextPurpose.VALUES if self._forwarded or self.of_scam or self._lines > _HEADER else TextPurpose.NEWS
        return None


def _of_headline(words: str, purpose: TextPurpose | None) -> TextPurpose | None:
    """Return the purpose of a heading; the headline of an article about a scam states none, but its sentences do."""
    if _DOCUMENT.fullmatch(words.strip(" :*#")) or _SUBJECT.match(words):
        return TextPurpose.WORDS
    if purpose is TextPurpose.INNOCENT and len(words.split()) > _MOST_WORDS and _PAID.search(words):
        # "She made two transfers from her account (…):" introduces the accounts of others.
        return TextPurpose.WORDS
    others = purpose in (TextPurpose.CONTACT, TextPurpose.INNOCENT, TextPurpose.NEWS, TextPurpose.SOURCES)
    long = len(words.split()) >= _HEADLINE or len(_UNSPACED.findall(words)) > _HEADLINE * 3
    return TextPurpose.WORDS if others and long and SCAM.search(words) and not words.endswith(":") else purpose


def _of_act(text: str) -> TextPurpose | None:
    """Return the purpose of the values below an unfinished sentence with a colon: "We sent the money to:"."""
    if not text.endswith((":", "：")):
        return None
    role = LineOfSentences(text, ()).role(len(text), len(text), "bank-account")
    return TextPurpose.VALUES if role and role.purpose is TextPurpose.VALUES else None


def _heading_in(line: str, text: str, before: str, valued: Callable[[], bool]) -> tuple[int, str] | None:
    """Return level and words of ``line`` if it is a heading, else None; ``text`` is the stripped line."""
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
    is_title = _is_title(bare, bulleted=bulleted, apart=apart)
    return (_LOWEST, bare) if is_title and not valued() else None


def _is_bulleted(line: str, text: str) -> bool:
    bullet = _BULLET.match(line)
    return bullet is not None and bool(bullet.end()) and not text.startswith(("**", "__"))


def _heading_with_colon(text: str, *, listed: bool) -> tuple[int, str] | None:
    """Return level and words of a heading with a colon at its end; a list item is one if it states a purpose."""
    sentences = [one for one in _SENTENCES.split(text) if sum(map(str.isalpha, one)) > _FEWEST]
    words = sentences[-1] if sentences else text
    if not listed:
        return _LOWEST, words
    return (_ITEM, words) if purpose_of(words) is not None else None


def _is_title(text: str, *, bulleted: bool, apart: bool) -> bool:
    """Return whether a line without marks of headings is a heading: by its words, if need be ``apart`` from others."""
    if not 3 < len(text) <= 150 or _has_digits(text) or _LABEL.match(text) or "@" in text:
        return False
    return (not bulleted and (_is_in_capitals(text) or _is_of_list(text))) or (apart and _has_purpose(text))


def _is_in_capitals(text: str) -> bool:
    return text.isupper() and " " in text and "." not in text


def _has_purpose(text: str) -> bool:
    """Return whether a line is short, not a sentence, and states a purpose."""
    short = len(text) <= _LONGEST and len(text.split()) <= _MOST_WORDS and not _STOPS.search(text)
    return short and purpose_of(text) is not None


def _is_of_list(text: str) -> bool:
    """Return whether a short line without a stop names the scammers' values, and so begins a list."""
    few = len(text.split()) <= _HEADLINE + 2 and len(_UNSPACED.findall(text)) <= _HEADLINE * 8
    return (
        few and not _STOPS.search(text) and SCAM.search(text) is not None and (purpose_of(text) is TextPurpose.VALUES)
    )


def _has_digits(text: str) -> bool:
    digits = sum(map(str.isdigit, text))
    return digits > _MOST_DIGITS or digits * 4 > len(text)
