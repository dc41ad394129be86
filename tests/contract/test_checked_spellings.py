"""A mirror finds a value by every name that stands for it: the shortcut by its normal form, and the reading of it."""

import pytest

from feeds.mirror.entries import digest_of_name, name_of
from schemas import kinds
from schemas.api.lookup import readings


@pytest.mark.parametrize("kind", kinds.every())
def test_a_normal_form_is_read_as_the_name_that_it_is(kind: str) -> None:
    for example in kinds.get(kind).examples():
        if example.value is not None:
            canonical, key = kinds.canonical(kind, example.value)
            (reading,) = readings(key, canonical)
            assert digest_of_name(f"{canonical}:{key}") == digest_of_name(reading.name) == name_of(kind, example.value)
