"""Reviews: objects held for a person's decision, that decision, and delisted values."""

from collections.abc import Collection, Iterable
from itertools import zip_longest
from typing import Literal, NamedTuple, cast

from sqlalchemy import delete, func, insert, literal_column, select, union_all, update

from server.store.database.direct import fetch
from server.store.database.engine import Tx
from server.store.database.sql import among, chunks
from server.store.database.times import now
from server.store.release_tables import delisted, reviews
from server.store.tables import columns_of

ReviewState = Literal["open", "approved", "rejected"]


class UnknownReview(LookupError):
    """No object with this id was ever held."""


class HeldObject(NamedTuple):
    """A held object version, with the rule that holds it and the message to its contributor."""

    object_id: str
    version: int | None
    rule: str
    message: str


class Review(NamedTuple):
    """A held object, its time, and the decision. Moments are in microseconds.

    For a dispute, ``subject`` names the value, ``object_id`` is one of its listings, and ``upheld`` is when a person
    last upheld it.
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


COLUMNS = columns_of(Review, reviews)


def hold(tx: Tx, partner: str, held: Iterable[HeldObject], *, again: bool = False) -> set[str]:
    """Hold these objects of ``partner``, and return the ids of the held ones.

    A person's decision stays in force: later versions of a rejected object stay rejected, and an approved object is
    held again only by another rule, or with ``again``.
    """
    wanted = {candidate.object_id: candidate for candidate in held}
    before = states(tx, wanted)
    rejected = {id_ for id_, review in before.items() if review.state == "rejected"}
    approved = {
        id_
        for id_, review in before.items()
        if review.state == "approved" and review.rule == wanted[id_].rule and not again
    }
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
    """Open a review of a disputed value: one row per value, for any number of listings.

    An open review by one of the ``rules`` stays and takes the new rule. A review by another rule concerns another
    question and stays unchanged. Return whether a new one was opened.
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
    """Return the results of ``states`` for the ids and of ``of_subjects`` for the values, with one statement."""
    by_id: dict[str, Review] = {}
    by_subject: dict[str, list[Review]] = {}
    for some_ids, some_subjects in zip_longest(chunks(sorted(set(ids))), chunks(sorted(set(subjects))), fillvalue=()):
        for is_dispute, *row in fetch(tx, _BY_EITHER, {"ids": some_ids, "subjects": some_subjects}):
            review = Review(*row)
            if is_dispute:
                by_subject.setdefault(str(review.subject), []).append(review)
            else:
                by_id[review.object_id] = review
    return by_id, by_subject


def of_subjects(tx: Tx, subjects: Iterable[str]) -> dict[str, list[Review]]:
    """Return by value its open and closed disputes, the oldest first."""
    return find(tx, (), subjects)[1]


def open_of(tx: Tx, subject: str) -> list[Review]:
    """Return the open disputes of a value, the oldest first."""
    return [review for review in of_subjects(tx, [subject]).get(subject, []) if review.state == "open"]


def move(tx: Tx, subject: str, to: str) -> None:
    """Move the disputes of a value to another value."""
    tx.execute(update(reviews).where(reviews.c.subject == subject).values(subject=to))


def states(tx: Tx, ids: Iterable[str]) -> dict[str, Review]:
    """Return the reviews of the object ids that were ever held."""
    return find(tx, ids, ())[0]


def all_reviews(
    tx: Tx,
    state: ReviewState | None = None,
    partner: str | None = None,
    rule: str | None = None,
    limit: int | None = 1_000,
    after: tuple[int, str] | None = None,
) -> list[Review]:
    """Return reviews, the oldest first, by state, partner and rule; ``limit`` None removes the limit.

    ``after`` is the previous review's opening time and object id.
    """
    asked = select(*COLUMNS).order_by(reviews.c.opened, reviews.c.object_id).limit(limit)
    for column, wanted in ((reviews.c.state, state), (reviews.c.partner, partner), (reviews.c.rule, rule)):
        if wanted is not None:
            asked = asked.where(column == wanted)
    if after is not None:
        opened, id_ = after
        later = (reviews.c.opened == opened) & (reviews.c.object_id > id_)
        asked = asked.where(reviews.c.opened >= opened, (reviews.c.opened > opened) | later)
    return [Review(*row) for row in tx.execute(asked)]


def decide(
    tx: Tx, object_id: str, state: ReviewState, by: str, note: str | None = None, *, upholds: bool = True
) -> Review:
    """Record a person's decision about a held object. Raises ``UnknownReview``.

    Approving a dispute ``upholds`` the value against all its disputes.
    """
    moment = now()
    mine = reviews.c.object_id == object_id
    tx.execute(update(reviews).where(mine).values(state=state, decided=moment, decided_by=by, note=note))
    if state == "approved" and upholds:
        tx.execute(update(reviews).where(mine, reviews.c.subject.is_not(None)).values(upheld=moment))
    row = tx.execute(select(*COLUMNS).where(reviews.c.object_id == object_id)).first()
    if row is None:
        raise UnknownReview(f"no object with the id {object_id} was held")
    return Review(*row)


def add_to_note(tx: Tx, object_id: str, words: str) -> None:
    """Add words to the note of a decision."""
    mine = reviews.c.object_id == object_id
    before = tx.execute(select(reviews.c.note).where(mine)).scalar_one_or_none()
    tx.execute(update(reviews).where(mine).values(note=f"{before}; {words}" if before else words))


def decide_all(tx: Tx, object_ids: Iterable[str], state: ReviewState, by: str, note: str | None = None) -> None:
    """Record one decision about all these held objects; ids that were never held are skipped."""
    decided = {"state": state, "decided": now(), "decided_by": by, "note": note}
    for chunk in chunks(sorted(set(object_ids))):
        tx.execute(_MINE.values(decided), {"ids": chunk})


def forget_approvals(tx: Tx, ids: Iterable[str]) -> None:
    """Invalidate the approvals of these objects after their retraction."""
    for chunk in chunks(sorted(set(ids))):
        tx.execute(_FORGET_APPROVED, {"ids": chunk})


def count_by_partner(tx: Tx, rule: str) -> dict[str, int]:
    """Return the number of open reviews of a rule by partner, the most first."""
    asked = select(reviews.c.partner, func.count()).where(reviews.c.state == "open", reviews.c.rule == rule)
    found = [(str(row[0]), int(row[1])) for row in tx.execute(asked.group_by(reviews.c.partner))]
    return dict(sorted(found, key=lambda row: (-row[1], row[0])))


def count(tx: Tx, state: ReviewState = "open") -> int:
    """Count the reviews in a state."""
    found: int = tx.execute(select(func.count()).select_from(reviews).where(reviews.c.state == state)).scalar_one()
    return found


def count_by_rule(tx: Tx) -> dict[str, int]:
    """Return the number of open reviews by rule. Reads only an index."""
    asked = select(reviews.c.rule, func.count()).where(reviews.c.state == "open").group_by(reviews.c.rule)
    return {str(row[0]): int(row[1]) for row in tx.execute(asked.order_by(reviews.c.rule))}


def oldest(tx: Tx) -> int | None:
    """Return when the oldest open review was opened (microseconds), or None."""
    asked = select(func.min(reviews.c.opened)).where(reviews.c.state == "open")
    return cast("int | None", tx.execute(asked).scalar_one())


def delist(tx: Tx, names: Iterable[str]) -> None:
    """Record that the values with these names are harmless. Repeating it changes nothing."""
    wanted = set(names)
    new = sorted(wanted - delisted_among(tx, wanted))
    if new:
        moment = now()
        tx.execute(insert(delisted), [{"name": name, "since": moment} for name in new])


def relist(tx: Tx, names: Iterable[str]) -> None:
    """Allow the values with these names to be listed again."""
    for chunk in chunks(sorted(set(names))):
        tx.execute(_RELIST, {"names": chunk})


def delisted_among(tx: Tx, names: Iterable[str]) -> set[str]:
    """Return the names whose values are delisted."""
    found: set[str] = set()
    for chunk in chunks(sorted(set(names))):
        found.update(tx.scalars(_DELISTED_AMONG, {"names": chunk}))
    return found


def delisted_since(tx: Tx, names: Iterable[str]) -> dict[str, int]:
    """Return when the values with these names were delisted (microseconds), by name."""
    found: dict[str, int] = {}
    for chunk in chunks(sorted(set(names))):
        found.update((row[0], row[1]) for row in tx.execute(_DELISTED_SINCE, {"names": chunk}))
    return found


def has_delisted(tx: Tx) -> bool:
    """Return whether any value is delisted."""
    return tx.execute(select(delisted.c.name).limit(1)).first() is not None


# Runs with every contribution, so it is built once.
_EITHER = union_all(
    select(literal_column("0").label("is_dispute"), *COLUMNS).where(among(reviews.c.object_id, "ids")),
    select(literal_column("1").label("is_dispute"), *COLUMNS).where(among(reviews.c.subject, "subjects")),
).subquery()
_BY_EITHER = select(_EITHER).order_by(_EITHER.c.opened)
_MINE = update(reviews).where(among(reviews.c.object_id, "ids"))
_FORGET = delete(reviews).where(among(reviews.c.object_id, "ids"))
_FORGET_APPROVED = _FORGET.where(reviews.c.state == "approved", reviews.c.subject.is_(None))
_RELIST = delete(delisted).where(among(delisted.c.name, "names"))
_DELISTED_SINCE = select(delisted.c.name, delisted.c.since).where(among(delisted.c.name, "names"))
_DELISTED_AMONG = select(delisted.c.name).where(among(delisted.c.name, "names"))
