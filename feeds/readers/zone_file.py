"""Zone files (RFC 1035 §5) as records, one by one: memory does not grow with the zone."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from dns.exception import DNSException
from dns.tokenizer import Tokenizer

from feeds.readers.lines import line_runs
from feeds.readers.rows import MAX_LINE, Unreadable
from feeds.readers.source import Source

TTL = re.compile(r"\d+|(?:\d+[wdhms])+", re.IGNORECASE)
CLASSES = frozenset({"IN", "CH", "HS", "ANY"})

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|;.*|\\.')
# A record with more lines has lost its closing bracket.
_MOST_LINES = 50

_MALFORMED = ("malformed-record", "no record of a zone file: owner, type and data, with brackets and quotes closed")


class ZoneRecord(NamedTuple):
    """A record as written; ``owner`` is empty where the record has that of the one before."""

    line: int
    owner: str
    type: str
    data: str
    raw: str


def records(source: Source) -> Iterator[ZoneRecord | Unreadable]:
    """Yield the records of a zone file, also those that brackets spread over several lines."""
    start, held = 0, list[str]()
    for run in line_runs(source):
        if isinstance(run, Unreadable):
            yield run
            continue
        for number, line in enumerate(run[1], run[0]):
            if not held and not line.strip():
                continue
            held.append(line)
            start = start if len(held) > 1 else number
            if "(" in line or len(held) > 1:
                bare = _QUOTED.sub("", "\n".join(held))
                if bare.count("(") > bare.count(")") and len(held) < _MOST_LINES and len(bare) < MAX_LINE:
                    continue
            if record := _record(start, "\n".join(held)):
                yield record
            held.clear()
    if held:
        yield Unreadable.of(start, held[0], *_MALFORMED)


def _record(number: int, raw: str) -> ZoneRecord | Unreadable | None:
    """Read one record; None for a comment."""
    try:
        words = _words(raw)
    except DNSException:
        return Unreadable.of(number, raw, *_MALFORMED)
    if not words:
        return None
    if words[0].startswith("$"):
        return ZoneRecord(number, "", words[0].upper(), " ".join(words[1:2]), raw)
    owner = "" if raw[0] in " \t" else words.pop(0)
    for _ in range(2):
        if words and (words[0].upper() in CLASSES or TTL.fullmatch(words[0])):
            words.pop(0)
    if len(words) < 2 or not words[0].isalnum():
        return Unreadable.of(number, raw, *_MALFORMED)
    return ZoneRecord(number, owner, words[0].upper(), words[1], raw)


def _words(raw: str) -> list[str]:
    if not any(mark in raw for mark in '();"\\'):
        return raw.split()
    tokens, words = Tokenizer(raw), list[str]()
    while not (token := tokens.get()).is_eof():
        if not token.is_eol():
            words.append(token.value)
    return words
