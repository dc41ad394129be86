"""Reviews: objects held for a person's decision, that decision, and values that were delisted."""

from collections.abc import Collection, Iterable
from itertools import zip_longest
from typing import Any, Literal, NamedTuple, cast

from sqlalchemy import delete, func, insert, literal_column, select, union_all, update

from server.store.database.direct import fetch
from server.store.database.engine import Tx
from server.store.database.sql import among, chunks
from server.store.database.times import now
from server.store.release_tables import delisted, reviews

ReviewState = Literal["open", "approved", "rejected"]


class UnknownReview(LookupError):
    """No object of this id was ever held."""


class HeldObject(NamedTuple):
    """An object version that is held, with the rule that holds it and the message to its contributor."""

    object_id: str
    version: int | None
    rule: str
    message: str


class Review(NamedTuple):
    """An object that was held, since when, and the decision; moments in microseconds.

    Where it is a dispute, ``subject`` names the value, ``object_id`` is one of its listings, ``upheld`` is when a
    person last upheld it.
    """

    object_id: str
    version: int | None
    partner: str
    rule: str
    message: str
    opened: int
    state: ReviewState
    decided: int | None
    decided_by: str | None
    note: str | None
    subject: str | None = None
    upheld: int | None = None


def hold(tx: Tx, partner: str, held: Iterable[HeldObject]) -> set[str]:
    """Hold these objects of ``partner``, and return the ids of those that are held now.

    A person's decision stands: an object that was rejected stays so whatever its later versions, one that was approved
    is held anew only by another rule.
    """
    wanted = {candidate.object_id: candidate for candidate in held}
    before = states(tx, wanted)
    rejected = {id_ for id_, review in before.items() if review.state == "rejected"}
    approved = {id_ for id_, review in before.items() if review.state == "approved" and review.rule == wanted[id_].rule}
    moment = now()
    rows = [
        {
            **candidate._asdict(),
            "partner": partner,
            "opened": before[id_].opened if id_ in before and before[id_].state == "open" else moment,
            "state": "open",
            "decided": None,
            "decided_by": None,
            "note": None,
        }
        for id_, candidate in sorted(wanted.items())
        if id_ not in rejected | approved
    ]
    for chunk in chunks(sorted(before.keys() - rejected - approved)):
        tx.execute(_FORGET, {"ids": chunk})
    if rows:
        tx.execute(insert(reviews), rows)
    return wanted.keys() - approved


def dispute(tx: Tx, subject: str, partner: str, held: HeldObject, rules: Collection[str]) -> bool:
    """Open a review of a listed value that somebody doubts; one row a value, however many listings it has.

    An open one by one of the ``rules`` stays, and goes by the new rule; one by another rule is about something else,
    and stays as it is. Returns whether it is a new one.
    """
    mine = [review for review in open_of(tx, subject) if review.rule in rules]
    if mine:
        changes = {"rule": held.rule, "message": held.message, "partner": partner}
        tx.execute(update(reviews).where(reviews.c.object_id == mine[0].object_id).values(**changes))
        return False
    before = states(tx, [held.object_id]).get(held.object_id)
    tx.execute(delete(reviews).where(reviews.c.object_id == held.object_id))
    upheld = before.upheld if before else None
    row = {**held._asdict(), "partner": partner, "opened": now(), "state": "open", "subject": subject}
    tx.execute(insert(reviews).values(**row, upheld=upheld))
    return True


def find(tx: Tx, ids: Iterable[str], subjects: Iterable[str]) -> tuple[dict[str, Review], dict[str, list[Review]]]:
    """Return what ``states`` returns for the ids and ``of_subjects`` for the values, by one statement."""
    by_id: dict[str, Review] = {}
    by_subject: dict[str, list[Review]] = {}
    for some_ids, some_subjects in zip_longest(chunks(sorted(set(ids))), chunks(sorted(set(subjects))), fillvalue=()):
        for is_dispute, *row in fetch(tx, _BY_EITHER, {"ids": some_ids, "subjects": some_subjects}):
            review = _review(row)
            if is_dispute:
                by_subject.setdefault(str(review.subject), []).append(review)
            else:
                by_id[review.object_id] = review
    return by_id, by_subject


def of_subjects(tx: Tx, subjects: Iterable[str]) -> dict[str, list[Review]]:
    """Return by value the disputes of it, open and closed, the oldest first."""
    return find(tx, (), subjects)[1]


def open_of(tx: Tx, subject: str) -> list[Review]:
    """Return the open disputes of a value, the oldest first."""
    return [review for review in of_subjects(tx, [subject]).get(subject, []) if review.state == "open"]


def move(tx: Tx, subject: str, to: str) -> None:
    """Move the disputes of a value to another."""
    tx.execute(update(reviews).where(reviews.c.subject == subject).values(subject=to))


def states(tx: Tx, ids: Iterable[str]) -> dict[str, Review]:
    """Return the reviews of those of the object ids that were ever held."""
    return find(tx, ids, ())[0]


def all_reviews(
    tx: Tx,
    state: ReviewState | None = None,
    partner: str | None = None,
    rule: str | None = None,
    limit: int | None = 1_000,
    after: tuple[int, str] | None = None,
) -> list[Review]:
    """List reviews, the oldest first: all, or those in a state, of a partner, by a rule; with ``limit`` None all.

    ``after`` names the review before the first by when it was opened and its object's id.
    """
    asked = select(reviews).order_by(reviews.c.opened, reviews.c.object_id).limit(limit)
    for column, wanted in ((reviews.c.state, state), (reviews.c.partner, partner), (reviews.c.rule, rule)):
        if wanted is not None:
            asked = asked.where(column == wanted)
    if after is not None:
        opened, id_ = after
        later = (reviews.c.opened == opened) & (reviews.c.object_id > id_)
        asked = asked.where(reviews.c.opened >= opened, (reviews.c.opened > opened) | later)
    return [_review(row) for row in tx.execute(asked)]


def decide(
    tx: Tx, object_id: str, state: ReviewState, by: str, note: str | None = None, *, upholds: bool = True
) -> Review:
    """Record a person's decision about a held object. Raises ``UnknownReview``.

    An approval of a dispute ``upholds`` the value against all doubts that there are.
    """
    moment = now()
    mine = reviews.c.object_id == object_id
    tx.execute(update(reviews).where(mine).values(state=state, decided=moment, decided_by=by, note=note))
    if state == "approved" and upholds:
        tx.execute(update(reviews).where(mine, reviews.c.subject.is_not(None)).values(upheld=moment))
    row = tx.execute(select(reviews).where(reviews.c.object_id == object_id)).first()
    if row is None:
        raise UnknownReview(f"nothing of the id {object_id} was held back")
    return _review(row)


def reject(tx: Tx, object_ids: Iterable[str], by: str) -> None:
    """Record that these held objects are refused, without a note."""
    decided = {"state": "rejected", "decided": now(), "decided_by": by, "note": None}
    for chunk in chunks(sorted(set(object_ids))):
        tx.execute(_MINE.values(decided), {"ids": chunk})


def forget_approvals(tx: Tx, ids: Iterable[str]) -> None:
    """Let the approvals of these objects count no more, after they were retracted."""
    for chunk in chunks(sorted(set(ids))):
        tx.execute(_FORGET_APPROVED, {"ids": chunk})


def count(tx: Tx, state: ReviewState = "open") -> int:
    """Count the reviews in a state."""
    return tx.execute(select(func.count()).select_from(reviews).where(reviews.c.state == state)).scalar_one()


def count_by_rule(tx: Tx) -> dict[str, int]:
    """Count the open reviews by rule; an index alone is read."""
    asked = select(reviews.c.rule, func.count()).where(reviews.c.state == "open").group_by(reviews.c.rule)
    return {str(row[0]): int(row[1]) for row in tx.execute(asked.order_by(reviews.c.rule))}


def oldest(tx: Tx) -> int | None:
    """Return when the oldest open review was opened (microseconds), None without one."""
    asked = select(func.min(reviews.c.opened)).where(reviews.c.state == "open")
    return cast("int | None", tx.execute(asked).scalar_one())


def _review(row: Iterable[Any]) -> Review:
    return Review(*row)


def delist(tx: Tx, names: Iterable[str]) -> None:
    """Record that the values of these names serve no scam; repeating it changes nothing."""
    wanted = set(names)
    new = sorted(wanted - delisted_among(tx, wanted))
    if new:
        moment = now()
        tx.execute(insert(delisted), [{"name": name, "since": moment} for name in new])


def relist(tx: Tx, names: Iterable[str]) -> None:
    """Let the values of these names be listed again."""
    for chunk in chunks(sorted(set(names))):
        tx.execute(_RELIST, {"names": chunk})


def delisted_among(tx: Tx, names: Iterable[str]) -> set[str]:
    """Return those of the names whose values are delisted."""
    found: set[str] = set()
    for chunk in chunks(sorted(set(names))):
        found.update(tx.scalars(_DELISTED_AMONG, {"names": chunk}))
    return found


def has_delisted(tx: Tx) -> bool:
    """Return whether any value is delisted."""
    return tx.execute(select(delisted.c.name).limit(1)).first() is not None


# Run with every contribution, so put together once.
_EITHER = union_all(
    select(literal_column("0").label("is_dispute"), reviews).where(among(reviews.c.object_id, "ids")),
    select(literal_column("1").label("is_dispute"), reviews).where(among(reviews.c.subject, "subjects")),
).subquery()
_BY_EITHER = select(_EITHER).order_by(_EITHER.c.opened)
_MINE = update(reviews).where(among(reviews.c.object_id, "ids"))
_FORGET = delete(reviews).where(among(reviews.c.object_id, "ids"))
_FORGET_APPROVED = _FORGET.where(reviews.c.state == "approved", reviews.c.subject.is_(None))
_RELIST = delete(delisted).where(among(delisted.c.name, "names"))
_DELISTED_AMONG = select(delisted.c.name).where(among(delisted.c.name, "names"))
