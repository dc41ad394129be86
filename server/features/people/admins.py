"""Dual control over new administrators, who may do all that operators can, and new approvers, who confirm proposals."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from server.features.partners.users.changes import person_name
from server.operations.dual_control import Arguments, DualControlAction, Effects, Signatures
from server.release.hub import Hub
from server.store import audit
from server.store.database.engine import Tx
from server.store.operators import users
from server.store.operators.users import NameInUse, OperatorRole, User
from server.store.proposals.proposals import Effect

# The effect that contains the one-time link of a new administrator.
ADMIN_LINK = "admin-link"


class MadeAdmin(NamedTuple):
    """An administrator's account; ``secret`` is that of the one-time link of a new account, else None."""

    user: str
    secret: str | None

    @property
    def verb(self) -> str:
        """The verb in the audit trail."""
        return "CHANGE" if self.secret is None else "ADD"


def arguments(name: str, email: str | None = None, role: OperatorRole = OperatorRole.ADMIN) -> Mapping[str, str]:
    """Return the arguments of ``MAKE_ADMIN``. Raises ``BadName``."""
    given = {"name": person_name(name)}
    if email is not None:
        given["email"] = email
    return given if role is OperatorRole.ADMIN else {**given, "role": str(role)}


def make_admin(tx: Tx, given: Arguments, by: str, *, shown_to: str) -> MadeAdmin:
    """Add an administrator or an approver, or make an operator one. Raises ``NameInUse``."""
    name, email, role = str(given["name"]), given.get("email"), _role(given)
    found = _known_operator(tx, name, role)
    if found is None:
        secret = users.add(tx, name, role, by, email=email, shown_to=shown_to)
        return MadeAdmin(users.get(tx, name).id, secret)
    users.change_role(tx, name, role)
    return MadeAdmin(found.id, None)


def _role(given: Arguments) -> OperatorRole:
    return OperatorRole(given.get("role", OperatorRole.ADMIN))


def _known_operator(tx: Tx, name: str, role: OperatorRole) -> User | None:
    """Return the operator of that name, None for a new name.

    Raises ``NameInUse`` for a user of a partner, for an administrator, and for one who has the role already.
    """
    found = users.find(tx, name)
    if found is not None and (found.partner is not None or found.role in (OperatorRole.ADMIN, role)):
        raise NameInUse(f"{name} has this role already, is an administrator, or a user of a partner")
    return found


def _effects(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return the rights of the new administrator.

    Raises ``NameInUse`` for a user of a partner, for an administrator, and for a name that looks like another user's.
    """
    name, role = str(arguments["name"]), _role(arguments)
    kind = "admin" if role is OperatorRole.ADMIN else "approver"
    found = _known_operator(tx, name, role)
    if found is None:
        users.refuse_alike(tx, name)
        lines = [Effect(f"{kind}-added", {"name": name})]
        if "email" in arguments:
            lines.append(Effect("admin-address", {"name": name, "email": arguments["email"]}))
        return Effects(lines, None)
    return Effects([Effect(f"{kind}-promoted", {"name": name, "role": found.role})], [found.id, found.role])


def _carry_out(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    made = make_admin(tx, arguments, signatures.proposed_by, shown_to=signatures.confirmed_by)
    audit.record_act(tx, signatures.confirmed_by, made.verb, "user", reference=made.user)
    if made.secret is None:
        return []
    # The person who confirms sees the secret once; it is not stored.
    return [Effect(ADMIN_LINK, {"name": str(arguments["name"]), "path": f"/welcome/{made.secret}"})]


MAKE_ADMIN = DualControlAction("make-admin", _effects, _carry_out, shows_secrets=True)
