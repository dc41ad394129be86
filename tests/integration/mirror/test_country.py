"""A mirror reads values without a country as its hub does: in the country that the hub states, unless set otherwise."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from feeds.client.mirror.check import Mirror
from tests.integration.mirror.conftest import MirroredScamfeed, mirrored_hub

NATIONAL, NUMBER = "012-345 6789", "+60123456789"


@pytest.fixture(scope="module")
def malaysian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirroredScamfeed]:
    with mirrored_hub(tmp_path_factory.mktemp("malaysian"), country="MY") as hub:
        hub.grant("takedown")
        hub.report(NUMBER, kind="phone")
        yield hub


def test_national_spelling_is_read_in_the_country_of_the_hub(malaysian: MirroredScamfeed, tmp_path: Path) -> None:
    malaysian.file = tmp_path / "mirror.db"
    with Mirror(malaysian.settings("takedown")) as opened_before:
        assert not opened_before.check(NATIONAL, "phone").found
        malaysian.sync("takedown")
        for mirror in (opened_before, malaysian.open()):
            known = mirror.check(NATIONAL, "phone")
            assert (known.normal, known.found) == (NUMBER, True)
    address = f"{malaysian.url.removesuffix('feed/')}api/lookup"
    asked = requests.post(
        address,
        json={"values": [{"value": NATIONAL, "kind": "phone"}]},
        headers={"Authorization": f"Bearer {malaysian.token}"},
        timeout=60,
    )
    assert asked.json()["results"][0]["normal"] == NUMBER


def test_the_setting_replaces_the_country_of_the_hub(malaysian: MirroredScamfeed, tmp_path: Path) -> None:
    malaysian.file = tmp_path / "mirror.db"
    for country in ("SG", ""):
        malaysian.sync("takedown", mirror={"country": country})
        with malaysian.open() as mirror:
            known = mirror.check(NATIONAL, "phone")
            assert (known.normal, known.found) != (NUMBER, True)
            assert mirror.check(NUMBER, "phone").found
