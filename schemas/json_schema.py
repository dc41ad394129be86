"""JSON Schemas of the models, for partners who check before they send; run as a program, writes them."""

import json
from pathlib import Path
from typing import Any

from schemas import extension_schema, kinds, tabular
from schemas.partner import Partner
from schemas.report import Report

FOLDER = Path(__file__).parent / "json"
_MODELS = {"report": Report, "partner": Partner, **tabular.RECORDS}


def documents() -> dict[str, str]:
    """Return the text of each schema by its file name."""
    texts = {f"{name}.schema.json": _text(_document(model)) for name, model in _MODELS.items()}
    return {**texts, "scam-report-context.schema.json": _text(extension_schema.schema())}


def _document(model: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **model.model_json_schema(mode="validation"),
    }
    if model is Report:
        # A sender may leave these out: they follow from the kind.
        schema["required"] = [name for name in schema["required"] if name != "valid_until"]
        schema["properties"]["kind"]["enum"] = list(kinds.every())
        schema["properties"]["details"]["description"] = "; ".join(
            f"{kind.name}: {column}: {meaning}"
            for kind in kinds.every().values()
            for column, meaning in kind.columns.items()
        )
    if subject := schema.get("$defs", {}).get("Subject"):
        subject["properties"]["kind"]["anyOf"][0]["enum"] = list(kinds.every())
        schema["$defs"]["Subject"] = {"anyOf": [subject, {"type": "string", "minLength": 1}]}
    return schema


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
