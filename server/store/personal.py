"""Each partner's own collections: what reaches it alone, and what became of what it said.

Whose own a collection is stands in its row. Its alias is for people to read, and says nothing to the hub.
"""

import hashlib
import re
import secrets
from typing import Literal

from sqlalchemy import bindparam, select

from server.store import collections as shared, partners
from server.store.collections import COLUMNS, Collection, CollectionExists
from server.store.store import Tx
from server.store.tables import collections

Use = Literal["for", "outcomes"]

_SAYS: dict[Use, tuple[str, str]] = {
    "for": ("For {}", "What reaches this partner alone, by the limits that contributors set."),
    "outcomes": ("Outcomes of {}", "What became of what this partner contributed."),
}
_PLAIN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_OTHER = re.compile(r"[^a-z0-9]+")


def find(tx: Tx, partner: str, use: Use) -> Collection | None:
    """Find a partner's own collection, None where it was not needed yet."""
    row = tx.execute(_OWN, {"of_partner": partner, "for_use": use}).first()
    if row is None:
        return None
    [*columns] = row
    return Collection(*columns)


def collection(tx: Tx, partner: str, use: Use) -> Collection:
    """Give a partner's own collection, which nobody else reads; it is made when it is first needed."""
    return find(tx, partner, use) or _made(tx, partner, use)


def _made(tx: Tx, partner: str, use: Use) -> Collection:
    title, description = _SAYS[use]
    names = _readable(partner, use), title.format(partner)
    try:
        made = shared.add(tx, *names, kind="personal", description=description, owner=partner, use=use)
    except CollectionExists:
        # Another collection looks like this one: they are told apart by a word that nobody chooses.
        word = secrets.token_hex(6)
        alias, title = f"{names[0]}-{word}", f"{names[1]} ({word})"
        made = shared.add(tx, alias, title, kind="personal", description=description, owner=partner, use=use)
    partners.grant(tx, partner, made, read=True)
    return made


def _readable(partner: str, use: Use) -> str:
    """Give an alias that a person reads: the partner's name, with a part of its hash where that is not all of it."""
    if _PLAIN.fullmatch(partner) and len(partner) <= 60:
        return f"{use}-{partner}"
    digest = hashlib.sha256(partner.encode()).hexdigest()[:8]
    return "-".join(filter(None, (use, _OTHER.sub("-", partner.lower()).strip("-")[:40].strip("-"), digest)))


_OWN = select(*COLUMNS).where(collections.c.owner == bindparam("of_partner"), collections.c.use == bindparam("for_use"))
