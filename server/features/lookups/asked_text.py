"""Find the values in a text that somebody checks (a sentence, a message or a page), with their kinds if it names them.

Unlike in a report, which must not accuse an innocent person, everything that may be a value is looked up.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from feeds.readers.extraction.aliases import find_aliases, find_senders
from feeds.readers.extraction.handles import find_handles, handle_columns
from feeds.readers.extraction.numbers import country_of, find_numbers
from feeds.readers.extraction.values import Candidate, blanked, find_candidates
from feeds.readers.rows import without_directions
from schemas import kinds
from schemas.api.lookup import LookupQuestion, asked_readings
from schemas.errors import Rejected
from schemas.refang import refang
from schemas.text import ascii_digits

LONGEST_TEXT, MOST_VALUES = 4_000, 20
# A number of which no word says what it is: a telephone number in any grouping, or an account.
_NUMBER = re.compile(
    r"(?<![0-9A-Za-z_+/@=%&-])(?<!\d[.:])[+(]?\d(?:[ ()./\u00a0\u2010-\u2015-]{0,3}\d){6,19}"
    r"(?![0-9A-Za-z_]|\.\d|,\d{1,3}(?!\d))"
)
_DATE = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}(?: .*)?|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?: .*)?")
# A messenger's account by its name alone, as in "LINE: somchai".
_LINE_ID = re.compile(
    r"(?:(?<![A-Za-z])line|ไลน์)\s{0,2}(?:id|ไอดี)?\s{0,2}[:：=]?\s{0,2}(?P<name>@?[A-Za-z0-9][A-Za-z0-9._-]{3,30})(?![\w@])",
    re.IGNORECASE,
)
_SHOWN = 100


class TextQuestions(NamedTuple):
    """The values in a text in their order, and whether the text or the number of its values was too large."""

    questions: list[LookupQuestion]
    is_cut: bool


class _Place(NamedTuple):
    """A value in a line: where it begins, as written, and its columns."""

    start: int
    raw: str
    fields: dict[str, str]


def questions_of(text: str, country: str) -> TextQuestions:
    """Return what a text asks about: the text itself if it is one value, else the values in it.

    ``country`` is the default for numbers without a code of their own.
    """
    shown, _ = without_directions(text[:LONGEST_TEXT].strip())
    found: dict[tuple[str, ...], LookupQuestion] = {}
    home = country_of(shown) or country
    for line in shown.splitlines():
        for place in sorted(_places(line, home), key=lambda place: place.start):
            names, question = _read(place, home, country)
            found.setdefault(names, question)
    questions = [*found.values()]
    if len(questions) < 2 and _is_one_value(shown, country):
        questions = [LookupQuestion(shown)]
    return TextQuestions(questions[:MOST_VALUES], len(text) > LONGEST_TEXT or len(questions) > MOST_VALUES)


def _is_one_value(text: str, country: str) -> bool:
    """Return whether the whole text is a value, as one kind at least recognises it."""
    if not text or "\n" in text:
        return False
    try:
        found = asked_readings(text, None, {}, country)
    except Rejected:
        return False
    plain = refang(kinds.split(text)[1])
    return any(kinds.get(reading.kind).recognises(plain) for reading in found)


def _places(line: str, country: str) -> Iterator[_Place]:
    """Yield the values of a line; each part of it belongs to one."""
    aliases = find_aliases(line, "", "")
    candidates = [found for found in find_candidates(blanked(line, aliases)) if found.whole and found.value]
    candidates = [found for found in candidates if _is_plausible(found)]
    yield from (_Place(found.start, found.raw, {"value": found.value}) for found in (*aliases, *candidates))
    rest = blanked(blanked(line, aliases), candidates)
    numbers = [*find_numbers(rest, "", "", country), *find_senders(rest, "", country)]
    yield from (_Place(found.start, found.raw, dict(found.fields)) for found in numbers)
    rest = blanked(rest, numbers)
    handles = find_handles(rest, "", "")
    yield from (_Place(found.start, found.raw, handle_columns(found.raw, found.platform)) for found in handles)
    rest = blanked(rest, handles)
    for named in _LINE_ID.finditer(rest):
        yield _Place(named.start("name"), named["name"], handle_columns(named["name"], "line"))
        rest = rest.replace(named["name"], " " * len(named["name"]))
    for number in _NUMBER.finditer(rest):
        if not _DATE.fullmatch(ascii_digits(number[0])):
            yield _Place(number.start(), number[0], {"value": number[0].strip()})


def _is_plausible(found: Candidate) -> bool:
    """Return whether a name with dots can be a site: "shop.co" can, "e.g" and "6.30น" cannot."""
    if found.shape != "host":
        return True
    try:
        kinds.get("domain").normalise(found.value.partition("/")[0].partition(":")[0], {})
    except Rejected:
        return False
    return True


def _read(place: _Place, home: str, country: str) -> tuple[tuple[str, ...], LookupQuestion]:
    """Return the names of a value, by which another spelling of it is known, and the question about it.

    A telephone number of this country may also be an alias, and an account without a bank may be anything.
    """
    value, kind = place.fields["value"], place.fields.get("kind")
    taken = kinds.get(kind).columns if kind else {}
    details = {name: text for name, text in place.fields.items() if name in taken}
    if kind == "phone" and details.get("country", home) == country:
        kind, details = None, {}
    asked = LookupQuestion(value, kind, details)
    for question in (asked, LookupQuestion(value)) if kind else (asked,):
        try:
            found = asked_readings(question.value, question.kind, question.details, country)
        except Rejected:
            continue
        return tuple(reading.name for reading in found), question
    return ("", value), asked
