"""stix2 (OASIS) without extensions: all of ``core``, and the standard STIX types of ``full``."""

import json
from typing import Any

import pytest
import stix2
from hub import bundle, of_type
from mapped import document, objects

OWN = ("bank-account", "cryptocurrency-wallet", "phone-number")


def without_idle_zeros(said: dict[str, Any]) -> dict[str, Any]:
    """Format times as stix2 does."""
    return json.loads(json.dumps(said).replace('.000Z"', 'Z"'))


def kinds(indicators: list[dict[str, Any]]) -> set[str]:
    return {label for one in indicators for label in one["labels"] if label.startswith("scam:kind=")}


def test_the_core_bundle_parses_and_keeps_every_property() -> None:
    parsed = stix2.parse(document("core"))
    kept = [json.loads(one.serialize()) for one in parsed.objects]
    assert [without_idle_zeros(one) for one in kept] == [without_idle_zeros(one) for one in document("core")["objects"]]


def test_every_kind_is_in_it() -> None:
    assert len(kinds(of_type(objects("core"), "indicator"))) > 5
    assert kinds(of_type(objects("core"), "indicator")) == kinds(of_type(objects("full"), "indicator"))


def test_the_full_bundle_is_refused_for_its_own_types() -> None:
    with pytest.raises(stix2.exceptions.STIXError):
        stix2.parse(document("full"))


def test_full_bundle_parses_without_its_custom_types_and_their_references() -> None:
    own = {one["id"] for one in of_type(objects("full"), *OWN)}
    rest = [one for one in objects("full") if one["id"] not in own and one.get("target_ref") not in own]
    assert len(stix2.parse(bundle(rest)).objects) == len(rest)
