"""The persons who may log in to the pages for a partner."""

import unicodedata

from schemas.partner import Partner
from schemas.text import plain_name
from server.store import audit
from server.store.audit import AuditEvent
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.operators import users
from server.store.operators.users import PartnerRole, UnknownUser, User

LONGEST_NAME = 60


class BadName(ValueError):
    """The text cannot be a person's name here."""


def person_name(text: str) -> str:
    """Return a person's name as it is stored. Raises ``BadName``."""
    name = unicodedata.normalize("NFC", text).strip()
    if not plain_name(name) or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadName(f"name: 1 to {LONGEST_NAME} letters, digits and spaces")
    return name


def of(tx: Tx, partner: Partner) -> list[User]:
    """Return the users of a partner, by name."""
    return [user for user in users.all_users(tx) if user.partner == partner.name]


def add(tx: Tx, partner: Partner, name: str, role: PartnerRole, by: str) -> str:
    """Add a user, and return the secret of the link that sets the password, good once.

    Raises ``BadName`` and ``NameInUse``.
    """
    name = person_name(name)
    secret = users.add(tx, name, role, by, partner.name)
    _record(tx, "ADD", users.get(tx, name), by)
    return secret


def renew_link(tx: Tx, partner: Partner, name: str, by: str) -> str:
    """Return the secret of a new link; password, factors and logins that there were end. Raises ``UnknownUser``."""
    found = _find(tx, partner, name)
    secret = users.renew_link(tx, found.name, by)
    _record(tx, "LINK", found, by)
    return secret


def remove(tx: Tx, partner: Partner, name: str, by: str) -> None:
    """Remove a user; all logins end at once. Raises ``UnknownUser``."""
    found = _find(tx, partner, name)
    _record(tx, "REMOVE", found, by)
    users.remove(tx, found.name)


def _find(tx: Tx, partner: Partner, name: str) -> User:
    found = users.find(tx, name)
    if found is None or found.partner != partner.name:
        raise UnknownUser(f"{partner.name} has no user {name}")
    return found


def _record(tx: Tx, verb: str, user: User, by: str) -> None:
    """Add to the audit trail what was done to a user, by its id."""
    moment = now()
    audit.record_unsealed(tx, [AuditEvent(moment, moment, 1, user.partner, by, verb, "user", None, 200, 1, user.id)])
