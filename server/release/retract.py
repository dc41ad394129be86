"""Taking back what was said about a value: its indicators are revoked, everywhere they went."""

from dataclasses import dataclass
from typing import Any

import msgspec

from schemas import timestamp
from schemas.partner import Partner
from server.release.contribute import contribute
from server.release.lookup import lookup
from server.release.revoke import revoked
from server.store import collections, log, partners
from server.store.item import Item
from server.store.store import Tx


@dataclass(frozen=True)
class Retracted:
    """One indicator that is revoked, and whose it was."""

    indicator: str
    partner: str


def retract(tx: Tx, id_or_value: str, partner: Partner | None = None) -> list[Retracted]:
    """Revoke the indicators of a value, or the one of that id; ``partner``'s alone where one is given.

    The revocations pass the inbox like any contribution. Raises ``Rejected`` for what is no value of any kind.
    """
    now = timestamp.now()
    by_identity = {each.identity: each for each in ([partner] if partner else partners.every(tx))}
    done = []
    for indicator in _indicators(tx, id_or_value):
        owner = by_identity.get(indicator["created_by_ref"])
        if owner is not None and indicator.get("revoked") is not True:
            contribute(tx, owner, [Item.of(revoked(indicator, now))])
            done.append(Retracted(indicator["id"], owner.name))
    return done


def _indicators(tx: Tx, id_or_value: str) -> list[dict[str, Any]]:
    if id_or_value.startswith("indicator--"):
        found = log.latest(tx, collections.get(tx, "inbox"), [id_or_value])
        return [msgspec.json.decode(item.body) for item in found.values()]
    return [indicator for known in lookup(tx, id_or_value) for indicator in known.indicators]
