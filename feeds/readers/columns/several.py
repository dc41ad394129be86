"""The values of a row that has several: which of them are reports, of which kinds, and which are something else."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from feeds.readers.columns import meanings
from feeds.readers.columns.word_tables import Value
from feeds.readers.columns.words import Vocabulary
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


class Claim(NamedTuple):
    """A value of a row: its column and place, or a kind that other columns name without a value."""

    value: Value | None
    place: int
    text: str
    kind: str | None = None


def values_of(
    filled: Sequence[Claim],
    subjects: Sequence[str],
    said: Mapping[str, str],
    words: Vocabulary,
    aside: Mapping[int, str],
) -> tuple[list[Claim], list[tuple[int | str, str]]]:
    """Choose what the reports of a row are about, one at least; and say why cells with other values are none.

    ``filled`` are the cells of columns of values, ``subjects`` the fields that name a kind without a value, ``aside``
    the places of columns that are something else, with the reason.
    """
    claims, notes = [claim for claim in filled if claim.place not in aside], list[tuple[int | str, str]]()
    notes += [(claim.place, aside[claim.place]) for claim in filled if claim.place in aside]
    if not claims and not subjects:
        return list(filled), []
    named = meanings.kind_named(said, words)
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
            claims.append(Claim(None, -1, "", kind))
    if len(claims) > 1 and (sure := [claim for claim in claims if not (claim.value and claim.value.unsure)]):
        notes += [(claim.place, WHOSE_UNCLEAR) for claim in claims if claim not in sure]
        claims = sure
    if any(claim.kind in _HOSTED for claim in claims):
        notes += [(claim.place, ADDRESS_OF_HOST) for claim in claims if claim.kind == "ip"]
        claims = [claim for claim in claims if claim.kind != "ip"]
    return claims, notes


def kind_alone(claim: Claim, said: Mapping[str, str], words: Vocabulary) -> str | None:
    """Give the kind of the only value of a row."""
    if (named := meanings.kind_named(said, words)) is not None:
        return named
    return claim.kind if claim.value is None else meanings.kind_of(claim.value, said)


def of_others(kind: str | None, together: Sequence[str | None]) -> frozenset[str]:
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


def _with_kinds(claims: Sequence[Claim], named: str | None, said: Mapping[str, str], *, alone: bool) -> list[Claim]:
    """Give each value its kind: the one that is named belongs to the value that is of it, else to the surest."""
    own = [meanings.kind_of(claim.value, said) if claim.value else claim.kind for claim in claims]
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
