"""Users: added by an operator, authenticated by password and second factor, or by OpenID Connect."""

import secrets
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from schemas.text import first_alike, plain_name
from server.store.credentials import hash_password, hash_token
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.operators import former
from server.store.operators.tables import passkeys, sessions, users

LINK_HOURS = 48
_HOUR = 3_600 * 1_000_000
_u = users.c


class OperatorRole(StrEnum):
    """The roles of operators of the hub. Each role includes the previous one."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    APPROVER = "approver"
    ADMIN = "admin"


class PartnerRole(StrEnum):
    """The roles of a partner's users."""

    READER = "reader"
    WRITER = "writer"
    ADMIN = "admin"


class NameInUse(ValueError):
    """A user with this name, or a similar-looking one, exists already."""


class UnknownUser(LookupError):
    """There is no user with that name."""


class LinkOver(LookupError):
    """The link was used, has expired, or never existed."""


class User(NamedTuple):
    """A person who may log in; ``partner`` is None for an operator of the hub. Moments are microseconds."""

    id: str
    name: str
    plain_name: str
    partner: str | None
    role: str
    password: str | None
    totp: bytes | None
    totp_step: int
    wrong_codes: int
    wrong_code_at: int
    link: bytes | None
    link_expires: int | None
    subject: str | None
    created: int
    created_by: str
    email: str | None = None
    link_shown_to: str | None = None
    link_made: int | None = None


def add(
    tx: Tx,
    name: str,
    role: OperatorRole | PartnerRole,
    by: str,
    partner: str | None = None,
    *,
    email: str | None = None,
    shown_to: str = "",
) -> str:
    """Add a user, and return the secret of the link that sets the password. Only its hash is stored.

    ``email`` is an address as returned by ``plain_address``. ``shown_to`` is the person who sees the link, if not the
    one who adds the user. Raises ``NameInUse``.
    """
    return _add(tx, name, str(role), by, partner, email=email, shown_to=shown_to or by)


def add_by_subject(tx: Tx, subject: str, name: str, role: OperatorRole, email: str | None = None) -> User:
    """Return the user with this OpenID subject, added at the first login, and update the role.

    A verified ``email`` of the provider replaces the stored one. Raises ``NameInUse`` if the name is another user's.
    """
    found = tx.execute(select(users).where(_u.subject == subject)).first()
    if found is None:
        _add(tx, name, str(role), "OpenID Connect", None, subject=subject, email=email)
    else:
        known = {} if email is None else {"email": email}
        if known and email != found.email:
            _note_former(tx, User._make(found))
        _change(tx, found.id, role=str(role), **known)
    return User._make(tx.execute(select(users).where(_u.subject == subject)).one())


def _add(
    tx: Tx,
    name: str,
    role: str,
    by: str,
    partner: str | None,
    *,
    subject: str | None = None,
    email: str | None = None,
    shown_to: str | None = None,
) -> str:
    secret, moment = secrets.token_urlsafe(32), now()
    plain = plain_name(name)
    if not plain:
        raise NameInUse("a name must contain letters")
    row = User(
        id=secrets.token_hex(8),
        name=name,
        plain_name=plain,
        partner=partner,
        role=role,
        password=None,
        totp=None,
        totp_step=0,
        wrong_codes=0,
        wrong_code_at=0,
        link=hash_token(secret) if subject is None else None,
        link_expires=moment + LINK_HOURS * _HOUR if subject is None else None,
        subject=subject,
        created=moment,
        created_by=by,
        email=email,
        link_shown_to=shown_to,
        link_made=moment if shown_to else None,
    )
    refuse_alike(tx, name)
    try:
        with tx.begin_nested():
            tx.execute(insert(users), [row._asdict()])
    except IntegrityError:
        raise NameInUse(f"a user {name}, or one with a similar-looking name, exists already") from None
    return secret


def refuse_alike(tx: Tx, name: str) -> None:
    """Raise ``NameInUse`` if a user has this name, or a similar-looking one. Concurrent additions wait."""
    tx.execute(select(_u.id).order_by(_u.id).with_for_update()).all()
    if alike := first_alike(name, tx.scalars(select(_u.name).order_by(_u.name))):
        raise NameInUse(f"the user {alike} has the same name, or a similar-looking one")


def find(tx: Tx, name: str) -> User | None:
    """Return the user with that name, or None."""
    row = tx.execute(select(users).where(_u.plain_name == plain_name(name))).first()
    return User._make(row) if row else None


def by_id(tx: Tx, user: str) -> User | None:
    """Return the user with that id, or None if it was removed."""
    row = tx.execute(select(users).where(_u.id == user)).first()
    return User._make(row) if row else None


def get(tx: Tx, name: str) -> User:
    """Return the user with that name. Raises ``UnknownUser``."""
    found = find(tx, name)
    if found is None:
        raise UnknownUser(f"there is no user {name}")
    return found


def locked(tx: Tx, user: str) -> User:
    """Return the user with that id, locked until the transaction ends, so that codes are checked one by one.

    Raises ``UnknownUser``.
    """
    row = tx.execute(select(users).where(_u.id == user).with_for_update()).first()
    if row is None:
        raise UnknownUser("the user was removed")
    return User._make(row)


def all_users(tx: Tx) -> list[User]:
    """Return all users, operators first, by name."""
    order = (func.coalesce(_u.partner, ""), _u.plain_name)
    return [User._make(row) for row in tx.execute(select(users).order_by(*order))]


def renew_link(tx: Tx, name: str, by: str) -> str:
    """Return a new link's secret. Password, second factors and sessions end at once. Raises ``UnknownUser``."""
    found, moment = get(tx, name), now()
    secret = secrets.token_urlsafe(32)
    _end_access(tx, found.id)
    values = {"link": hash_token(secret), "link_expires": moment + LINK_HOURS * _HOUR, "password": None, "totp": None}
    _change(tx, found.id, **values, link_shown_to=by, link_made=moment)
    return secret


def set_email(tx: Tx, name: str, email: str | None) -> None:
    """Set or remove a user's e-mail address, and record the earlier one. Raises ``UnknownUser``."""
    found = get(tx, name)
    if found.email != email:
        _note_former(tx, found)
        _change(tx, found.id, email=email)


def change_role(tx: Tx, name: str, role: OperatorRole | PartnerRole) -> None:
    """Change a user's role, from the next request on. Raises ``UnknownUser``."""
    _change(tx, get(tx, name).id, role=str(role))


def remove(tx: Tx, name: str) -> None:
    """Remove a user with all sessions and passkeys, and record the identity. Raises ``UnknownUser``."""
    found = get(tx, name)
    _note_former(tx, found)
    _end_access(tx, found.id)
    tx.execute(delete(users).where(_u.id == found.id))


def of_link(tx: Tx, secret: str) -> User:
    """Return the user of a link. Raises ``LinkOver``."""
    row = tx.execute(select(users).where(_u.link == hash_token(secret), _u.link_expires > now())).first()
    if row is None:
        raise LinkOver
    return User._make(row)


def set_password(tx: Tx, secret: str, password: str) -> User:
    """Set the password with a link, which then ends. Raises ``LinkOver``."""
    found = of_link(tx, secret)
    used = update(users).where(_u.id == found.id, _u.link == found.link)
    if not tx.execute(used.values(password=hash_password(password), link=None, link_expires=None)).rowcount:
        raise LinkOver
    return found


def set_totp(tx: Tx, user: str, encrypted: bytes, step: int) -> None:
    """Store a second factor, verified by the code of that time step."""
    _change(tx, user, totp=encrypted, totp_step=step, wrong_codes=0)


def use_code(tx: Tx, user: str, step: int) -> bool:
    """Record that the code of a time step was used. Return False if it or a later one was used before."""
    taken = update(users).where(_u.id == user, _u.totp_step < step).values(totp_step=step, wrong_codes=0)
    return bool(tx.execute(taken).rowcount)


def count_wrong_code(tx: Tx, user: str) -> None:
    """Count a wrong code, which requires the correct password first."""
    _change(tx, user, wrong_codes=_u.wrong_codes + 1, wrong_code_at=now())


def forgive_codes(tx: Tx, user: str) -> None:
    """Reset the count of wrong codes, because the user was authenticated by other means."""
    _change(tx, user, wrong_codes=0)


def _note_former(tx: Tx, user: User) -> None:
    former.note(tx, user.id, user.plain_name, user.email, user.subject)


def _end_access(tx: Tx, user: str) -> None:
    tx.execute(delete(sessions).where(sessions.c.user == user))
    tx.execute(delete(passkeys).where(passkeys.c.user == user))


def _change(tx: Tx, user: str, **values: Any) -> None:
    tx.execute(update(users).where(_u.id == user).values(**values))
