"""The forms of a session that were sent: each takes effect once, and its answer is kept for some minutes.

They are rows of the sessions, which end with their user. No cookie has their names, so they log in nobody.
"""

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.operators.tables import sessions

# The stage of such a row.
FORM = "form"
LASTS = 30 * 60 * 1_000_000
# Answers of one user that are kept.
_MOST = 50
_s = sessions.c


def claim(tx: Tx, name: bytes, user: str) -> bool:
    """Let the form with this name take effect now; return False if it was sent before. Old forms are removed."""
    moment = now()
    row = {"hash": name, "user": user, "stage": FORM, "created": moment, "seen": moment}
    insertion = (sqlite if tx.dialect.name == "sqlite" else postgresql).insert(sessions)
    if not tx.execute(insertion.values(**row, expires=moment + LASTS, proven=0).on_conflict_do_nothing()).rowcount:
        return False
    of_user = select(_s.hash).where(_s.user == user, _s.stage == FORM).order_by(_s.created.desc()).offset(_MOST)
    old = [row.hash for row in tx.execute(of_user.limit(_MOST))]
    tx.execute(delete(sessions).where(_s.stage == FORM, _s.expires <= moment))
    if old:
        tx.execute(delete(sessions).where(_s.hash.in_(old)))
    return True


def release(tx: Tx, name: bytes) -> None:
    """Let the form be sent again: it had no effect."""
    tx.execute(delete(sessions).where(_s.hash == name, _s.stage == FORM))


def keep(tx: Tx, name: bytes, answer: bytes) -> None:
    """Store the encrypted answer to a form."""
    tx.execute(update(sessions).where(_s.hash == name, _s.stage == FORM).values(challenge=answer))


def find(tx: Tx, name: bytes) -> bytes | None:
    """Return the answer to a form, empty if there is none yet; None for an unknown or old form."""
    asked = select(_s.challenge).where(_s.hash == name, _s.stage == FORM, _s.expires > now(), _s.proven == 0)
    row = tx.execute(asked.with_for_update()).first()
    return None if row is None else row.challenge or b""


def forget_all(tx: Tx) -> None:
    """Forget the answers to all persons; their forms still take no second effect."""
    tx.execute(update(sessions).where(_s.stage == FORM).values(challenge=None, proven=now()))
