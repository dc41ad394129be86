"""Looks for work: statements that find a row if there is some, asked together in one round trip."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, or_, select

from server.store.database.engine import Store

Finding = Select[Any]
"""A statement that finds a row if there is work."""


def which_find(store: Store, asked: Sequence[Sequence[Finding]]) -> list[bool]:
    """Return for each group of statements whether one of them finds a row. Raises ``StoreUnavailable``."""
    if not asked:
        return []
    whether = select(*(or_(*(statement.exists() for statement in group)) for group in asked))
    with store.glance() as tx:
        return list(map(bool, tx.execute(whether).one()))
