"""What a partner may speak of: what the hub lists where the partner reads, and what it says itself."""

import msgspec

from schemas.partner import Partner
from server.store import collections, inbox, listings, log, mentions, partners
from server.store.store import Tx


def indicators(tx: Tx, partner: Partner, kind: str, value: str) -> list[str]:
    """Give the ids by which ``partner`` may speak of a value, its normal form; none where it may not know of it.

    They are the hub's listings where the partner reads them, else the indicators of its own; never both, so that what
    it says of the value is said once. What is revoked is none of them.
    """
    name = mentions.subject(kind, value)
    space = partners.space(tx, partner.name)
    keys = {key for key in mentions.of(tx, [name]).get(name, ()) if inbox.space(key) == space}
    rights = partners.rights(tx, partner.name)
    wanted = listings.ids(tx, name)
    listed: set[str] = set()
    for collection in collections.every(tx):
        if wanted and collection.by_the_rules and rights.get(collection.id, (False, False))[0]:
            found = log.latest(tx, collection, wanted)
            listed |= {id_ for id_, item in found.items() if not item.revoked}
    own = {
        item.id
        for item in inbox.latest(tx, keys).values()
        if not item.revoked and _creator(item.body) == partner.identity
    }
    return sorted(listed or own)


def _creator(body: bytes) -> str | None:
    creator: str | None = msgspec.json.decode(body).get("created_by_ref")
    return creator
