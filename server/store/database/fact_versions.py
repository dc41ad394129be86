"""The versions of facts that change rarely, so that a process can keep what it read until a transaction changes it.

Whatever changes such a table in a write transaction gives its facts a new version in that transaction, without a word
of whoever wrote the statement. Versions are random: a database that lost its last transactions in a failover never
comes to an old version with other facts.
"""

import secrets
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Connection, Update, bindparam, insert, select, update
from sqlalchemy.sql.dml import UpdateBase

from server.store.tables import fact_versions

_CHANGED = "scamfeed-changed-facts"


class Facts(StrEnum):
    """The facts that have a version together.

    ``REGISTRY``: the hub, its partners, collections, grants and policy. ``VALUES``: partners' own values, delisted,
    erased and allowed ones, and who is throttled. ``RECORDS``: how many reports of each partner proved right.
    """

    RECORDS = "records"
    REGISTRY = "registry"
    VALUES = "values"


_BY_TABLE: Mapping[str, Facts] = {
    "allowlist_entries": Facts.VALUES,
    "calibrations": Facts.RECORDS,
    "collections": Facts.REGISTRY,
    "delisted": Facts.VALUES,
    "erased_names": Facts.VALUES,
    "focal_points": Facts.REGISTRY,
    "grants": Facts.REGISTRY,
    "hub_identity": Facts.REGISTRY,
    "own_values": Facts.VALUES,
    "partners": Facts.REGISTRY,
    "policies": Facts.REGISTRY,
    "throttles": Facts.VALUES,
}
# A collection's row also has the end of its log, which each append moves; nothing else of it is ever updated.
_UPDATED_BY_THE_LOG = "collections"


def changed_in(tx: Connection) -> set[Facts]:
    """Return the facts that this transaction itself has changed so far: what was read before does not hold for it."""
    found: set[Facts] = tx.info.get(_CHANGED, set())
    return found


def begin(connection: Connection) -> None:
    """Note that a transaction begins in which nothing has changed."""
    connection.info.pop(_CHANGED, None)


def note(connection: Connection, table: str) -> None:
    """Note that the transaction changes rows of a table."""
    if facts := _BY_TABLE.get(table):
        connection.info.setdefault(_CHANGED, set()).add(facts)


def note_statement(connection: Connection, statement: Any, *_: Any) -> None:
    """Note that a statement is run; to be called before each."""
    if isinstance(statement, UpdateBase):
        name = str(statement.table)
        if name != _UPDATED_BY_THE_LOG or not isinstance(statement, Update):
            note(connection, name)


def end(connection: Connection) -> None:
    """Renew the versions of the facts that the transaction has changed since the last call, before it commits."""
    changed: set[Facts] = connection.info.pop(_CHANGED, set())
    for facts in sorted(changed):
        given = {"of_name": facts.value, "new_version": secrets.randbits(63)}
        if not connection.execute(_RAISE, given).rowcount:
            connection.execute(insert(fact_versions).values(name=facts.value, version=given["new_version"]))
    begin(connection)


# Run with every contribution, so put together once.
ALL = select(fact_versions.c.name, fact_versions.c.version)
_RAISE = (
    update(fact_versions)
    .where(fact_versions.c.name == bindparam("of_name"))
    .values(version=bindparam("new_version", type_=BigInteger))
)
