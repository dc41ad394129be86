"""The answers that are not folded yet: of keepers about what they keep, and to objections."""

import secrets
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import delete, select

from server.store.database.engine import Tx
from server.store.database.sql import any_of, chunks, insert_many
from server.store.trends.tables import trend_answers


class FairAnswer(NamedTuple):
    """An answer: to what, about a value of which kind, since when it was owed, and when it came (microseconds).

    ``due`` is None where the time is that of the hub for keepers. ``organisations`` are those that reported the value
    openly, one a line. ``is_open``: the listing is one that the published figures may be of. ``is_first``: nothing was
    answered to it before. ``is_wrong``: the listing is wrong, and no answer said so before. ``id`` is given by ``add``.
    """

    to: str
    kind: str
    answer: str
    began: int
    due: int | None
    ended: int
    organisation: str
    organisations: str
    is_open: bool
    is_first: bool = True
    is_wrong: bool = False
    id: str = ""


# What is answered.
LISTING = "listing"
OBJECTION = "objection"


def add(tx: Tx, found: Iterable[FairAnswer]) -> None:
    """Add answers that are to become figures."""
    insert_many(tx, trend_answers, [answer._replace(id=secrets.token_hex(8)) for answer in found])


def waiting(tx: Tx, most: int) -> list[FairAnswer]:
    """Return answers that are not folded yet, so many at most."""
    return [FairAnswer(*row) for row in tx.execute(select(trend_answers).limit(most))]


def forget(tx: Tx, folded: Sequence[FairAnswer]) -> None:
    """Remove answers that are folded."""
    for chunk in chunks(sorted(answer.id for answer in folded)):
        tx.execute(delete(trend_answers).where(any_of(tx, trend_answers.c.id, chunk)))
