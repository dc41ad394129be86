"""The versions of rarely changed facts. A process keeps what it read until a transaction changes the version.

A write transaction that changes such a table renews the version of its facts automatically. Versions are random: a
database that lost its last transactions in a failover never returns to an old version with other facts.
"""

import secrets
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Update, bindparam, insert, select, update
from sqlalchemy.sql.dml import UpdateBase

from server.store.database.transactions import Tx
from server.store.tables import fact_versions

_CHANGED = "scamfeed-changed-facts"


class Facts(StrEnum):
    """The groups of facts that share a version.

    ``REGISTRY``: the hub, its partners, collections, grants and policy. ``VALUES``: partners' own values; delisted,
    erased, allowed and frozen values; and throttled partners. ``RECORDS``: how many reports of each partner proved
    right.
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
    "frozen_values": Facts.VALUES,
    "grants": Facts.REGISTRY,
    "hub_identity": Facts.REGISTRY,
    "own_values": Facts.VALUES,
    "partners": Facts.REGISTRY,
    "policies": Facts.REGISTRY,
    "throttles": Facts.VALUES,
}
# A collection's row also stores the end of its log, which each append moves. Nothing else in it is ever updated.
_UPDATED_BY_THE_LOG = "collections"


def changed_in(tx: Tx) -> set[Facts]:
    """Return the facts that this transaction has changed so far. Cached values are invalid for it."""
    found: set[Facts] = tx.info.get(_CHANGED, set())
    return found


def begin(connection: Tx) -> None:
    """Record the start of a transaction without changes."""
    connection.info.pop(_CHANGED, None)


def note(connection: Tx, table: str) -> None:
    """Record that the transaction changes rows of a table."""
    if facts := _BY_TABLE.get(table):
        connection.info.setdefault(_CHANGED, set()).add(facts)


def note_statement(connection: Tx, statement: Any, *_: Any) -> None:
    """Record the tables that a statement changes. Call it before each statement."""
    if isinstance(statement, UpdateBase):
        name = str(statement.table)
        if name != _UPDATED_BY_THE_LOG or not isinstance(statement, Update):
            note(connection, name)


def end(connection: Tx) -> None:
    """Renew the versions of the changed facts before the transaction commits."""
    changed: set[Facts] = connection.info.pop(_CHANGED, set())
    for facts in sorted(changed):
        given = {"of_name": facts.value, "new_version": secrets.randbits(63)}
        if not connection.execute(_RAISE, given).rowcount:
            connection.execute(insert(fact_versions).values(name=facts.value, version=given["new_version"]))
    begin(connection)


# Runs with every contribution, so it is built once.
ALL = select(fact_versions.c.name, fact_versions.c.version)
_RAISE = (
    update(fact_versions)
    .where(fact_versions.c.name == bindparam("of_name"))
    .values(version=bindparam("new_version", type_=BigInteger))
)
