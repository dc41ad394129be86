"""Sessions: begun at a login, identified by the hash of a random secret, ended by time, log-out or user removal."""

import secrets
from typing import Literal, NamedTuple

from sqlalchemy import delete, insert, select, update

from server.store.credentials import hash_token
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.operators.sent_forms import FORM
from server.store.operators.tables import sessions, users
from server.store.operators.users import User

# The verified factors: the password alone, or all.
Stage = Literal["password", "full"]

_MINUTE = 60 * 1_000_000
_s = sessions.c


class LoginSession(NamedTuple):
    """A session and its user. Moments are microseconds; ``hash`` is that of the secret in the cookie."""

    hash: bytes
    stage: str
    new_totp: bytes | None
    created: int
    seen: int
    expires: int
    proven: int
    user: User


def begin(tx: Tx, user: str, stage: Stage, *, lasts: int) -> str:
    """Begin a session that ends after at most ``lasts`` microseconds, and return the secret for its cookie.

    Ended sessions are removed.
    """
    secret, moment = secrets.token_urlsafe(32), now()
    tx.execute(delete(sessions).where(_s.expires <= moment))
    row = {"hash": hash_token(secret), "user": user, "stage": stage, "created": moment, "seen": moment}
    tx.execute(insert(sessions), [{**row, "expires": moment + lasts, "proven": moment}])
    return secret


def find(tx: Tx, secret: str, *, idle: int) -> LoginSession | None:
    """Return the session with that secret, or None if it has ended or was idle for ``idle`` microseconds."""
    own = (_s.hash, _s.stage, _s.new_totp, _s.created, _s.seen, _s.expires, _s.proven)
    asked = select(*own, users).join_from(sessions, users, _s.user == users.c.id)
    row = tx.execute(asked.where(_s.hash == hash_token(secret), _s.stage != FORM)).first()
    if row is None:
        return None
    found = LoginSession._make((*row[: len(own)], User._make(row[len(own) :])))
    moment = now()
    return found if moment < found.expires and moment < found.seen + idle else None


def is_to_be_touched(session: LoginSession) -> bool:
    """Return whether the use of the session must be recorded, once a minute."""
    return now() - session.seen > _MINUTE


def touch(tx: Tx, hash_: bytes) -> None:
    """Record that a session is in use."""
    tx.execute(update(sessions).where(_s.hash == hash_).values(seen=now()))


def keep_new_totp(tx: Tx, hash_: bytes, encrypted: bytes) -> None:
    """Store a second factor that was shown in a session until a code verifies it."""
    tx.execute(update(sessions).where(_s.hash == hash_).values(new_totp=encrypted))


def keep_challenge(tx: Tx, hash_: bytes, challenge: bytes) -> None:
    """Store the challenge that a passkey has to sign in a session, replacing an earlier one."""
    tx.execute(update(sessions).where(_s.hash == hash_).values(challenge=challenge))


def take_challenge(tx: Tx, hash_: bytes) -> bytes | None:
    """End the challenge of a session, and return it, or None if there is none."""
    found: bytes | None = tx.execute(select(_s.challenge).where(_s.hash == hash_).with_for_update()).scalar()
    if found is not None:
        tx.execute(update(sessions).where(_s.hash == hash_).values(challenge=None))
    return found


def end(tx: Tx, hash_: bytes) -> None:
    """End a session."""
    tx.execute(delete(sessions).where(_s.hash == hash_))


def end_others(tx: Tx, user: str, kept: bytes) -> int:
    """End all sessions of a user except one, and return their number."""
    return tx.execute(delete(sessions).where(_s.user == user, _s.hash != kept)).rowcount


def end_of_user(tx: Tx, user: str, hash_: bytes) -> int:
    """End a session of a user. Return 0 if the user has none with that hash."""
    return tx.execute(delete(sessions).where(_s.user == user, _s.hash == hash_)).rowcount


def of_user(tx: Tx, user: str) -> list[tuple[bytes, int, int]]:
    """Return hash, start and last use of each current session of a user, the newest first."""
    asked = select(_s.hash, _s.created, _s.seen).where(_s.user == user, _s.expires > now(), _s.stage == "full")
    return [(row.hash, row.created, row.seen) for row in tx.execute(asked.order_by(_s.created.desc()))]
