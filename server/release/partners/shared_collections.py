"""Collections that several partners read: those that the policy fills, and exchanges."""

from server.release.route.policy import shared_alias
from server.store import audit, collections
from server.store.audit import AuditEvent
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.sandbox import certificates

_LONGEST_TITLE = 200


def make(
    tx: Tx, alias: str, title: str, by: str, *, is_exchange: bool = False, needs_certificate: bool = False
) -> list[Collection]:
    """Make a collection that rules of the policy fill, with its full variant; or an exchange, which members write.

    With ``needs_certificate`` only a partner whose client passed its sandbox is let read it. Raises ``ValueError``
    where alias or title cannot be.
    """
    shared_alias(alias)
    if not title or len(title) > _LONGEST_TITLE or not title.isprintable():
        raise ValueError(f"a title has 1 to {_LONGEST_TITLE} letters, digits and spaces")
    if is_exchange:
        made = [collections.add(tx, alias, title, kind="exchange")]
    else:
        made = [*collections.add_released(tx, alias, title)]
    for collection in made if needs_certificate else ():
        certificates.require(tx, collection.number, required=True)
    moment = now()
    audit.record_unsealed(
        tx, [AuditEvent(moment, moment, 1, None, by, "ADD", "collection", made[0].id, 200, 1, made[0].id)]
    )
    return made
