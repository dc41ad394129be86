"""The description of the ledger's endpoints, for the OpenAPI description of all that is served."""

import msgspec

from schemas.ledger.entries import Openings
from server.api.openapi_parts import operation, plain
from server.taxii.limits import API_ROOT
from server.taxii.openapi_schemas import STAMP, STRING, Schema, ref
from server.taxii.other_endpoints import Description

_TEXT, _OCTETS = "text/plain; charset=utf-8", "application/octet-stream"
_BINARY: Schema = {"type": "string", "format": "binary"}
_LOG = f"/{API_ROOT}/collections/{{collection_id}}/log"
_EMPTY: Schema = {"description": "done"}


def description() -> Description:
    """Return the paths of the ledger's endpoints, and the schemas that they refer to."""
    _, models = msgspec.json.schema_components((Openings,), ref_template="#/components/schemas/{name}")
    openings = operation("log_openings", "Get what opens the entries of objects", ref("Openings"), 400, 403, 404)
    openings["parameters"] = [
        _query("added_after", STAMP, "the date_added after which the objects were added"),
        _query("limit", {"type": "integer", "minimum": 1}, "the most objects; 10,000 at most"),
        _query("next", STRING, "the place that the page before named"),
    ]
    proof = _other("log_proof", "Get the proof that an object is in the ledger", _TEXT, STRING, 400, 403, 404)
    proof["parameters"] = [
        {**_query("id", STRING, "the id of the object"), "required": True},
        _query("version", STAMP, "its version; without it the last one"),
    ]
    cosign = operation(
        "log_cosign", "Add the cosignature of a registered witness", STRING, 400, 403, 404, 413, 415, 422
    )
    del cosign["responses"]["200"]
    cosign["responses"]["204"] = _EMPTY
    cosign["requestBody"] = {
        "required": True,
        "description": "a cosigned checkpoint, or the lines of signatures of one of the last minutes",
        "content": {"text/plain": {"schema": STRING}},
    }
    tile = _other("log_tile", "Get a tile of hashes", _OCTETS, _BINARY, 403, 404)
    tile["parameters"] = [_path("level", "the level, from 0"), _path("number", "the number, as x001/234.p/17 at most")]
    bundle = _other("log_entries", "Get a bundle of entries", _OCTETS, _BINARY, 403, 404)
    bundle["parameters"] = [_path("number", "the number, as x001/234.p/17 at most")]
    return Description(
        {
            f"{_LOG}/checkpoint": {
                "get": _other("log_checkpoint", "Get the newest signed checkpoint", _TEXT, STRING, 403, 404)
            },
            f"{_LOG}/checkpoint/cosigned": {
                "get": _other("log_cosigned", "Get the newest checkpoint that was cosigned", _TEXT, STRING, 403, 404)
            },
            f"{_LOG}/tile/entries/{{number}}": {"get": bundle},
            f"{_LOG}/tile/{{level}}/{{number}}": {"get": tile},
            f"{_LOG}/openings": {"get": openings},
            f"{_LOG}/proof": {"get": proof},
            f"{_LOG}/cosignatures": {"post": cosign},
        },
        {name: plain(model) for name, model in models.items()},
    )


def witness_description() -> Description:
    """Return the path of the witness's endpoint."""
    asked = _other("witness_add_checkpoint", "Ask this hub to cosign a checkpoint", _TEXT, STRING)
    asked["security"] = []
    for code in ("401", "406"):
        asked["responses"].pop(code, None)
    asked["responses"] |= {
        str(code): {"$ref": f"#/components/responses/{code}"} for code in (400, 403, 404, 413, 415, 422)
    }
    asked["responses"]["409"] = {
        "description": "the size of the last checkpoint that was cosigned",
        "content": {"text/x.tlog.size": {"schema": STRING}},
    }
    asked["requestBody"] = {
        "required": True,
        "description": "the old size, the proof of consistency, an empty line, the checkpoint",
        "content": {"text/plain": {"schema": STRING}},
    }
    return Description({"/witness/add-checkpoint": {"post": asked}}, {})


def _other(id_: str, summary: str, type_: str, schema: Schema, *refused: int) -> Schema:
    asked = operation(id_, summary, schema, *refused)
    asked["responses"]["200"]["content"] = {type_: {"schema": schema}}
    return asked


def _query(name: str, schema: Schema, text: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": text}


def _path(name: str, text: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": STRING, "description": text}
