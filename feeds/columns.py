"""The columns of files, however they are called, as the columns of reports. ``columns.toml`` says which is which.

Taken are: ``value`` and ``kind``; the fields of ``schemas.report.Report`` that a row may say (scam_type, channel,
payment_rail, first_seen, last_seen, reported_at, valid_until, confidence, tlp, countries, action, holder_status,
reference, description, lang); ``sha256``; and the inputs of the kinds (chain, currency, country, iban, bic, …).
All others are dropped: they may be somebody's personal data.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from feeds.format import Row, Unreadable
from feeds.words import HINTS, Naming, Value, Vocabulary, every_input, naming, plain, vocabulary
from schemas import hold, kinds

# Texts that are taken as they stand; all others are words, of which a file has few.
_FREE = {"first_seen", "last_seen", "reported_at", "valid_until", "description", "reference", "sha256"} | {
    *hold.COLUMNS,
    *("iban", "account_number", "company_number", "company_name"),
}
_NOTHING: Mapping[str, str] = {}
_MANY = 4096
_SAYING_NOTHING = {"other", "unknown"}
_NOT_ALNUM = re.compile(r"[\W_]+")
_KEBAB_FIELDS = ("channel", "payment_rail", "action", "holder_status")


class Columns:
    """What the columns of one file, or the keys of one shape of object, are.

    ``context`` is what is said of all its rows: it fills what a row leaves out.
    """

    def __init__(self, names: Sequence[str], context: Mapping[str, str] = _NOTHING) -> None:
        """Find out what columns called ``names`` hold."""
        words = vocabulary()
        plains = [plain(name) for name in names]
        found = [(words.values[name], place) for place, name in enumerate(plains) if name in words.values]
        self._values = sorted(found, key=lambda pair: pair[0].rank)
        others: dict[str, list[tuple[int, int]]] = {}
        for place, name in enumerate(plains):
            if name in words.columns and name not in words.values:
                rank, field = words.columns[name]
                others.setdefault(field, []).append((rank, place))
        # Of two columns for one field the surer fills it; where it is empty, the other.
        self._others = [(field, place) for field, places in others.items() for _, place in sorted(places, reverse=True)]
        self._subjects = [(field, place) for field, place in self._others if field in words.subjects]
        self._worded = [place for field, place in self._others if field not in _FREE]
        self._frames: dict[tuple[object, ...], _Frame] = {}
        self._context = context
        self.width = len(names)

    @property
    def known(self) -> bool:
        """Say whether any column is one that reports have."""
        return bool(self._values or self._others)

    @property
    def tell(self) -> bool:
        """Say whether there is a column that says what a report is about."""
        return bool(self._values or self._subjects)

    def said(self, cells: Sequence[str]) -> dict[str, str]:
        """Give what all columns but those of values say, as it stands there."""
        here = len(cells)
        said = dict(self._context)
        said |= {field: text for field, place in self._others if place < here and (text := cells[place].strip())}
        return said

    def row(self, line: int, cells: Sequence[str]) -> Row | Unreadable:
        """Make a row of ``cells``, which are as many as the columns or fewer."""
        here = len(cells)
        value, text = None, ""
        for value, place in self._values:  # noqa: B007 - the one that is filled is used below
            if place < here and (text := cells[place].strip()):
                break
        if not text:
            value = None
            if not any(place < here and cells[place].strip() for _, place in self._subjects):
                return Unreadable.of(line, _raw(cells), *(_EMPTY if self.tell else _NO_VALUE_COLUMN))
        frame = self._frame(value, cells)
        if frame.refusal:
            return Unreadable.of(line, text or _raw(cells), *frame.refusal)
        fields = {"value": text, **frame.fields} if text else dict(frame.fields)
        for field, place in frame.free:
            if place < here and (free := cells[place].strip()):
                fields[field] = free
        return Row(line, fields)

    def _frame(self, value: "Value | None", cells: Sequence[str]) -> "_Frame":
        """Give what the words in ``cells`` come to; the rows of a file repeat the same few."""
        here = len(cells)
        key = (value, *[cells[place] if place < here else "" for place in self._worded])
        frame = self._frames.get(key)
        if frame is None:
            if len(self._frames) > _MANY:
                self._frames.clear()
            frame = self._frames[key] = self._framed(value, cells)
        return frame

    def _framed(self, value: "Value | None", cells: Sequence[str]) -> "_Frame":
        words, said = vocabulary(), self.said(cells)
        verdicts = _verdicts(said, words)
        if _innocent(said, verdicts, words):
            return _Frame({}, [], _NOT_A_SCAM)
        kind = _kind(value, said, words)
        fields = {"kind": kind} if kind else {}
        known = kinds.every().get(kind) if kind else None
        foreign = every_input() - set(known.inputs) if known else frozenset()
        for field, raw in said.items():
            of_each_row = field in _FREE and field not in self._context
            if field not in foreign and not of_each_row and (spelled := _spelled(field, raw, words)):
                fields[field] = spelled
        for verdict in verdicts:
            if verdict in words.scam_types:
                fields.setdefault("scam_type", words.scam_types[verdict])
            if verdict in words.doubt:
                fields.setdefault("confidence", words.doubt[verdict])
        free = [(field, place) for field, place in self._others if field in _FREE and field not in foreign]
        return _Frame(fields, free, None)


class _Frame(NamedTuple):
    """What rows with the same words have in common: their fields, the columns that differ, or why they are none."""

    fields: Mapping[str, str]
    free: Sequence[tuple[str, int]]
    refusal: tuple[str, str] | None


def columns_of(names: tuple[str, ...], context: tuple[tuple[str, str], ...] = ()) -> Columns:
    """Give the columns called ``names``; the same object each time, as objects of a file have few shapes."""
    return _columns_of(names, context, naming())


@lru_cache(maxsize=4096)
def _columns_of(names: tuple[str, ...], context: tuple[tuple[str, str], ...], _: Naming) -> Columns:
    return Columns(names, dict(context))


def is_value_column(name: str) -> bool:
    """Tell whether a column of that name holds values."""
    return plain(name) in vocabulary().values


def column_of_list(name: str) -> str:
    """Give the name of the column that the items of a list called ``name`` would stand in: ``phone`` for phones."""
    words = vocabulary().values
    whole = plain(name)
    for each in (whole, whole.removesuffix("s"), whole.removesuffix("es")):
        if each in words:
            return each
    return "value"


def is_kind_word(text: str) -> bool:
    """Tell whether ``text`` is what a type column would say."""
    return plain(text) in vocabulary().kinds


def scam_type_of(words: Iterable[str]) -> str | None:
    """Give the scam type that the first telling one of some labels or tags means, None where none tells."""
    known = vocabulary().scam_types
    return next((known[word] for word in map(plain, words) if word in known and word not in _SAYING_NOTHING), None)


def says_innocent(words: Iterable[str]) -> bool:
    """Tell whether one of some labels or tags says that the value is part of no scam."""
    return not vocabulary().innocent.isdisjoint(map(plain, words))


def kind_called(word: str) -> str | None:
    """Give the kind that a type column's ``word`` means, None where it means none that is known."""
    return vocabulary().kinds.get(plain(word))


def tlp_called(word: str) -> str | None:
    """Give the TLP level that ``word`` means (``TLP:WHITE``), None where it means none."""
    return vocabulary().tlp.get(plain(word.casefold().removeprefix("tlp")))


def _verdicts(said: Mapping[str, str], words: Vocabulary) -> list[str]:
    """Give what hints say of the scam, the surest first."""
    named = [plain(said[hint]) for hint in ("classification", "type", "category") if hint in said]
    return [word for word in named if word not in words.kinds and word not in _SAYING_NOTHING]


def _innocent(said: Mapping[str, str], verdicts: Sequence[str], words: Vocabulary) -> bool:
    if any(verdict in words.innocent for verdict in verdicts) or plain(said.get("scam_type", "")) in words.innocent:
        return True
    if re.fullmatch(r"-\d+|0+", said.get("votes", "")):
        return True
    accused = "scam_type" in said or "classification" in said
    return not accused and plain(said.get("category", "")) in words.innocent_categories


def _kind(value: Value | None, said: Mapping[str, str], words: Vocabulary) -> str | None:
    if "kind" in said:
        return words.kinds.get(plain(said["kind"]), said["kind"])
    if kind := words.kinds.get(plain(said.get("type", ""))):
        return kind
    if value is None:
        return next((kind for field, kind in words.subjects.items() if field in said), None)
    beside = (kind for kind, others in value.kind_beside if any(each in said for each in others))
    return value.kind or next(beside, None)


def _spelled(field: str, raw: str, words: Vocabulary) -> str | None:
    """Give a text as reports write it, None where it says nothing."""
    if field == "kind" or field in HINTS:
        return None
    if field == "scam_type":
        return words.scam_types.get(plain(raw)) or _kebab(raw)
    if field == "confidence":
        level = raw.removesuffix("%").strip()
        return level if level.isdecimal() else words.confidence.get(plain(raw))
    if field == "tlp":
        word = raw.casefold().removeprefix("tlp").lstrip(":_- ")
        return words.tlp.get(plain(word), word)
    return _kebab(raw) if field in _KEBAB_FIELDS else raw


def _kebab(text: str) -> str:
    return _NOT_ALNUM.sub("-", text).strip("-").lower()


def _raw(cells: Sequence[str]) -> str:
    return ", ".join(cell for cell in cells if cell)


_NO_VALUE_COLUMN = (
    "no-value-column",
    "no column is known to hold the value: call it value, or by its kind (domain, phone, …); "
    "if the file has no header, name its format and kind (--format, --kind)",
)
_EMPTY = ("no-value", "the row is empty where its value ought to stand")
_NOT_A_SCAM = ("not-a-scam", "the row says that this is no scam: leave such rows out")
