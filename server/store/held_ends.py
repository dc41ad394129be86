"""Delistings beyond an organisation's daily limit, stored as sent until they are approved."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, select

from server.store import reviews as reviewing
from server.store.database.engine import Tx
from server.store.database.sql import among, chunks
from server.store.database.times import now
from server.store.release_tables import held_ends, reviews
from server.store.reviews import HeldObject, Review, ReviewState
from server.store.tables import columns_of

RULE = "many-ends"
_MARK = "#end"


class HeldEnd(NamedTuple):
    """A held delisting: its review's id, the sending person ("" for a program), its values, and its object."""

    review_id: str
    about: str
    sent_by: str
    subjects: Sequence[str]
    body: bytes


_COLUMNS = columns_of(HeldEnd, held_ends)


class WaitingEnd(NamedTuple):
    """A held delisting with its review."""

    end: HeldEnd
    review: Review


def end_id(key: str) -> str:
    """Return the id of a held delisting's review, from the key of the object that delists."""
    return key + _MARK


def is_end(review_id: str) -> bool:
    """Return whether a review id belongs to a held delisting."""
    return review_id.endswith(_MARK)


def key_of(review_id: str) -> str:
    """Return the key of the reviewed object. For a held delisting, this is the object that delists."""
    return review_id.removesuffix(_MARK)


def about(partner: str, names: Iterable[str]) -> str:
    """Return the digest that identifies a repeated delisting of the same values by the same partner."""
    return sha256("\n".join([partner, *sorted(names)]).encode()).hexdigest()


def hold(tx: Tx, partner: str, held: Sequence[tuple[HeldObject, HeldEnd]]) -> None:
    """Store held delistings with reviews. Each replaces an earlier one of the same values and keeps its age."""
    latest = {end.about: (review, end) for review, end in held}
    before = {row.end.about: row for row in _find_about(tx, latest)}
    open_since = {about: row.review.opened for about, row in before.items() if row.review.state == "open"}
    forget(tx, {row.end.review_id for row in before.values()} | {end.review_id for _, end in latest.values()})
    moment = now()
    tx.execute(
        insert(reviews),
        [
            {
                **review._asdict(),
                "partner": partner,
                "opened": open_since.get(end.about, moment),
                "state": "open",
                "decided": None,
                "decided_by": None,
                "note": None,
            }
            for review, end in latest.values()
        ],
    )
    rows = [end._replace(subjects="\n".join(end.subjects))._asdict() for _, end in latest.values()]
    tx.execute(insert(held_ends), rows)


def find(tx: Tx, review_ids: Iterable[str]) -> dict[str, HeldEnd]:
    """Return the held delistings of these reviews, by review id."""
    found: dict[str, HeldEnd] = {}
    for chunk in chunks(sorted(id_ for id_ in set(review_ids) if id_.endswith(_MARK))):
        found |= {row.review_id: _end(row) for row in tx.execute(_BY_ID, {"ids": chunk})}
    return found


def find_about(tx: Tx, partner: str, about_: str) -> Review | None:
    """Return the review of a partner's held delisting with this digest, or None."""
    return next((row.review for row in _find_about(tx, [about_]) if row.review.partner == partner), None)


def any_of(tx: Tx, partner: str) -> bool:
    """Return whether a delisting of the partner waits or was rejected."""
    mine = select(reviews.c.object_id).where(
        reviews.c.rule == RULE, reviews.c.partner == partner, reviews.c.state.in_(("open", "rejected"))
    )
    return tx.execute(mine.limit(1)).first() is not None


def waiting(
    tx: Tx, partners: Iterable[str], *, after: tuple[int, str] | None = None, limit: int | None = None
) -> list[WaitingEnd]:
    """Return the open held delistings of these partners, the oldest first; ``after`` is an opening time and an id."""
    r = reviews.c
    asked = (
        select(*_COLUMNS, *reviewing.COLUMNS)
        .join_from(held_ends, reviews, held_ends.c.review_id == r.object_id)
        .where(r.state == "open", r.rule == RULE, r.partner.in_(sorted(partners)))
        .order_by(r.opened, r.object_id)
        .limit(limit)
    )
    if after is not None:
        opened, id_ = after
        asked = asked.where((r.opened > opened) | ((r.opened == opened) & (r.object_id > id_)))
    return [_waiting(row) for row in tx.execute(asked)]


def count(tx: Tx, partners: Iterable[str] | None = None, state: ReviewState = "open") -> int:
    """Return the number of held delistings in a state, of all partners or of these."""
    asked = select(func.count()).where(reviews.c.state == state, reviews.c.rule == RULE)
    if partners is not None:
        asked = asked.where(reviews.c.partner.in_(sorted(partners)))
    found: int = tx.execute(asked).scalar_one()
    return found


def forget(tx: Tx, review_ids: Iterable[str], *, with_reviews: bool = True) -> None:
    """Remove these held delistings, with or without their reviews."""
    for chunk in chunks(sorted(set(review_ids))):
        tx.execute(_FORGET, {"ids": chunk})
        if with_reviews:
            tx.execute(_FORGET_REVIEWS, {"ids": chunk})


def _find_about(tx: Tx, abouts: Iterable[str]) -> list[WaitingEnd]:
    found: list[WaitingEnd] = []
    for chunk in chunks(sorted(set(abouts))):
        found += [_waiting(row) for row in tx.execute(_BY_ABOUT, {"abouts": chunk})]
    return found


def _end(row: Sequence[Any]) -> HeldEnd:
    review_id, about_, sent_by, subjects, body = row[:5]
    return HeldEnd(review_id, about_, sent_by, subjects.splitlines(), bytes(body))


def _waiting(row: Sequence[Any]) -> WaitingEnd:
    return WaitingEnd(_end(row), Review(*row[5:]))


_BY_ID = select(*_COLUMNS).where(among(held_ends.c.review_id, "ids"))
_BY_ABOUT = (
    select(*_COLUMNS, *reviewing.COLUMNS)
    .join_from(held_ends, reviews, held_ends.c.review_id == reviews.c.object_id)
    .where(among(held_ends.c.about, "abouts"))
)
_FORGET = delete(held_ends).where(among(held_ends.c.review_id, "ids"))
_FORGET_REVIEWS = delete(reviews).where(among(reviews.c.object_id, "ids"))
