"""The reminders that each person chose, the address that they go to, and the signed links in them."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import delete, insert, select, update

from server.features.reminders.tables import mail_choices
from server.store import hub_identity
from server.store.database.engine import Tx
from server.store.operators.tables import users
from server.store.operators.users import User

# The keys of webhooks begin with this. They choose nothing, and what they were told is stored as for users.
HOOK = "hook:"
_c = mail_choices.c
_USE = "reminders"
_DIGEST = 24


class Choices(NamedTuple):
    """The choices of a person, in the order of the table's columns. Moments are microseconds.

    ``language`` is None for that of the hub, ``off`` the optional reminders that are off. ``address`` is the one that
    the person gave, ``refused`` the one that refused a mail. The person was told of all that was due at ``told``.
    """

    user: str
    language: str | None = None
    off: frozenset[str] = frozenset()
    address: str | None = None
    confirmed: int | None = None
    refused: str | None = None
    told: int = 0


def find(tx: Tx, user: str) -> Choices:
    """Return what a user chose."""
    return all_choices(tx, [user]).get(user, Choices(user))


def all_choices(tx: Tx, of: Iterable[str] | None = None) -> dict[str, Choices]:
    """Return by user what was chosen: of all users, or of these."""
    asked = select(mail_choices)
    if of is not None:
        asked = asked.where(_c.user.in_(list(of)))
    return {row.user: Choices(*row)._replace(off=frozenset(row.off.split())) for row in tx.execute(asked)}


def store(tx: Tx, chosen: Choices) -> None:
    """Store what a user chose, or was told."""
    values = {**chosen._asdict(), "off": " ".join(sorted(chosen.off))}
    of_user = update(mail_choices).where(_c.user == values.pop("user")).values(**values)
    if not tx.execute(of_user).rowcount:
        tx.execute(insert(mail_choices).values(user=chosen.user, **values))


def forget_removed(tx: Tx) -> int:
    """Remove what users chose who were removed since, and return their number."""
    is_user = _c.user.not_like(f"{HOOK}%")
    return tx.execute(delete(mail_choices).where(is_user, _c.user.not_in(select(users.c.id)))).rowcount


def address_of(user: User, chosen: Choices) -> str | None:
    """Return the address of a user's reminders, None if there is none, or if it refused a mail.

    It is the one that the person gave and confirmed, else the one that administrators registered for an operator.
    """
    own = chosen.address if chosen.confirmed is not None else None
    found = own or user.email
    return found if found != chosen.refused else None


def sign(tx: Tx, user: str, purpose: str) -> str:
    """Return the token of a link that does one thing for one user, without a login."""
    written = f"{purpose}:{user}".encode()
    digest = hmac.digest(hub_identity.secret(tx, _USE), written, "sha256")[:_DIGEST]
    return f"{user}.{urlsafe_b64encode(digest).decode()}"


def user_of(tx: Tx, token: str, purpose: str) -> str | None:
    """Return the id of the user of a token, None if it is not a token for this purpose."""
    user, _, _ = token.partition(".")
    given, made = token.encode("utf-8", "replace"), sign(tx, user, purpose).encode("utf-8", "replace")
    return user if hmac.compare_digest(given, made) else None
