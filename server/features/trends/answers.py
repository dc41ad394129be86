"""Findings and answers to objections that are not yet aggregated."""

import secrets
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import delete, select

from server.features.trends.tables import trend_answers
from server.store.database.engine import Tx
from server.store.database.sql import any_of, chunks, insert_many


class FairAnswer(NamedTuple):
    """A provider's finding or an answer to an objection: its target, kind of value, start and time (microseconds).

    ``due`` is None if the hub's time for providers applies. ``organisations`` openly reported the value, one per line.
    ``is_open``: the published figures may include the listing. ``is_first``: no earlier answer exists. ``is_wrong``:
    this is the first answer that the listing is wrong. ``id`` is assigned by ``add``.
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


# The targets of answers.
LISTING = "listing"
OBJECTION = "objection"


def add(tx: Tx, found: Iterable[FairAnswer]) -> None:
    """Add answers to be aggregated."""
    insert_many(tx, trend_answers, [answer._replace(id=secrets.token_hex(8)) for answer in found])


ANY = select(trend_answers.c.id)


def waiting(tx: Tx, most: int) -> list[FairAnswer]:
    """Return at most ``most`` answers that are not yet aggregated."""
    return [FairAnswer(*row) for row in tx.execute(select(trend_answers).limit(most))]


def forget(tx: Tx, folded: Sequence[FairAnswer]) -> None:
    """Remove aggregated answers."""
    for chunk in chunks(sorted(answer.id for answer in folded)):
        tx.execute(delete(trend_answers).where(any_of(tx, trend_answers.c.id, chunk)))
