"""An indicator names the ids of its origins. Origins in foreign objects can be malformed."""

import pytest

from mappers import consensus, ids


def test_origins_are_read_back() -> None:
    known = [ids.indicator("identity--a", pattern) for pattern in ("b", "a")]
    known.append(f"{known[0]}/2")
    obj = {"external_references": [{"source_name": "capec"}, *consensus.origin_references(known)]}
    assert consensus.listed_origins(obj) == known
    assert consensus.origins_of(obj) == {*known}


@pytest.mark.parametrize(
    "references",
    [None, "text", 7, {}, [None], ["text"], [{"source_name": consensus.ORIGIN}], [{consensus.ORIGIN: "x"}],
     [{"source_name": consensus.ORIGIN, "external_id": 7}],
     [{"source_name": consensus.ORIGIN, "external_id": "Jane Doe"}]],
    ids=str,
)  # fmt: skip
def test_a_malformed_origin_is_ignored(references: object) -> None:
    assert consensus.origins_of({"external_references": references}) == frozenset()
    assert consensus.origins_of({}) == frozenset()
