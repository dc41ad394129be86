"""The values of a row, and the fields shared by rows with the same words."""

import re
from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

from feeds.readers.columns import account_cells, cell_meanings, roles
from feeds.readers.columns.vocabulary import Vocabulary, vocabulary
from feeds.readers.columns.word_tables import HINTS, RANK_OF_SUSPECTS, ValueColumn, kind_columns, plain
from schemas import kinds
from schemas.errors import Rejected
from schemas.fields import EVIDENCE_COLUMNS, HOLD_COLUMNS, PAID_COLUMNS
from schemas.refang import refang
from schemas.report import FIELDS
from schemas.vocabulary import Action

# Many sites share one address, so that a row about a site does not report its address.
_HOSTED = {"domain", "url"}
# Links, mailboxes and handles.
_NAMED_CONTACT = re.compile(r"@|://|[^\W\d_]{3}.*[.:]")
_NEEDED = {"company": "company_number"}
# Fields with free text; all others contain one of a few words in a file.
FREE_TEXT = {
    *(name for name, field in FIELDS.items() if field.is_time or field.is_free_text),
    *EVIDENCE_COLUMNS.names,
    *HOLD_COLUMNS.names,
    *PAID_COLUMNS.names,
    *("iban", "account_number", "company_number", "company_name"),
}

ADDRESS_OF_HOST = "address-of-a-host"
WHOSE_UNCLEAR = "whose-is-unclear"
NUMBER_MISSING = "company-number-missing"
NOT_A_SCAM = (
    "not-a-scam",
    "the row says that its value is not a scam, was reported by mistake, or is the sender's own: leave such rows out",
)

# The place or field of an unread cell, and the reason.
_CellNote = tuple[int | str, str]


class RowValue(NamedTuple):
    """A value of a row with its column and place; without ``column``, a kind that other columns describe."""

    column: ValueColumn | None
    place: int
    text: str
    kind: str | None = None


class RowTemplate(NamedTuple):
    """The common part of all rows with the same words: their fields, or the reason why they are not reports.

    ``free`` are the fields that differ in each row, with the places of their columns. ``port`` means that a value is an
    address and a port, of which only the address is read.
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
    """Return the reported values of a row, at least one, and its other values with the reason why they are not read.

    ``filled`` are the cells of value columns. ``subjects`` are the fields that imply a kind without a value (a
    company's number). ``texts`` are the cells by field. ``sources`` are the places of columns that only cite sources,
    with the reason.
    """
    values = [value for value in filled if value.place not in sources]
    if not values and not subjects:
        return list(filled), []
    notes: list[_CellNote] = [(value.place, sources[value.place]) for value in filled if value.place in sources]
    named = cell_meanings.kind_named(texts, words)
    values = _with_kinds(values, named, texts, alone=len(values) == 1 and not subjects)
    if len(values) == 1 and values[0].kind is None and subjects and not any(map(str.isalpha, values[0].text)):
        # A number without a kind next to the columns of an account is the number of that account.
        return [values[0]._replace(kind=words.subjects[subjects[0]])], notes
    values, missing = _with_subjects(values, subjects, words)
    values, unclear = _without_unsure(values)
    values, hosts = _without_addresses_of_hosts(values)
    return values, notes + missing + unclear + hosts


def without_doubtful_kind(column: ValueColumn, text: str) -> ValueColumn:
    """Return a column such as "suspect contact" without its kind, for a cell that is no telephone number."""
    is_contact = column.kind == "phone" and column.rank % 100 == RANK_OF_SUSPECTS
    return column._replace(kind=None) if is_contact and _NAMED_CONTACT.search(text) else column


def _kind_alone(value: RowValue, texts: Mapping[str, str], words: Vocabulary) -> str | None:
    """Return the kind of the only value of a row."""
    if (named := cell_meanings.kind_named(texts, words)) is not None:
        return named
    return cell_meanings.kind_of(value.column, texts) if value.column else value.kind


def _unrelated_columns(kind: str | None, together: Sequence[str | None]) -> Set[str]:
    """Return the columns that describe other kinds, or only other values of the row."""
    known = kinds.every()
    if kind is None or kind not in known:
        return set()
    own, others = known[kind], [known[other] for other in together if other is not None and other in known]
    columns = {*kind_columns()} - {*own.columns}
    if not own.account and any(other.account for other in others):
        columns |= {"holder_status", *PAID_COLUMNS.names}
    if Action.HOLD not in own.grades and any(Action.HOLD in other.grades for other in others):
        columns |= {*HOLD_COLUMNS.names}
    return columns


def row_template(
    value: RowValue,
    texts: Mapping[str, str],
    together: Sequence[str | None],
    others: Sequence[tuple[str, int]],
    context: Mapping[str, str],
) -> RowTemplate:
    """Build the template of the rows with the words of ``texts``, for one of their values.

    ``together`` are the kinds of all values if a row has several; ``others`` the fields of columns without values, with
    their places; ``context`` the fields that apply to all rows of the file.
    """
    words = vocabulary()
    verdicts = cell_meanings.verdict_words(texts, words)
    kind = value.kind if together else _kind_alone(value, texts, words)
    if refusal := _refusal(kind, texts, verdicts, words):
        return RowTemplate({}, [], (), refusal)
    unrelated = _unrelated_columns(kind, together)
    meant, unread = _meanings_of(texts, unrelated | (FREE_TEXT - context.keys()), words)
    fields = ({"kind": kind} if kind else {}) | (dict(value.column.given) if value.column else {}) | meant
    for field, text in _implied_by(verdicts, texts, words):
        fields.setdefault(field, text)
    if kind == "bank-account" and (service := account_cells.service_beside(texts, words.meanings["payment_rail"])):
        fields.setdefault("bank", service)
    unread = [(hint, cell_meanings.WORD_UNKNOWN) for hint in cell_meanings.unknown_hints(texts, words)] + unread
    free = [(field, place) for field, place in others if field in FREE_TEXT and field not in unrelated]
    port = kind == "ip" and any(plain(texts.get(name, "")).endswith("port") for name in ("kind", "type"))
    return RowTemplate(fields, free, tuple(unread), None, port)


def _refusal(
    kind: str | None, texts: Mapping[str, str], verdicts: Sequence[str], words: Vocabulary
) -> tuple[str, str] | None:
    """Return the reason why rows with some words are not reports, None if they are."""
    if cell_meanings.is_innocent(texts, verdicts, words, of_address=kind in (None, "wallet")):
        return NOT_A_SCAM
    if any(roles.is_role(text) and roles.role_of(text) == "person" for text in map(texts.get, HINTS) if text):
        return roles.OF_SOMEBODY_ELSE
    return None


def _meanings_of(
    texts: Mapping[str, str], left_out: Set[str], words: Vocabulary
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return the fields for the words of cells, and the unread cells with the reason."""
    fields: dict[str, str] = {}
    unread: list[tuple[str, str]] = []
    for field, text in texts.items():
        if field in left_out:
            continue
        meaning = cell_meanings.cell_meaning(field, text, words)
        if meaning.text:
            fields[field] = meaning.text
        elif meaning.unread:
            unread.append((field, meaning.unread))
    return fields, unread


def _implied_by(verdicts: Sequence[str], texts: Mapping[str, str], words: Vocabulary) -> list[tuple[str, str]]:
    """Return the scam types and levels of confidence that verdicts imply, the most certain first."""
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
    """Add the kind to each value; a kind stated in the row applies to a value of it, else to the most certain one."""
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
    """Add a value for each kind described by ``subjects``; note kinds without their identifying field."""
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
    """Drop values that may belong to a victim, if there are others."""
    sure = [value for value in values if not (value.column and value.column.unsure)]
    if len(values) < 2 or not sure:
        return values, []
    return sure, [(value.place, WHOSE_UNCLEAR) for value in values if value not in sure]


def _without_addresses_of_hosts(values: list[RowValue]) -> tuple[list[RowValue], list[_CellNote]]:
    """Drop IP addresses in rows with the sites that they host."""
    if not any(value.kind in _HOSTED for value in values):
        return values, []
    notes: list[_CellNote] = [(value.place, ADDRESS_OF_HOST) for value in values if value.kind == "ip"]
    return [value for value in values if value.kind != "ip"], notes


def _recognised(text: str) -> str | None:
    try:
        return kinds.recognise(refang(text)).name
    except Rejected:
        return None
