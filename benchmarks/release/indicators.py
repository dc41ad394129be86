"""Indicators in the form of other software; none is made by our own mapper.

Value ``n`` is the same each time, so that a second partner can report the values of the first. The names are random and
unregistered, and are never resolved.
"""

import hashlib
import json
import random
import time
import uuid
from collections.abc import Iterable
from typing import Any

_ENDINGS = ("com", "net", "org", "shop", "top", "xyz", "info", "online", "co.th", "in.th")
# TLP of both generations, as used together in practice: green, amber, clear, and none.
_MARKINGS = (
    ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
    ["marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"],
    ["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"],
    ["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"],
    ["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"],
    ["marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"],
    [],
)


# In plain mode all reports have one form, like a list of domains: only the value differs.
_PLAIN = {"name": "Bad domain", "indicator_types": ["malicious-activity"], "confidence": 80, "labels": ["scam"]}
plain = False


def bodies(identity: str, prefix: str, numbers: Iterable[int]) -> bytes:
    """Make an envelope in which the partner of ``identity`` reports these values."""
    return json.dumps({"objects": [indicator(identity, prefix, number) for number in numbers]}).encode()


def indicator(identity: str, prefix: str, number: int) -> dict[str, Any]:
    """Make one report of value ``number`` with this ``prefix``, in the form of one of three programs."""
    digest = hashlib.blake2b(f"{prefix}-{number}".encode(), digest_size=20).hexdigest()
    name, path, value = _value(prefix, number, digest)
    moment = _moment()
    obj: dict[str, Any] = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid4()}",
        "created_by_ref": identity,
        "created": moment,
        "modified": moment,
        "name": value,
        "pattern": f"[{name}:{path} = '{value}']",
        "pattern_type": "stix",
        "valid_from": moment,
    }
    if plain:
        return {**obj, **_PLAIN, "object_marking_refs": _MARKINGS[0]}
    # A second reporter uses different software.
    _MAKERS[(number + len(identity) + ord(identity[-1])) % 3](obj, number)
    marking = _MARKINGS[int(digest[:2], 16) % len(_MARKINGS)]
    return {**obj, "object_marking_refs": marking} if marking else obj


def _value(prefix: str, number: int, digest: str) -> tuple[str, str, str]:
    """Return a value's type, property and text: seven of ten are domains, two are URLs, one is a wallet."""
    host = f"{prefix}{number}-{digest[:6]}.{_ENDINGS[number % len(_ENDINGS)]}"
    if plain:
        return "domain-name", "value", host
    if number % 10 in (3, 6):
        return "url", "value", f"https://{host}/account/verify?id={number}"
    if number % 10 == 9:
        return "cryptocurrency-wallet", "value", f"0x{digest}"
    return "domain-name", "value", host


def _moment() -> str:
    seconds = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{int(seconds * 1000) % 1000:03}Z"


def _bare(obj: dict[str, Any], number: int) -> None:
    obj |= {"indicator_types": ["malicious-activity"], "pattern_version": "2.1", "labels": ["scam"]}
    obj["confidence"] = 50 + number % 50


def _like_misp(obj: dict[str, Any], number: int) -> None:
    obj |= {
        "pattern_version": "2.1",
        "indicator_types": ["malicious-activity"],
        "labels": ['misp:type="domain"', 'misp:category="Network activity"', 'misp:to_ids="True"'],
        "kill_chain_phases": [{"kill_chain_name": "misp-category", "phase_name": "Network activity"}],
    }
    obj.pop("name")


def _like_opencti(obj: dict[str, Any], number: int) -> None:
    obj |= {
        "confidence": 75,
        "lang": "en",
        "description": f"Found in case {1000 + number % 50}: asks for a fee before it pays out.",
        "revoked": False,
        "x_opencti_score": 80,
        "x_opencti_detection": False,
        "x_opencti_main_observable_type": "Domain-Name",
        "x_opencti_files": [],
    }


_MAKERS = (_bare, _like_misp, _like_opencti)


def sample(count: int, below: int) -> list[int]:
    """Draw distinct random numbers below ``below``."""
    return random.sample(range(below), min(count, below))
