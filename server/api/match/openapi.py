"""The description of private matching, for the OpenAPI description of all that is served."""

import msgspec

from schemas.api.matching import EvaluationAnswer, EvaluationRequest, MatchCollection
from server.taxii.openapi_schemas import STRING, Schema, ref
from server.taxii.other_endpoints import Description
from server.taxii.response import JSON

OCTETS = "application/octet-stream"
_REFUSALS = (401, 404, 406, 408, 414, 429, 431, 503)
_OVER: Schema = {"description": "the key or the version is over", "content": {JSON: {"schema": ref("error")}}}
_BINARY: Schema = {"type": "string", "format": "binary"}
_COLLECTION = "/match/{collection_id}"


def description() -> Description:
    """Return the paths of these endpoints, and the schemas that they refer to."""
    _, models = msgspec.json.schema_components(
        (MatchCollection, EvaluationRequest, EvaluationAnswer), ref_template="#/components/schemas/{name}"
    )
    key = {"name": "key", "in": "path", "required": True, "schema": STRING, "description": "the id of the key"}
    prefix = {**key, "name": "prefix", "description": "the bucket: the first bits of its rows, in hexadecimal"}
    since = {"name": "since", "in": "query", "schema": {"type": "integer"}, "description": "the version that is there"}
    evaluate = _operation(
        "match_evaluate", "Evaluate blinded values", JSON, ref("EvaluationAnswer"), 400, 413, 415, 422
    )
    evaluate["requestBody"] = {"required": True, "content": {JSON: {"schema": ref("EvaluationRequest")}}}
    tags = _operation("match_tags", "Get the tags of a set, or what changed of them", OCTETS, _BINARY, 400)
    tags["parameters"] = [key, since]
    rows = _operation("match_rows", "Get the rows of a bucket", OCTETS, _BINARY)
    rows["parameters"] = [key, prefix]
    return Description(
        {
            _COLLECTION: {"get": _operation("match", "Get the set of a collection", JSON, ref("MatchCollection"))},
            f"{_COLLECTION}/evaluate": {"post": evaluate},
            f"{_COLLECTION}/{{key}}/tags": {"get": tags},
            f"{_COLLECTION}/{{key}}/rows/{{prefix}}": {"get": rows},
        },
        models,
    )


def _operation(id_: str, summary: str, type_: str, result: Schema, *refused: int) -> Schema:
    codes = sorted({*_REFUSALS, *refused})
    return {
        "operationId": id_,
        "summary": summary,
        "parameters": [],
        "responses": {
            "200": {"description": "done", "content": {type_: {"schema": result}}},
            **{str(code): {"$ref": f"#/components/responses/{code}"} for code in codes},
            "410": _OVER,
        },
    }
