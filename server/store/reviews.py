"""What the guard holds back for a person to look at, and what that person decided."""

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, cast

from sqlalchemy import delete, func, insert, select, update

from server.store.lists import any_of, chunks
from server.store.store import Tx
from server.store.tables_of_rules import reviews
from server.store.times import now

State = Literal["open", "approved", "rejected"]


class UnknownReview(LookupError):
    """Nothing of this id was ever held back."""


class Held(NamedTuple):
    """An object version that is held back: by which rule, and what its contributor is told."""

    object_id: str
    version: int | None
    rule: str
    message: str


class Review(NamedTuple):
    """What was held back, since when, and what became of it; moments in microseconds."""

    object_id: str
    version: int | None
    partner: str
    rule: str
    message: str
    opened: int
    state: State
    decided: int | None
    decided_by: str | None
    note: str | None


def hold(tx: Tx, partner: str, held: Iterable[Held]) -> set[str]:
    """Hold these objects of ``partner`` back, and give the ids of those that are held now.

    What a person has decided stands: what was rejected stays so whatever its later versions, what was approved is held
    anew only by another rule.
    """
    wanted = {each.object_id: each for each in held}
    before = states(tx, wanted)
    still = {id_ for id_, each in before.items() if each.state == "rejected"}
    passed = {id_ for id_, each in before.items() if each.state == "approved" and each.rule == wanted[id_].rule}
    moment = now()
    rows = [
        {
            **each._asdict(),
            "partner": partner,
            "opened": before[id_].opened if id_ in before and before[id_].state == "open" else moment,
            "state": "open",
            "decided": None,
            "decided_by": None,
            "note": None,
        }
        for id_, each in sorted(wanted.items())
        if id_ not in still | passed
    ]
    for chunk in chunks(sorted(before.keys() - still - passed)):
        tx.execute(delete(reviews).where(any_of(tx, reviews.c.object_id, chunk)))
    if rows:
        tx.execute(insert(reviews), rows)
    return wanted.keys() - passed


def states(tx: Tx, ids: Iterable[str]) -> dict[str, Review]:
    """Give the reviews of those of the object ids that were ever held back."""
    found: dict[str, Review] = {}
    for chunk in chunks(sorted(set(ids))):
        rows = tx.execute(select(reviews).where(any_of(tx, reviews.c.object_id, chunk)))
        found.update((row[0], _review(row)) for row in rows)
    return found


def every(
    tx: Tx,
    state: State | None = None,
    partner: str | None = None,
    rule: str | None = None,
    limit: int | None = 1_000,
) -> list[Review]:
    """List reviews, the oldest first: all, or those in a state, of a partner, by a rule; with ``limit`` None all."""
    asked = select(reviews).order_by(reviews.c.opened, reviews.c.object_id).limit(limit)
    for column, wanted in ((reviews.c.state, state), (reviews.c.partner, partner), (reviews.c.rule, rule)):
        if wanted is not None:
            asked = asked.where(column == wanted)
    return [_review(row) for row in tx.execute(asked)]


def decide(tx: Tx, object_id: str, state: State, by: str, note: str | None = None) -> Review:
    """Note what a person decided of an object that was held back. Raises ``UnknownReview``."""
    said = {"state": state, "decided": now(), "decided_by": by, "note": note}
    tx.execute(update(reviews).where(reviews.c.object_id == object_id).values(**said))
    row = tx.execute(select(reviews).where(reviews.c.object_id == object_id)).first()
    if row is None:
        raise UnknownReview(f"nothing of the id {object_id} was held back")
    return _review(row)


def forget(tx: Tx, ids: Iterable[str]) -> None:
    """Let what was approved of these objects count no more: they were taken back since."""
    for chunk in chunks(sorted(set(ids))):
        mine = any_of(tx, reviews.c.object_id, chunk)
        tx.execute(delete(reviews).where(mine, reviews.c.state == "approved", reviews.c.rule != "disputed"))


def count(tx: Tx, state: State = "open") -> int:
    """Count the reviews in a state."""
    return tx.execute(select(func.count()).select_from(reviews).where(reviews.c.state == state)).scalar_one()


def oldest(tx: Tx) -> int | None:
    """Say since when the oldest open one waits (microseconds), None where none does."""
    asked = select(func.min(reviews.c.opened)).where(reviews.c.state == "open")
    return cast("int | None", tx.execute(asked).scalar_one())


def _review(row: Iterable[Any]) -> Review:
    return Review(*row)
