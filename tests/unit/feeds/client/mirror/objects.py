"""Indicators as a hub serves them."""

from typing import Any


def indicator(number: int, version: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--00000000-0000-4000-8000-{number:012}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": f"2026-01-{version:02}T00:00:00.000Z",
        "pattern": f"[domain-name:value = 'h{number}.example.com']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
        "labels": ["phishing"],
        "extensions": {
            "extension-definition--dec54698-24b9-4642-b284-0ebb7e140e8c": {
                "extension_type": "property-extension",
                "grade": "block",
                "reporters": 2,
            }
        },
        **more,
    }
