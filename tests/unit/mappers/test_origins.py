"""An indicator says by which ids it was first known, and others' objects say what they like."""

import pytest

from mappers import ids, origins


def test_origins_are_read_as_they_were_written() -> None:
    known = [ids.indicator("identity--a", pattern) for pattern in ("b", "a")]
    known.append(f"{known[0]}/2")
    obj = {"external_references": [{"source_name": "capec"}, *origins.references(known)]}
    assert origins.listed(obj) == known
    assert origins.of(obj) == {*known}


@pytest.mark.parametrize(
    "references",
    [None, "text", 7, {}, [None], ["text"], [{"source_name": origins.ORIGIN}], [{origins.ORIGIN: "x"}],
     [{"source_name": origins.ORIGIN, "external_id": 7}], [{"source_name": origins.ORIGIN, "external_id": "Jane Doe"}]],
    ids=str,
)  # fmt: skip
def test_what_is_no_origin_is_none(references: object) -> None:
    assert origins.of({"external_references": references}) == frozenset()
    assert origins.of({}) == frozenset()
