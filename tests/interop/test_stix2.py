"""stix2 (OASIS) without extensions, as used by most Python clients."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from hub import ROOMS, bundle, of_type

# In a separate process: a package that registers new types with stix2 does so for the whole process.
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
    """Format timestamps as stix2 does, without trailing zeros of a fraction."""
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
def test_full_collections_need_their_types_registered(room: str, pages: dict[str, list[Any]]) -> None:
    done = parse(pages[f"{room}-full"])
    assert "customized" in done.stderr


def test_domains_need_no_custom_type(pages: dict[str, list[Any]]) -> None:
    public = of_type(pages["public-full"], "domain-name", "identity", "marking-definition", "extension-definition")
    assert parse(public).returncode == 0
