"""Values in running text, line by line: accepted as part of a scam, or refused with the reason."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import TypeVar

from feeds.readers.extraction import classification
from feeds.readers.extraction.aliases import find_aliases, find_senders
from feeds.readers.extraction.classification import DeferredAccounts, DeferredParagraph, Surroundings
from feeds.readers.extraction.cues import SCAM, SPEAKER, UNSPACED, TextPurpose, joins_values, may_ask, purpose_of
from feeds.readers.extraction.handles import find_handles, handle_columns, platform_before
from feeds.readers.extraction.numbers import (
    NumberCandidate,
    alias_columns,
    country_of,
    find_code,
    find_numbers,
    find_partial,
    is_alias_behind,
    is_of_account,
)
from feeds.readers.extraction.outline import LabelledLine, Outline
from feeds.readers.extraction.roles import LineOfSentences, ValueRole
from feeds.readers.extraction.values import Candidate, Placed, blanked, find_candidates, unread_words
from feeds.readers.not_shown import STRUCK, without_struck
from feeds.readers.rows import TURNED, FileRow, Row, Unreadable, without_directions
from schemas.errors import Rejected
from schemas.reference.bank_text import find_banks
from schemas.reference.chains.links import chain_of_columns

_LINK = re.compile(
    r"!?\[([^\[\]]{2,500})\]\(\s*<?([^\s()<>]{1,2000}(?:\([^\s()<>]*\)[^\s()<>]*)?)>?(?:\s+\"[^\"]*\")?\s*\)"
)
_CODE = re.compile(r"(?<!`)`{1,3}+([^`]{1,500})`")
# With more backticks behind it, it is code within a line.
_FENCE = re.compile(r"\s*(?:`{3,}+(?=[^`]*$)|~{3,})")
_RULER = re.compile(r"\s*\|?(?:\s*:?-{3,}:?\s*\|?)+\s*$")
_WORD = re.compile(r"(?<!\S)[(\"'“‘]*(?:[^\W\d_]|[\u0900-\u0dff]){2,}(?:['’-][^\W\d_]+)*[.,;:!?)\"'”’।]*(?!\S)")
# A line with more words, or letters of such a script, besides its values is a sentence.
_MOST_WORDS = 5
_MOST_LETTERS = 35
# Words before a value, up to this number, are its label.
_LONGEST_LABEL = 45
# Labels of the sender, usually the scammer in a report.
_NAMED_WRITER = re.compile(r"(?:from|reply-to|sender|return-path)$", re.IGNORECASE)
# The name before a mailbox, which may look like a site.
_SHOWN_NAME = re.compile(r"^[^<>]{0,200}(?=<[^<>\s]{3,200}>)")
_MESSENGER = re.compile(
    r"\bfrom\W*$|\b(?:sender|reply-to|return-path)\b|whatsapp|zalo|viber|telegram|\bline\b|ไลน์|wechat|微信",
    re.IGNORECASE,
)
_SOME = 3
# Number of characters before and after a value that are its surroundings.
_REACH = 300
# A line at least this long without a sign that ends a sentence continues on the next line.
_WRAPPED = 50
# More Chinese letters, or a number with more digits, before a value are no label.
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_MOST_CHINESE = 16
_LONG_NUMBER = re.compile(r"(?:\d[ -]?){7}")
_DIGITS = re.compile(r"\d{2}")
# Abbreviations with dots in Thai, which look like names of hosts.
_ABBREVIATED = re.compile(r"(?:[\u0e00-\u0e7f]{1,4}\.)+[\u0e00-\u0e7f]*")
_NUMBER_OR_HANDLE = re.compile(r"\d{2}|@\w")
_STOPPED = re.compile(r"[.!?:。！？：।|][\"')\]]*$")
# Kinds whose values in a text about a scam are nearly always the scammer's, unless words say otherwise.
_RARELY_OTHERS = frozenset({"bank-account", "payment-alias", "social-account"})

# Most values of victims and writers that are remembered in one text.
_MOST_OWNED = 1000
AnyCandidate = TypeVar("AnyCandidate", Candidate, NumberCandidate)


class TextContext:
    """Facts of a whole text, from the lines at its beginning: its country, and whether it is about a scam.

    ``country`` is the country of numbers without a country code, "" if it is not known.
    """

    def __init__(self, lines: Iterable[str], country: str = "") -> None:
        self._lines = list(lines)
        self.country = country

    @cached_property
    def defangs(self) -> bool:
        """Return whether the writer defangs most values of scams, by the names and links of the text."""
        found = [
            candidate.defanged
            for line in self._lines
            for candidate in find_candidates(line)
            if candidate.shape in ("host", "url")
        ]
        return sum(found) >= _SOME and sum(found) * 4 >= len(found) * 3

    @cached_property
    def about_scam(self) -> bool:
        """Return whether a line mentions a scam."""
        return any(map(SCAM.search, self._lines))


class ProseReader:
    """Reads a text line by line and yields the values in it; all other words are ignored.

    Defanged values are accepted in any position. So are wallets and IBANs, whose checksums distinguish them from words,
    unless the text calls them legitimate, a victim's, or a contact of the writer. Plain values are accepted if they are
    listed: below a heading or after words for them, in a table, in code, or alone on a line.
    """

    def __init__(self, context: TextContext | None = None) -> None:
        """Start at the first line of a text with a ``context``."""
        self._context = context or TextContext(())
        self._outline = Outline()
        self._code = False
        self._columns: list[TextPurpose | None] | None = None
        self._names: list[str] = []
        self._country = self._context.country
        self._number = 0
        self._unfinished = self._above = ""
        self._line: tuple[str, str, Sequence[Candidate]] = ("", "", ())
        self._wordy = False
        self._sentences: LineOfSentences | None = None
        self._accounts = DeferredAccounts()
        self._paragraph = DeferredParagraph()
        self._owned = set[str]()

    def rows(self, number: int, line: str) -> Iterator[Row | Unreadable]:
        """Yield the values of the next line, and those of earlier lines that waited for it."""
        self._number = number
        line, is_turned = without_directions(line)
        if is_turned and _DIGITS.search(line):
            yield Unreadable.of(number, line, *TURNED)
            return
        line, struck = without_struck(line)
        for text in struck:
            yield Unreadable.of(number, text, *STRUCK)
        if line or not struck:
            yield from self._rows(line)
        self._above = f"{self._above[-_REACH:]} {line[:_REACH]}"

    def _rows(self, line: str) -> Iterator[Row | Unreadable]:
        if not line or line.isspace():
            self._outline.blank()
            self._unfinished = ""
            yield from self.finish()
            return
        if fence := _FENCE.match(line):
            self._code = not self._code
            line = line[fence.end() :]
            if not _may_have_value(line):
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
            elif _DIGITS.search(line) or ("@" in line and SCAM.search(line)):
                yield from self._of_line(LabelledLine(line, "", TextPurpose.WORDS))

    @property
    def heading(self) -> str:
        """Return the words of the nearest heading above."""
        return self._outline.words

    def finish(self) -> Iterator[Row | Unreadable]:
        """Yield the values that waited for the end of their paragraph."""
        yield from self._accounts.all()
        yield from self._paragraph.end()

    def _of_table(self, line: str) -> Iterator[Row | Unreadable]:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if self._columns is None:
            self._columns = [purpose_of(cell, label=True) for cell in cells]
            self._names = cells
            if not any(map(_may_have_value, cells)):
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
        aliases = find_aliases(text, line.label, self._outline.words)
        candidates = sorted(
            [*find_candidates(blanked(text, aliases) if aliases else text), *aliases], key=lambda one: one.start
        )
        self._begin(line.label, text, candidates)
        sentence = self._code or _is_sentence(text, candidates)
        rows: list[Row | Unreadable | None] = []
        for row in self._of_candidates(line, text, candidates, sentence=sentence):
            if row:
                yield row
            rows.append(row)
        for word in unread_words(text, candidates):
            yield classification.refuse_unread(self._number, word)
        values = [candidate for candidate, row in zip(candidates, rows, strict=True) if row]
        bare = blanked(text, values)
        partial_numbers = find_partial(bare) if _DIGITS.search(bare) else []
        for number in partial_numbers:
            yield classification.refuse_partial(self._number, number.raw)
        bare = blanked(bare, partial_numbers)
        numbers = find_numbers(bare, line.label, self._outline.words, self._country)
        numbers = sorted([*numbers, *find_senders(bare, line.label, self._country)], key=lambda one: one.start)
        yield from self._of_numbers(line, bare, numbers, sentence=sentence)
        yield from self._of_handles(line, bare, blanked(bare, numbers), sentence=sentence)

    def _begin(self, label: str, text: str, candidates: Sequence[Candidate]) -> None:
        """Begin a line. Its sentences are read only if the place of a value does not decide."""
        self._line = (self._unfinished + (f"{label}: " if label else ""), text, candidates)
        self._sentences = None
        self._wordy = count_words(text) > _MOST_WORDS or len(UNSPACED.findall(text)) > _MOST_LETTERS
        last = text[-_REACH:].rstrip()
        self._unfinished = f"{last} " if len(last) >= _WRAPPED and not _STOPPED.search(last, len(last) - 3) else ""

    def _role(self, start: int, raw: str, fields: Mapping[str, str]) -> ValueRole | None:
        """Return the role of a value in its sentence; in a text about a scam, accounts are the scammers' by default."""
        kind = fields.get("kind", "")
        if role := self._in_sentences.role(start, start + len(raw), kind):
            return role
        # In a sentence an account may also be a witness's or a collection's: words have to call it the scammer's.
        complete = kind in _RARELY_OTHERS and (kind != "bank-account" or ("bank" in fields and not self._wordy))
        return ValueRole(TextPurpose.VALUES, "about a scam", "") if complete and self._context.about_scam else None

    @property
    def _in_sentences(self) -> LineOfSentences:
        """Return the sentences of the current line."""
        if self._sentences is None:
            before, text, candidates = self._line
            spans = [
                (found.start, found.start + len(found.raw))
                for found in candidates
                if found.shape != "host" or not _ABBREVIATED.fullmatch(found.raw)
            ]
            self._sentences = LineOfSentences(text, spans, before)
        return self._sentences

    def _question(self, start: int, raw: str) -> str:
        """Return the words that make the sentence of a value a question about it, "" if it is none."""
        before, text, _ = self._line
        return self._in_sentences.question(start, start + len(raw)) if may_ask(f"{before}{text}") else ""

    def _of_candidates(
        self, line: LabelledLine, text: str, candidates: list[Candidate], *, sentence: bool
    ) -> Iterator[Row | Unreadable | None]:
        """Yield the row of each candidate of a line, None for those that wait or only look like values."""
        coin = _coin(line.label)
        coded = {span.strip() for span in _CODE.findall(text)} | ({text.strip()} if self._code else set())
        previous: Row | Unreadable | None = None
        for place, (candidate, before, behind) in enumerate(_with_surroundings(text, candidates)):
            following = candidates[place + 1] if place + 1 < len(candidates) else None
            around = self._around(line, candidate, before, behind, first=not place, sentence=sentence)
            # A plain link next to a value, or next to a defanged value, is not a source.
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
            lambda other: classify(around=other, sentence=sentence),
            around,
        )
        row = self._unless_owned(row, candidate.raw, around)
        return row._replace(fields=_named_columns(candidate, row.fields, around, coin)) if isinstance(row, Row) else row

    def without_owned(self, rows: Iterable[FileRow]) -> Iterator[FileRow]:
        """Yield rows of a table in the text; values that the text calls a victim's own are refused."""
        for row in rows:
            text = row.fields.get("account_number") or row.fields.get("value", "") if isinstance(row, Row) else ""
            is_owned = bool(self._owned) and _bare(text) in self._owned
            yield classification.refuse_owned(row.line, text) if is_owned else row

    def _unless_owned(self, row: Row | Unreadable | None, raw: str, around: Surroundings) -> Row | Unreadable | None:
        """Refuse a value that the text called a victim's or the writer's own above; remember one called so here."""
        name = _bare(raw)
        if isinstance(row, Row):
            return classification.refuse_owned(self._number, raw) if name in self._owned else row
        if row and len(self._owned) < _MOST_OWNED and classification.is_owned(row, around):
            self._owned.add(name)
        return row

    def _of_numbers(
        self, line: LabelledLine, text: str, numbers: list[NumberCandidate], *, sentence: bool
    ) -> Iterator[Row | Unreadable]:
        """Yield the accounts, telephone numbers and aliases of a line, which only other words distinguish."""
        heading = self._outline.words
        if not numbers:
            of_account = is_of_account(line.label, text, heading)
            banks = find_banks(f"{line.label} {text[:200]}", self._country) if of_account else []
            bank = banks[0] if banks else find_code(f"{line.label} {text[:200]}")
            yield from self._accounts.line(self._number, bank)
        many = count_words(text) > _MOST_WORDS * 2 or len(UNSPACED.findall(text)) > _MOST_LETTERS * 2
        for place, (found, before, behind) in enumerate(_with_surroundings(text, numbers)):
            candidate = found
            if found.lacks_bank:
                known = self._accounts.known(self._number, find_banks(heading, self._country))
                candidate = found._replace(fields={**found.fields, **known})
            around = self._around(line, candidate, before, behind, first=not place, sentence=sentence)
            long = many and candidate.start > 1
            classify = partial(classification.classify_number, self._number, candidate, sentence=long)
            row = self._paragraph.decide(classify(around), classify, around)
            row = self._unless_owned(row, candidate.raw, around)
            self._paragraph.note(self._number, row)
            if isinstance(row, Row) and candidate.lacks_bank:
                self._accounts.add(self._number, row)
            elif row:
                yield row

    def _of_handles(self, line: LabelledLine, text: str, bare: str, *, sentence: bool) -> Iterator[Row | Unreadable]:
        """Yield the handles of a line, found in the ``bare`` text without numbers."""
        for handle in find_handles(bare, line.label, self._outline.words, self._above):
            before, behind = _beside(text, 0, handle.start, handle.start + len(handle.raw), len(text))
            around = self._around(line, handle, before, behind, first=True, sentence=sentence)
            around = around._replace(joined=self._paragraph.accepted == self._number)
            fields = handle_columns(handle.raw, handle.platform)
            row = classification.classify_handle(self._number, fields, around, sentence=sentence and handle.start > 1)
            self._paragraph.note(self._number, row)
            yield row

    def _around(
        self, line: LabelledLine, found: Placed, before: str, behind: str, *, first: bool, sentence: bool
    ) -> Surroundings:
        """Return the surroundings of a value; a few words before the ``first`` value of a line are its label."""
        words = self._words_before(line, before, sentence=sentence) if first else None
        purpose, label = words or (line.purpose, line.label)
        around = Surroundings(
            purpose,
            before,
            behind,
            self._context.defangs,
            stated=words is not None and purpose is not self._outline.purpose,
            label=line.label,
            heading=self._outline.words,
            role=partial(self._role, found.start, found.raw),
            question=partial(self._question, found.start, found.raw),
        )
        if SPEAKER.fullmatch(label.strip(" *_")):
            return around._replace(purpose=TextPurpose.VALUES, defangs=False, quoted=True)
        if purpose is TextPurpose.VALUES and label and not _is_of_scammer(label, behind):
            if self._paragraph.refused >= self._number - 1:
                return around._replace(purpose=TextPurpose.NEWS, inferred=True)
            if self._outline.purpose is not TextPurpose.VALUES and self._paragraph.accepted < self._number - 1:
                return around._replace(general=True)
        return around

    def _words_before(self, line: LabelledLine, before: str, *, sentence: bool) -> tuple[TextPurpose, str] | None:
        """Return the few words before the first value of a line without a label, and the purpose by them."""
        words = before.strip(" :：(（-–—*_")
        short = (
            len(words) <= _LONGEST_LABEL
            and count_words(words) <= _MOST_WORDS
            and len(_CHINESE.findall(words)) <= _MOST_CHINESE
            and not _LONG_NUMBER.search(words)
        )
        if words and not line.label and short:
            named = purpose_of(words, label=True)
            if named is not TextPurpose.VALUES or not sentence or SCAM.search(words):
                return self._outline.stricter(named, words), words
        return None


def _bare(text: str) -> str:
    """Return a value in the form for comparison: its letters and digits, in lower case."""
    return "".join(filter(str.isalnum, text)).casefold()


def count_words(line: str) -> int:
    """Count the words of a line that consist of letters only."""
    return len(_WORD.findall(line))


def _is_sentence(text: str, found: list[Candidate]) -> bool:
    """Return whether a line is more than values and a few other words."""
    return count_words(text) > _MOST_WORDS or len(UNSPACED.findall(blanked(text, found))) > _MOST_LETTERS


def _named_columns(
    candidate: Candidate, fields: Mapping[str, str], around: Surroundings, coin: str
) -> Mapping[str, str]:
    """Return the columns of a value with the platform, the payment system or the ``coin`` that the text names."""
    if candidate.shape == "host" and not candidate.defanged and "/" not in candidate.value:
        platform = platform_before(around.before)
        return handle_columns(candidate.raw, platform) if platform else fields
    if candidate.shape == "email":
        words = f"{around.above}: {around.before}"
        return (alias_columns(candidate.raw, words) if is_alias_behind(words) else {}) or fields
    return {**fields, "currency": coin} if coin and fields.get("kind") == "wallet" else fields


def _is_of_scammer(label: str, behind: str) -> bool:
    return any((SCAM.search(label), SCAM.search(behind[:_MOST_LETTERS]), _MESSENGER.search(label)))


def _with_surroundings(text: str, found: Sequence[AnyCandidate]) -> Iterator[tuple[AnyCandidate, str, str]]:
    """Yield each candidate with the text before and after it, up to the neighbouring candidates."""
    ends = [0, *(candidate.start + len(candidate.raw) for candidate in found)]
    starts = [*(candidate.start for candidate in found), len(text)]
    for place, candidate in enumerate(found):
        before, behind = _beside(text, ends[place], candidate.start, ends[place + 1], starts[place + 1])
        yield candidate, before, behind


def _beside(text: str, last: int, start: int, end: int, following: int) -> tuple[str, str]:
    """Return the text between a value and its neighbours, at most ``_REACH`` characters."""
    return text[max(last, start - _REACH) : start], text[end : min(following, end + _REACH)]


def _has_candidate(text: str) -> bool:
    return any(True for _ in find_candidates(text))


def _may_have_value(text: str) -> bool:
    return _NUMBER_OR_HANDLE.search(text) is not None or _has_candidate(text)


def _coin(label: str) -> str:
    """Return the coin mentioned in a label, "" if there is none."""
    try:
        return label if label and chain_of_columns("", label) else ""
    except Rejected:
        return ""
