"""The partners: who they are, how they prove it, and which collections they may read and write."""

import hashlib
import ssl
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Select, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from schemas.partner import Partner, PartnerKind
from server.store.collections import COLUMNS, Collection
from server.store.passwords import Credentials, Verifier, hash_password, hash_token, make
from server.store.store import Tx
from server.store.tables import certificates, collections, credentials, grants, partners
from server.store.times import now

__all__ = [
    "OVERLAP",
    "BadCertificate",
    "Credentials",
    "NameTaken",
    "UnknownPartner",
    "add",
    "by_certificate",
    "by_password",
    "by_token",
    "every",
    "get",
    "grant",
    "revoke",
    "right",
    "rights",
    "rotate",
    "set_certificate",
]

# Time for a partner to put new credentials into its clients.
OVERLAP = timedelta(days=7)

_MICROSECOND = timedelta(microseconds=1)
_verifier = Verifier()


class NameTaken(ValueError):
    """A partner of this name, or with this identity, is registered already."""


class BadCertificate(ValueError):
    """This is neither one certificate as PEM nor a SHA-256 fingerprint."""


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

    if not _verifier.matches(password, [row[4] for row in rows], before):
        return None
    return _read(*rows[0][:4])


def set_certificate(tx: Tx, name: str, certificate: str, *, overlap: timedelta = OVERLAP) -> str:
    """Let a client certificate prove the partner, and give its fingerprint; older ones do for ``overlap`` more.

    ``certificate`` is the certificate as PEM, or the SHA-256 of its DER in hexadecimal, colons or not. It works
    wherever the TLS has verified it. Raises ``UnknownPartner``, ``BadCertificate`` or ``NameTaken``.
    """
    get(tx, name)
    fingerprint = _fingerprint(certificate)
    known = certificates.c.fingerprint == fingerprint
    owner = tx.execute(select(certificates.c.partner).where(known)).scalar()
    if owner not in (None, name):
        raise NameTaken("this certificate belongs to another partner")
    ends = now() + overlap // _MICROSECOND
    mine = certificates.c.partner == name
    later = or_(certificates.c.expires.is_(None), certificates.c.expires > ends)
    tx.execute(update(certificates).where(mine, later).values(expires=ends))
    tx.execute(delete(certificates).where(mine, or_(certificates.c.expires <= now(), known)))
    tx.execute(insert(certificates).values(fingerprint=fingerprint, partner=name, created=now(), expires=None))
    return fingerprint.hex()


def by_certificate(tx: Tx, der: bytes) -> Partner | None:
    """Find the partner that this client certificate, verified by the TLS, belongs to."""
    given = {"fingerprint": hashlib.sha256(der).digest(), "moment": now()}
    row = tx.execute(_BY_CERTIFICATE, given).first()
    return None if row is None else _read(*row)


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


def _fingerprint(certificate: str) -> bytes:
    text = certificate.strip()
    try:
        if text.startswith("-----BEGIN CERTIFICATE-----"):
            # A file may go on with the chain; the first is the partner's own.
            own = text[: text.index(_END) + len(_END)]
            return hashlib.sha256(ssl.PEM_cert_to_DER_cert(own)).digest()
        digest = bytes.fromhex(text.replace(":", ""))
    except ValueError as error:
        raise BadCertificate("neither a certificate (PEM) nor a SHA-256 fingerprint (hexadecimal)") from error
    if len(digest) != hashlib.sha256().digest_size:
        raise BadCertificate("a SHA-256 fingerprint has 64 hexadecimal digits")
    return digest


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


@lru_cache(maxsize=1024)
def _read(name: str, kind: str, country: str | None, identity: str) -> Partner:
    return Partner(name=name, kind=PartnerKind(kind), country=country, identity=identity)


_END = "-----END CERTIFICATE-----"

# Asked with every request, so put together once.
_VALID = or_(credentials.c.expires.is_(None), credentials.c.expires > bindparam("moment", type_=BigInteger))
_BY_NAME = (
    _columns(credentials.c.password_hash)
    .join_from(partners, credentials)
    .where(partners.c.name == bindparam("user"), _VALID)
)
_BY_TOKEN = _columns().join_from(partners, credentials).where(credentials.c.token_hash == bindparam("hash"), _VALID)
_BY_CERTIFICATE = (
    _columns()
    .join_from(partners, certificates)
    .where(certificates.c.fingerprint == bindparam("fingerprint"))
    .where(or_(certificates.c.expires.is_(None), certificates.c.expires > bindparam("moment", type_=BigInteger)))
)
_PASSWORDS = select(func.count().label("passwords")).where(_VALID).group_by(credentials.c.partner).subquery()
_MOST_PASSWORDS = select(func.max(_PASSWORDS.c.passwords))
_RIGHT = (
    select(grants.c.can_read, grants.c.can_write, *COLUMNS)
    .join_from(grants, collections)
    .where(grants.c.partner == bindparam("name"))
    .where(or_(collections.c.id == bindparam("ref"), collections.c.alias == bindparam("ref")))
)
