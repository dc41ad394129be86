"""The partners: who they are, how they prove it, and which collections they may read and write."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Table, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from schemas.partner import Partner
from server.store.collections import COLUMNS, Collection
from server.store.fingerprints import BadCertificate, fingerprint_of
from server.store.passwords import Credentials, Verifier, hash_password, hash_token, make
from server.store.registry import (
    NameTaken,
    PartnerLeft,
    UnknownPartner,
    change,
    columns,
    every,
    get,
    left,
    present,
    read,
    row_of,
    touch,
)
from server.store.store import Tx
from server.store.tables import certificates, collections, credentials, grants, partners
from server.store.times import now

__all__ = [
    "OVERLAP",
    "BadCertificate",
    "Credentials",
    "NameTaken",
    "PartnerLeft",
    "UnknownPartner",
    "add",
    "by_certificate",
    "by_password",
    "by_token",
    "change",
    "every",
    "get",
    "grant",
    "left",
    "present",
    "remove",
    "restore",
    "revoke",
    "right",
    "rights",
    "rotate",
    "set_certificate",
    "space",
]

# Time for a partner to put new credentials into its clients.
OVERLAP = timedelta(days=7)

_MICROSECOND = timedelta(microseconds=1)
_verifier = Verifier()


def add(tx: Tx, partner: Partner) -> Credentials:
    """Register a partner and give the credentials that it is told once. Raises ``NameTaken``."""
    moment = now()
    try:
        with tx.begin_nested():
            last = tx.execute(select(func.coalesce(func.max(partners.c.space), 0))).scalar_one()
            more = {"space": last + 1, "created": moment, "modified": moment, "left": None}
            tx.execute(insert(partners).values(**row_of(partner), **more))
    except IntegrityError as error:
        raise NameTaken("a partner of this name or identity is registered already") from error
    return _issue(tx, partner.name)


def space(tx: Tx, name: str) -> int:
    """Give the number of the space in which what a partner contributes is kept. Raises ``UnknownPartner``."""
    found: int | None = tx.execute(select(partners.c.space).where(partners.c.name == name)).scalar()
    if found is None:
        raise UnknownPartner(f"there is no partner {name!r}")
    return found


def remove(tx: Tx, name: str) -> int:
    """Let the partner take part no more, from this transaction on: it proves nothing, reads and writes nothing.

    It stays registered, and so does what is its own. Gives when it left (microseconds). Raises ``UnknownPartner``.
    """
    get(tx, name)
    for table in (credentials, certificates, grants):
        tx.execute(delete(table).where(table.c.partner == name))
    moment = now()
    tx.execute(update(partners).where(partners.c.name == name).values(left=moment))
    return moment


def restore(tx: Tx, name: str) -> Credentials:
    """Let a partner that left take part again, and give the new credentials that it is told once.

    It reads its own collections; other grants are given anew. Raises ``UnknownPartner``, and ``NameTaken`` for one that
    has not left.
    """
    get(tx, name, gone=True)
    mine = (partners.c.name == name, partners.c.left.is_not(None))
    if not tx.execute(update(partners).where(*mine).values(left=None)).rowcount:
        raise NameTaken(f"the partner {name!r} takes part already")
    touch(tx, name)
    for number in tx.execute(select(collections.c.number).where(collections.c.owner == name)).scalars().all():
        tx.execute(insert(grants).values(partner=name, collection=number, can_read=True, can_write=False))
    return _issue(tx, name)


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


def revoke(tx: Tx, name: str, collection: Collection, *, read: bool = True, write: bool = True) -> None:
    """Take the right to ``read`` the collection from the partner, or to ``write`` it, from its next request on.

    Without either it cannot tell that there is one. Raises ``UnknownPartner``.
    """
    get(tx, name)
    mine = (grants.c.partner == name, grants.c.collection == collection.number)
    taken = {"can_read": False} if read else {}
    taken |= {"can_write": False} if write else {}
    tx.execute(update(grants).where(*mine).values(**taken))
    tx.execute(delete(grants).where(*mine, ~grants.c.can_read, ~grants.c.can_write))


def rotate(tx: Tx, name: str, *, overlap: timedelta = OVERLAP) -> Credentials:
    """Give the partner new credentials; the old ones work for ``overlap`` more (a week; zero ends them at once).

    Raises ``UnknownPartner``.
    """
    get(tx, name)
    _end(tx, credentials, name, overlap)
    return _issue(tx, name)


def by_password(
    tx: Tx, user: str, password: str, slowly: Callable[[bool], None] = lambda known: None
) -> Partner | None:
    """Find the partner that this user name and password belong to.

    What is wrong takes equally long whoever the user is and however many passwords it has. ``slowly`` is called before
    a slow verification, with whether the password was right before, and may raise.
    """
    moment = now()
    rows = tx.execute(_BY_NAME, {"user": user, "moment": moment}).all()

    def before(known: bool) -> int:
        slowly(known)
        return tx.execute(_MOST_PASSWORDS, {"moment": moment}).scalar() or 1

    if not _verifier.matches(password, [row[-1] for row in rows], before):
        return None
    return read(*rows[0][:-1])


def set_certificate(tx: Tx, name: str, certificate: str, *, overlap: timedelta = OVERLAP) -> str:
    """Let a client certificate prove the partner, and give its fingerprint; older ones do for ``overlap`` more.

    ``certificate`` is the certificate as PEM, or the SHA-256 of its DER in hexadecimal, colons or not. It works
    wherever the TLS has verified it. Raises ``UnknownPartner``, ``BadCertificate`` or ``NameTaken``.
    """
    get(tx, name)
    fingerprint = fingerprint_of(certificate)
    known = certificates.c.fingerprint == fingerprint
    owner = tx.execute(select(certificates.c.partner).where(known)).scalar()
    if owner not in (None, name):
        raise NameTaken("this certificate belongs to another partner")
    _end(tx, certificates, name, overlap)
    tx.execute(delete(certificates).where(certificates.c.partner == name, known))
    tx.execute(insert(certificates).values(fingerprint=fingerprint, partner=name, created=now(), expires=None))
    return fingerprint.hex()


def by_certificate(tx: Tx, der: bytes) -> Partner | None:
    """Find the partner that this client certificate, verified by the TLS, belongs to."""
    given = {"fingerprint": hashlib.sha256(der).digest(), "moment": now()}
    row = tx.execute(_BY_CERTIFICATE, given).first()
    return None if row is None else read(*row)


def by_token(tx: Tx, token: str) -> Partner | None:
    """Find the partner that this token belongs to; nothing of a token is compared but its hash."""
    row = tx.execute(_BY_TOKEN, {"hash": hash_token(token), "moment": now()}).first()
    return None if row is None else read(*row)


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


def _end(tx: Tx, table: Table, name: str, overlap: timedelta) -> None:
    """Let the partner's credentials, or its certificates, prove it for ``overlap`` more at most; what is over goes."""
    ends = now() + overlap // _MICROSECOND
    mine = table.c.partner == name
    tx.execute(update(table).where(mine, _valid(table, ends)).values(expires=ends))
    tx.execute(delete(table).where(mine, table.c.expires <= now()))


def _valid(table: Table, moment: Any) -> ColumnElement[bool]:
    """Hold for what still proves a partner after ``moment``."""
    return or_(table.c.expires.is_(None), table.c.expires > moment)


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


# Asked with every request, so put together once.
_MOMENT = bindparam("moment", type_=BigInteger)
_VALID = _valid(credentials, _MOMENT)
_BY_NAME = (
    columns(credentials.c.password_hash)
    .join_from(partners, credentials)
    .where(partners.c.name == bindparam("user"), _VALID)
)
_BY_TOKEN = columns().join_from(partners, credentials).where(credentials.c.token_hash == bindparam("hash"), _VALID)
_BY_CERTIFICATE = (
    columns()
    .join_from(partners, certificates)
    .where(certificates.c.fingerprint == bindparam("fingerprint"), _valid(certificates, _MOMENT))
)
_PASSWORDS = select(func.count().label("passwords")).where(_VALID).group_by(credentials.c.partner).subquery()
_MOST_PASSWORDS = select(func.max(_PASSWORDS.c.passwords))
_RIGHT = (
    select(grants.c.can_read, grants.c.can_write, *COLUMNS)
    .join_from(grants, collections)
    .where(grants.c.partner == bindparam("name"))
    .where(or_(collections.c.id == bindparam("ref"), collections.c.alias == bindparam("ref")))
)
