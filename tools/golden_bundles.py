"""Update the golden bundles after an intended change of the mapping: ``python -m tools.golden_bundles``."""

import json
from typing import Any

from schemas import kinds
from tests.contract import test_kinds, test_records
from tests.contract.bundles import GOLDEN, bundle


def _write(name: str, objects: list[dict[str, Any]]) -> None:
    text = json.dumps(bundle(objects), ensure_ascii=False, indent=1)
    (GOLDEN / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    for kind in kinds.every():
        _write(kind, test_kinds.everything(kind))
    _write("records", test_records.everything())
