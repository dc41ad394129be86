"""The hub's identity and secret, different in every store, and warnings for its operator."""

import hmac
from typing import NamedTuple

from sqlalchemy import delete, insert, select, update

from mappers.identity import HubIdentity
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.release_tables import hub_identity, warnings


def load(tx: Tx) -> HubIdentity:
    """Return the identity of this store's hub; the migrations made it."""
    return HubIdentity(*tx.execute(_ASKED).one())


def identity(tx: Tx) -> str:
    """Return the STIX id of the hub's identity."""
    return load(tx).identity


def name(tx: Tx) -> str:
    """Return the name of the hub."""
    return load(tx).name


def rename(tx: Tx, title: str) -> None:
    """Set the name of the hub; setting the same again changes nothing."""
    if load(tx).name != title:
        tx.execute(update(hub_identity).values(name=title))
        touch(tx)


def touch(tx: Tx) -> None:
    """Mark the hub's identity as changed: it has a new version."""
    tx.execute(update(hub_identity).values(modified=max(now(), load(tx).modified + 1000)))


def secret(tx: Tx, use: str) -> bytes:
    """Return the hub's secret for one use: 32 bytes, the same on every node, from which no other use's follows.

    It is to be neither logged nor shown. It stays in the database, and so in its backups.
    """
    return hmac.digest(tx.execute(_SECRET).scalar_one(), use.encode(), "sha256")


_ASKED = select(hub_identity.c.identity, hub_identity.c.name, hub_identity.c.created, hub_identity.c.modified)
# Run with many pages, so put together once.
_SECRET = select(hub_identity.c.secret)


# A listed account's holder may act under coercion, and no focal point for protection is registered.
NO_FOCAL_POINT = "no-focal-point"
# A partner's reports or requests name, as readers or as those who must not read, somebody who never took part here.
UNKNOWN_RECIPIENT = "unknown-recipient"
_DAYS_OF_RECIPIENTS = 7


class OperatorWarning(NamedTuple):
    """A condition that an operator has to act on: since when, last when (microseconds), and how often.

    ``partner`` is the partner that it is about, empty where it is about the hub.
    """

    name: str
    first: int
    last: int
    times: int
    partner: str = ""


def note_warning(tx: Tx, name: str, count: int = 1, partner: str = "") -> None:
    """Count a condition that an operator has to act on, of a ``partner`` or of the hub."""
    moment, name = now(), f"{name}:{partner}" if partner else name
    more = {"last": moment, "count": warnings.c.count + count}
    if tx.execute(update(warnings).where(warnings.c.name == name).values(**more)).rowcount == 0:
        tx.execute(insert(warnings).values(name=name, first=moment, last=moment, count=count))


def all_warnings(tx: Tx) -> list[OperatorWarning]:
    """List the open warnings, by name; nobody ends those of unknown recipients, so they end after a week."""
    since = now() - _DAYS_OF_RECIPIENTS * 86_400 * 1_000_000
    rows = [OperatorWarning(*row) for row in tx.execute(select(warnings).order_by(warnings.c.name))]
    found = []
    for row in rows:
        name, _, partner = row.name.partition(":")
        if name != UNKNOWN_RECIPIENT or row.last >= since:
            found.append(row._replace(name=name, partner=partner))
    return found


def clear_warning(tx: Tx, name: str) -> None:
    """Remove a warning, after an operator acted on it."""
    tx.execute(delete(warnings).where(warnings.c.name == name))
