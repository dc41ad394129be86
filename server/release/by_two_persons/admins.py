"""Two persons make an administrator: somebody who may do all that operators can."""

from collections.abc import Mapping, Sequence

from schemas.text import plain_name
from server.release.hub import Hub
from server.release.two_persons import Arguments, Effects, Signatures, TwoPersonAction
from server.store import audit
from server.store.audit import AuditEvent
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.operators import users
from server.store.operators.users import NameInUse, OperatorRole
from server.store.proposals.proposals import Effect

# The line that has the one-time link of a new administrator.
ADMIN_LINK = "admin-link"
_LONGEST = 60


def arguments(name: str) -> Mapping[str, str]:
    """Return the arguments of making somebody an administrator. Raises ``ValueError`` for what is no name."""
    if not plain_name(name) or len(name) > _LONGEST or not name.isprintable():
        raise ValueError(f"a name has 1 to {_LONGEST} letters, digits and spaces")
    return {"name": name}


def _effects(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return what the person may do then. Raises ``NameInUse`` for a user of a partner, and for an administrator."""
    name = str(arguments["name"])
    found = users.find(tx, name)
    if found is None:
        return Effects([Effect("admin-added", {"name": name})], None)
    if found.partner is not None or found.role == OperatorRole.ADMIN:
        raise NameInUse(f"{name} is an administrator already, or a user of a partner")
    return Effects([Effect("admin-promoted", {"name": name, "role": found.role})], [found.id, found.role])


def _carry_out(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    name = str(arguments["name"])
    found = users.find(tx, name)
    done = []
    if found is None:
        # The secret is shown to who confirms, once, and stored nowhere.
        secret = users.add(tx, name, OperatorRole.ADMIN, signatures.proposed_by, shown_to=signatures.confirmed_by)
        done = [Effect(ADMIN_LINK, {"name": name, "path": f"/welcome/{secret}"})]
    else:
        users.change_role(tx, name, OperatorRole.ADMIN)
    moment, id_ = now(), users.get(tx, name).id
    verb = "ADD" if found is None else "CHANGE"
    audit.record_unsealed(
        tx, [AuditEvent(moment, moment, 1, None, signatures.confirmed_by, verb, "user", None, 200, 1, id_)]
    )
    return done


MAKE_ADMIN = TwoPersonAction("make-admin", _effects, _carry_out)
