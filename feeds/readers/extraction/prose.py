"""Values in running text, line by line: accepted as part of a scam, or refused with the reason."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from feeds.readers.extraction import classification
from feeds.readers.extraction.classification import Surroundings
from feeds.readers.extraction.cues import joins_values
from feeds.readers.extraction.deferred import DeferredAccounts, DeferredParagraph
from feeds.readers.extraction.labels import SCAM, SPEAKER, TextPurpose, purpose_of
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
# Words in front of a value that are no longer than this are its label.
_LONGEST_LABEL = 45
# Labels of the sender, who is the scammer more often than not in a report.
_NAMED_WRITER = re.compile(r"(?:from|reply-to|sender|return-path)$", re.IGNORECASE)
# The name in front of a mailbox, which may look like a site.
_SHOWN_NAME = re.compile(r"^[^<>]{0,200}(?=<[^<>\s]{3,200}>)")
_MESSENGER = re.compile(
    r"\bfrom\W*$|\b(?:sender|reply-to|return-path)\b|whatsapp|zalo|viber|telegram|\bline\b|ไลน์|wechat|微信",
    re.IGNORECASE,
)
_SOME = 3
# Characters before and behind a value that are its surroundings.
_REACH = 300

AnyCandidate = TypeVar("AnyCandidate", Candidate, NumberCandidate)


class ProseReader:
    """Reads a text line by line and yields the values in it; all other words are nothing.

    Defanged values are accepted wherever they stand, and so are wallets and IBANs, which their checksums tell from
    words, unless the text calls them legitimate, a victim's, or a contact of the writer. Plain ones are accepted where
    values are listed: below a heading or behind words for them, in a table, in code, or alone on a line.
    """

    def __init__(self, *, defangs: bool = False) -> None:
        """Start at the first line; with ``defangs`` the writer defangs most values of scams."""
        self._defangs = defangs
        self._outline = Outline()
        self._code = False
        self._columns: list[TextPurpose | None] | None = None
        self._names: list[str] = []
        self._country = ""
        self._number = 0
        self._accounts = DeferredAccounts()
        self._paragraph = DeferredParagraph()

    def rows(self, number: int, line: str) -> Iterator[Row | Unreadable]:
        """Yield the values of the next line, and those of earlier lines that waited for it."""
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
            yield from self._of_table(line)
            return
        self._columns = None
        if self._code or not self._outline.heading(line, lambda: _has_candidate(line)):
            yield from self._of_line(self._outline.labelled(line))
        else:
            yield from self.finish()
            self._accounts.forget()
            if _has_candidate(line):
                yield from self._of_line(LabelledLine(line, "", self._outline.purpose))

    def finish(self) -> Iterator[Row | Unreadable]:
        """Yield the values that waited for the end of their paragraph."""
        yield from self._accounts.all()
        yield from self._paragraph.end()

    def _of_table(self, line: str) -> Iterator[Row | Unreadable]:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if self._columns is None:
            self._columns = [purpose_of(cell, label=True) for cell in cells]
            self._names = cells
            if not any(map(_has_candidate, cells)):
                return
        if _RULER.fullmatch(line):
            return
        above = self._outline.purpose
        strict = above in (TextPurpose.SOURCES, TextPurpose.INNOCENT, TextPurpose.CONTACT)
        for place, cell in enumerate(cells):
            named = self._columns[place] if place < len(self._columns) else None
            label = self._names[place] if place < len(self._names) and named else ""
            purpose = above if strict else named or TextPurpose.VALUES
            yield from self._of_line(LabelledLine(cell, label if label != cell else "", purpose))

    def _of_line(self, line: LabelledLine) -> Iterator[Row | Unreadable]:
        text = _LINK.sub(lambda link: link[1] if link[2] in link[1] else f"{link[1]} {link[2]} ", line.text)
        if _NAMED_WRITER.match(line.label):
            text = _SHOWN_NAME.sub("", text)
        candidates = list(find_candidates(text))
        sentence = self._code or is_sentence(text, candidates)
        rows: list[Row | Unreadable | None] = []
        for row in self._of_candidates(line, text, candidates, sentence=sentence):
            if row:
                yield row
            rows.append(row)
        for word in unread_words(text, candidates):
            yield classification.refuse_unread(self._number, word)
        values = [candidate for candidate, row in zip(candidates, rows, strict=True) if row]
        bare = _blanked(text, values)
        numbers = find_numbers(bare, line.label, self._outline.words, self._country)
        yield from self._of_numbers(line, bare, numbers, sentence=sentence)
        yield from self._of_handles(line, bare, _blanked(bare, numbers), sentence=sentence)

    def _of_candidates(
        self, line: LabelledLine, text: str, candidates: list[Candidate], *, sentence: bool
    ) -> Iterator[Row | Unreadable | None]:
        """Yield the row of each candidate of a line, None for those that wait or only look like values."""
        coin = _coin(line.label)
        coded = {span.strip() for span in _CODE.findall(text)} | ({text.strip()} if self._code else set())
        previous: Row | Unreadable | None = None
        for place, (candidate, before, behind) in enumerate(_with_surroundings(text, candidates)):
            following = candidates[place + 1] if place + 1 < len(candidates) else None
            around = self._around(line, before, behind, first=not place, sentence=sentence)
            # A plain link is no source where it is named in one breath with a value, or with a defanged one.
            if (isinstance(previous, Row) and joins_values(before)) or (
                following and following.defanged and following.value and joins_values(behind)
            ):
                around = around._replace(joined=True)
            alone = candidate.raw in coded or (
                not classification.is_link(candidate) and candidate.raw == text.strip(" *_<>()")
            )
            row = self._decide_value(candidate, around, coin, alone=alone, sentence=sentence)
            yield row
            previous = row
            self._paragraph.note(self._number, row)

    def _decide_value(
        self, candidate: Candidate, around: Surroundings, coin: str, *, alone: bool, sentence: bool
    ) -> Row | Unreadable | None:
        classify = partial(classification.classify_value, self._number, candidate, alone=alone)
        row = self._paragraph.decide(
            classify(around=around, sentence=sentence and candidate.start > 1),
            classify(around=around._replace(general=False), sentence=sentence),
            around,
        )
        if isinstance(row, Row) and coin and row.fields.get("kind") == "wallet":
            return Row(self._number, {**row.fields, "currency": coin})
        return row

    def _of_numbers(
        self, line: LabelledLine, text: str, numbers: list[NumberCandidate], *, sentence: bool
    ) -> Iterator[Row | Unreadable]:
        """Yield the accounts, telephone numbers and aliases of a line, which only words beside them tell apart."""
        heading = self._outline.words
        if not numbers:
            of_account = is_of_account(line.label, text, heading)
            banks = find_banks(f"{line.label} {text[:200]}", self._country) if of_account else []
            yield from self._accounts.line(self._number, banks[0] if banks else None)
        many = count_words(text) > _MOST_WORDS * 2
        for place, (candidate, before, behind) in enumerate(_with_surroundings(text, numbers)):
            around = self._around(line, before, behind, first=not place, sentence=sentence)
            classify = partial(classification.classify_number, self._number, candidate)
            long = many and candidate.start > 1
            row = self._paragraph.decide(
                classify(around, sentence=long), classify(around._replace(general=False), sentence=long), around
            )
            self._paragraph.note(self._number, row)
            if isinstance(row, Row) and candidate.lacks_bank:
                yield from self._accounts.add(self._number, row, find_banks(heading, self._country))
            elif row:
                yield row

    def _of_handles(self, line: LabelledLine, text: str, bare: str, *, sentence: bool) -> Iterator[Row | Unreadable]:
        """Yield the handles of a line, found in the ``bare`` text without numbers."""
        for handle in find_handles(bare, line.label, self._outline.words):
            before, behind = _beside(text, 0, handle.start, handle.start + len(handle.raw), len(text))
            around = self._around(line, before, behind, first=True, sentence=sentence)
            around = around._replace(joined=self._paragraph.accepted == self._number)
            fields = {"value": handle.raw, "kind": "social-account", "platform": handle.platform}
            row = classification.classify_handle(self._number, fields, around, sentence=sentence and handle.start > 1)
            self._paragraph.note(self._number, row)
            yield row

    def _around(self, line: LabelledLine, before: str, behind: str, *, first: bool, sentence: bool) -> Surroundings:
        """Return the surroundings of a value; a few words in front of the first value of a line are its label."""
        purpose, label = self._label(line, before, sentence=sentence) if first else (line.purpose, line.label)
        if SPEAKER.fullmatch(label.strip(" *_")):
            return Surroundings(TextPurpose.VALUES, before, behind, quoted=True)
        if purpose is TextPurpose.VALUES and label and not _is_of_scammer(label, behind):
            if self._paragraph.refused >= self._number - 1:
                purpose = TextPurpose.NEWS
            elif self._outline.purpose is not TextPurpose.VALUES and self._paragraph.accepted < self._number - 1:
                return Surroundings(purpose, before, behind, self._defangs, general=True)
        return Surroundings(purpose, before, behind, self._defangs)

    def _label(self, line: LabelledLine, before: str, *, sentence: bool) -> tuple[TextPurpose, str]:
        """Return the label of a line's first value and the purpose by it: its own, or the few words in front."""
        words = before.strip(" :：(（-–—*_")
        short = len(words) <= _LONGEST_LABEL and count_words(words) <= _MOST_WORDS
        if words and not line.label and short:
            named = purpose_of(words, label=True)
            if named is not TextPurpose.VALUES or not sentence or SCAM.search(words):
                return self._outline.stricter(named, words), words
        return line.purpose, line.label


def defangs_values(lines: Iterable[str]) -> bool:
    """Return whether a text defangs most of its names and links."""
    found = [
        candidate.defanged
        for line in lines
        for candidate in find_candidates(line)
        if candidate.shape in ("host", "url")
    ]
    return sum(found) >= _SOME and sum(found) * 4 >= len(found) * 3


def count_words(line: str) -> int:
    """Count the words of a line that consist of letters only."""
    return len(_WORD.findall(line))


def is_sentence(text: str, found: list[Candidate]) -> bool:
    """Return whether a line is more than values and a few words beside them."""
    return count_words(text) > _MOST_WORDS or len(UNSPACED.findall(_blanked(text, found))) > _MOST_LETTERS


def _is_of_scammer(label: str, behind: str) -> bool:
    return any((SCAM.search(label), SCAM.search(behind[:_MOST_LETTERS]), _MESSENGER.search(label)))


def _with_surroundings(text: str, found: Sequence[AnyCandidate]) -> Iterator[tuple[AnyCandidate, str, str]]:
    """Yield each candidate with the text in front of it and behind it, up to the candidates beside it."""
    ends = [0, *(candidate.start + len(candidate.raw) for candidate in found)]
    starts = [*(candidate.start for candidate in found), len(text)]
    for place, candidate in enumerate(found):
        before, behind = _beside(text, ends[place], candidate.start, ends[place + 1], starts[place + 1])
        yield candidate, before, behind


def _beside(text: str, last: int, start: int, end: int, following: int) -> tuple[str, str]:
    """Return the text between a value and those before and behind it, ``_REACH`` characters at most."""
    return text[max(last, start - _REACH) : start], text[end : min(following, end + _REACH)]


def _has_candidate(text: str) -> bool:
    return any(True for _ in find_candidates(text))


def _blanked(text: str, found: Iterable[Candidate | NumberCandidate]) -> str:
    """Return a text with blanks in place of the candidates."""
    for candidate in found:
        end = candidate.start + len(candidate.raw)
        text = text[: candidate.start] + " " * len(candidate.raw) + text[end:]
    return text


def _coin(label: str) -> str:
    """Return the coin that a label names, "" where it names none."""
    try:
        return label if label and chain_of_columns("", label) else ""
    except Rejected:
        return ""
