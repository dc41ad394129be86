"""The set of values so far: each is new once, in little memory."""

import tracemalloc

from hypothesis import given, settings, strategies as st

from feeds.mapping.dedup import SeenValues


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["domain", "url"]), st.text(max_size=3))))
def test_a_value_is_new_the_first_time_only(values: list[tuple[str, str]]) -> None:
    seen, known = SeenValues(), set()
    for kind, value in values:
        assert seen.add(kind, value) == ((kind, value) not in known)
        known.add((kind, value))
    assert len(seen) == len(known)


def test_many_values_stay_known_and_take_little_memory() -> None:
    tracemalloc.start()
    seen = SeenValues()
    assert all(seen.add("domain", f"{number}.example.com") for number in range(200_000))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not any(seen.add("domain", f"{number}.example.com") for number in range(200_000))
    assert len(seen) == 200_000
    assert size < 32 * 200_000
