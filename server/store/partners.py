"""The partners: who they are, how they prove it, and which collections they may read and write."""

from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, Select, bindparam, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from schemas.partner import Partner, PartnerKind
from server.store.collections import COLUMNS, Collection
from server.store.passwords import Credentials, Verifier, hash_password, hash_token, make
from server.store.store import Tx
from server.store.tables import collections, credentials, grants, partners
from server.store.times import now

__all__ = [
    "OVERLAP",
    "Credentials",
    "NameTaken",
    "UnknownPartner",
    "add",
    "by_password",
    "by_token",
    "every",
    "get",
    "grant",
    "revoke",
    "right",
    "rights",
    "rotate",
]

# Time for a partner to put new credentials into its clients.
OVERLAP = timedelta(days=7)

_MICROSECOND = timedelta(microseconds=1)
_verifier = Verifier()


class NameTaken(ValueError):
    """A partner of this name, or with this identity, is registered already."""


class UnknownPartner(LookupError):
    """No partner of this name is registered."""


def add(tx: Tx, partner: Partner) -> Credentials:
    """Register a partner and give the credentials that it is told once. Raises ``NameTaken``."""
    row = partner.model_dump(mode="json")
    try:
        with tx.begin_nested():
            tx.execute(insert(partners).values(**row, created=now()))
    except IntegrityError as error:
        raise NameTaken("a partner of this name or identity is registered already") from error
    return _issue(tx, partner.name)


def every(tx: Tx) -> list[Partner]:
    """List the partners by name."""
    return [_read(*row) for row in tx.execute(_columns().order_by(partners.c.name))]


def get(tx: Tx, name: str) -> Partner:
    """Find a partner by its name. Raises ``UnknownPartner``."""
    row = tx.execute(_columns().where(partners.c.name == name)).first()
    if row is None:
        raise UnknownPartner(f"there is no partner {name!r}")
    return _read(*row)


def grant(tx: Tx, name: str, collection: Collection, *, read: bool = False, write: bool = False) -> None:
    """Let the partner read or write the collection, or both, from its next request on; what it may already, it keeps.

    Raises ``UnknownPartner``.
    """
    get(tx, name)
    key = (grants.c.partner == name, grants.c.collection == collection.number)
    had = tx.execute(select(grants.c.can_read, grants.c.can_write).where(*key)).first()
    tx.execute(delete(grants).where(*key))
    rights = {"can_read": read or bool(had and had.can_read), "can_write": write or bool(had and had.can_write)}
    if any(rights.values()):
        tx.execute(insert(grants).values(partner=name, collection=collection.number, **rights))


def revoke(tx: Tx, name: str, collection: Collection) -> None:
    """Take the collection from the partner: from its next request on it cannot tell that there is one.

    Raises ``UnknownPartner``.
    """
    get(tx, name)
    tx.execute(delete(grants).where(grants.c.partner == name, grants.c.collection == collection.number))


def rotate(tx: Tx, name: str, *, overlap: timedelta = OVERLAP) -> Credentials:
    """Give the partner new credentials; the old ones work for ``overlap`` more (a week; zero ends them at once).

    Raises ``UnknownPartner``.
    """
    get(tx, name)
    ends = now() + overlap // _MICROSECOND
    mine = credentials.c.partner == name
    later = or_(credentials.c.expires.is_(None), credentials.c.expires > ends)
    tx.execute(update(credentials).where(mine, later).values(expires=ends))
    tx.execute(delete(credentials).where(mine, credentials.c.expires <= now()))
    return _issue(tx, name)


def by_password(tx: Tx, user: str, password: str) -> Partner | None:
    """Find the partner that this user name and password belong to."""
    rows = tx.execute(_BY_NAME, {"user": user, "moment": now()}).all()
    if not _verifier.matches(password, [row.password_hash for row in rows]):
        return None
    return _read(*rows[0][:4])


def by_token(tx: Tx, token: str) -> Partner | None:
    """Find the partner that this token belongs to; nothing of a token is compared but its hash."""
    row = tx.execute(_BY_TOKEN, {"hash": hash_token(token), "moment": now()}).first()
    return None if row is None else _read(*row)


def rights(tx: Tx, name: str) -> dict[str, tuple[bool, bool]]:
    """Say, by collection id, whether the partner may read and may write; what is not listed is hidden from it."""
    asked = (
        select(collections.c.id, grants.c.can_read, grants.c.can_write)
        .join_from(grants, collections)
        .where(grants.c.partner == name)
    )
    return {id_: (can_read, can_write) for id_, can_read, can_write in tx.execute(asked)}


def right(tx: Tx, name: str, id_or_alias: str) -> tuple[Collection, bool, bool] | None:
    """Find a collection with the partner's right to read and to write it; None where it has neither, or it is not."""
    row = tx.execute(_RIGHT, {"name": name, "ref": id_or_alias}).first()
    if row is None:
        return None
    can_read, can_write, *collection = row
    return Collection(*collection), can_read, can_write


def _issue(tx: Tx, name: str) -> Credentials:
    made = make(name)
    tx.execute(
        insert(credentials).values(
            partner=name,
            password_hash=hash_password(made.password),
            token_hash=hash_token(made.token),
            created=now(),
            expires=None,
        )
    )
    return made


def _columns(*more: Any) -> Select[*tuple[Any, ...]]:
    return select(partners.c.name, partners.c.kind, partners.c.country, partners.c.identity, *more)


def _read(name: str, kind: str, country: str | None, identity: str) -> Partner:
    return Partner(name=name, kind=PartnerKind(kind), country=country, identity=identity)


# Asked with every request, so put together once.
_VALID = or_(credentials.c.expires.is_(None), credentials.c.expires > bindparam("moment", type_=BigInteger))
_BY_NAME = (
    _columns(credentials.c.password_hash)
    .join_from(partners, credentials)
    .where(partners.c.name == bindparam("user"), _VALID)
)
_BY_TOKEN = _columns().join_from(partners, credentials).where(credentials.c.token_hash == bindparam("hash"), _VALID)
_RIGHT = (
    select(grants.c.can_read, grants.c.can_write, *COLUMNS)
    .join_from(grants, collections)
    .where(grants.c.partner == bindparam("name"))
    .where(or_(collections.c.id == bindparam("ref"), collections.c.alias == bindparam("ref")))
)
