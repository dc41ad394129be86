"""Golden bundles: a change in one changes ids and versions stored by partners."""

import json
from pathlib import Path
from typing import Any

from stix2validator import ValidationOptions, validate_parsed_json

GOLDEN = Path(__file__).parent.parent / "golden"
REPORTER = "Example Bank"


def bundle(objects: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "bundle", "id": "bundle--bbf4c776-505e-4daf-a562-f7db5a330f95", "objects": objects}


def golden(name: str) -> dict[str, Any]:
    """Return the bundle ``name`` as written by the last ``make generate``."""
    bundle: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    return bundle


def assert_strictly_valid(bundle: dict[str, Any]) -> None:
    """Check a bundle with the official validator in strict mode."""
    options = ValidationOptions(
        strict=True, disabled="103,202,244", enforce_refs=True, strict_properties=True, version="2.1"
    )
    results = validate_parsed_json(bundle, options)
    assert results.is_valid, [str(error) for error in results.errors]
