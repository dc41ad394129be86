"""A mirror finds a value by each of its names, through its normal form and through parsing."""

import pytest

from feeds.client.mirror.entries import digest_of_name, names_of
from schemas import kinds
from schemas.api.lookup import readings


@pytest.mark.parametrize("kind", kinds.every())
def test_normal_form_is_read_as_itself(kind: str) -> None:
    for example in kinds.get(kind).examples():
        if example.value is not None:
            canonical, key = kinds.canonical(kind, example.value)
            (reading,) = readings(key, canonical)
            assert (
                digest_of_name(f"{canonical}:{key}") == digest_of_name(reading.name) == names_of(kind, example.value)[0]
            )
