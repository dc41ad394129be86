"""What a partner may speak of: what the hub lists where the partner reads, and what it says itself."""

from collections.abc import Iterable, Mapping

import msgspec

from schemas.partner import Partner
from server.store import collections, inbox, listings, log, mentions, partners
from server.store.store import Tx

NamedValue = tuple[str, str]


def referable_indicators(tx: Tx, partner: Partner, values: Iterable[NamedValue]) -> Mapping[NamedValue, list[str]]:
    """Return by value (kind and normal form) the ids by which ``partner`` may speak of it; none where it may not know.

    They are the hub's listings where the partner reads them, else the indicators of its own; never both, so that what
    it says of the value is said once. What is revoked is none of them. All values are looked up at once.
    """
    names = {value: mentions.subject(*value) for value in values}
    listed = {name: listings.all_of(tracks) for name, tracks in listings.of(tx, names.values()).items()}
    there = _readable(tx, partner, {id_ for ids in listed.values() for id_ in ids})
    space = partners.space(tx, partner.name)
    found = {name: listed.get(name, set()) & there for name in names.values()}
    keys = {
        name: {key for key in of_one if inbox.space(key) == space}
        for name, of_one in mentions.of(tx, {name for name, ids in found.items() if not ids}).items()
    }
    own = _own(tx, partner, {key for of_one in keys.values() for key in of_one})
    return {
        value: sorted(found[name] or {own[key] for key in keys.get(name, ()) if key in own})
        for value, name in names.items()
    }


def _readable(tx: Tx, partner: Partner, ids: set[str]) -> set[str]:
    """Return those listings of the hub that stand where the partner reads."""
    rights = partners.rights(tx, partner.name)
    there: set[str] = set()
    for collection in collections.every(tx) if ids else ():
        if collection.by_the_rules and rights.get(collection.id, (False, False))[0]:
            there |= {id_ for id_, item in log.latest(tx, collection, ids).items() if not item.revoked}
    return there


def _own(tx: Tx, partner: Partner, keys: set[str]) -> dict[str, str]:
    """Return by key the ids of those indicators in the inbox that the partner itself made."""
    return {
        key: item.id
        for key, item in inbox.latest(tx, keys).items()
        if not item.revoked and _creator(item.body) == partner.identity
    }


def _creator(body: bytes) -> str | None:
    creator: str | None = msgspec.json.decode(body).get("created_by_ref")
    return creator
