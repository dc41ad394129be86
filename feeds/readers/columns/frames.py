"""What the words of a row come to: its fields, the cells that differ from row to row, or why it is no report."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from feeds.readers.columns import meanings, several
from feeds.readers.columns.several import Claim
from feeds.readers.columns.word_tables import every_input, plain
from feeds.readers.columns.words import vocabulary
from schemas import kinds, tabular

# Texts that are taken as they stand; all others are words, of which a file has few.
FREE = {"first_seen", "last_seen", "reported_at", "valid_until", "description", "reference", "sha256"} | {
    *tabular.HOLD_COLUMNS,
    *("iban", "account_number", "company_number", "company_name"),
}
NOT_A_SCAM = ("not-a-scam", "the row says that this is no scam: leave such rows out")


class Frame(NamedTuple):
    """What rows with the same words have in common: their fields, the columns that differ, or why they are none.

    ``port`` says that the rows call their values an address and a port, of which the address is the value.
    """

    fields: Mapping[str, str]
    free: Sequence[tuple[str, int]]
    unread: tuple[tuple[str, str], ...]
    refusal: tuple[str, str] | None
    port: bool = False


def framed(
    claim: Claim,
    said: Mapping[str, str],
    together: Sequence[str | None],
    others: Sequence[tuple[str, int]],
    context: Mapping[str, str],
) -> Frame:
    """Give what the words of a row, which ``said`` has by field, come to for one of its values.

    ``together`` are the kinds of all its values where it has several; ``others`` the columns that are no values, with
    their places; ``context`` is said of all rows.
    """
    words = vocabulary()
    named = meanings.verdicts(said, words)
    if meanings.innocent(said, named, words):
        return Frame({}, [], (), NOT_A_SCAM)
    kind = claim.kind if together else several.kind_alone(claim, said, words)
    fields = {"kind": kind} if kind else {}
    if claim.value:
        fields |= dict(claim.value.given)
    known = kinds.every().get(kind) if kind else None
    left_out = every_input() - set(known.columns) if known else frozenset()
    left_out |= several.of_others(kind, together)
    unread = [(hint, meanings.WORD_UNKNOWN) for hint in meanings.unknown_hints(said, words)]
    for field, raw in said.items():
        of_each_row = field in FREE and field not in context
        if field not in left_out and not of_each_row:
            meant = meanings.meant(field, raw, words)
            if meant.text:
                fields[field] = meant.text
            elif meant.unread:
                unread.append((field, meant.unread))
    for hint in ("classification", "type", "category"):
        if hint in said and plain(said[hint]) in named and (meaning := meanings.scam_type_of(said[hint], words)):
            fields.setdefault("scam_type", meaning)
    for verdict in named:
        if verdict in words.doubt:
            fields.setdefault("confidence", words.doubt[verdict])
    free = [(field, place) for field, place in others if field in FREE and field not in left_out]
    port = kind == "ip" and any(plain(said.get(name, "")).endswith("port") for name in ("kind", "type"))
    return Frame(fields, free, tuple(unread), None, port)
