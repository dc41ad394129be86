"""stix2 (OASIS): what it takes with nothing told to it, which is what most clients in Python are built on."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from hub import ROOMS, bundle, of_type

# In a process of its own: a package that teaches stix2 new types teaches it for all of the process.
PARSE = """
import json, sys
import stix2
try:
    parsed = stix2.parse(json.load(sys.stdin))
except stix2.exceptions.STIXError as error:
    sys.exit(str(error))
print(json.dumps([json.loads(one.serialize()) for one in parsed.objects]))
"""

IDLE_ZEROS = re.compile(r"(?<=:\d\d)(\.\d*?)0*Z$")


def parse(objects: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    told = json.dumps(bundle(objects))
    return subprocess.run([sys.executable, "-c", PARSE], input=told, capture_output=True, text=True, timeout=60)


def without_idle_zeros(thing: Any) -> Any:
    """Spell timestamps as stix2 does, which ends a fraction with its last digit that counts."""
    if isinstance(thing, dict):
        return {name: without_idle_zeros(value) for name, value in thing.items()}
    if isinstance(thing, list):
        return [without_idle_zeros(value) for value in thing]
    return IDLE_ZEROS.sub(lambda found: found[1].rstrip(".") + "Z", thing) if isinstance(thing, str) else thing


@pytest.mark.parametrize("room", ROOMS)
def test_the_plain_collections_parse_and_keep_every_property(room: str, pages: dict[str, list[Any]]) -> None:
    done = parse(pages[room])
    assert done.returncode == 0, done.stderr
    assert without_idle_zeros(json.loads(done.stdout)) == without_idle_zeros(pages[room])


@pytest.mark.parametrize("room", ["mule-accounts", "wallets"])
def test_of_the_full_ones_it_wants_to_know_the_types(room: str, pages: dict[str, list[Any]]) -> None:
    done = parse(pages[f"{room}-full"])
    assert "customized" in done.stderr


def test_domains_need_no_type_that_it_does_not_know(pages: dict[str, list[Any]]) -> None:
    public = of_type(pages["public-full"], "domain-name", "identity", "marking-definition", "extension-definition")
    assert parse(public).returncode == 0
