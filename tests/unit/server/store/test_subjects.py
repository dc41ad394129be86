from typing import Any

import pytest

from server.store import Store, subjects, value_index

MANY = [f"domain:{number}.example" for number in range(6_000)]


def test_a_value_keeps_its_number(store: Store) -> None:
    with store.begin() as tx:
        locked = value_index.lock(tx, ["domain:a.example", "domain:b.example", "domain:a.example"])
        assert locked.keys() == {"domain:a.example", "domain:b.example"}
        assert value_index.lock(tx, ["domain:a.example", "domain:c.example"]).items() >= {
            ("domain:a.example", locked["domain:a.example"])
        }
    with store.read() as tx:
        assert subjects.numbers(tx, ["domain:b.example", "domain:none.example"]) == {
            "domain:b.example": locked["domain:b.example"]
        }
        assert subjects.names(tx, locked.values()) == {number: name for name, number in locked.items()}


def test_thousands_of_values_are_locked_at_once(store: Store) -> None:
    with store.begin() as tx:
        locked = subjects.lock(tx, MANY)
    assert len(set(locked.values())) == len(MANY)
    with store.begin() as tx:
        assert subjects.lock(tx, MANY) == locked
        assert subjects.numbers(tx, MANY) == locked


def test_values_of_one_digest_have_different_numbers(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = {"one": (1 << 63) - 1, "two": (1 << 63) - 1, "three": 0}

    def digest(subject: str) -> Any:
        return digests[subject]

    monkeypatch.setattr(subjects, "digest", digest)
    with store.begin() as tx:
        first = subjects.lock(tx, ["one"])
        locked = subjects.lock(tx, ["two", "three", "one"])
        assert locked["one"] == first["one"]
        assert sorted(locked.values()) == [0, 1, (1 << 63) - 1]
    with store.read() as tx:
        assert subjects.numbers(tx, ["one", "two", "three"]) == locked
