"""Look-ups of long lists find their rows by an index, on both databases."""

import pytest
from sqlalchemy import select, text

from server.store import Store
from server.store.database.sql import among
from server.store.release_tables import reviews
from server.store.tables import value_index

STATEMENTS = {
    "by a key": select(reviews).where(among(reviews.c.object_id, "given")),
    "by an index": select(reviews).where(among(reviews.c.subject, "given")),
    "by the first of two": select(value_index).where(among(value_index.c.subject, "given")),
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_list_is_looked_up_by_an_index(store: Store, statement: object) -> None:
    with store.read() as tx:
        dialect = tx.dialect
        explain = "EXPLAIN QUERY PLAN " if dialect.name == "sqlite" else "EXPLAIN "
        asked = statement.compile(dialect=dialect)  # type: ignore[attr-defined]  # all of them are statements
        if dialect.name == "sqlite":
            plan = [row[-1] for row in tx.exec_driver_sql(explain + str(asked), ('["a"]',))]
            assert not [step for step in plan if step.startswith("SCAN") and "json_each" not in step]
        else:
            tx.execute(text("SET LOCAL enable_seqscan = off"))
            plan = [row[0] for row in tx.exec_driver_sql(explain + str(asked), {"given": ["a"]})]
            assert not [step for step in plan if "Seq Scan" in step]
