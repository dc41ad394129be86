"""The values of a row, and the fields that rows with the same words have in common."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from feeds.readers.columns import cell_meanings
from feeds.readers.columns.vocabulary import Vocabulary, vocabulary
from feeds.readers.columns.word_tables import ValueColumn, kind_columns, plain
from schemas import kinds
from schemas.errors import Rejected
from schemas.fields import EVIDENCE_COLUMNS, HOLD_COLUMNS
from schemas.refang import refang
from schemas.report import FIELDS
from schemas.vocabulary import Action

# Many sites share one address, so a row about a site reports nothing of its address.
_HOSTED = {"domain", "url"}
_NEEDED = {"company": "company_number"}
# Fields whose texts are free; all others hold one of the few words of a file.
FREE_TEXT = {
    *(name for name, field in FIELDS.items() if field.is_time or field.is_free_text),
    *EVIDENCE_COLUMNS.names,
    *HOLD_COLUMNS.names,
    *("iban", "account_number", "company_number", "company_name"),
}

ADDRESS_OF_HOST = "address-of-a-host"
WHOSE_UNCLEAR = "whose-is-unclear"
NUMBER_MISSING = "company-number-missing"
NOT_A_SCAM = ("not-a-scam", "the row calls its value no scam: leave such rows out")

# The place or field of a cell that is not read, and the reason.
_CellNote = tuple[int | str, str]


class RowValue(NamedTuple):
    """A value of a row with its column and place, or, without ``column``, a kind that other columns describe."""

    column: ValueColumn | None
    place: int
    text: str
    kind: str | None = None


class RowTemplate(NamedTuple):
    """The common part of all rows with the same words: their fields, or the reason why they are no reports.

    ``free`` are the fields with the places of their columns whose texts each row has of its own. ``port`` means that
    a value is an address and a port, of which only the address is read.
    """

    fields: Mapping[str, str]
    free: Sequence[tuple[str, int]]
    unread: tuple[tuple[str, str], ...]
    refusal: tuple[str, str] | None
    port: bool = False


def choose_values(
    filled: Sequence[RowValue],
    subjects: Sequence[str],
    texts: Mapping[str, str],
    words: Vocabulary,
    sources: Mapping[int, str],
) -> tuple[list[RowValue], list[_CellNote]]:
    """Return the values that a row reports, one at least, and the other values with the reason why they are not read.

    ``filled`` are the cells of value columns, ``subjects`` the fields that imply a kind without a value (a company's
    number), ``texts`` the cells by field, ``sources`` the places of columns that only cite sources, with the reason.
    """
    values = [value for value in filled if value.place not in sources]
    if not values and not subjects:
        return list(filled), []
    notes: list[_CellNote] = [(value.place, sources[value.place]) for value in filled if value.place in sources]
    named = cell_meanings.kind_named(texts, words)
    values = _with_kinds(values, named, texts, alone=len(values) == 1 and not subjects)
    if len(values) == 1 and values[0].kind is None and subjects and not any(map(str.isalpha, values[0].text)):
        # A number without a kind beside the columns of an account is the number of that account.
        return [values[0]._replace(kind=words.subjects[subjects[0]])], notes
    values, missing = _with_subjects(values, subjects, words)
    values, unclear = _without_unsure(values)
    values, hosts = _without_addresses_of_hosts(values)
    return values, notes + missing + unclear + hosts


def kind_alone(value: RowValue, texts: Mapping[str, str], words: Vocabulary) -> str | None:
    """Return the kind of the only value of a row."""
    if (named := cell_meanings.kind_named(texts, words)) is not None:
        return named
    return value.kind if value.column is None else cell_meanings.kind_of(value.column, texts)


def columns_of_other_values(kind: str | None, together: Sequence[str | None]) -> frozenset[str]:
    """Return the columns that cannot be about a value of ``kind``, but are about others of ``together``."""
    known = kinds.every()
    if len(together) < 2 or kind is None or kind not in known:
        return frozenset()
    others = [known[other] for other in together if other is not None and other in known]
    columns = set[str]()
    if not known[kind].account and any(other.account for other in others):
        columns.add("holder_status")
    if Action.HOLD not in known[kind].grades and any(Action.HOLD in other.grades for other in others):
        columns |= {*HOLD_COLUMNS.names}
    return frozenset(columns)


def row_template(
    value: RowValue,
    texts: Mapping[str, str],
    together: Sequence[str | None],
    others: Sequence[tuple[str, int]],
    context: Mapping[str, str],
) -> RowTemplate:
    """Build the template of the rows that have the words of ``texts``, for one of their values.

    ``together`` are the kinds of all values where a row has several; ``others`` the fields of columns without values,
    with their places; ``context`` the fields that hold for all rows of the file.
    """
    words = vocabulary()
    verdicts = cell_meanings.verdict_words(texts, words)
    if cell_meanings.is_innocent(texts, verdicts, words):
        return RowTemplate({}, [], (), NOT_A_SCAM)
    kind = value.kind if together else kind_alone(value, texts, words)
    known = kinds.every().get(kind) if kind else None
    unrelated = kind_columns() - set(known.columns) if known else frozenset()
    unrelated |= columns_of_other_values(kind, together)
    differing = FREE_TEXT - context.keys()
    worded = {field: text for field, text in texts.items() if field not in unrelated | differing}
    fields = {"kind": kind} if kind else {}
    if value.column:
        fields |= dict(value.column.given)
    meant, unread = _meanings_of(worded, words)
    fields |= meant
    for field, text in _implied_by(verdicts, texts, words):
        fields.setdefault(field, text)
    unread = [(hint, cell_meanings.WORD_UNKNOWN) for hint in cell_meanings.unknown_hints(texts, words)] + unread
    free = [(field, place) for field, place in others if field in FREE_TEXT and field not in unrelated]
    port = kind == "ip" and any(plain(texts.get(name, "")).endswith("port") for name in ("kind", "type"))
    return RowTemplate(fields, free, tuple(unread), None, port)


def _meanings_of(texts: Mapping[str, str], words: Vocabulary) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return the fields that the words of cells mean, and the cells that are not read with the reason."""
    fields: dict[str, str] = {}
    unread: list[tuple[str, str]] = []
    for field, text in texts.items():
        meaning = cell_meanings.cell_meaning(field, text, words)
        if meaning.text:
            fields[field] = meaning.text
        elif meaning.unread:
            unread.append((field, meaning.unread))
    return fields, unread


def _implied_by(verdicts: Sequence[str], texts: Mapping[str, str], words: Vocabulary) -> list[tuple[str, str]]:
    """Return the scam types and levels of confidence that verdicts imply, the surest first."""
    types = [
        ("scam_type", scam_type)
        for hint in cell_meanings.VERDICT_HINTS
        if hint in texts
        and plain(texts[hint]) in verdicts
        and (scam_type := cell_meanings.scam_type_of(texts[hint], words))
    ]
    return types + [("confidence", words.doubt[verdict]) for verdict in verdicts if verdict in words.doubt]


def _with_kinds(
    values: Sequence[RowValue], named: str | None, texts: Mapping[str, str], *, alone: bool
) -> list[RowValue]:
    """Add the kind to each value; a kind that the row names goes to the value of that kind, else to the surest."""
    own = [cell_meanings.kind_of(value.column, texts) if value.column else value.kind for value in values]
    if named is not None and values:
        place = own.index(named) if named in own else next((at for at, kind in enumerate(own) if kind is None), 0)
        own[place] = named
    return [
        value._replace(kind=kind or (None if alone else _recognised(value.text)))
        for value, kind in zip(values, own, strict=True)
    ]


def _with_subjects(
    values: list[RowValue], subjects: Sequence[str], words: Vocabulary
) -> tuple[list[RowValue], list[_CellNote]]:
    """Add a value for each kind that ``subjects`` describe; note those that lack the field that identifies them."""
    found, notes = list(values), list[_CellNote]()
    known = {value.kind for value in values}
    for kind in dict.fromkeys(words.subjects[field] for field in subjects):
        if kind in known:
            continue
        if found and (needed := _NEEDED.get(kind)) and needed not in subjects:
            notes += [(field, NUMBER_MISSING) for field in subjects if words.subjects[field] == kind]
        else:
            found.append(RowValue(None, -1, "", kind))
    return found, notes


def _without_unsure(values: list[RowValue]) -> tuple[list[RowValue], list[_CellNote]]:
    """Leave out values that may belong to a victim, where there are others."""
    sure = [value for value in values if not (value.column and value.column.unsure)]
    if len(values) < 2 or not sure:
        return values, []
    return sure, [(value.place, WHOSE_UNCLEAR) for value in values if value not in sure]


def _without_addresses_of_hosts(values: list[RowValue]) -> tuple[list[RowValue], list[_CellNote]]:
    """Leave out IP addresses beside the sites that they host."""
    if not any(value.kind in _HOSTED for value in values):
        return values, []
    notes: list[_CellNote] = [(value.place, ADDRESS_OF_HOST) for value in values if value.kind == "ip"]
    return [value for value in values if value.kind != "ip"], notes


def _recognised(text: str) -> str | None:
    try:
        return kinds.recognise(refang(text)).name
    except Rejected:
        return None
