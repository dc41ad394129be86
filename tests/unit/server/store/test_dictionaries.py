"""Dictionaries trained on a store's own bodies: timing, samples, and decoding by every reader of the store."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from server.store import Store, collections, log
from server.store.collections import Collection
from server.store.item import Item
from server.store.objects import dictionary_training
from server.store.objects.dictionary_training import DictionaryTrainer, masked
from server.store.objects.query import Query


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"_FIRST_AT": 250, "_FEWEST_SAMPLES": 200, "_MOST": 2, "_GROWTH": 2}.items():
        monkeypatch.setattr(dictionary_training, name, value)


@pytest.fixture
def released(store: Store) -> Collection:
    with store.begin() as tx:
        return collections.add_released(tx, "takedown", "Takedown")[0]


@pytest.fixture
def other(url: str) -> Iterator[Store]:
    """Open the same store like another process."""
    opened = Store.open(url)
    yield opened
    opened.close()


def listing(number: int) -> Item:
    moment = f"2026-01-01T00:{number // 60 % 60:02}:{number % 60:02}.000Z"
    made: dict[str, Any] = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid4()}",
        "created": moment,
        "modified": moment,
        "pattern": f"[domain-name:value = 'secret{number * 7919}.example']",
        "description": "Sells what this shop of this store never sends, to whoever pays before that.",
        "labels": ["of-this-store-alone", "and-of-no-other-store", f"batch-{number % 4}"],
    }
    return Item.of(made)


def add(store: Store, collection: Collection, count: int, start: int = 0) -> list[Item]:
    items = [listing(number) for number in range(start, start + count)]
    with store.begin() as tx:
        log.append(tx, collection, items)
    return items


def bodies_in(store: Store, collection: Collection) -> list[bytes]:
    with store.read() as tx:
        return log.page(tx, collection, Query()).bodies


def stored(store: Store) -> list[tuple[int, int]]:
    """Return the dictionary number and size of each stored body, in order."""
    with store.read() as tx:
        rows = tx.execute(text("SELECT body FROM objects ORDER BY date_added")).scalars()
        return [(bytes(body)[0], len(body)) for body in rows]


def test_dictionary_is_trained_on_enough_objects_and_saves_space(store: Store, released: Collection) -> None:
    trainer = DictionaryTrainer(store)
    items = add(store, released, 200)
    assert trainer.train() == 0
    items += add(store, released, 100, 200)
    assert trainer.train() == 1
    assert trainer.train() == 0
    items += add(store, released, 50, 300)
    before, after = stored(store)[:300], stored(store)[300:]
    assert {number for number, _ in before} == {1}
    assert 1 not in {number for number, _ in after}
    assert sum(size for _, size in after) / 50 < 0.9 * sum(size for _, size in before) / 300
    assert bodies_in(store, released) == [item.body for item in items]


def test_another_process_reads_and_writes_with_it_at_once(store: Store, other: Store, released: Collection) -> None:
    items = add(other, released, 10)
    items += add(store, released, 300, 10)
    DictionaryTrainer(store).train()
    items += add(other, released, 5, 310)
    items += add(store, released, 5, 315)
    assert len({number for number, _ in stored(store)[310:]}) == 1
    assert stored(store)[310][0] != 1
    assert bodies_in(store, released) == bodies_in(other, released) == [item.body for item in items]


def test_lost_dictionary_is_not_used(store: Store, released: Collection) -> None:
    items = add(store, released, 300)
    DictionaryTrainer(store).train()
    # As after a failover to a database that had not received it.
    with store.begin() as tx:
        tx.execute(text("DELETE FROM dictionaries"))
    items += add(store, released, 5, 300)
    assert {number for number, _ in stored(store)} == {1}
    assert bodies_in(store, released) == [item.body for item in items]


def test_number_of_a_lost_dictionary_can_be_reused(store: Store, other: Store, released: Collection) -> None:
    items = add(store, released, 300)
    DictionaryTrainer(store).train()
    add_lost = stored(store)
    with store.begin() as tx:
        tx.execute(text("DELETE FROM dictionaries"))
    items += add(other, released, 40, 300)
    assert DictionaryTrainer(other).train() == 1
    items += add(other, released, 5, 340)
    assert len(stored(store)) == len(add_lost) + 45
    DictionaryTrainer(store).train()
    assert bodies_in(store, released) == bodies_in(other, released) == [item.body for item in items]


def test_concurrent_trainings_make_one_dictionary(store: Store, other: Store, released: Collection) -> None:
    add(store, released, 300)
    assert sum(DictionaryTrainer(opened).train() for opened in (store, other)) == 1
    add(store, released, 400, 300)
    assert sum(DictionaryTrainer(opened).train() for opened in (store, other)) <= 1


def test_exchange_objects_are_no_samples(store: Store, collection: Collection) -> None:
    add(store, collection, 400)
    assert DictionaryTrainer(store).train() == 0


def test_numbers_differ_after_a_failover(store: Store, released: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    add(store, released, 300)
    with store.read() as tx:
        first = dictionary_training._next_number(tx)
        if tx.dialect.name == "sqlite":
            assert first == 2
            return
        assert first == 2 + 1 * 2
        monkeypatch.setattr(dictionary_training, "_TIMELINE", text("SELECT 5"))
        assert dictionary_training._next_number(tx) == 2 + 5 * 2


def test_no_value_is_in_a_dictionary(store: Store, released: Collection) -> None:
    items = add(store, released, 300)
    DictionaryTrainer(store).train()
    with store.read() as tx:
        [made] = tx.execute(text("SELECT bytes FROM dictionaries")).scalars()
    assert b"of-this-store-alone" in bytes(made)
    for item in items:
        value = item.body.partition(b"value = '")[2].partition(b"'")[0]
        assert value not in bytes(made)
        assert item.id.encode()[-36:] not in bytes(made)


def test_rare_texts_become_noise_of_the_same_form() -> None:
    samples = [b'{"id":"%s","at":"2026-01-01T00:00:%02d.5Z"}' % (uuid.uuid4().hex.encode(), n) for n in range(60)]
    for sample, noise in zip(samples, masked(samples), strict=True):
        assert len(noise) == len(sample)
        assert noise[:7] == b'{"id":"'
        assert noise[7:39] != sample[7:39]
        assert noise.endswith(b'Z"}')
        assert b'"at":"2026-01-01T00' in noise
