"""The parts of which the descriptions of these endpoints are made."""

from typing import Any

from server.taxii.openapi_schemas import Schema
from server.taxii.response import JSON

_REFUSALS = (401, 406, 408, 414, 429, 431, 503)


def operation(id_: str, summary: str, result: Schema, *refused: int) -> Schema:
    """Return the description of an operation, with the refusals that every one has and those in ``refused``."""
    codes = sorted({*_REFUSALS, *refused})
    return {
        "operationId": id_,
        "summary": summary,
        "parameters": [],
        "responses": {
            "200": {"description": "done", "content": {JSON: {"schema": result}}},
            **{str(code): {"$ref": f"#/components/responses/{code}"} for code in codes},
        },
    }


def plain(model: dict[str, Any]) -> dict[str, Any]:
    """Return a schema whose description is one text for people."""
    if "description" not in model:
        return model
    return {**model, "description": " ".join(model["description"].replace("``", "").split())}
