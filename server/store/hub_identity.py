"""The hub's identity and secret, different in every store, and warnings for its operator."""

import hmac
from typing import NamedTuple

from sqlalchemy import delete, insert, select, update

from mappers.common_objects import HubIdentity
from server.store import audit
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.release_tables import hub_identity, warnings


def load(tx: Tx) -> HubIdentity:
    """Return the identity of this store's hub, created by the migrations."""
    return HubIdentity(*tx.execute(_ASKED).one())


def identity(tx: Tx) -> str:
    """Return the STIX id of the hub's identity."""
    return load(tx).identity


def name(tx: Tx) -> str:
    """Return the name of the hub."""
    return load(tx).name


def rename(tx: Tx, title: str) -> None:
    """Set the name of the hub. Repeating it changes nothing."""
    if load(tx).name != title:
        tx.execute(update(hub_identity).values(name=title))
        touch(tx)
        audit.record_act(tx, "settings", "RENAME", "hub")


def touch(tx: Tx) -> None:
    """Mark the hub's identity as changed, with a new version."""
    tx.execute(update(hub_identity).values(modified=max(now(), load(tx).modified + 1000)))


def secret(tx: Tx, use: str) -> bytes:
    """Return the hub's secret for one use: 32 bytes, equal on every node, which reveal no other use's secret.

    Never log or show it. It stays in the database and its backups.
    """
    return hmac.digest(tx.execute(_SECRET).scalar_one(), use.encode(), "sha256")


_ASKED = select(hub_identity.c.identity, hub_identity.c.name, hub_identity.c.created, hub_identity.c.modified)
# Runs with many pages, so it is built once.
_SECRET = select(hub_identity.c.secret)


# A listed account's holder may act under coercion, but no focal point for protection is registered.
NO_FOCAL_POINT = "no-focal-point"
# A partner's reports or requests name an unknown organisation as an allowed or excluded reader.
UNKNOWN_RECIPIENT = "unknown-recipient"
# An organisation delisted more values than it may in a day.
MANY_ENDS = "many-ends"
MANY_BLOCKS = "many-blocks"
_DAYS_OF_RECIPIENTS = 7


class OperatorWarning(NamedTuple):
    """A condition that needs an operator: since when, last when (microseconds), and how often.

    ``partner`` is the partner concerned, empty for the hub.
    """

    name: str
    first: int
    last: int
    times: int
    partner: str = ""


def warning_of(name: str, partner: str = "") -> str:
    """Return the name under which a warning about a partner, or about the hub, is stored."""
    return f"{name}:{partner}" if partner else name


def note_warning(tx: Tx, name: str, count: int = 1, partner: str = "") -> None:
    """Count a condition that needs an operator, for a ``partner`` or for the hub."""
    moment, name = now(), warning_of(name, partner)
    more = {"last": moment, "count": warnings.c.count + count}
    if tx.execute(update(warnings).where(warnings.c.name == name).values(**more)).rowcount == 0:
        tx.execute(insert(warnings).values(name=name, first=moment, last=moment, count=count))


def all_warnings(tx: Tx) -> list[OperatorWarning]:
    """Return the open warnings by name. Those about partners cannot be cleared and end after a week."""
    since = now() - _DAYS_OF_RECIPIENTS * 86_400 * 1_000_000
    rows = [OperatorWarning(*row) for row in tx.execute(select(warnings).order_by(warnings.c.name))]
    found = []
    for row in rows:
        name, _, partner = row.name.partition(":")
        if name not in (UNKNOWN_RECIPIENT, MANY_ENDS, MANY_BLOCKS) or row.last >= since:
            found.append(row._replace(name=name, partner=partner))
    return found


def clear_warning(tx: Tx, name: str) -> None:
    """Remove a warning after an operator has handled it."""
    tx.execute(delete(warnings).where(warnings.c.name == name))
