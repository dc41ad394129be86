"""The persons who may log in to the pages for a partner."""

import unicodedata

from schemas.partner import Partner
from schemas.text import plain_name
from server.features.partners import notices
from server.operations import dual_control
from server.release.hub import Hub
from server.store import audit
from server.store.database.engine import Tx
from server.store.operators import users
from server.store.operators.users import PartnerRole, UnknownUser, User

LONGEST_NAME = 60


class BadName(ValueError):
    """The text cannot be a person's name here."""


class SameRole(ValueError):
    """The user has this role already."""


def person_name(text: str) -> str:
    """Return a person's name as it is stored. Raises ``BadName``."""
    name = unicodedata.normalize("NFC", text).strip()
    if not plain_name(name) or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadName(f"name: 1 to {LONGEST_NAME} letters, digits and spaces")
    return name


def of(tx: Tx, partner: Partner) -> list[User]:
    """Return the users of a partner, by name."""
    return [user for user in users.all_users(tx) if user.partner == partner.name]


def add(tx: Tx, partner: Partner, name: str, role: PartnerRole, by: str, *, shown_to: str = "") -> str:
    """Add a user, and return the secret of the one-time link that sets the password; the partner is told.

    ``shown_to`` is the person who sees the link, if it is not ``by``. Raises ``BadName`` and ``NameInUse``.
    """
    name = person_name(name)
    secret = users.add(tx, name, role, by, partner.name, shown_to=shown_to)
    _record(tx, "ADD", users.get(tx, name), shown_to or by)
    notices.add(tx, partner.name, "user-added", {"name": name, "role": str(role)})
    return secret


def renew_link(tx: Tx, partner: Partner, name: str, by: str) -> str:
    """Return the secret of a new link; existing password, factors and logins end, and the partner is told.

    Raises ``UnknownUser``.
    """
    found = find(tx, partner, name)
    secret = users.renew_link(tx, found.name, by)
    _record(tx, "LINK", found, by)
    notices.add(tx, partner.name, "link-issued", {"name": found.name})
    return secret


def remove(hub: Hub, tx: Tx, partner: Partner, name: str, by: str) -> User:
    """Remove a user, and return it; all logins end at once, and open proposals become void. Raises ``UnknownUser``."""
    found = find(tx, partner, name)
    dual_control.void_of_user(hub, tx, found, by)
    users.remove(tx, found.name)
    return found


def change_role(hub: Hub, tx: Tx, partner: Partner, name: str, role: PartnerRole, by: str) -> User:
    """Change a user's role from the next request on, and return the user as before; the partner is told.

    Open proposals of a user who becomes a reader become void. Raises ``UnknownUser`` and ``SameRole``.
    """
    found = find(tx, partner, name)
    refuse_same(found, role)
    if role is PartnerRole.READER:
        dual_control.void_of_user(hub, tx, found, by)
    users.change_role(tx, found.name, role)
    _record(tx, "CHANGE", found, by)
    notices.add(tx, partner.name, "role-changed", {"name": found.name, "role": str(role)})
    return found


def refuse_same(user: User, role: PartnerRole) -> None:
    """Refuse a change that changes nothing. Raises ``SameRole``."""
    if user.role == role:
        raise SameRole(f"{user.name} has the role {role} already")


def find(tx: Tx, partner: Partner, name: str) -> User:
    """Return the user of a partner by name. Raises ``UnknownUser``."""
    found = users.find(tx, name)
    if found is None or found.partner != partner.name:
        raise UnknownUser(f"{partner.name} has no user {name}")
    return found


def _record(tx: Tx, verb: str, user: User, by: str) -> None:
    """Record an action on a user in the audit trail, by the user's id."""
    audit.record_act(tx, by, verb, "user", partner=user.partner, reference=user.id)
