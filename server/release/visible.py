"""What a partner may see of what others say: its own objects, and what is out in the collections that it reads."""

import msgspec

from schemas.partner import Partner
from server.store import collections, log, mentions, partners
from server.store.store import Tx


def indicators(tx: Tx, partner: Partner, kind: str, value: str) -> list[str]:
    """Give the ids of the indicators of a value, its normal form, that ``partner`` may see and that are not revoked."""
    name = mentions.subject(kind, value)
    ids = mentions.of(tx, [name]).get(name, set())
    inbox = collections.get(tx, "inbox")
    known = {id_: item for id_, item in log.latest(tx, inbox, ids).items() if not item.revoked}
    own = {id_ for id_, item in known.items() if _creator(item.body) == partner.identity}
    rights = partners.rights(tx, partner.name)
    for collection in collections.every(tx):
        if collection.kind == "released" and rights.get(collection.id, (False, False))[0] and known.keys() - own:
            own |= {id_ for id_, item in log.latest(tx, collection, known).items() if not item.revoked}
    return sorted(own)


def readable(tx: Tx, partner: Partner) -> set[str]:
    """Give the released collections that ``partner`` sees into: those it reads, and their fuller or plainer twins.

    What an observable of the full twin names, the plain twin's indicator names too.
    """
    rights = partners.rights(tx, partner.name)
    read = {each.alias for each in collections.every(tx) if rights.get(each.id, (False, False))[0]}
    return {
        name for alias in read for name in (alias, alias.removesuffix("-full"), alias.removesuffix("-full") + "-full")
    }


def _creator(body: bytes) -> str | None:
    creator: str | None = msgspec.json.decode(body).get("created_by_ref")
    return creator
