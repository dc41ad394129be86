"""The partners: their registration, credentials and certificates."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, Table, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from mappers import ids
from schemas.partner import Partner
from server.store.credentials import (
    REMEMBERED_SECONDS,
    Credentials,
    PasswordVerifier,
    UsedLogin,
    fingerprint_of,
    hash_password,
    hash_token,
    make_credentials,
)
from server.store.database.direct import fetch, send
from server.store.database.engine import Tx
from server.store.database.sql import among, database_time
from server.store.database.times import now
from server.store.matching.match_tables import match_grants
from server.store.tables import (
    certificates,
    collections,
    credentials,
    former_grants,
    grants,
    partners,
    verified_logins,
)


class NameTaken(ValueError):
    """A partner of this name, or with this identity, is registered already."""


class UnknownPartner(LookupError):
    """No partner of this name is registered."""


class PartnerLeft(UnknownPartner):
    """The partner is registered for its earlier reports, and takes part no more."""


@dataclass(frozen=True, eq=False)
class Registry:
    """The partners and the readers of collections, at one moment.

    ``partners`` are those that take part, by name; ``gone`` those that left; ``readers`` the names of those that read a
    released collection or its full variant, by its alias without ``-full``. ``spaces`` holds by name, for all that ever
    were partners, the number under which the contributions of each are stored.
    """

    partners: Mapping[str, Partner]
    readers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    gone: Mapping[str, Partner] = field(default_factory=dict)
    spaces: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def by_identity(self) -> Mapping[str, Partner]:
        """All that ever were partners by their identities: the reports of those that left are still theirs."""
        return {partner.identity: partner for partner in (*self.gone.values(), *self.partners.values())}

    @cached_property
    def by_space(self) -> Mapping[int, Partner]:
        """All that ever were partners by the space in which their contributions are stored."""
        return {
            self.spaces[partner.name]: partner for partner in self.by_identity.values() if partner.name in self.spaces
        }

    @cached_property
    def called(self) -> frozenset[str]:
        """The names and identities of all that ever were partners."""
        return frozenset().union(*self.names.values())

    @cached_property
    def names(self) -> Mapping[str, frozenset[str]]:
        """The names and identities of each that ever was a partner, by name."""
        return {partner.name: names_of(partner) for partner in self.by_identity.values()}


def lock(tx: Tx, name: str, *, organisation: bool = False) -> None:
    """Let no other transaction contribute as this partner until this one ends; others than partners wait for nobody.

    With ``organisation``, nobody of its organisation contributes either. The partner may read, and log in. This comes
    before the values and the collections that a transaction locks.
    """
    if tx.dialect.name == "sqlite":
        return  # whoever writes has locked the whole database
    names = [name]
    if organisation:
        counts_as = {partner.name: partner.counts_as for partner in all_partners(tx)}
        names = [other for other, organisation_ in counts_as.items() if organisation_ == counts_as.get(name)]
    send(tx, _LOCK, {"names": names})


def wait_for_contributions(tx: Tx) -> None:
    """Wait until all contributions have ended that are under way now; those that begin meanwhile wait for this one."""
    if tx.dialect.name != "sqlite":
        tx.execute(_LOCK_ALL).all()


def load_registry(tx: Tx) -> Registry:
    """Return the registry as it is now."""
    current: dict[str, Partner] = {}
    gone: dict[str, Partner] = {}
    spaces: dict[str, int] = {}
    for *row, space, moment in tx.execute(partner_columns(partners.c.space, partners.c.left)):
        found = partner_of_row(*row)
        spaces[found.name] = space
        (current if moment is None else gone)[found.name] = found
    reading = (
        select(collections.c.alias, grants.c.partner)
        .join_from(grants, collections)
        .where(grants.c.can_read, collections.c.kind == "released")
    )
    readers: dict[str, set[str]] = {}
    for alias, name in tx.execute(reading):
        if name in current:
            readers.setdefault(alias.removesuffix("-full"), set()).add(name)
    return Registry(current, {alias: frozenset(names) for alias, names in readers.items()}, gone, spaces)


def names_of(partner: Partner) -> frozenset[str]:
    """Return a partner's name, its identity, and the identity that follows from its name."""
    return frozenset({partner.name, partner.identity, ids.identity(partner.name)})


def all_partners(tx: Tx) -> list[Partner]:
    """List all that ever were partners, by name; the reports of those that left are still theirs."""
    return [partner_of_row(*row) for row in tx.execute(partner_columns().order_by(partners.c.name))]


def shown_publicly(tx: Tx, most: int) -> list[Partner]:
    """List the first of the partners that the page for the public names and that take part, by name."""
    asked = partner_columns().where(partners.c.shown_publicly, partners.c.left.is_(None)).order_by(partners.c.name)
    return [partner_of_row(*row) for row in tx.execute(asked.limit(most))]


def departed_partners(tx: Tx) -> dict[str, int]:
    """Return, by name, when the partners left that take part no more (microseconds)."""
    asked = select(partners.c.name, partners.c.left).where(partners.c.left.is_not(None))
    return {row[0]: row[1] for row in tx.execute(asked)}


def get(tx: Tx, name: str, *, gone: bool = False) -> Partner:
    """Find a partner by its name; one that left only with ``gone``. Raises ``UnknownPartner``."""
    found = tx.execute(partner_columns(partners.c.left).where(partners.c.name == name)).first()
    if found is None:
        raise UnknownPartner(f"there is no partner {name!r}")
    if found[-1] is not None and not gone:
        raise PartnerLeft(f"the partner {name!r} has left; its reports stay, and no more are accepted from it")
    return partner_of_row(*found[:-1])


def change(tx: Tx, partner: Partner) -> None:
    """Store ``partner`` in place of the one registered under its name. Raises ``UnknownPartner``."""
    get(tx, partner.name)
    tx.execute(update(partners).where(partners.c.name == partner.name).values(**row_of(partner)))
    touch(tx, partner.name)


def touch(tx: Tx, name: str) -> None:
    """Mark the partner's identity as changed: it has a new version."""
    mine = partners.c.name == name
    before = tx.execute(select(partners.c.modified).where(mine)).scalar_one()
    tx.execute(update(partners).where(mine).values(modified=max(now(), before + 1000)))


def moments(tx: Tx) -> dict[str, tuple[int, int]]:
    """Return, by name, when each partner was registered and when its registration last changed (microseconds)."""
    asked = select(partners.c.name, partners.c.created, partners.c.modified)
    return {row[0]: (row[1], row[2]) for row in tx.execute(asked)}


def partner_columns(*more: Any) -> Select[*tuple[Any, ...]]:
    """Select the columns that ``partner_of_row`` reads, and ``more``."""
    return select(*(partners.c[name] for name in Partner.model_fields), *more)


def row_of(partner: Partner) -> dict[str, Any]:
    """Return the values of a partner's row, by column."""
    values = partner.model_dump(mode="json")
    return {name: json.dumps(value) if isinstance(value, list) else value for name, value in values.items()}


@lru_cache(maxsize=1024)
def partner_of_row(*row: Any) -> Partner:
    """Return the partner in the columns of a row."""
    values = dict(zip(Partner.model_fields, row, strict=True))
    return Partner(**{**values, **{name: json.loads(values[name]) for name in _LISTS}})


_LISTS = ("authority", "institutions", "former_institutions")


# Time for a partner to put new credentials into its clients.
OVERLAP = timedelta(days=7)

_MICROSECOND = timedelta(microseconds=1)


def add(tx: Tx, partner: Partner) -> Credentials:
    """Register a partner and return its credentials, to be shown to it once. Raises ``NameTaken``."""
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
    """Return the number of the space in which a partner's contributions are stored. Raises ``UnknownPartner``."""
    found: int | None = tx.execute(select(partners.c.space).where(partners.c.name == name)).scalar()
    if found is None:
        raise UnknownPartner(f"there is no partner {name!r}")
    return found


def remove(tx: Tx, name: str) -> int:
    """End the partner's part from this transaction on: it can neither authenticate nor read nor write.

    It stays registered, and its own values stay its own. Returns when it left (microseconds). Raises
    ``UnknownPartner``.
    """
    get(tx, name)
    note_former_grants(tx, name)
    for table in (credentials, verified_logins, certificates, grants, match_grants):
        tx.execute(delete(table).where(table.c.partner == name))
    moment = now()
    tx.execute(update(partners).where(partners.c.name == name).values(left=moment))
    return moment


def note_former_grants(tx: Tx, name: str, collection: int | None = None) -> None:
    """Note where the partner's rights to read began, in one collection or in all, before they are withdrawn."""
    mine = [grants.c.partner == name, grants.c.can_read]
    mine += [] if collection is None else [grants.c.collection == collection]
    asked = select(grants.c.partner, grants.c.collection, grants.c.granted).where(*mine)
    for row in tx.execute(asked).all():
        tx.execute(_FORGET_FORMER, {"of_partner": row[0], "of_collection": row[1]})
        tx.execute(insert(former_grants).values(partner=row[0], collection=row[1], granted=row[2]))


def began_before(tx: Tx, name: str, collection: int) -> int | None:
    """Return where the partner's right to read the collection began that was withdrawn, None where it never had one."""
    mine = (former_grants.c.partner == name, former_grants.c.collection == collection)
    found: int | None = tx.execute(select(former_grants.c.granted).where(*mine)).scalar()
    return found


_FORGET_FORMER = delete(former_grants).where(
    former_grants.c.partner == bindparam("of_partner"), former_grants.c.collection == bindparam("of_collection")
)


def restore(tx: Tx, name: str) -> Credentials:
    """Let a partner that left take part again; returns its new credentials, to be shown to it once.

    It reads its private collections; other rights have to be granted anew. Raises ``UnknownPartner``, and ``NameTaken``
    for one that has not left.
    """
    get(tx, name, gone=True)
    mine = (partners.c.name == name, partners.c.left.is_not(None))
    if not tx.execute(update(partners).where(*mine).values(left=None)).rowcount:
        raise NameTaken(f"the partner {name!r} takes part already")
    touch(tx, name)
    own = select(collections.c.number, collections.c.last_added).where(collections.c.owner == name)
    moment = database_time(tx)
    for number, last in tx.execute(own).all():
        before = began_before(tx, name, number)
        rights = {"can_read": True, "can_write": False, "granted": max(last, moment) if before is None else before}
        tx.execute(insert(grants).values(partner=name, collection=number, **rights))
    return _issue(tx, name)


def rotate(tx: Tx, name: str, *, overlap: timedelta = OVERLAP) -> Credentials:
    """Issue new credentials to the partner; the old ones work for ``overlap`` more (a week; zero ends them at once).

    Raises ``UnknownPartner``.
    """
    get(tx, name)
    _end(tx, credentials, name, overlap)
    tx.execute(delete(verified_logins).where(verified_logins.c.partner == name))
    return _issue(tx, name)


class VerifiedLogin(NamedTuple):
    """A password that was verified slowly: whose, by its keyed digest, and the hash that it matched."""

    partner: str
    digest: bytes
    password_hash: str


def by_password(
    tx: Tx,
    user: str,
    password: str,
    verifier: PasswordVerifier | None = None,
    before_verifying: Callable[[bool], None] = lambda known: None,
    note_login: Callable[[VerifiedLogin], None] = lambda login: None,
    note_credentials: Callable[[bytes], None] = lambda token_hash: None,
) -> Partner | None:
    """Find the partner that this user name and password belong to.

    A wrong password takes equally long whoever the user is and however many passwords it has. ``verifier`` remembers
    right passwords for a while, and believes ``remember_login`` of one with the same key; without one each
    verification is slow. ``before_verifying`` is called before a slow one, with whether the password was right before,
    and may raise; ``note_login`` after a slow one that was right. ``note_credentials`` is called with the hash of
    the token of the same credentials.
    """
    moment = now()
    rows = fetch(tx, _BY_NAME, {"user": user, "moment": moment})
    was_slow = False

    def before(known: bool) -> int:
        nonlocal was_slow
        before_verifying(known)
        was_slow = True
        return tx.execute(_MOST_PASSWORDS, {"moment": moment}).scalar() or 1

    def find_verified(digest: bytes) -> str | None:
        found: str | None = tx.execute(_VERIFIED, {"user": user, "digest": digest, "moment": moment}).scalar()
        return found

    verifier = verifier or PasswordVerifier()
    matched = verifier.matches(password, [row[-1] for row in rows], before, find_verified)
    if matched is None:
        return None
    if was_slow:
        note_login(VerifiedLogin(user, verifier.digest(password), matched))
    note_credentials(next(row[-2] for row in rows if row[-1] == matched))
    return partner_of_row(*rows[0][:-2])


def remember_logins(tx: Tx, logins: Iterable[VerifiedLogin]) -> None:
    """Let other processes with the same key take these passwords for five minutes without the slow verification.

    A row stands for nothing once the credentials that it is of have ended.
    """
    moment = now()
    tx.execute(delete(verified_logins).where(verified_logins.c.until <= moment))
    for login in logins:
        mine = (credentials.c.partner == login.partner, credentials.c.password_hash == login.password_hash)
        token_hash = tx.execute(select(credentials.c.token_hash).where(*mine, _VALID), {"moment": moment}).scalar()
        key = {"partner": login.partner, "digest": login.digest}
        tx.execute(delete(verified_logins).where(*(verified_logins.c[name] == value for name, value in key.items())))
        if token_hash is not None:
            until = moment + REMEMBERED_SECONDS * 1_000_000
            tx.execute(insert(verified_logins).values(**key, token_hash=token_hash, until=until))


def set_certificate(tx: Tx, name: str, certificate: str, *, overlap: timedelta = OVERLAP) -> str:
    """Register a client certificate of the partner, and return its fingerprint; older ones work for ``overlap`` more.

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


class IssuedCredentials(NamedTuple):
    """When credentials of a partner were issued, and when they end; moments in microseconds, None for no end."""

    created: int
    expires: int | None


class RegisteredCertificate(NamedTuple):
    """A client certificate of a partner: the SHA-256 of its DER, when it was registered, and when it ends to count."""

    fingerprint: str
    created: int
    expires: int | None


def credentials_of(tx: Tx, name: str) -> list[IssuedCredentials]:
    """Return when the partner's passwords and tokens that still work were issued, the latest first."""
    mine = (credentials.c.partner == name, _valid(credentials, now()))
    asked = select(credentials.c.created, credentials.c.expires).where(*mine)
    return [IssuedCredentials(*row) for row in tx.execute(asked.order_by(credentials.c.created.desc()))]


def certificates_of(tx: Tx, name: str) -> list[RegisteredCertificate]:
    """Return the partner's client certificates that still count, the latest first."""
    mine = (certificates.c.partner == name, _valid(certificates, now()))
    asked = select(certificates.c.fingerprint, certificates.c.created, certificates.c.expires).where(*mine)
    rows = tx.execute(asked.order_by(certificates.c.created.desc(), certificates.c.fingerprint))
    return [RegisteredCertificate(row[0].hex(), row[1], row[2]) for row in rows]


def remove_certificate(tx: Tx, name: str, fingerprint: str) -> bool:
    """Let a client certificate of the partner count no more, from its next request on; False where it has none such."""
    try:
        known = bytes.fromhex(fingerprint)
    except ValueError:
        return False
    mine = (certificates.c.partner == name, certificates.c.fingerprint == known)
    return bool(tx.execute(delete(certificates).where(*mine)).rowcount)


def by_certificate(tx: Tx, der: bytes) -> Partner | None:
    """Find the partner that this client certificate, verified by the TLS, belongs to."""
    given = {"fingerprint": hashlib.sha256(der).digest(), "moment": now()}
    row = tx.execute(_BY_CERTIFICATE, given).first()
    return None if row is None else partner_of_row(*row)


def by_token(tx: Tx, token: str) -> Partner | None:
    """Find the partner that this token belongs to; only hashes of tokens are compared."""
    found = fetch(tx, _BY_TOKEN, {"hash": hash_token(token), "moment": now()})
    return partner_of_row(*found[0]) if found else None


def issued(tx: Tx, name: str) -> dict[str, int]:
    """Return when each credential and certificate of the partner that there is was issued, by its id."""
    own = select(credentials.c.token_hash, credentials.c.created).where(credentials.c.partner == name)
    more = select(certificates.c.fingerprint, certificates.c.created).where(certificates.c.partner == name)
    found = {UsedLogin("token", digest).id: created for digest, created in tx.execute(own)}
    return found | {UsedLogin("certificate", digest).id: created for digest, created in tx.execute(more)}


def _end(tx: Tx, table: Table, name: str, overlap: timedelta) -> None:
    """Let the partner's credentials or certificates work for ``overlap`` more at most; delete those that ended."""
    ends = now() + overlap // _MICROSECOND
    mine = table.c.partner == name
    tx.execute(update(table).where(mine, _valid(table, ends)).values(expires=ends))
    tx.execute(delete(table).where(mine, table.c.expires <= now()))


def _valid(table: Table, moment: Any) -> ColumnElement[bool]:
    """Hold for credentials or certificates that are still valid after ``moment``."""
    return or_(table.c.expires.is_(None), table.c.expires > moment)


def _issue(tx: Tx, name: str) -> Credentials:
    made = make_credentials(name)
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


# Run with every request, so put together once.
# Rows that refer to a partner may be added meanwhile.
_LOCK_ALL = select(partners.c.name).order_by(partners.c.name).with_for_update(key_share=True)
_LOCK = _LOCK_ALL.where(among(partners.c.name, "names"))
_MOMENT = bindparam("moment", type_=BigInteger)
_VALID = _valid(credentials, _MOMENT)
_BY_NAME = (
    partner_columns(credentials.c.token_hash, credentials.c.password_hash)
    .join_from(partners, credentials)
    .where(partners.c.name == bindparam("user"), _VALID)
)
_VERIFIED = select(credentials.c.password_hash).where(
    verified_logins.c.partner == bindparam("user"),
    verified_logins.c.digest == bindparam("digest"),
    verified_logins.c.until > _MOMENT,
    credentials.c.partner == verified_logins.c.partner,
    credentials.c.token_hash == verified_logins.c.token_hash,
    _VALID,
)
_BY_TOKEN = (
    partner_columns().join_from(partners, credentials).where(credentials.c.token_hash == bindparam("hash"), _VALID)
)
_BY_CERTIFICATE = (
    partner_columns()
    .join_from(partners, certificates)
    .where(certificates.c.fingerprint == bindparam("fingerprint"), _valid(certificates, _MOMENT))
)
_PASSWORDS = select(func.count().label("passwords")).where(_VALID).group_by(credentials.c.partner).subquery()
_MOST_PASSWORDS = select(func.max(_PASSWORDS.c.passwords))
