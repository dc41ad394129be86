"""Update docs/matching-vectors.json: ``python -m tools.match_vectors``."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from schemas import kinds
from schemas.api.lookup import readings
from schemas.api.matching import input_of
from schemas.kind import ValueExample

PAGE = Path(__file__).parents[1] / "docs" / "matching-vectors.json"


def vectors() -> list[dict[str, Any]]:
    """Return an input for each accepted example of a kind: the value as written, and the input's parts."""
    return [vector for kind in kinds.every().values() for vector in _of_kind(kind.name, kind.examples())]


def _of_kind(kind: str, examples: Iterable[ValueExample]) -> Iterable[dict[str, Any]]:
    for example in examples:
        if example.value is not None:
            given = {name: text for name, text in example.given.items() if text}
            [reading] = readings(example.raw, kind, given)
            _, named, name = input_of(reading.name).decode().split("\0")
            yield {"value": example.raw, "kind": kind, "details": given, "input": [named, name]}


def page() -> str:
    """Return the file for the current code."""
    lines = [json.dumps(vector, ensure_ascii=False) for vector in vectors()]
    return "[\n" + ",\n".join(lines) + "\n]\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
