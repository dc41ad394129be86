"""Each partner's own collections: what reaches it alone, and what became of what it said."""

import hashlib
import re
from typing import Literal

from server.store import collections, partners
from server.store.collections import Collection
from server.store.store import Tx

Use = Literal["for", "outcomes"]

_SAYS: dict[Use, tuple[str, str]] = {
    "for": ("For {}", "What reaches this partner alone, by the limits that contributors set."),
    "outcomes": ("Outcomes of {}", "What became of what this partner contributed."),
}
_PLAIN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_OTHER = re.compile(r"[^a-z0-9]+")


def alias(partner: str, use: Use) -> str:
    """Give the alias of a partner's own collection: its name, with a part of its hash where that is not all of it."""
    if _PLAIN.fullmatch(partner) and len(partner) <= 60:
        return f"{use}-{partner}"
    digest = hashlib.sha256(partner.encode()).hexdigest()[:8]
    return "-".join(filter(None, (use, _OTHER.sub("-", partner.lower()).strip("-")[:40].strip("-"), digest)))


def collection(tx: Tx, partner: str, use: Use) -> Collection:
    """Give a partner's own collection, which nobody else reads; it is made when it is first needed."""
    name = alias(partner, use)
    try:
        return collections.get(tx, name)
    except collections.UnknownCollection:
        title, description = _SAYS[use]
        made = collections.add(tx, name, title.format(partner), kind="personal", description=description)
        partners.grant(tx, partner, made, read=True)
        return made
