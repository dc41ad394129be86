"""The read steps of a partner in a collection. The first read after a version proves that the partner got it.

Each read that advances is a step, up to thirty per minute. Later ones of that minute move the last step.
"""

from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, delete, exists, insert, select, update

from server.store.credentials import UsedLogin
from server.store.database.engine import Tx
from server.store.reads.tables import read_steps

# Limits the rows of a partner that reads pages of one object.
MOST_A_MINUTE = 30
_MINUTE = 60_000_000
_s = read_steps.c


class ReadStep(NamedTuple):
    """By ``at`` the partner had got the collection's additions until ``read_up_to``; both are in microseconds.

    ``login_by`` is the sort of credential used, ``login`` its id; None if unknown.
    """

    read_up_to: int
    at: int
    login_by: str | None
    login: str | None


def note(tx: Tx, collection: str, partner: str, read_up_to: int, moment: int, login: UsedLogin | None = None) -> None:
    """Record that a partner had read a collection (by id) up to a place at a moment.

    The caller has locked the partner's read position. Processes may record reads in another order than they answered
    them, so the earliest read that reached a place counts.
    """
    mine = {"of_collection": collection, "of_partner": partner}
    used = {"login_by": login.by if login else None, "login": login.id if login else None}
    known = tx.execute(_FIRST, mine | {"added": read_up_to}).first()
    if known is not None and known.at <= moment:
        return
    if known is not None and known.read_up_to == read_up_to:
        tx.execute(_MOVE, mine | used | {"from_place": read_up_to, "to_place": read_up_to, "moment": moment})
        return
    last = tx.execute(_LAST, mine).all()
    if known is None and len(last) == MOST_A_MINUTE and last[-1].at >= moment - moment % _MINUTE:
        from_place = last[0].read_up_to
        tx.execute(_MOVE, mine | used | {"from_place": from_place, "to_place": read_up_to, "moment": moment})
        return
    row = {"collection": collection, "partner": partner, "read_up_to": read_up_to, "at": moment, **used}
    tx.execute(insert(read_steps), row)


def first_after(tx: Tx, collection: str, partner: str, added: int) -> ReadStep | None:
    """Return the first step by which a partner got the object that a collection added at ``added``, or None."""
    row = tx.execute(_FIRST, {"of_collection": collection, "of_partner": partner, "added": added}).first()
    return None if row is None else ReadStep(*row)


def latest(tx: Tx, collection: str, partner: str) -> ReadStep | None:
    """Return the step with a partner's furthest read in a collection, or None."""
    row = tx.execute(_LATEST, {"of_collection": collection, "of_partner": partner}).first()
    return None if row is None else ReadStep(*row)


def forget(tx: Tx, *, before: int, most: int = 500) -> int:
    """Remove at most ``most`` steps made ``before`` (microseconds), and return their number.

    The last step of each partner in each collection stays.
    """
    later = read_steps.alias()
    same = (later.c.collection == _s.collection) & (later.c.partner == _s.partner)
    goes_on = exists().where(same, later.c.read_up_to > _s.read_up_to)
    asked = select(_s.collection, _s.partner, _s.read_up_to).where(_s.at < before, goes_on).limit(most)
    keys: list[dict[str, Any]] = [
        {"of_collection": collection, "of_partner": partner, "of_place": place}
        for collection, partner, place in tx.execute(asked)
    ]
    if keys:
        tx.execute(_FORGET, keys)
    return len(keys)


_MINE = (_s.collection == bindparam("of_collection"), _s.partner == bindparam("of_partner"))
_LAST = select(_s.read_up_to, _s.at).where(*_MINE).order_by(_s.read_up_to.desc()).limit(MOST_A_MINUTE)
_FIRST = (
    select(_s.read_up_to, _s.at, _s.login_by, _s.login)
    .where(*_MINE, _s.read_up_to >= bindparam("added", type_=BigInteger))
    .order_by(_s.read_up_to)
    .limit(1)
)
_LATEST = select(_s.read_up_to, _s.at, _s.login_by, _s.login).where(*_MINE).order_by(_s.read_up_to.desc()).limit(1)
_MOVE = (
    update(read_steps)
    .where(*_MINE, _s.read_up_to == bindparam("from_place", type_=BigInteger))
    .values(
        read_up_to=bindparam("to_place", type_=BigInteger),
        at=bindparam("moment", type_=BigInteger),
        login_by=bindparam("login_by"),
        login=bindparam("login"),
    )
)
_FORGET = delete(read_steps).where(*_MINE, _s.read_up_to == bindparam("of_place", type_=BigInteger))
