"""The steps by which a partner read a collection, to the minute: what proves that it was given something by a time."""

from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, delete, exists, insert, select, update

from server.store.credentials import UsedLogin
from server.store.database.engine import Tx
from server.store.reads.tables import read_steps

_MINUTE = 60_000_000
_s = read_steps.c


class ReadStep(NamedTuple):
    """By ``at`` the partner had been given what the collection added until ``read_up_to``; both in microseconds.

    ``login_by`` is the sort of the credential that it asked by, ``login`` its id; None where that is not known.
    """

    read_up_to: int
    at: int
    login_by: str | None
    login: str | None


def note(tx: Tx, collection: str, partner: str, read_up_to: int, moment: int, login: UsedLogin | None = None) -> None:
    """Note that a partner has read a collection, by its id, up to there; the steps of one minute are one.

    The caller has locked the partner's read position there.
    """
    mine = {"of_collection": collection, "of_partner": partner}
    used = {"login_by": login.by if login else None, "login": login.id if login else None}
    last = tx.execute(_LAST, mine).first()
    if last is not None and last.read_up_to >= read_up_to:
        return
    if last is not None and last.at >= moment - moment % _MINUTE:
        tx.execute(_MOVE, mine | used | {"from_place": last.read_up_to, "to_place": read_up_to, "moment": moment})
    else:
        row = {"collection": collection, "partner": partner, "read_up_to": read_up_to, "at": moment, **used}
        tx.execute(insert(read_steps), row)


def first_after(tx: Tx, collection: str, partner: str, added: int) -> ReadStep | None:
    """Return the first step by which a partner was given what a collection added at ``added``, None before it was."""
    row = tx.execute(_FIRST, {"of_collection": collection, "of_partner": partner, "added": added}).first()
    return None if row is None else ReadStep(*row)


def latest(tx: Tx, collection: str, partner: str) -> ReadStep | None:
    """Return the step by which a partner read furthest in a collection, None where it never did."""
    row = tx.execute(_LATEST, {"of_collection": collection, "of_partner": partner}).first()
    return None if row is None else ReadStep(*row)


def forget(tx: Tx, *, before: int, most: int = 500) -> int:
    """Remove steps made ``before`` (microseconds), at most so many, and return their number.

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
_LAST = select(_s.read_up_to, _s.at).where(*_MINE).order_by(_s.read_up_to.desc()).limit(1)
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
