"""The values that a text names, line by line: which of its words are indicators, and which are not."""

import re
from collections.abc import Iterable, Iterator

from feeds.readers.extraction import classification
from feeds.readers.extraction.classification import Surroundings
from feeds.readers.extraction.cues import joins_values
from feeds.readers.extraction.deferred import DeferredAccounts, DeferredParagraph
from feeds.readers.extraction.labels import SCAM, SPEAKER, Purpose, purpose_of
from feeds.readers.extraction.numbers_and_handles import (
    NumberCandidate,
    country_of,
    find_handles,
    find_numbers,
    is_of_account,
)
from feeds.readers.extraction.outline import LabelledLine, Outline
from feeds.readers.extraction.values import Candidate, find_candidates, unread_words
from feeds.readers.rows import Row, Unreadable
from schemas.errors import Rejected
from schemas.reference.banks.recognition import find_banks
from schemas.reference.chains.names import chain_of_columns

_LINK = re.compile(
    r"!?\[([^\[\]]{2,500})\]\(\s*<?([^\s()<>]{1,2000}(?:\([^\s()<>]*\)[^\s()<>]*)?)>?(?:\s+\"[^\"]*\")?\s*\)"
)
_CODE = re.compile(r"(?<!`)`{1,3}+([^`]{1,500})`")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_RULER = re.compile(r"\s*\|?(?:\s*:?-{3,}:?\s*\|?)+\s*$")
_WORD = re.compile(r"(?<!\S)[(\"'“‘]*[^\W\d_]{2,}(?:['’-][^\W\d_]+)*[.,;:!?)\"'”’]*(?!\S)")
# Thai, Lao, Burmese, Khmer, Chinese and Japanese have no blanks between words.
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u9fff]")
# More words, or letters of such a script, than these beside its values make a line a sentence.
_MOST_WORDS = 5
_MOST_LETTERS = 35
# What stands in front of a value in its line says what it is, as a label does, where it is no longer than this.
_LONGEST_LABEL = 45
# Who scams says how to be reached there; others do so too, but seldom in a report.
_NAMED_WRITER = re.compile(r"(?:from|reply-to|sender|return-path)$", re.IGNORECASE)
# A name in front of the mailbox, which may look like a site's.
_SHOWN_NAME = re.compile(r"^[^<>]{0,200}(?=<[^<>\s]{3,200}>)")
_MESSENGER = re.compile(
    r"\bfrom\W*$|\b(?:sender|reply-to|return-path)\b|whatsapp|zalo|viber|telegram|\bline\b|ไลน์|wechat|微信",
    re.IGNORECASE,
)
_SOME = 3
# How far from a value the words stand that say something of it.
_REACH = 300


class ProseReader:
    """Reads a text line by line and gives the values in it; all other words are nothing.

    Defanged values are taken wherever they stand, and so are wallets and IBANs, which their checksums tell from
    words, unless the text calls them legitimate, a victim's, or a contact of who wrote it. Plain ones are taken where
    values are listed: below a heading or behind words that say so, in a table, in code, or alone on a line.
    """

    def __init__(self, *, marks: bool = False) -> None:
        """Begin at the first line; ``marks`` where the writer defangs most of what serves a scam."""
        self._marks = marks
        self._outline = Outline()
        self._code = False
        self._columns: list[Purpose | None] | None = None
        self._country = ""
        self._number = 0
        self._accounts = DeferredAccounts()
        self._paragraph = DeferredParagraph()

    def rows(self, number: int, line: str) -> Iterator[Row | Unreadable]:
        """Give the values in the next line, and those of earlier ones that waited for what it says."""
        self._number = number
        if not line or line.isspace():
            self._outline.blank()
            yield from self.finish()
            return
        if _FENCE.match(line):
            self._code = not self._code
            return
        self._country = country_of(line) or self._country
        if line.lstrip().startswith("|") and not self._code:
            yield from self._of_table(number, line)
            return
        self._columns = None
        if self._code or not self._outline.heading(line, lambda: _has_candidate(line)):
            yield from self._of_line(number, self._outline.labelled(line))
        else:
            yield from self.finish()
            self._accounts.forget()
            if _has_candidate(line):
                yield from self._of_line(number, LabelledLine(line, "", self._outline.place))

    def finish(self) -> Iterator[Row | Unreadable]:
        """Give what waited for the end of its paragraph: accounts for their bank, numbers for company."""
        yield from self._accounts.all()
        yield from self._paragraph.end()

    def _of_table(self, number: int, line: str) -> Iterator[Row | Unreadable]:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if self._columns is None:
            self._columns = [purpose_of(cell, label=True) for cell in cells]
            self._names = cells
            if not any(map(_has_candidate, cells)):
                return
        if _RULER.fullmatch(line):
            return
        here = self._outline.place
        for place, cell in enumerate(cells):
            said = self._columns[place] if place < len(self._columns) else None
            above = here if here in (Purpose.SOURCES, Purpose.INNOCENT, Purpose.CONTACT) else said or Purpose.VALUES
            label = self._names[place] if place < len(self._names) and said else ""
            yield from self._of_line(number, LabelledLine(cell, label if label != cell else "", above))

    def _of_line(self, number: int, line: LabelledLine) -> Iterator[Row | Unreadable]:
        text = _LINK.sub(lambda link: link[1] if link[2] in link[1] else f"{link[1]} {link[2]} ", line.text)
        if _NAMED_WRITER.match(line.label):
            text = _SHOWN_NAME.sub("", text)
        found = list(find_candidates(text))
        sentence = self._code or is_sentence(text, found)
        coin = _coin(line.label)
        coded = {span.strip() for span in _CODE.findall(text)} | ({text.strip()} if self._code else set())
        ends = [0, *(one.start + len(one.raw) for one in found)]
        starts = [*(one.start for one in found), len(text)]
        rows: list[Row | Unreadable | None] = []
        for place, each in enumerate(found):
            between = _beside(text, ends[place], each.start, ends[place + 1], starts[place + 1])
            around = self._around(line, *between, first=not place, sentence=sentence)
            if rows and isinstance(rows[-1], Row) and joins_values(between[0]):
                around = around._replace(joined=True)
            # A link that is not marked is no source where the next one is, and both are named in one breath.
            ahead = found[place + 1] if place + 1 < len(found) else None
            if ahead and ahead.defanged and ahead.value and joins_values(between[1]):
                around = around._replace(joined=True)
            alone = each.raw in coded or (not classification.is_link(each) and each.raw == text.strip(" *_<>()"))
            row = self._paragraph.later(
                classification.classify_value(number, each, around, alone=alone, sentence=sentence and each.start > 1),
                classification.classify_value(
                    number, each, around._replace(general=False), alone=alone, sentence=sentence
                ),
                around,
            )
            if isinstance(row, Row) and coin and row.fields.get("kind") == "wallet":
                row = Row(number, {**row.fields, "currency": coin})
            if row:
                yield row
            rows.append(row)
            self._paragraph.note(number, row)
        values = [each for each, row in zip(found, rows, strict=True) if row]
        for token in unread_words(text, found):
            yield classification.refuse_unread(number, token)
        yield from self._of_words(number, line, _blanked(text, values), sentence=sentence)

    def _of_words(self, number: int, line: LabelledLine, text: str, *, sentence: bool) -> Iterator[Row | Unreadable]:
        """Give the accounts, numbers and handles of a line, which only words beside them tell from other numbers."""
        heading = self._outline.words
        counted = find_numbers(text, line.label, heading, self._country)
        if not counted:
            named = is_of_account(line.label, text, heading) and find_banks(f"{line.label} {text[:200]}", self._country)
            yield from self._accounts.line(number, named[0] if named else None)
        ends = [0, *(one.start + len(one.raw) for one in counted)]
        starts = [*(one.start for one in counted), len(text)]
        many = count_words(text) > _MOST_WORDS * 2
        for place, one in enumerate(counted):
            between = _beside(text, ends[place], one.start, ends[place + 1], starts[place + 1])
            around = self._around(line, *between, first=not place, sentence=sentence)
            long = many and one.start > 1
            counted_row = self._paragraph.later(
                classification.classify_number(number, one, around, sentence=long),
                classification.classify_number(number, one, around._replace(general=False), sentence=long),
                around,
            )
            self._paragraph.note(number, counted_row)
            if isinstance(counted_row, Row) and one.lacks_bank:
                yield from self._accounts.add(number, counted_row, find_banks(heading, self._country))
            elif counted_row:
                yield counted_row
        for handle in find_handles(_without_numbers(text, counted), line.label, heading):
            between = _beside(text, 0, handle.start, handle.start + len(handle.raw), len(text))
            around = self._around(line, *between, first=True, sentence=sentence)
            fields = {"value": handle.raw, "kind": "social-account", "platform": handle.platform}
            beside = self._paragraph.taken == number
            handle_row = classification.classify_handle(
                number, fields, around._replace(joined=beside), sentence=sentence and handle.start > 1
            )
            self._paragraph.note(number, handle_row)
            yield handle_row

    def _around(self, line: LabelledLine, before: str, behind: str, *, first: bool, sentence: bool) -> Surroundings:
        """Return what stands around a value; a few words in front of the first in a line are its label."""
        place, label = line.place, line.label
        words_before = before.strip(" :：(（-–—*_")
        short = len(words_before) <= _LONGEST_LABEL and count_words(words_before) <= _MOST_WORDS
        if first and words_before and not label and short:
            said = purpose_of(words_before, label=True)
            if said is not Purpose.VALUES or not sentence or SCAM.search(words_before):
                place, label = self._outline.stricter(said, words_before), words_before
        if SPEAKER.fullmatch(label.strip(" *_")):
            return Surroundings(Purpose.VALUES, before, behind, quoted=True)
        told = SCAM.search(label) or SCAM.search(behind[:_MOST_LETTERS]) or _MESSENGER.search(label)
        if place is Purpose.VALUES and label and not told:
            if self._paragraph.spared >= self._number - 1:
                place = Purpose.TOLD
            elif self._outline.place is not Purpose.VALUES and self._paragraph.taken < self._number - 1:
                return Surroundings(place, before, behind, self._marks, general=True)
        return Surroundings(place, before, behind, self._marks)


def defangs_values(lines: Iterable[str]) -> bool:
    """Tell whether most names and links of a text are defanged."""
    found = [one.defanged for line in lines for one in find_candidates(line) if one.shape in ("host", "url")]
    return sum(found) >= _SOME and sum(found) * 4 >= len(found) * 3


def count_words(line: str) -> int:
    """Count the words of a line that are nothing but letters."""
    return len(_WORD.findall(line))


def is_sentence(text: str, found: list[Candidate]) -> bool:
    """Tell whether a line is more than values and a few words beside them."""
    return count_words(text) > _MOST_WORDS or len(UNSPACED.findall(_blanked(text, found))) > _MOST_LETTERS


def _beside(text: str, last: int, start: int, end: int, following: int) -> tuple[str, str]:
    """Return what stands between a value and those before and behind it, as far as words reach."""
    return text[max(last, start - _REACH) : start], text[end : min(following, end + _REACH)]


def _has_candidate(text: str) -> bool:
    return any(True for _ in find_candidates(text))


def _blanked(text: str, found: list[Candidate]) -> str:
    for one in found:
        text = text[: one.start] + " " * len(one.raw) + text[one.start + len(one.raw) :]
    return text


def _without_numbers(text: str, found: list[NumberCandidate]) -> str:
    for one in found:
        text = text[: one.start] + " " * len(one.raw) + text[one.start + len(one.raw) :]
    return text


def _coin(label: str) -> str:
    """Give the coin that a label names, nothing where it names none."""
    try:
        return label if label and chain_of_columns("", label) else ""
    except Rejected:
        return ""
