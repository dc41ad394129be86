"""The last answer of each peer about this hub is stored."""

from server.features.federation.desk import knowledge
from server.store import Store


def test_last_answer_of_each_peer_counts(either_store: Store) -> None:
    with either_store.begin() as tx:
        knowledge.note(tx, "Hub One", 5, ["indicator--1"])
        knowledge.note(tx, "Hub Two", 7)
        knowledge.note(tx, "Hub One", 9, [f"indicator--{at}" for at in range(knowledge.MOST_RETAINED + 1)])
        found = knowledge.all_knowledge(tx)
    assert {name: known.number for name, known in found.items()} == {"Hub One": 9, "Hub Two": 7}
    assert len(found["Hub One"].retained) == knowledge.MOST_RETAINED
    assert not found["Hub Two"].retained
