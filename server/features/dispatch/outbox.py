"""The mails to addressees outside the hub, and the states of these addressees."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from sqlalchemy import delete, func, insert, or_, select, update

from server.features.dispatch.tables import dispatch_answers, dispatch_contacts, dispatch_mailbox, dispatch_mails
from server.store.database.engine import Tx

MailState = Literal["approval", "waiting", "sent", "failed", "discarded"]
# A repeat asks again about a value that was gone, and exists again.
Purpose = Literal["report", "correction", "repeat"]
ContactState = Literal["good", "bad", "form"]

_MINUTE = 60_000_000
_HOUR = 60 * _MINUTE
# While one process sends a mail, no other does; a killed process leaves it to the next one after this time.
CLAIM = 2 * _MINUTE
# A mail that could not be sent for this long is given up.
GIVEN_UP = 72 * _HOUR
_LONGEST_PAUSE = 4 * _HOUR
_PAGE = 1_000
_m, _a, _c, _b = dispatch_mails.c, dispatch_answers.c, dispatch_contacts.c, dispatch_mailbox.c


class DispatchMail(NamedTuple):
    """A mail, in the order of the table's columns. Moments are microseconds."""

    id: str
    purpose: Purpose
    address: str
    country: str | None
    follows: str | None
    about: str | None
    made: int
    state: MailState
    approved_by: str | None = None
    attempts: int = 0
    next: int = 0
    ended: int | None = None
    error: str | None = None

    @property
    def reference(self) -> str:
        """Return the reference in the subject of the mail."""
        return f"SF-{self.id[:12].upper()}"

    def followed_by(self, id_: str, purpose: Purpose, about: str, at: int) -> "DispatchMail":
        """Return a mail about one of its reports in the same thread, to send now."""
        return DispatchMail(
            id=id_,
            purpose=purpose,
            address=self.address,
            country=self.country,
            follows=self.id,
            about=about,
            made=at,
            state="waiting",
            next=at,
        )


class MailedAnswer(NamedTuple):
    """An answer by mail that a person has to read."""

    id: str
    mail: str
    at: int
    text: str
    state: Literal["open", "closed"]


class Contact(NamedTuple):
    """The known state of an address: whether mails arrive, or whether it only accepts a web form."""

    address: str
    state: ContactState
    form: str | None
    changed: int


def put(tx: Tx, mail: DispatchMail) -> bool:
    """Store a mail; return False if it is stored already."""
    if find(tx, mail.id) is not None:
        return False
    tx.execute(insert(dispatch_mails).values(**mail._asdict()))
    return True


def find(tx: Tx, id_: str) -> DispatchMail | None:
    """Return a mail by its id."""
    row = tx.execute(select(dispatch_mails).where(_m.id == id_)).first()
    return None if row is None else DispatchMail(*row)


def by_reference(tx: Tx, prefix: str) -> DispatchMail | None:
    """Return the mail whose id begins with these digits, None if there is none or several."""
    asked = select(dispatch_mails).where(_m.id.startswith(prefix, autoescape=True)).limit(2)
    found = tx.execute(asked).all()
    return DispatchMail(*found[0]) if len(found) == 1 else None


def due(tx: Tx, at: int, most: int) -> list[DispatchMail]:
    """Return the waiting mails whose time has come, corrections and then the oldest first.

    After a clock was far ahead, those are due that wait longer than any pause.
    """
    ready = or_(_m.next <= at, _m.next > at + _LONGEST_PAUSE + CLAIM)
    asked = select(dispatch_mails).where(_m.state == "waiting", ready).order_by(_m.purpose, _m.made, _m.id)
    return [DispatchMail(*row) for row in tx.execute(asked.limit(most))]


def claim(tx: Tx, mail: DispatchMail, at: int) -> bool:
    """Take a mail to send it; return False if another process was faster."""
    mine = update(dispatch_mails).where(_m.id == mail.id, _m.state == "waiting", _m.next == mail.next)
    return bool(tx.execute(mine.values(next=at + CLAIM, attempts=mail.attempts + 1)).rowcount)


def end(tx: Tx, id_: str, state: MailState, at: int, error: str | None = None) -> None:
    """Store that a mail was sent, given up or discarded."""
    tx.execute(update(dispatch_mails).where(_m.id == id_).values(state=state, ended=at, error=error))


def put_off(tx: Tx, mail: DispatchMail, at: int, error: str) -> bool:
    """Store why a claimed mail was not sent, and when the next attempt is; return False if it is given up."""
    if mail.made + GIVEN_UP <= at:
        end(tx, mail.id, "failed", at, error)
        return False
    pause = min(_LONGEST_PAUSE, _MINUTE << min(mail.attempts, 8))
    tx.execute(update(dispatch_mails).where(_m.id == mail.id).values(next=at + pause, error=error))
    return True


def approve(tx: Tx, mail: DispatchMail, by: str, at: int) -> bool:
    """Let a mail be sent; return False if it does not wait for approval."""
    mine = update(dispatch_mails).where(_m.id == mail.id, _m.state == "approval")
    return bool(tx.execute(mine.values(state="waiting", approved_by=by, next=at)).rowcount)


def approved(tx: Tx) -> int:
    """Return how many mails operators approved, or still have to."""
    is_counted = or_(_m.approved_by.is_not(None), _m.state == "approval")
    found: int = tx.execute(select(func.count()).select_from(dispatch_mails).where(is_counted)).scalar_one()
    return found


def last_made(tx: Tx, address: str) -> int | None:
    """Return when the last report to an addressee was made."""
    asked = select(func.max(_m.made)).where(_m.address == address, _m.purpose == "report")
    found: int | None = tx.execute(asked).scalar()
    return found


def made_since(tx: Tx, address: str, since: int) -> int:
    """Return how many reports to an addressee were made since a moment, with repeated ones."""
    asked = select(func.count()).where(_m.address == address, _m.purpose != "correction", _m.made > since)
    found: int = tx.execute(asked).scalar_one()
    return found


def count_repeats(tx: Tx, address: str, about: str) -> int:
    """Return how many times a report was repeated."""
    asked = select(func.count()).where(_m.address == address, _m.purpose == "repeat", _m.about == about)
    found: int = tx.execute(asked).scalar_one()
    return found


def in_state(tx: Tx, state: MailState, most: int) -> list[DispatchMail]:
    """Return mails in a state, the latest first."""
    asked = select(dispatch_mails).where(_m.state == state).order_by(_m.made.desc(), _m.id).limit(most)
    return [DispatchMail(*row) for row in tx.execute(asked)]


def open_corrections(tx: Tx, most: int) -> list[DispatchMail]:
    """Return the corrections that were not sent, also those that were given up, the oldest first."""
    asked = select(dispatch_mails).where(_m.purpose == "correction", _m.state.in_(("waiting", "failed")))
    return [DispatchMail(*row) for row in tx.execute(asked.order_by(_m.made, _m.id).limit(most))]


def count(tx: Tx) -> dict[str, int]:
    """Return the number of mails by state."""
    return {row[0]: row[1] for row in tx.execute(select(_m.state, func.count()).group_by(_m.state))}


def contact(tx: Tx, address: str) -> Contact | None:
    """Return what is known about an address."""
    row = tx.execute(select(dispatch_contacts).where(_c.address == address)).first()
    return None if row is None else Contact(*row)


def contacts(tx: Tx, states: Sequence[ContactState], most: int) -> list[Contact]:
    """Return the addresses in these states."""
    asked = select(dispatch_contacts).where(_c.state.in_(states)).order_by(_c.changed.desc(), _c.address).limit(most)
    return [Contact(*row) for row in tx.execute(asked)]


def set_contact(tx: Tx, address: str, state: ContactState, form: str | None, at: int) -> None:
    """Store what is known about an address."""
    tx.execute(delete(dispatch_contacts).where(_c.address == address))
    tx.execute(insert(dispatch_contacts).values(address=address, state=state, form=form, changed=at))


def add_answer(tx: Tx, answer: MailedAnswer) -> bool:
    """Store an answer; return False if it is stored already."""
    if tx.execute(select(_a.id).where(_a.id == answer.id)).first() is not None:
        return False
    tx.execute(insert(dispatch_answers).values(**answer._asdict()))
    return True


def count_answers(tx: Tx, mail: str) -> int:
    """Return how many answers to a mail are stored."""
    found: int = tx.execute(select(func.count()).where(_a.mail == mail)).scalar_one()
    return found


def open_answers(tx: Tx, most: int) -> list[MailedAnswer]:
    """Return the answers that a person has to read, the oldest first."""
    asked = select(dispatch_answers).where(_a.state == "open").order_by(_a.at, _a.id).limit(most)
    return [MailedAnswer(*row) for row in tx.execute(asked)]


def close_answer(tx: Tx, id_: str) -> MailedAnswer | None:
    """Store that a person read an answer; return it, or None if there is no open one."""
    row = tx.execute(select(dispatch_answers).where(_a.id == id_, _a.state == "open")).first()
    if row is None:
        return None
    tx.execute(update(dispatch_answers).where(_a.id == id_).values(state="closed"))
    return MailedAnswer(*row)


def mailbox(tx: Tx, folder: str) -> tuple[str, int]:
    """Return how far a folder was read: its validity, and the number of the last mail."""
    row = tx.execute(select(_b.validity, _b.uid).where(_b.folder == folder)).first()
    return ("", 0) if row is None else (row[0], row[1])


def set_mailbox(tx: Tx, folder: str, validity: str, uid: int) -> None:
    """Store how far a folder was read."""
    tx.execute(delete(dispatch_mailbox).where(_b.folder == folder))
    tx.execute(insert(dispatch_mailbox).values(folder=folder, validity=validity, uid=uid))


def forget(tx: Tx, *, before: int) -> int:
    """Remove some mails that ended, and answers that were closed, ``before`` (microseconds); return their number.

    The first mails, which operators approved, stay: they show that later ones need no approval.
    """
    over = select(_m.id).where(_m.ended < before, _m.approved_by.is_(None)).limit(_PAGE)
    old = select(_a.id).where(_a.state == "closed", _a.at < before).limit(_PAGE)
    removed = tx.execute(delete(dispatch_mails).where(_m.id.in_(over))).rowcount
    return removed + tx.execute(delete(dispatch_answers).where(_a.id.in_(old))).rowcount
