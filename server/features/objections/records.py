"""Stored objections. The only personal data is a contact, which is removed with the value at the end."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, update

from schemas.errors import Rejected
from server.features.objections import codes
from server.features.objections.tables import objection_hubs, objection_tokens, objection_values, objections
from server.store import hub_identity
from server.store.database.engine import Tx
from server.store.database.times import now

_USE = "objection-contacts"
_USE_OF_CODES = "objection-codes"
_DAY = 86_400 * 1_000_000
_PAGE = 500
_o, _v, _t, _h = objections.c, objection_values.c, objection_tokens.c, objection_hubs.c


class UnknownObjection(LookupError):
    """There is no objection with that id or token."""


class Objection(NamedTuple):
    """An objection. Moments are microseconds.

    ``listed`` and ``public``: whether the value was listed, or publicly listed, when the objection was ``routed``.
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
    """The number of open objections with a listing, of late ones, the oldest time, and the first deadline."""

    open: int
    late: int
    oldest: int | None
    due: int | None = None


class AskedHub(NamedTuple):
    """Another hub that an objection was passed on to, or that it came from, with its answer in the first case."""

    hub: str
    thread: str
    answer: str | None = None


def new_id() -> str:
    """Return the id of an objection, which reveals nothing."""
    return secrets.token_hex(8)


def add(tx: Tx, new: Objection, subjects: Sequence[str], code: str = "") -> str:
    """Add an objection, unless the same contact has an open one about the same value. Return a token to follow it.

    The token is the ``code``, or a new one.
    """
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
        # The value may have been listed since the first objection was routed, so route it again.
        tx.execute(update(objections).where(_o.id == known).values(routed=None))
    token = code or codes.new_code()
    tx.execute(insert(objection_tokens).values(digest=_digest(token), objection=known or new.id, due=new.due))
    return token


def code_of_form(tx: Tx, key: str, content: bytes) -> str:
    """Return the code of an objection in a form, by the key and the content of the form."""
    return codes.code_of(hmac.digest(hub_identity.secret(tx, _USE_OF_CODES), key.encode() + b"\0" + content, "sha256"))


def contact_digest(tx: Tx, contact: str) -> bytes:
    """Return the digest that identifies a contact while its objection is open."""
    return hmac.digest(hub_identity.secret(tx, _USE), contact.casefold().encode(), "sha256")


def count_since(tx: Tx, moment: int) -> int:
    """Return the number of objections received since a moment."""
    found: int = tx.execute(select(func.count()).select_from(objections).where(_o.received >= moment)).scalar_one()
    return found


def by_token(tx: Tx, token: str) -> Objection:
    """Return the objection of a token, with the due date that its holder was told. Raises ``UnknownObjection``.

    So a later objector to the same value learns nothing about an earlier objection.
    """
    asked = (
        select(objections, _t.due.label("promised"))
        .join_from(objection_tokens, objections)
        .where(_t.digest == _digest(token))
    )
    row = tx.execute(asked).first()
    if row is None:
        raise UnknownObjection("there is no objection with that token")
    return Objection(*row[:-1])._replace(due=row.promised)


def find(tx: Tx, id_: str) -> Objection:
    """Return an objection. In a write transaction it is locked until the end. Raises ``UnknownObjection``."""
    row = tx.execute(select(objections).where(_o.id == id_).with_for_update()).first()
    if row is None:
        raise UnknownObjection(f"there is no objection {id_}")
    return Objection(*row)


def subjects_of(tx: Tx, ids: Iterable[str]) -> dict[str, list[str]]:
    """Return by objection the names of its values; none once it has ended."""
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
    """Return the open objections with a listing, the oldest first; with ``every`` all objections."""
    asked = select(objections).order_by(_o.received, _o.id).limit(limit)
    if not every:
        asked = asked.where(_o.answer.is_(None), _o.listed | _o.routed.is_(None))
    return [Objection(*row) for row in tx.execute(asked)]


def by_due(tx: Tx, *, after: tuple[int, str] | None = None, most: int) -> list[Objection]:
    """Return the open objections with a listing, the next due one first; ``after`` is a due moment and an id."""
    asked = select(objections).where(_o.answer.is_(None), _o.listed | _o.routed.is_(None))
    if after is not None:
        due, id_ = after
        asked = asked.where(_o.due >= due, (_o.due > due) | (_o.id > id_))
    return [Objection(*row) for row in tx.execute(asked.order_by(_o.due, _o.id).limit(most))]


def ended(tx: Tx, *, most: int) -> list[Objection]:
    """Return ended objections, the latest first."""
    asked = select(objections).where(_o.answer.is_not(None)).order_by(_o.received.desc(), _o.id).limit(most)
    return [Objection(*row) for row in tx.execute(asked)]


def unrouted(tx: Tx) -> list[Objection]:
    """Return at most some hundred open objections whose listings must be looked up.

    Values without a listing are looked up again each day, because they may be listed later.
    """
    due = _o.routed.is_(None) | (~_o.listed & (_o.routed < now() - _DAY))
    asked = select(objections).where(due, _o.answer.is_(None)).order_by(_o.received).limit(_PAGE)
    return [Objection(*row) for row in tx.execute(asked)]


def overdue(tx: Tx) -> list[Objection]:
    """Return at most some hundred open objections whose time is up."""
    asked = select(objections).where(_o.answer.is_(None), _o.due <= now()).order_by(_o.due).limit(_PAGE)
    return [Objection(*row) for row in tx.execute(asked)]


def route(tx: Tx, id_: str, *, listed: bool, public: bool, provider: str | None) -> None:
    """Store the listings found for an objection, and the provider of the account."""
    found = {"listed": listed, "public": public, "keeper": provider, "routed": now()}
    tx.execute(update(objections).where(_o.id == id_).values(**found))


def answer(tx: Tx, ids: Iterable[str], word: str, by: str, reason: str | None = None) -> None:
    """Store the answer to objections, and remove their contacts and values."""
    wanted = list(ids)
    ended = {"answer": word, "reason": reason, "decided": now(), "decided_by": by}
    tx.execute(update(objections).where(_o.id.in_(wanted)).values(**ended, contact=None, contact_digest=None))
    tx.execute(delete(objection_values).where(_v.objection.in_(wanted)))


def totals(tx: Tx) -> ObjectionTotals:
    """Return the number of open objections with a listing, and of late ones."""
    waiting = (_o.answer.is_(None), _o.listed)
    asked = select(func.count(), func.min(_o.received), func.min(_o.due)).where(*waiting)
    open_, oldest, due = tx.execute(asked).one()
    late = tx.execute(select(func.count()).select_from(objections).where(*waiting, _o.due <= now())).scalar_one()
    return ObjectionTotals(open_, late, oldest, due)


def forget(tx: Tx, *, before: int) -> int:
    """Remove at most some hundred objections that were due and decided ``before`` (microseconds). Return the number."""
    asked = select(_o.id).where(_o.decided < before, _o.due < before).limit(_PAGE)
    gone = list(tx.scalars(asked))
    if gone:
        tx.execute(delete(objection_tokens).where(_t.objection.in_(gone)))
        tx.execute(delete(objection_values).where(_v.objection.in_(gone)))
        tx.execute(delete(objection_hubs).where(_h.objection.in_(gone)))
        tx.execute(delete(objections).where(_o.id.in_(gone)))
    return len(gone)


def hubs_of(tx: Tx, id_: str) -> list[AskedHub]:
    """Return the other hubs of an objection."""
    asked = select(_h.hub, _h.thread, _h.answer).where(_h.objection == id_).order_by(_h.hub, _h.thread)
    return [AskedHub(*row) for row in tx.execute(asked)]


def of_hub(tx: Tx, hub: str, thread: str) -> str | None:
    """Return the objection that another hub sent, or was sent, under an id; None if there is none."""
    found: str | None = tx.execute(select(_h.objection).where(_h.hub == hub, _h.thread == thread)).scalar()
    return found


def add_hub(tx: Tx, id_: str, hub: str, thread: str) -> None:
    """Note that an objection was passed on to a hub, or came from it."""
    tx.execute(insert(objection_hubs).values(objection=id_, hub=hub, thread=thread))


def answer_of_hub(tx: Tx, id_: str, hub: str, word: str) -> None:
    """Store the answer of a hub that an objection was passed on to."""
    tx.execute(update(objection_hubs).where(_h.objection == id_, _h.hub == hub).values(answer=word))


def _digest(token: str) -> bytes:
    """Return the digest of a token in any spelling; one of an earlier version has a single spelling."""
    with suppress(Rejected):
        token = codes.read_code(token)
    return hashlib.sha256(token.encode()).digest()
