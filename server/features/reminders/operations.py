"""Choose the own reminders, confirm their address, and stop them by the link of a mail."""

from collections.abc import Iterable
from typing import ClassVar, Literal, NamedTuple

from email_validator import EmailNotValidError, validate_email
from pydantic import Field

from schemas.errors import Rejected
from server.features.reminders import choices, outbox
from server.features.reminders.choices import Choices
from server.features.reminders.kinds import BY_NAME
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import ANYBODY, EVERY_USER
from server.release.hub import Hub
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.operators import users
from server.store.operators.users import User

# Links for confirmation that a person may have sent in a day, so that the hub cannot be used to bother others.
MOST_LINKS = 5
_OPTIONAL = frozenset(name for name, kind in BY_NAME.items() if not kind.mandatory)


class ChangedReminders(NamedTuple):
    """The user whose reminders were chosen, and whether anything changed."""

    user: User
    changed: bool
    sends_link: bool = False


class _Reminders(Operation[ChangedReminders]):
    """The part that all these operations share."""

    verb: ClassVar[str] = "SET"
    what: ClassVar[str] = "reminders"

    def entries(self, result: ChangedReminders) -> Iterable[TrailEntry]:
        """Return the entry with the id of the user."""
        if not result.changed:
            return ()
        return [TrailEntry(self.verb, self.what, partner=result.user.partner, reference=result.user.id)]


class SetOwnReminders(_Reminders):
    """Choose the own reminders, their language, and their address, which a link sent there has to confirm."""

    name: ClassVar[str] = "own reminders set"
    rights: ClassVar[frozenset[str]] = EVERY_USER

    language: Literal["en", "th"] = Field(description="the language of the mails")
    off: frozenset[str] = Field(frozenset(), description="the optional reminders that are off")
    address: str = Field(
        "", description="the e-mail address; empty: the one that administrators registered", repr=False
    )

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> ChangedReminders:
        """Store the choices, and a mail with the link if the address is new. Raises ``Rejected``."""
        own = users.get(tx, actor.name)
        before = choices.find(tx, own.id)
        address = _checked(self.address) if self.address else None
        chosen = before._replace(language=self.language, off=self.off & _OPTIONAL, refused=None, address=address)
        sends_link = address is not None and (address != before.address or before.confirmed is None)
        if address != before.address:
            chosen = chosen._replace(confirmed=None)
        choices.store(tx, chosen)
        if sends_link:
            _put_link(tx, own, is_new=address != before.address)
        return ChangedReminders(own, chosen != before or sends_link, sends_link)


class ConfirmReminders(_Reminders):
    """Confirm the address of reminders by the link that was sent there."""

    name: ClassVar[str] = "reminders confirm"
    rights: ClassVar[frozenset[str]] = ANYBODY

    token: str = Field(max_length=200, description="the token of the link", repr=False)

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> ChangedReminders:
        """Confirm the address. Raises ``LookupError`` for another link than the last one."""
        user, chosen = of_confirmation(tx, self.token)
        if chosen.confirmed is not None:
            return ChangedReminders(user, changed=False)
        choices.store(tx, chosen._replace(confirmed=now()))
        return ChangedReminders(user, changed=True)


class StopReminders(_Reminders):
    """Turn off all optional reminders by the link of a mail, without a login."""

    name: ClassVar[str] = "reminders stop"
    rights: ClassVar[frozenset[str]] = ANYBODY

    token: str = Field(max_length=200, description="the token of the link", repr=False)

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> ChangedReminders:
        """Turn them off. Raises ``LookupError`` for a token that the hub did not sign."""
        user = of_stop(tx, self.token)
        chosen = choices.find(tx, user.id)
        choices.store(tx, chosen._replace(off=_OPTIONAL))
        return ChangedReminders(user, chosen.off != _OPTIONAL)


def of_stop(tx: Tx, token: str) -> User:
    """Return the user whose optional reminders a link stops. Raises ``LookupError``."""
    found = choices.user_of(tx, token, "stop")
    user = None if found is None else users.by_id(tx, found)
    if user is None:
        raise LookupError("this link is not from a mail of this hub, or the person was removed")
    return user


def of_confirmation(tx: Tx, token: str) -> tuple[User, Choices]:
    """Return the user of a link that confirms an address, and what was chosen. Raises ``LookupError``."""
    user = users.by_id(tx, token.partition(".")[0])
    chosen = Choices("") if user is None else choices.find(tx, user.id)
    if user is None or not chosen.address or choices.user_of(tx, token, f"confirm:{chosen.address}") is None:
        raise LookupError("this link does not confirm the address that was given last")
    return user, chosen


def _checked(address: str) -> str:
    """Return a mail address in its normal form. Raises ``Rejected``."""
    try:
        found = validate_email(address, check_deliverability=False).ascii_email
    except EmailNotValidError:
        found = None
    if found is None:
        raise Rejected("not-an-address", "address: this is no e-mail address; write it as name@bank.example")
    return found


def _put_link(tx: Tx, own: User, *, is_new: bool) -> None:
    """Store the mail with the link. Raises ``Rejected`` if the person had too many."""
    at = now()
    earlier = outbox.of_user(tx, own.id, "confirm", at - 24 * outbox.HOUR)
    if len(earlier) >= MOST_LINKS:
        raise Rejected("too-many", f"address: {MOST_LINKS} links a day are sent at most; try again tomorrow")
    is_stored = outbox.put(tx, own.id, "confirm", {}, at)
    # A mail that was not sent yet goes to the new address.
    if not is_stored and is_new and earlier[0].state != "waiting":
        raise Rejected("too-soon", "address: one link an hour is sent at most; try again in an hour")
