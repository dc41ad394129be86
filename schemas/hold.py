"""How a report's hold stands in the columns of a file: each of its fields in one of its own."""

from collections.abc import Mapping
from typing import Any

from schemas.report import Hold

_PREFIX = "hold_"
COLUMNS = tuple(_PREFIX + name for name in Hold.model_fields)


def read(columns: Mapping[str, str]) -> dict[str, Any]:
    """Give what columns of a file say of a hold, ready for ``Hold``; nothing where they say nothing."""
    said = {name.removeprefix(_PREFIX): columns[name].strip() for name in COLUMNS if columns.get(name, "").strip()}
    return said | {"currency": said["currency"].upper()} if "currency" in said else said


def write(hold: Hold) -> dict[str, str]:
    """Give the columns that ``read`` takes for the same; those that say nothing are left out."""
    return {_PREFIX + name: text for name, text in hold.model_dump(mode="json", exclude_none=True).items()}
