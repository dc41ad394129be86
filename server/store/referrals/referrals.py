"""Stored referrals: added once, and open until an answer is recorded."""

import secrets
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, update

from schemas.vocabulary import ReferralAnswer
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.referrals.tables import referrals

_PAGE = 1_000
_r = referrals.c


class UnknownReferral(LookupError):
    """There is no referral with that id."""


class StoredReferral(NamedTuple):
    """A referral of the holder of a listed account. Moments are microseconds.

    ``referred_to`` is the partner of the focal point, empty for the hub's own. ``answer`` is None while it is open.
    """

    id: str
    listing: str
    referred_to: str
    partner: str | None
    referred_by: str
    referred: int
    answer: ReferralAnswer | None = None
    answered: int | None = None
    answered_by: str | None = None


class OpenReferrals(NamedTuple):
    """The number of open referrals, and when the oldest began (microseconds), or None."""

    number: int
    oldest: int | None


def add(tx: Tx, listing: str, referred_to: str, by: str, partner: str | None = None) -> StoredReferral:
    """Add a referral of the holder of a listed account, or return the open one to the same focal point."""
    same = (_r.listing == listing, _r.referred_to == referred_to, _r.answer.is_(None))
    if (row := tx.execute(select(referrals).where(*same)).first()) is not None:
        return _referral(row)
    new = StoredReferral(secrets.token_hex(8), listing, referred_to, partner, by, now())
    tx.execute(insert(referrals), [new._asdict()])
    return new


def answer(tx: Tx, id_: str, word: ReferralAnswer, by: str) -> StoredReferral:
    """Record the answer to a referral, replacing an earlier one. Raises ``UnknownReferral``."""
    changed = update(referrals).where(_r.id == id_).values(answer=word.value, answered=now(), answered_by=by)
    if tx.execute(changed).rowcount == 0:
        raise UnknownReferral(f"there is no referral {id_}")
    return _referral(tx.execute(select(referrals).where(_r.id == id_)).one())


def all_referrals(
    tx: Tx, *, only_open: bool = True, partner: str | None = None, limit: int = 1_000
) -> list[StoredReferral]:
    """Return referrals, the oldest first. ``partner`` selects referrals by or to this partner."""
    asked = select(referrals).order_by(_r.referred, _r.id).limit(limit)
    if partner is not None:
        asked = asked.where((_r.partner == partner) | (_r.referred_to == partner))
    if only_open:
        asked = asked.where(_r.answered.is_(None))
    return [_referral(row) for row in tx.execute(asked)]


def open_referrals(tx: Tx) -> OpenReferrals:
    """Return the number of open referrals, and when the oldest began."""
    asked = select(func.count(), func.min(_r.referred)).where(_r.answer.is_(None))
    return OpenReferrals(*tx.execute(asked).one())


def forget(tx: Tx, *, before: int) -> int:
    """Remove at most some hundred referrals answered ``before`` (microseconds), and return their number."""
    over = select(_r.id).where(_r.answered < before).limit(_PAGE)
    return tx.execute(delete(referrals).where(_r.id.in_(over))).rowcount


def _referral(row: object) -> StoredReferral:
    found = StoredReferral(*row)  # type: ignore[misc]
    return found if found.answer is None else found._replace(answer=ReferralAnswer(found.answer))
