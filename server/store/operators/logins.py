"""Sessions, and the attempts to log in: passwords, second factors and OpenID Connect."""

import contextlib
from collections.abc import Callable
from typing import NamedTuple

from server.store import audit
from server.store.database.engine import Store, StoreUnavailable, Tx
from server.store.operators import attempts, sessions, users
from server.store.operators.sessions import LoginSession, Stage
from server.store.operators.users import OperatorRole, User

_UNAUTHORIZED = 401


class FactorAttempt(NamedTuple):
    """The result of an attempt to prove a second factor; ``wait`` is in seconds, and then nothing was checked."""

    wait: int
    is_right: bool


def touch(store: Store, session: LoginSession) -> None:
    """Record that a session is in use, once a minute; without the store a later request records it."""
    if sessions.is_to_be_touched(session):
        with contextlib.suppress(StoreUnavailable), store.begin(in_passing=True) as tx:
            sessions.touch(tx, session.hash)


def begin_session(store: Store, user: User, stage: Stage, *, lasts: int, instead: LoginSession | None) -> str:
    """Begin a session of at most ``lasts`` microseconds, and return the secret of its cookie.

    It replaces the session ``instead``. A session in which all factors are proven is a login in the audit trail.
    """
    with store.begin() as tx:
        return _begin(tx, user, stage, "session", lasts, instead)


def log_in_by_openid(
    store: Store,
    subject: str,
    name: str,
    role: OperatorRole,
    email: str | None,
    *,
    lasts: int,
    instead: LoginSession | None,
) -> tuple[User, str]:
    """Return the operator with this subject at the provider, and the secret of a new session's cookie.

    The first login adds the operator. Raises ``NameInUse``.
    """
    with store.begin() as tx:
        user = users.add_by_subject(tx, subject, name, role, email)
        return user, _begin(tx, user, "full", "openid", lasts, instead)


def log_out(store: Store, session: LoginSession) -> None:
    """End a session."""
    with store.begin() as tx:
        _record(tx, "LOGOUT", "session", session.user)
        sessions.end(tx, session.hash)


def take_attempt(store: Store, remote: str, name: str) -> int:
    """Count a password for ``name`` before it is checked, and return the microseconds to wait; 0 for none."""
    with store.begin() as tx:
        return attempts.take(tx, remote, name)


def give_attempt_back(store: Store, remote: str, name: str) -> None:
    """Count the attempt no longer: the password was right."""
    with store.begin(in_passing=True) as tx:
        attempts.give_back(tx, remote, name)


def count_wrong_link(store: Store, remote: str) -> None:
    """Count a one-time link that is not valid."""
    with store.begin(in_passing=True) as tx:
        attempts.take(tx, remote, "")


def record_wrong_password(store: Store, user: User | None) -> None:
    """Record a wrong password in the audit trail, also for an unknown name, so that both take the same time.

    The unknown name itself is not recorded: it may be a password.
    """
    with store.begin(in_passing=True) as tx:
        if user is not None:
            _record(tx, "LOGIN", "session", user, _UNAUTHORIZED)
        else:
            audit.record_act(tx, audit.VISITOR, "LOGIN", "session", status=_UNAUTHORIZED)


def try_factor(
    store: Store, user: str, factor: str, wait_of: Callable[[User], int], prove: Callable[[Tx, User], bool]
) -> FactorAttempt:
    """Check a second factor of a user, one attempt after another; ``prove`` uses it up if it is right.

    ``wait_of`` returns the seconds that the user has to wait after wrong attempts.
    """
    with store.begin() as tx:
        found = users.locked(tx, user)
        wait = wait_of(found)
        if wait or prove(tx, found):
            return FactorAttempt(wait, not wait)
        users.count_wrong_code(tx, found.id)
        _record(tx, "LOGIN", factor, found, _UNAUTHORIZED)
    return FactorAttempt(0, is_right=False)


def keep_challenge(store: Store, session: LoginSession, challenge: bytes) -> None:
    """Store the challenge that a passkey has to sign in a session."""
    with store.begin() as tx:
        sessions.keep_challenge(tx, session.hash, challenge)


def take_challenge(store: Store, session: LoginSession) -> bytes:
    """Return the challenge of a session, which is then used up; empty if there is none."""
    with store.begin() as tx:
        return sessions.take_challenge(tx, session.hash) or b""


def keep_new_totp(store: Store, session: LoginSession, encrypted: bytes) -> None:
    """Store a second factor in a session until a code proves it."""
    with store.begin() as tx:
        sessions.keep_new_totp(tx, session.hash, encrypted)


def _begin(tx: Tx, user: User, stage: Stage, recorded_as: str, lasts: int, instead: LoginSession | None) -> str:
    if instead is not None:
        sessions.end(tx, instead.hash)
    if stage == "full":
        _record(tx, "LOGIN", recorded_as, user)
    return sessions.begin(tx, user.id, stage, lasts=lasts)


def _record(tx: Tx, verb: str, what: str, user: User, status: int = 200) -> None:
    audit.record_act(tx, user.name, verb, what, partner=user.partner, status=status, reference=user.id)
