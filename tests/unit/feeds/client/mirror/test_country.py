"""The country of values without one: that of the settings, else the one that all hubs state."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from feeds.client.mirror.check import Mirror
from feeds.client.mirror.copies import CopyWriter
from feeds.client.mirror.settings import CheckRules
from feeds.client.mirror.tables import country_fact

HUBS = {"first": ["*"], "second": ["*"]}


@pytest.mark.parametrize(
    ("stated", "given", "country"),
    [
        ({}, None, "TH"),
        ({"first": "MY"}, None, "MY"),
        ({"first": ""}, None, ""),
        ({"first": "MY", "second": "MY"}, None, "MY"),
        ({"first": "MY", "second": "SG"}, None, ""),
        ({"first": "MY", "former": "SG"}, None, "MY"),
        ({"first": "MY"}, "SG", "SG"),
        ({"first": "MY"}, "", ""),
    ],
)
def test_country_of_a_mirror(tmp_path: Path, stated: Mapping[str, str], given: str | None, country: str) -> None:
    with CopyWriter(tmp_path / "mirror.db") as writer:
        writer.keep_rules(CheckRules(wanted=HUBS, country=given))
        for hub, said in stated.items():
            writer.keep_fact(country_fact(hub), said)
    with Mirror(tmp_path / "mirror.db") as mirror:
        assert mirror.state().country == country
