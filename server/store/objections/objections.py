"""Objections as they are stored: nothing about a person but a contact, which goes with the value at the end."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, update

from server.store import hub_identity
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.objections.tables import objection_tokens, objection_values, objections

_USE = "objection-contacts"
_DAY = 86_400 * 1_000_000
_PAGE = 500
_o, _v, _t = objections.c, objection_values.c, objection_tokens.c


class UnknownObjection(LookupError):
    """There is no objection of that id, or of that token."""


class Objection(NamedTuple):
    """An objection; moments are microseconds.

    ``listed`` and ``public``: whether anything, or anything for everybody, was listed when it was ``routed``.
    ``answer`` is None while it is open.
    """

    id: str
    kind: str
    ground: str
    contact: bytes | None
    contact_digest: bytes | None
    received: int
    due: int
    routed: int | None = None
    listed: bool = False
    public: bool = False
    keeper: str | None = None
    answer: str | None = None
    reason: str | None = None
    decided: int | None = None
    decided_by: str | None = None


class ObjectionTotals(NamedTuple):
    """The number of open objections to which something is listed, how many of these are late, and since when."""

    open: int
    late: int
    oldest: int | None


def new_id() -> str:
    """Return the id of an objection, which tells nothing."""
    return secrets.token_hex(8)


def add(tx: Tx, new: Objection, subjects: Sequence[str]) -> str:
    """Add an objection, unless one of the same contact about the same value is open; return a token to follow it."""
    known = tx.execute(
        select(_o.id)
        .join_from(objection_values, objections)
        .where(
            _v.subject.in_(list(subjects)),
            _o.answer.is_(None),
            _o.contact_digest.is_not_distinct_from(new.contact_digest),
        )
        .limit(1)
    ).scalar()
    if known is None:
        tx.execute(insert(objections).values(**new._asdict()))
        tx.execute(
            insert(objection_values), [{"subject": subject, "objection": new.id} for subject in sorted(set(subjects))]
        )
    else:
        # The value may be listed since the first one was looked up: whatever was found then, it is looked up again.
        tx.execute(update(objections).where(_o.id == known).values(routed=None))
    token = secrets.token_urlsafe(24)
    tx.execute(insert(objection_tokens).values(digest=_digest(token), objection=known or new.id, due=new.due))
    return token


def contact_digest(tx: Tx, contact: str) -> bytes:
    """Return the digest by which a contact is known while its objection is open."""
    return hmac.digest(hub_identity.secret(tx, _USE), contact.casefold().encode(), "sha256")


def count_since(tx: Tx, moment: int) -> int:
    """Count the objections that were received since a moment."""
    return tx.execute(select(func.count()).select_from(objections).where(_o.received >= moment)).scalar_one()


def by_token(tx: Tx, token: str) -> Objection:
    """Return the objection that a token follows, due when whoever holds it was told. Raises ``UnknownObjection``.

    So who objects later to the same learns nothing of an earlier objection.
    """
    asked = (
        select(objections, _t.due.label("promised"))
        .join_from(objection_tokens, objections)
        .where(_t.digest == _digest(token))
    )
    row = tx.execute(asked).first()
    if row is None:
        raise UnknownObjection("there is no objection of that token")
    return Objection(*row[:-1])._replace(due=row.promised)


def find(tx: Tx, id_: str) -> Objection:
    """Return an objection; in a write transaction it is locked until the end. Raises ``UnknownObjection``."""
    row = tx.execute(select(objections).where(_o.id == id_).with_for_update()).first()
    if row is None:
        raise UnknownObjection(f"there is no objection {id_}")
    return Objection(*row)


def subjects_of(tx: Tx, ids: Iterable[str]) -> dict[str, list[str]]:
    """Return by objection the names of the values that it is about; none once it has ended."""
    asked = select(_v.objection, _v.subject).where(_v.objection.in_(list(ids))).order_by(_v.objection, _v.subject)
    found: dict[str, list[str]] = {}
    for id_, subject in tx.execute(asked):
        found.setdefault(id_, []).append(subject)
    return found


def of_values(tx: Tx, subjects: Iterable[str]) -> list[Objection]:
    """Return the open objections about any of these values, the oldest first."""
    about = select(_v.objection).where(_v.subject.in_(list(subjects)))
    asked = select(objections).where(_o.id.in_(about), _o.answer.is_(None)).order_by(_o.received, _o.id)
    return [Objection(*row) for row in tx.execute(asked)]


def all_objections(tx: Tx, *, every: bool = False, limit: int = 1_000) -> list[Objection]:
    """Return the open objections to which something is listed, the oldest first; with ``every`` all there are."""
    asked = select(objections).order_by(_o.received, _o.id).limit(limit)
    if not every:
        asked = asked.where(_o.answer.is_(None), _o.listed | _o.routed.is_(None))
    return [Objection(*row) for row in tx.execute(asked)]


def by_due(tx: Tx, *, after: tuple[int, str] | None = None, most: int) -> list[Objection]:
    """Return the open objections to which something is listed, the next due one first; after a due moment and an id."""
    asked = select(objections).where(_o.answer.is_(None), _o.listed | _o.routed.is_(None))
    if after is not None:
        due, id_ = after
        asked = asked.where(_o.due >= due, (_o.due > due) | (_o.id > id_))
    return [Objection(*row) for row in tx.execute(asked.order_by(_o.due, _o.id).limit(most))]


def ended(tx: Tx, *, most: int) -> list[Objection]:
    """Return objections that have ended, the latest first."""
    asked = select(objections).where(_o.answer.is_not(None)).order_by(_o.received.desc(), _o.id).limit(most)
    return [Objection(*row) for row in tx.execute(asked)]


def unrouted(tx: Tx) -> list[Objection]:
    """Return open objections of which is to be looked up what is listed, some hundred at most.

    What is listed nowhere is looked up again each day, as it may be listed later.
    """
    due = _o.routed.is_(None) | (~_o.listed & (_o.routed < now() - _DAY))
    asked = select(objections).where(due, _o.answer.is_(None)).order_by(_o.received).limit(_PAGE)
    return [Objection(*row) for row in tx.execute(asked)]


def overdue(tx: Tx) -> list[Objection]:
    """Return open objections whose time has come, some hundred at most."""
    asked = select(objections).where(_o.answer.is_(None), _o.due <= now()).order_by(_o.due).limit(_PAGE)
    return [Objection(*row) for row in tx.execute(asked)]


def route(tx: Tx, id_: str, *, listed: bool, public: bool, keeper: str | None) -> None:
    """Store what was found listed for an objection, and the partner that keeps the account."""
    found = {"listed": listed, "public": public, "keeper": keeper, "routed": now()}
    tx.execute(update(objections).where(_o.id == id_).values(**found))


def answer(tx: Tx, ids: Iterable[str], word: str, by: str, reason: str | None = None) -> None:
    """Store the answer of objections; the contacts and the values go."""
    wanted = list(ids)
    ended = {"answer": word, "reason": reason, "decided": now(), "decided_by": by}
    tx.execute(update(objections).where(_o.id.in_(wanted)).values(**ended, contact=None, contact_digest=None))
    tx.execute(delete(objection_values).where(_v.objection.in_(wanted)))


def totals(tx: Tx) -> ObjectionTotals:
    """Count the open objections to which something is listed, and those that are late."""
    waiting = (_o.answer.is_(None), _o.listed)
    open_, oldest = tx.execute(select(func.count(), func.min(_o.received)).where(*waiting)).one()
    late = tx.execute(select(func.count()).select_from(objections).where(*waiting, _o.due <= now())).scalar_one()
    return ObjectionTotals(open_, late, oldest)


def forget(tx: Tx, *, before: int) -> int:
    """Remove objections that were due and decided ``before`` (microseconds), some hundred at most; return how many."""
    asked = select(_o.id).where(_o.decided < before, _o.due < before).limit(_PAGE)
    gone = list(tx.scalars(asked))
    if gone:
        tx.execute(delete(objection_tokens).where(_t.objection.in_(gone)))
        tx.execute(delete(objection_values).where(_v.objection.in_(gone)))
        tx.execute(delete(objections).where(_o.id.in_(gone)))
    return len(gone)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
