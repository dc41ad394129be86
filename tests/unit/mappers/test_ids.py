"""Ids are derived from their content by the rules of STIX 2.1 §2.9."""

import json
import uuid

from hypothesis import given, strategies as st

from mappers import ids


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=50), max_size=4))
def test_our_fast_uuidv5_is_the_standard_one(properties: dict[str, str]) -> None:
    canonical = json.dumps(properties, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or 0xD800 <= ord(char) < 0xE000 for char in canonical):
        return  # Python escapes these as RFC 8785 does not; surrogates are no text
    keys = list(properties)
    if sorted(keys) != sorted(keys, key=lambda key: key.encode("utf-16-be")):
        return  # RFC 8785 sorts by UTF-16; our property names are ASCII
    assert ids.in_oasis(properties) == str(uuid.uuid5(ids.OASIS, canonical))


def test_observable_id_follows_the_specification() -> None:
    """Values from the reference bundle of the mapping, which stix2 reproduces."""
    assert ids.in_oasis({"value": "+66812345678"}) == "fdd65488-fc91-527d-9ddb-057b202a6e8f"
    assert ids.in_oasis({"iban": "GB33BUKB20201555555555"}) == "0ffc7644-b03a-5c13-94aa-22816e581fc9"


def test_two_creators_and_two_listings_have_different_indicators() -> None:
    one, other = ids.identity("One"), ids.identity("Other")
    made = {
        ids.indicator(one, "[a:b = 'c']"),
        ids.indicator(other, "[a:b = 'c']"),
        ids.indicator(one, "[a:b = 'c']", 1),
    }
    assert len(made) == 3
    assert ids.indicator(one, "[a:b = 'c']") == ids.indicator(one, "[a:b = 'c']", 0)


def test_nothing_but_observables_is_named_in_the_oasis_namespace() -> None:
    assert ids.identity("One") != f"identity--{ids.in_oasis({'name': 'One', 'type': 'identity'})}"


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(["indicator--x", "identity--y"]))
def test_ids_that_share_a_beginning_are_named_like_all_others(pattern: str, ref: str) -> None:
    named = {"created_by_ref": ref, "pattern": pattern, "seq": 3, "type": "indicator"}
    assert ids.indicator(ref, pattern, 3) == f"indicator--{ids.in_scamfeed(named)}"
    ends = {"relationship_type": "based-on", "source_ref": ref, "target_ref": pattern, "type": "relationship"}
    assert ids.relationship("based-on", ref, pattern) == f"relationship--{ids.in_scamfeed(ends)}"
