"""The values of a row, and the fields that rows with the same words have in common."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from feeds.readers.columns import cell_meanings
from feeds.readers.columns.vocabulary import Vocabulary, vocabulary
from feeds.readers.columns.word_tables import ValueColumn, kind_columns, plain
from schemas import kinds, tabular
from schemas.errors import Rejected
from schemas.refang import refang
from schemas.vocabulary import Action

# Many sites share one address: it is no finding of the row that names the site.
_HOSTED = {"domain", "url"}
_NEEDED = {"company": "company_number"}

ADDRESS_OF_HOST = "address-of-a-host"
WHOSE_UNCLEAR = "whose-is-unclear"
NUMBER_MISSING = "company-number-missing"


class RowValue(NamedTuple):
    """A value of a row: its column and place, or a kind that other columns name without a value."""

    value: ValueColumn | None
    place: int
    text: str
    kind: str | None = None


def choose_values(
    filled: Sequence[RowValue],
    subjects: Sequence[str],
    said: Mapping[str, str],
    words: Vocabulary,
    aside: Mapping[int, str],
) -> tuple[list[RowValue], list[tuple[int | str, str]]]:
    """Choose what the reports of a row are about, one at least; and say why cells with other values are none.

    ``filled`` are the cells of columns of values, ``subjects`` the fields that name a kind without a value, ``aside``
    the places of columns that are something else, with the reason.
    """
    claims, notes = [claim for claim in filled if claim.place not in aside], list[tuple[int | str, str]]()
    notes += [(claim.place, aside[claim.place]) for claim in filled if claim.place in aside]
    if not claims and not subjects:
        return list(filled), []
    named = cell_meanings.kind_named(said, words)
    claims = _with_kinds(claims, named, said, alone=len(claims) == 1 and not subjects)
    if len(claims) == 1 and claims[0].kind is None and subjects and not any(map(str.isalpha, claims[0].text)):
        # A number without a kind beside an account's columns is that account's.
        return [claims[0]._replace(kind=words.subjects[subjects[0]])], notes
    taken = {claim.kind for claim in claims}
    for kind in dict.fromkeys(words.subjects[field] for field in subjects):
        if kind in taken:
            continue
        if claims and (needed := _NEEDED.get(kind)) and needed not in subjects:
            notes += [(field, NUMBER_MISSING) for field in subjects if words.subjects[field] == kind]
        else:
            claims.append(RowValue(None, -1, "", kind))
    if len(claims) > 1 and (sure := [claim for claim in claims if not (claim.value and claim.value.unsure)]):
        notes += [(claim.place, WHOSE_UNCLEAR) for claim in claims if claim not in sure]
        claims = sure
    if any(claim.kind in _HOSTED for claim in claims):
        notes += [(claim.place, ADDRESS_OF_HOST) for claim in claims if claim.kind == "ip"]
        claims = [claim for claim in claims if claim.kind != "ip"]
    return claims, notes


def kind_alone(claim: RowValue, said: Mapping[str, str], words: Vocabulary) -> str | None:
    """Give the kind of the only value of a row."""
    if (named := cell_meanings.kind_named(said, words)) is not None:
        return named
    return claim.kind if claim.value is None else cell_meanings.kind_of(claim.value, said)


def columns_of_other_values(kind: str | None, together: Sequence[str | None]) -> frozenset[str]:
    """Give the columns that can only be said of other values of the row: of an account's holder, of its money."""
    known = kinds.every()
    if len(together) < 2 or kind is None or kind not in known:
        return frozenset()
    others = [known[other] for other in together if other is not None and other in known]
    left = set[str]()
    if not known[kind].account and any(other.account for other in others):
        left.add("holder_status")
    if Action.HOLD not in known[kind].grades and any(Action.HOLD in other.grades for other in others):
        left |= {*tabular.HOLD_COLUMNS}
    return frozenset(left)


def _with_kinds(
    claims: Sequence[RowValue], named: str | None, said: Mapping[str, str], *, alone: bool
) -> list[RowValue]:
    """Give each value its kind: the one that is named belongs to the value that is of it, else to the surest."""
    own = [cell_meanings.kind_of(claim.value, said) if claim.value else claim.kind for claim in claims]
    if named is not None and claims:
        place = own.index(named) if named in own else next((at for at, kind in enumerate(own) if kind is None), 0)
        own[place] = named
    return [
        claim._replace(kind=kind or (None if alone else _recognised(claim.text)))
        for claim, kind in zip(claims, own, strict=True)
    ]


def _recognised(text: str) -> str | None:
    try:
        return kinds.recognise(refang(text)).name
    except Rejected:
        return None


# Texts that are taken as they stand; all others are words, of which a file has few.
FREE_TEXT = {"first_seen", "last_seen", "reported_at", "valid_until", "description", "reference", "sha256"} | {
    *tabular.HOLD_COLUMNS,
    *("iban", "account_number", "company_number", "company_name"),
}
NOT_A_SCAM = ("not-a-scam", "the row says that this is no scam: leave such rows out")


class RowTemplate(NamedTuple):
    """What rows with the same words have in common: their fields, the columns that differ, or why they are none.

    ``port`` says that the rows call their values an address and a port, of which the address is the value.
    """

    fields: Mapping[str, str]
    free: Sequence[tuple[str, int]]
    unread: tuple[tuple[str, str], ...]
    refusal: tuple[str, str] | None
    port: bool = False


def row_template(
    claim: RowValue,
    said: Mapping[str, str],
    together: Sequence[str | None],
    others: Sequence[tuple[str, int]],
    context: Mapping[str, str],
) -> RowTemplate:
    """Give what the words of a row, which ``said`` has by field, come to for one of its values.

    ``together`` are the kinds of all its values where it has several; ``others`` the columns that are no values, with
    their places; ``context`` is said of all rows.
    """
    words = vocabulary()
    named = cell_meanings.verdict_words(said, words)
    if cell_meanings.is_innocent(said, named, words):
        return RowTemplate({}, [], (), NOT_A_SCAM)
    kind = claim.kind if together else kind_alone(claim, said, words)
    fields = {"kind": kind} if kind else {}
    if claim.value:
        fields |= dict(claim.value.given)
    known = kinds.every().get(kind) if kind else None
    left_out = kind_columns() - set(known.columns) if known else frozenset()
    left_out |= columns_of_other_values(kind, together)
    unread = [(hint, cell_meanings.WORD_UNKNOWN) for hint in cell_meanings.unknown_hints(said, words)]
    for field, raw in said.items():
        of_each_row = field in FREE_TEXT and field not in context
        if field not in left_out and not of_each_row:
            meant = cell_meanings.cell_meaning(field, raw, words)
            if meant.text:
                fields[field] = meant.text
            elif meant.unread:
                unread.append((field, meant.unread))
    for hint in ("classification", "type", "category"):
        if hint in said and plain(said[hint]) in named and (meaning := cell_meanings.scam_type_of(said[hint], words)):
            fields.setdefault("scam_type", meaning)
    for verdict in named:
        if verdict in words.doubt:
            fields.setdefault("confidence", words.doubt[verdict])
    free = [(field, place) for field, place in others if field in FREE_TEXT and field not in left_out]
    port = kind == "ip" and any(plain(said.get(name, "")).endswith("port") for name in ("kind", "type"))
    return RowTemplate(fields, free, tuple(unread), None, port)
