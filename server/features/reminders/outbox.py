"""The outbox: mails, and messages to webhooks, are stored in the transaction that finds something due.

They are sent afterwards.
"""

import json
import secrets
from collections.abc import Collection, Mapping
from typing import Any, Literal, NamedTuple

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from server.features.reminders.tables import mails
from server.store.database.engine import Tx

Purpose = Literal["digest", "confirm", "hook"]
MAILS: tuple[Purpose, ...] = ("digest", "confirm")
HOOKS: tuple[Purpose, ...] = ("hook",)
MailState = Literal["waiting", "sent", "failed"]

HOUR = 3_600_000_000
_MINUTE = 60_000_000
# While one process sends a mail, no other does; a killed process leaves it to the next one after this time.
CLAIM = 2 * _MINUTE
_LONGEST_PAUSE = HOUR
# A mail that could not be sent for this long is given up: what it says is no longer true.
GIVEN_UP = 24 * HOUR
_PAGE = 1_000
_m = mails.c


class ReminderMail(NamedTuple):
    """A mail, in the order of the table's columns. Moments are microseconds."""

    id: str
    user: str
    purpose: Purpose
    hour: int
    content: str
    made: int
    state: MailState
    attempts: int
    next: int
    ended: int | None = None
    error: str | None = None

    @property
    def values(self) -> Mapping[str, Any]:
        """Return the content."""
        found: Mapping[str, Any] = json.loads(self.content)
        return found


class OutboxTotals(NamedTuple):
    """The number of waiting mails, when the oldest of them was made, and the mails that ended since a moment."""

    waiting: int
    oldest: int | None
    sent: int
    failed: int


def put(tx: Tx, user: str, purpose: Purpose, content: Mapping[str, Any], at: int) -> bool:
    """Store a mail; return False if the person already has one of that purpose in this hour."""
    row = ReminderMail(secrets.token_hex(16), user, purpose, at // HOUR, json.dumps(content), at, "waiting", 0, at)
    try:
        with tx.begin_nested():
            tx.execute(insert(mails).values(**row._asdict()))
    except IntegrityError:
        return False
    return True


def of_user(tx: Tx, user: str, purpose: Purpose, since: int) -> list[ReminderMail]:
    """Return a user's mails of a purpose that were made since a moment, the latest first."""
    asked = select(mails).where(_m.user == user, _m.purpose == purpose, _m.made >= since)
    return [ReminderMail(*row) for row in tx.execute(asked.order_by(_m.made.desc()))]


def sent(tx: Tx, ids: Collection[str]) -> list[ReminderMail]:
    """Return the mails with these ids that were sent."""
    asked = select(mails).where(_m.id.in_(list(ids)), _m.state == "sent")
    return [ReminderMail(*row) for row in tx.execute(asked)]


def due(tx: Tx, at: int, most: int, purposes: Collection[Purpose]) -> list[ReminderMail]:
    """Return the waiting mails of these purposes whose time has come, the oldest first.

    After a clock was far ahead, those are due that wait longer than any pause.
    """
    ready = or_(_m.next <= at, _m.next > at + _LONGEST_PAUSE + CLAIM)
    wanted = (_m.state == "waiting", _m.purpose.in_(purposes), ready)
    asked = select(mails).where(*wanted).order_by(_m.made, _m.id).limit(most)
    return [ReminderMail(*row) for row in tx.execute(asked)]


def claim(tx: Tx, mail: ReminderMail, at: int) -> bool:
    """Take a mail to send it; return False if another process was faster."""
    mine = update(mails).where(_m.id == mail.id, _m.state == "waiting", _m.next == mail.next)
    return bool(tx.execute(mine.values(next=at + CLAIM, attempts=mail.attempts + 1)).rowcount)


def end(tx: Tx, mail: ReminderMail, state: MailState, at: int, error: str | None = None) -> None:
    """Store that a mail was sent, or was given up."""
    tx.execute(update(mails).where(_m.id == mail.id).values(state=state, ended=at, error=error))


def put_off(tx: Tx, mail: ReminderMail, at: int, error: str, *, for_good: bool = False) -> None:
    """Store why a claimed mail was not sent, and when the next attempt is; give it up after a day, or ``for_good``."""
    if for_good or mail.made + GIVEN_UP <= at:
        end(tx, mail, "failed", at, error)
        return
    pause = min(_LONGEST_PAUSE, _MINUTE << min(mail.attempts, 6))
    tx.execute(update(mails).where(_m.id == mail.id).values(next=at + pause, error=error))


def totals(tx: Tx, since: int) -> OutboxTotals:
    """Return the waiting mails, and those that ended since a moment."""
    waiting, oldest = tx.execute(select(func.count(), func.min(_m.made)).where(_m.state == "waiting")).one()
    asked = select(_m.state, func.count()).where(_m.state != "waiting", _m.ended >= since).group_by(_m.state)
    ended = {row[0]: row[1] for row in tx.execute(asked)}
    return OutboxTotals(waiting, oldest, ended.get("sent", 0), ended.get("failed", 0))


def latest(tx: Tx, state: MailState, most: int) -> list[ReminderMail]:
    """Return mails in a state, the latest first."""
    asked = select(mails).where(_m.state == state).order_by(_m.made.desc(), _m.id).limit(most)
    return [ReminderMail(*row) for row in tx.execute(asked)]


def forget(tx: Tx, *, before: int) -> int:
    """Remove at most some hundred mails that ended ``before`` (microseconds), and return their number."""
    over = select(_m.id).where(_m.state != "waiting", _m.ended < before).limit(_PAGE)
    return tx.execute(delete(mails).where(_m.id.in_(over))).rowcount
