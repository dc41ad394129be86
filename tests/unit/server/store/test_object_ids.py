import uuid

import pytest
from hypothesis import given, strategies as st

from server.store.objects import object_ids

TYPES = st.sampled_from(["indicator", "domain-name", "x-of-a-member", ""])
NAMED = st.builds(lambda type_, uuid_: f"{type_}--{uuid_}", TYPES, st.uuids())
KEYS = st.builds(lambda space, id_: f"{space}/{id_}" if space else id_, st.integers(0, 3), NAMED | st.text(min_size=1))


@given(st.lists(st.tuples(KEYS, TYPES), max_size=6))
def test_bulk_unpacking_matches_single_unpacking(named: list[tuple[str, str]]) -> None:
    packed = [object_ids.pack(key, type_) for key, type_ in named]
    assert object_ids.unpack_all(packed) == [object_ids.unpack(columns) for columns in packed]


@pytest.mark.parametrize("count", [0, 1, 1_000])
def test_each_id_has_its_own_digits(count: int) -> None:
    ids = [f"indicator--{uuid.uuid4()}" for _ in range(count)]
    assert object_ids.unpack_all([object_ids.pack(id_, "indicator") for id_ in ids]) == ids
