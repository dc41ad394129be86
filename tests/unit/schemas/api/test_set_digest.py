"""The digest of a set of objects, by ids and versions."""

from hashlib import sha256

from hypothesis import given, strategies as st

from schemas.api import set_digest

VERSIONED = st.tuples(st.text(max_size=20), st.text(max_size=20))


def digest(objects: list[tuple[str, str]]) -> int:
    total = 0
    for id_, version in objects:
        total = set_digest.add(total, set_digest.part(id_, version))
    return total


def test_one_object_is_its_hash() -> None:
    assert set_digest.text(digest([("a", "b")])) == sha256(b"a b").hexdigest()


def test_nothing_is_zero() -> None:
    assert set_digest.text(digest([])) == "0" * 64


@given(st.lists(VERSIONED), st.randoms())
def test_the_order_does_not_count(objects: list[tuple[str, str]], chance: object) -> None:
    shuffled = sorted(objects, key=lambda _: chance.random())  # type: ignore[attr-defined]
    assert digest(shuffled) == digest(objects)


@given(st.lists(VERSIONED, min_size=1))
def test_what_is_removed_leaves_no_trace(objects: list[tuple[str, str]]) -> None:
    rest = set_digest.remove(digest(objects), set_digest.part(*objects[0]))
    assert rest == digest(objects[1:])
