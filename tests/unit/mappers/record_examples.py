"""Records of our own, and STIX objects of other makers."""

from typing import Any

from mappers import ids
from mappers.records import to_stix
from schemas import tabular
from schemas.records import Record

REPORTER = "Example Bank"
DEFAULTS = {"reporter": REPORTER, "reported_at": "2026-01-15T08:00:00.000Z"}
INDICATOR = "indicator--2c4125de-07a4-58ff-80f6-00aa533a88a7"
WALLET = "wallet:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
REPORTERS = {ids.identity(REPORTER): REPORTER, ids.identity("Other Bank"): "Other Bank"}


def record(which: str, /, **columns: Any) -> Record:
    return tabular.read_record(which, columns, DEFAULTS)


def stix_of(which: str, /, **columns: Any) -> dict[str, Any]:
    return to_stix(record(which, **columns))[-1]


def foreign_object(type_: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": type_,
        "spec_version": "2.1",
        "id": f"{type_}--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "created_by_ref": "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-02T00:00:00.123456Z",
        **properties,
    }
