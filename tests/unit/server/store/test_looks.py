"""A look for work is one statement, which finds what each group of statements is about."""

from sqlalchemy import event, select

from server.store import Store, collections
from server.store.database.looks import which_find
from server.store.tables import collections as table


def test_a_look_tells_which_groups_find_a_row(store: Store) -> None:
    with store.begin() as tx:
        collections.add(tx, "here", "Here")
    here, gone = (select(table.c.number).where(table.c.alias == alias) for alias in ("here", "gone"))
    assert which_find(store, [(gone,), (gone, here), (here,)]) == [False, True, True]
    assert which_find(store, []) == []


def test_a_look_is_one_round_trip(store: Store) -> None:
    sent: list[str] = []
    event.listen(store._engine, "before_cursor_execute", lambda *given: sent.append(given[2]))
    statement = select(table.c.number)
    which_find(store, [(statement,), (statement,)])
    assert [text for text in sent if not text.startswith("BEGIN")] == sent[-1:]


def test_a_look_sees_what_was_committed_since(store: Store) -> None:
    later = select(table.c.number).where(table.c.alias == "later")
    assert which_find(store, [(later,)]) == [False]
    with store.begin() as tx:
        collections.add(tx, "later", "Later")
    assert which_find(store, [(later,)]) == [True]
