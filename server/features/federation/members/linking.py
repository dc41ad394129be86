"""Links of organisations: with a secret of its own, an organisation counts once at all hubs where it is a member.

A link is stored under the key that the partners of an organisation count as.
"""

import hashlib
import hmac
import re
from typing import NamedTuple

from sqlalchemy import delete, insert, select, text, update

from schemas.hub_report import PUBLIC_LIST
from server.features.federation import pending
from server.features.federation.members.tables import hub_overlaps
from server.features.federation.tables import partner_links
from server.store.database.engine import Tx
from server.store.database.times import now

_SHORTEST, _LONGEST = 32, 1_000
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+")
_LIST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,58}[a-z0-9])?")
_PROOF = b"scamfeed link proof v1\n"
_link = partner_links.c


class BadLinkSecret(ValueError):
    """The secret cannot link an organisation; the message says what to do."""


class PartnerLink(NamedTuple):
    """The link of an organisation, and when it was made (microseconds)."""

    partner: str
    secret: bytes
    created: int

    @property
    def proof(self) -> str:
        """Return a text that only hubs with the same secret can compute. It identifies no value."""
        return hmac.digest(self.secret, _PROOF, hashlib.sha256).hex()


def secret_of(written: str) -> bytes:
    """Return the secret that an organisation wrote as text. Raises ``BadLinkSecret``."""
    line = written.strip()
    if not _SHORTEST <= len(line) <= _LONGEST or not line.isprintable():
        raise BadLinkSecret(
            "the secret is one line of at least 32 characters, the same at each hub: openssl rand -hex 32"
        )
    normal = line.lower() if _HEXADECIMAL.fullmatch(line) else line
    return hashlib.sha256(normal.encode()).digest()


def secret_of_list(name: str) -> bytes:
    """Return the secret of the partners that pass on a public list, by its name. Raises ``BadLinkSecret``."""
    if not _LIST.fullmatch(name):
        raise BadLinkSecret("the name of a public list has small letters, digits, dots and hyphens, as urlhaus")
    return PUBLIC_LIST + name.encode()


def link(tx: Tx, organisation: str, secret: bytes) -> None:
    """Link an organisation, in place of an earlier link. Raises ``BadLinkSecret`` if another one has this secret."""
    if any(other.secret == secret for name, other in all_links(tx).items() if name != organisation):
        raise BadLinkSecret("another organisation of this hub is linked with this secret: create one of your own")
    _end(tx, organisation)
    row = {"partner": organisation, "secret": secret, "created": now()}
    tx.execute(insert(partner_links), [row])
    _publish_anew(tx)


def unlink(tx: Tx, organisation: str) -> bool:
    """End the link of an organisation; return False if it has none."""
    if not _end(tx, organisation):
        return False
    _publish_anew(tx)
    return True


def find(tx: Tx, organisation: str) -> PartnerLink | None:
    """Return the link of an organisation, or None."""
    row = tx.execute(_LINKS.where(_link.partner == organisation)).first()
    return None if row is None else PartnerLink(*row)


def all_links(tx: Tx) -> dict[str, PartnerLink]:
    """Return all links by organisation."""
    return {row.partner: PartnerLink(*row) for row in tx.execute(_LINKS)}


def _end(tx: Tx, organisation: str) -> bool:
    # The other hub may have another secret of it, so that both have to compare again.
    found = (hub_overlaps.c.organisation == organisation, hub_overlaps.c.linked)
    for origin in tx.execute(select(hub_overlaps.c.origin).where(*found).distinct()).scalars().all():
        pending.note_origin(tx, origin)
    tx.execute(update(hub_overlaps).where(*found).values(linked=False))
    return tx.execute(delete(partner_links).where(_link.partner == organisation)).rowcount > 0


def _publish_anew(tx: Tx) -> None:
    """Have this hub's own hub reports published again, because the tokens of the organisation have changed."""
    tx.execute(_PUBLISH_ANEW, {"noted": now()})


_LINKS = select(_link.partner, _link.secret, _link.created)
_PUBLISH_ANEW = text(
    'INSERT INTO hub_pending (subject, "release", noted)'
    " SELECT DISTINCT subject, false, CAST(:noted AS BIGINT) FROM hub_reports WHERE peer = '' AND subject <> ''"
    " ON CONFLICT (subject) DO UPDATE SET noted = excluded.noted"
)
