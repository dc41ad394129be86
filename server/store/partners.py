"""The partners: their registration, credentials and certificates."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, Table, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from mappers import ids
from schemas.partner import Partner
from schemas.text import first_alike
from server.store.credentials import (
    REMEMBERED_SECONDS,
    Credentials,
    PasswordVerifier,
    UsedLogin,
    fingerprint_of,
    hash_password,
    hash_token,
    make_credentials,
    password_check,
)
from server.store.database.direct import fetch, send
from server.store.database.engine import Store, Tx
from server.store.database.sql import among, database_time
from server.store.database.times import now
from server.store.matching.match_tables import match_grants
from server.store.tables import (
    certificates,
    collections,
    columns_of,
    credentials,
    former_grants,
    grants,
    partners,
    verified_logins,
)


class NameTaken(ValueError):
    """A partner with this name or identity is already registered."""


class UnknownPartner(LookupError):
    """No partner with this name is registered."""


class PartnerLeft(UnknownPartner):
    """The partner has left. It is registered only for its earlier reports."""


@dataclass(frozen=True, eq=False)
class Registry:
    """A snapshot of the partners and the readers of collections.

    ``partners`` are the current ones by name, ``gone`` those that left. ``readers`` are the names of the readers of a
    released collection or its full variant, by its alias without ``-full``. ``spaces`` maps the names of current and
    former partners to the numbers under which their contributions are stored.
    """

    partners: Mapping[str, Partner]
    readers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    gone: Mapping[str, Partner] = field(default_factory=dict)
    spaces: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def by_identity(self) -> Mapping[str, Partner]:
        """All current and former partners by identity. Former partners keep their reports."""
        return {partner.identity: partner for partner in (*self.gone.values(), *self.partners.values())}

    @cached_property
    def by_space(self) -> Mapping[int, Partner]:
        """All current and former partners by the space in which their contributions are stored."""
        return {
            self.spaces[partner.name]: partner for partner in self.by_identity.values() if partner.name in self.spaces
        }

    @cached_property
    def by_organisation(self) -> Mapping[str, frozenset[str]]:
        """The names of all current and former partners of each organisation."""
        found: dict[str, set[str]] = {}
        for partner in self.by_identity.values():
            found.setdefault(partner.counts_as, set()).add(partner.name)
        return {organisation: frozenset(names) for organisation, names in found.items()}

    @cached_property
    def called(self) -> frozenset[str]:
        """The names and identities of all current and former partners."""
        return frozenset().union(*self.names.values())

    @cached_property
    def names(self) -> Mapping[str, frozenset[str]]:
        """The names and identities of each current or former partner, by name."""
        return {partner.name: names_of(partner) for partner in self.by_identity.values()}


def lock(tx: Tx, names: Iterable[str], *, organisations_of: Iterable[str] = ()) -> None:
    """Prevent other transactions from contributing as these partners until this one ends. Other partners do not wait.

    No partner of the ``organisations_of`` these partners can contribute either. They can still read and log in. Call
    this before the transaction locks values and collections.
    """
    if tx.dialect.name == "sqlite":
        return  # the writer has locked the whole database
    locked = set(names)
    if whole := set(organisations_of):
        counts_as = {partner.name: partner.counts_as for partner in all_partners(tx)}
        organisations = {counts_as.get(name) for name in whole}
        locked |= {other for other, organisation in counts_as.items() if organisation in organisations}
    send(tx, _LOCK, {"names": sorted(locked)})


def lock_free(tx: Tx, names: Iterable[str], then: Callable[[set[str]], object]) -> None:
    """Lock those of these partners that no other transaction has locked, as ``lock``; ``then`` gets their names."""
    wanted = set(names)
    if tx.dialect.name == "sqlite":
        then(wanted)
    else:
        send(tx, _LOCK_FREE, {"names": sorted(wanted)}, lambda rows: then({row[0] for row in rows}))


def wait_for_contributions(tx: Tx) -> None:
    """Wait until all current contributions have ended. Contributions that begin later wait for this transaction."""
    if tx.dialect.name != "sqlite":
        tx.execute(_LOCK_ALL).all()


def load_registry(tx: Tx) -> Registry:
    """Return the current registry."""
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
    """Return a partner's name, its identity, and the identity derived from its name."""
    return frozenset({partner.name, partner.identity, ids.identity(partner.name)})


def all_partners(tx: Tx) -> list[Partner]:
    """Return all current and former partners by name. Former partners keep their reports."""
    return [partner_of_row(*row) for row in tx.execute(partner_columns().order_by(partners.c.name))]


def shown_publicly(tx: Tx, most: int) -> list[Partner]:
    """Return the first current partners that are shown on the public page, by name."""
    asked = partner_columns().where(partners.c.shown_publicly, partners.c.left.is_(None)).order_by(partners.c.name)
    return [partner_of_row(*row) for row in tx.execute(asked.limit(most))]


def departed_partners(tx: Tx) -> dict[str, int]:
    """Return by name when each former partner left (microseconds)."""
    asked = select(partners.c.name, partners.c.left).where(partners.c.left.is_not(None))
    return {row[0]: row[1] for row in tx.execute(asked)}


def get(tx: Tx, name: str, *, gone: bool = False) -> Partner:
    """Return a partner by name, a former one only with ``gone``. Raises ``UnknownPartner``."""
    found = tx.execute(partner_columns(partners.c.left).where(partners.c.name == name)).first()
    if found is None:
        raise UnknownPartner(f"there is no partner {name!r}")
    if found[-1] is not None and not gone:
        raise PartnerLeft(f"the partner {name!r} has left; its reports stay, but no new ones are accepted from it")
    return partner_of_row(*found[:-1])


def find(tx: Tx, names: Iterable[str]) -> dict[str, Partner]:
    """Return by name the current partners among ``names``, which may be those of one page at most."""
    mine = partners.c.name.in_(sorted(set(names)))
    found = [partner_of_row(*row) for row in tx.execute(partner_columns().where(mine, partners.c.left.is_(None)))]
    return {partner.name: partner for partner in found}


def change(tx: Tx, partner: Partner) -> None:
    """Store ``partner``, replacing the one registered under its name. Raises ``UnknownPartner``."""
    get(tx, partner.name)
    tx.execute(update(partners).where(partners.c.name == partner.name).values(**row_of(partner)))
    touch(tx, partner.name)


def touch(tx: Tx, name: str) -> None:
    """Mark the partner's identity as changed, with a new version."""
    mine = partners.c.name == name
    before = tx.execute(select(partners.c.modified).where(mine)).scalar_one()
    tx.execute(update(partners).where(mine).values(modified=max(now(), before + 1000)))


def moments(tx: Tx) -> dict[str, tuple[int, int]]:
    """Return by name when each partner was registered and when its registration last changed (microseconds)."""
    asked = select(partners.c.name, partners.c.created, partners.c.modified)
    return {row[0]: (row[1], row[2]) for row in tx.execute(asked)}


def partner_columns(*more: Any) -> Select[*tuple[Any, ...]]:
    """Select the columns that ``partner_of_row`` reads, and ``more``."""
    return select(*columns_of(Partner, partners), *more)


def row_of(partner: Partner) -> dict[str, Any]:
    """Return the values of a partner's row, by column."""
    values = partner.model_dump(mode="json")
    return {name: json.dumps(value) if isinstance(value, list) else value for name, value in values.items()}


@lru_cache(maxsize=1024)
def partner_of_row(*row: Any) -> Partner:
    """Return the partner stored in the columns of a row."""
    values = dict(zip(Partner.model_fields, row, strict=True))
    return Partner(**{**values, **{name: json.loads(values[name]) for name in _LISTS}})


_LISTS = ("authority", "institutions", "former_institutions")


# Time for a partner to configure its clients with new credentials.
OVERLAP = timedelta(days=7)

_MICROSECOND = timedelta(microseconds=1)


def add(tx: Tx, partner: Partner) -> Credentials:
    """Register a partner and return its credentials, which are shown to it once.

    Raises ``NameTaken``, also if the name looks like that of a current or former partner.
    """
    moment = now()
    try:
        with tx.begin_nested():
            last = tx.execute(select(func.coalesce(func.max(partners.c.space), 0))).scalar_one()
            more = {"space": last + 1, "created": moment, "modified": moment, "left": None}
            tx.execute(insert(partners).values(**row_of(partner), **more))
            # Of two concurrent additions, the second one sees the first, or conflicts on the same space.
            others = tx.scalars(
                select(partners.c.name).where(partners.c.name != partner.name).order_by(partners.c.name)
            )
            if alike := first_alike(partner.name, others):
                raise NameTaken(f"the name looks like that of the partner {alike!r}: choose another name")
    except IntegrityError as error:
        raise NameTaken("a partner with this name or identity is already registered") from error
    return _issue(tx, partner.name)


def space(tx: Tx, name: str) -> int:
    """Return the number of the space in which a partner's contributions are stored. Raises ``UnknownPartner``."""
    found: int | None = tx.execute(select(partners.c.space).where(partners.c.name == name)).scalar()
    if found is None:
        raise UnknownPartner(f"there is no partner {name!r}")
    return found


def remove(tx: Tx, name: str) -> int:
    """End a partner's membership. From this transaction on it cannot authenticate, read or write.

    It stays registered and keeps its own values. Return when it left (microseconds). Raises ``UnknownPartner``.
    """
    get(tx, name)
    note_former_grants(tx, name)
    for table in (credentials, verified_logins, certificates, grants, match_grants):
        tx.execute(delete(table).where(table.c.partner == name))
    moment = now()
    tx.execute(update(partners).where(partners.c.name == name).values(left=moment))
    return moment


def note_powers_ended(tx: Tx, name: str) -> None:
    """Record that a partner has just lost all rights granted under dual control."""
    tx.execute(update(partners).where(partners.c.name == name).values(powers_ended=now()))


def powers_ended(tx: Tx, name: str) -> int | None:
    """Return when a partner last lost all rights granted under dual control (microseconds), or None."""
    found: int | None = tx.execute(select(partners.c.powers_ended).where(partners.c.name == name)).scalar()
    return found


def note_former_grants(tx: Tx, name: str, collection: int | None = None) -> None:
    """Store the start of a partner's rights to read, in one or all collections, before they are revoked."""
    mine = [grants.c.partner == name, grants.c.can_read]
    mine += [] if collection is None else [grants.c.collection == collection]
    asked = select(grants.c.partner, grants.c.collection, grants.c.granted).where(*mine)
    for row in tx.execute(asked).all():
        tx.execute(_FORGET_FORMER, {"of_partner": row[0], "of_collection": row[1]})
        tx.execute(insert(former_grants).values(partner=row[0], collection=row[1], granted=row[2]))


def began_before(tx: Tx, name: str, collection: int) -> int | None:
    """Return the start of the partner's revoked right to read the collection, or None if it never had one."""
    mine = (former_grants.c.partner == name, former_grants.c.collection == collection)
    found: int | None = tx.execute(select(former_grants.c.granted).where(*mine)).scalar()
    return found


_FORGET_FORMER = delete(former_grants).where(
    former_grants.c.partner == bindparam("of_partner"), former_grants.c.collection == bindparam("of_collection")
)


def restore(tx: Tx, name: str) -> Credentials:
    """Readmit a former partner. Return its new credentials, which are shown to it once.

    It can read its private collections; other rights must be granted again. Raises ``UnknownPartner``, and
    ``NameTaken`` for a current partner.
    """
    get(tx, name, gone=True)
    mine = (partners.c.name == name, partners.c.left.is_not(None))
    if not tx.execute(update(partners).where(*mine).values(left=None)).rowcount:
        raise NameTaken(f"the partner {name!r} has not left")
    touch(tx, name)
    own = select(collections.c.number, collections.c.last_added).where(collections.c.owner == name)
    moment = database_time(tx)
    for number, last in tx.execute(own).all():
        before = began_before(tx, name, number)
        rights = {"can_read": True, "can_write": False, "granted": max(last, moment) if before is None else before}
        tx.execute(insert(grants).values(partner=name, collection=number, **rights))
    return _issue(tx, name)


def rotate(tx: Tx, name: str, *, overlap: timedelta = OVERLAP, purpose: str = "") -> Credentials:
    """Issue new credentials. The old ones work for ``overlap`` longer (default: a week; zero ends them at once).

    ``purpose`` says for people what they are for. Raises ``UnknownPartner``.
    """
    get(tx, name)
    _end(tx, credentials, name, overlap)
    tx.execute(delete(verified_logins).where(verified_logins.c.partner == name))
    return _issue(tx, name, purpose)


class VerifiedLogin(NamedTuple):
    """A slowly verified password: its owner, its keyed digest, the matching hash, and its check."""

    partner: str
    digest: bytes
    password_hash: str
    check: bytes


def by_password(
    tx: Tx,
    user: str,
    password: str,
    verifier: PasswordVerifier | None = None,
    before_verifying: Callable[[bool], None] = lambda is_likely: None,
    note_login: Callable[[VerifiedLogin], None] = lambda login: None,
    note_credentials: Callable[[bytes], None] = lambda token_hash: None,
) -> Partner | None:
    """Return the partner with this user name and password.

    A wrong password takes equally long for any user and any number of passwords. ``verifier`` remembers correct
    passwords for a while, and accepts ``remember_logins`` of another one with the same key. Without a verifier each
    verification is slow. ``before_verifying`` is called before a slow verification, with whether the password was or
    very likely is correct; it may raise. ``note_login`` is called after a slow successful verification.
    ``note_credentials`` is called with the hash of the token of the same credentials.
    """
    moment = now()
    rows = fetch(tx, _BY_NAME, {"user": user, "moment": moment})
    was_slow = False

    check = password_check(password)

    def before(known: bool) -> int:
        nonlocal was_slow
        before_verifying(known or any(row[-3] == check for row in rows))
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
        note_login(VerifiedLogin(user, verifier.digest(password), matched, check))
    note_credentials(next(row[-2] for row in rows if row[-1] == matched))
    return partner_of_row(*rows[0][:-3])


def remember_logins(tx: Tx, logins: Iterable[VerifiedLogin]) -> None:
    """Let other processes with the same key accept these passwords for five minutes without slow verification.

    A row becomes invalid when its credentials end.
    """
    moment = now()
    tx.execute(delete(verified_logins).where(verified_logins.c.until <= moment))
    for login in logins:
        mine = (credentials.c.partner == login.partner, credentials.c.password_hash == login.password_hash)
        token_hash = tx.execute(select(credentials.c.token_hash).where(*mine, _VALID), {"moment": moment}).scalar()
        # Credentials from before checks were stored.
        unchecked = update(credentials).where(*mine, credentials.c.password_check.is_(None))
        tx.execute(unchecked.values(password_check=login.check))
        key = {"partner": login.partner, "digest": login.digest}
        tx.execute(delete(verified_logins).where(*(verified_logins.c[name] == value for name, value in key.items())))
        if token_hash is not None:
            until = moment + REMEMBERED_SECONDS * 1_000_000
            tx.execute(insert(verified_logins).values(**key, token_hash=token_hash, until=until))


def remember_logins_in_passing(store: Store, logins: Iterable[VerifiedLogin]) -> None:
    """Store logins as ``remember_logins`` does, in a transaction of its own that waits for no long write."""
    with store.begin(in_passing=True) as tx:
        remember_logins(tx, logins)


def set_certificate(tx: Tx, name: str, certificate: str, *, overlap: timedelta = OVERLAP, purpose: str = "") -> str:
    """Register a client certificate of the partner, and return its fingerprint. Older ones work for ``overlap`` longer.

    ``certificate`` is PEM, or the SHA-256 of its DER in hexadecimal, with or without colons. It is accepted wherever
    the TLS layer has verified it. Raises ``UnknownPartner``, ``BadCertificate`` or ``NameTaken``.
    """
    get(tx, name)
    fingerprint = fingerprint_of(certificate)
    known = certificates.c.fingerprint == fingerprint
    owner = tx.execute(select(certificates.c.partner).where(known)).scalar()
    if owner not in (None, name):
        raise NameTaken("this certificate belongs to another partner")
    _end(tx, certificates, name, overlap)
    tx.execute(delete(certificates).where(certificates.c.partner == name, known))
    made = {"fingerprint": fingerprint, "partner": name, "created": now(), "expires": None, "purpose": purpose}
    tx.execute(insert(certificates), [made])
    return fingerprint.hex()


class IssuedCredentials(NamedTuple):
    """The name of credentials of a partner, when they were issued, and when they end (microseconds, None for no end).

    The name is that of their logins: it reveals no secret and no stored hash. The purpose is what people call them.
    """

    created: int
    expires: int | None
    name: str
    purpose: str


class RegisteredCertificate(NamedTuple):
    """A client certificate: the SHA-256 of its DER, when it was registered, when it ends, and its purpose."""

    fingerprint: str
    created: int
    expires: int | None
    purpose: str

    @property
    def name(self) -> str:
        """Return the name of its logins."""
        return UsedLogin("certificate", bytes.fromhex(self.fingerprint)).id


def credentials_of(tx: Tx, name: str) -> list[IssuedCredentials]:
    """Return the partner's valid passwords and tokens by their times, the latest first."""
    mine = (credentials.c.partner == name, _valid(credentials, now()))
    columns = (credentials.c.created, credentials.c.expires, credentials.c.token_hash, credentials.c.purpose)
    rows = tx.execute(select(*columns).where(*mine).order_by(credentials.c.created.desc()))
    return [
        IssuedCredentials(row.created, row.expires, UsedLogin("token", row.token_hash).id, row.purpose) for row in rows
    ]


def name_credential(tx: Tx, partner: str, name: str, purpose: str) -> bool:
    """Set the purpose of valid credentials or a certificate of a partner. Return False if the name is unknown."""
    for known in _digests(tx, credentials, credentials.c.token_hash, partner):
        if UsedLogin("token", known).id == name:
            tx.execute(update(credentials).where(credentials.c.token_hash == known).values(purpose=purpose))
            return True
    for known in _digests(tx, certificates, certificates.c.fingerprint, partner):
        if UsedLogin("certificate", known).id == name:
            tx.execute(update(certificates).where(certificates.c.fingerprint == known).values(purpose=purpose))
            return True
    return False


def _digests(tx: Tx, table: Table, digest: ColumnElement[bytes], partner: str) -> Sequence[bytes]:
    """Return the digests of the valid credentials or certificates of a partner."""
    return tx.execute(select(digest).where(table.c.partner == partner, _valid(table, now()))).scalars().all()


def certificates_of(tx: Tx, name: str) -> list[RegisteredCertificate]:
    """Return the partner's valid client certificates, the latest first."""
    mine = (certificates.c.partner == name, _valid(certificates, now()))
    columns = (certificates.c.fingerprint, certificates.c.created, certificates.c.expires, certificates.c.purpose)
    rows = tx.execute(select(*columns).where(*mine).order_by(certificates.c.created.desc(), certificates.c.fingerprint))
    return [RegisteredCertificate(row.fingerprint.hex(), *row[1:]) for row in rows]


def remove_certificate(tx: Tx, name: str, fingerprint: str) -> bool:
    """Reject a client certificate of the partner from its next request on. Return False if it is not registered."""
    try:
        known = bytes.fromhex(fingerprint)
    except ValueError:
        return False
    mine = (certificates.c.partner == name, certificates.c.fingerprint == known)
    return bool(tx.execute(delete(certificates).where(*mine)).rowcount)


def by_certificate(tx: Tx, der: bytes) -> Partner | None:
    """Return the partner of this client certificate, which the TLS layer has verified."""
    given = {"fingerprint": hashlib.sha256(der).digest(), "moment": now()}
    row = tx.execute(_BY_CERTIFICATE, given).first()
    return None if row is None else partner_of_row(*row)


def by_token(tx: Tx, token: str) -> Partner | None:
    """Return the partner with this token. Only hashes of tokens are compared."""
    found = fetch(tx, _BY_TOKEN, {"hash": hash_token(token), "moment": now()})
    return partner_of_row(*found[0]) if found else None


def issued(tx: Tx, name: str) -> dict[str, int]:
    """Return when each existing credential and certificate of the partner was issued, by its id."""
    own = select(credentials.c.token_hash, credentials.c.created).where(credentials.c.partner == name)
    more = select(certificates.c.fingerprint, certificates.c.created).where(certificates.c.partner == name)
    found = {UsedLogin("token", digest).id: created for digest, created in tx.execute(own)}
    return found | {UsedLogin("certificate", digest).id: created for digest, created in tx.execute(more)}


def _end(tx: Tx, table: Table, name: str, overlap: timedelta) -> None:
    """Let the partner's credentials or certificates work for at most ``overlap`` longer. Delete expired ones."""
    ends = now() + overlap // _MICROSECOND
    mine = table.c.partner == name
    tx.execute(update(table).where(mine, _valid(table, ends)).values(expires=ends))
    tx.execute(delete(table).where(mine, table.c.expires <= now()))


def _valid(table: Table, moment: Any) -> ColumnElement[bool]:
    """Return a condition for credentials or certificates that are still valid after ``moment``."""
    return or_(table.c.expires.is_(None), table.c.expires > moment)


def _issue(tx: Tx, name: str, purpose: str = "") -> Credentials:
    made = make_credentials(name)
    tx.execute(
        insert(credentials).values(
            partner=name,
            password_hash=hash_password(made.password),
            token_hash=hash_token(made.token),
            password_check=password_check(made.password),
            created=now(),
            expires=None,
            purpose=purpose,
        )
    )
    return made


# These run with every request, so they are built once.
# The lock allows other transactions to add rows that refer to a partner.
_LOCK_ALL = select(partners.c.name).order_by(partners.c.name).with_for_update(key_share=True)
_LOCK = _LOCK_ALL.where(among(partners.c.name, "names"))
_LOCK_FREE = _LOCK.with_for_update(key_share=True, skip_locked=True)
_MOMENT = bindparam("moment", type_=BigInteger)
_VALID = _valid(credentials, _MOMENT)
_BY_NAME = (
    partner_columns(credentials.c.password_check, credentials.c.token_hash, credentials.c.password_hash)
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
