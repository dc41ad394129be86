"""The OpenAPI description of the JSON API, derived from its routes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from server.web.api.routes import ApiRoute, NamedSchema, Parameter, ResponseBody, Shape
from server.web.taxii.openapi_schemas import Schema, ref

# Of a request with a body.
_CARRIED = (400, 413, 415, 422)
_WITH_CREDENTIALS_OR_NOT: list[Schema] = [{}, {"basic": []}, {"bearer": []}]
# The description of all collections' paths has it.
_COLLECTION = "collection_id"


class Description(NamedTuple):
    """The OpenAPI paths of routes, and the schemas that they refer to."""

    paths: dict[str, Schema]
    schemas: dict[str, Schema]


def describe(routes: Sequence[ApiRoute]) -> Description:
    """Describe ``routes`` for clients."""
    paths: dict[str, Schema] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return Description(paths, _schemas(_shapes(routes)))


def _shapes(routes: Iterable[ApiRoute]) -> Iterable[Shape]:
    for route in routes:
        if route.request is not None:
            yield from (route.request.shape, *route.request.also.values())
            if route.request.item is not None:
                yield route.request.item
        for response in (route.response, *route.also):
            if response.shape is not None:
                yield response.shape


def _schemas(shapes: Iterable[Shape]) -> dict[str, Schema]:
    models: dict[type[msgspec.Struct], None] = {}
    named: dict[str, Schema] = {}
    for shape in shapes:
        if isinstance(shape, NamedSchema):
            named |= {one.name: one.schema for one in (shape, *shape.uses)}
        elif not isinstance(shape, dict):
            models[shape] = None
    _, found = msgspec.json.schema_components(tuple(models), ref_template="#/components/schemas/{name}")
    return {**{name: _plain(model) for name, model in found.items()}, **named}


def _plain(model: Schema) -> Schema:
    """Return a schema whose description is one text for people."""
    if "description" not in model:
        return model
    return {**model, "description": " ".join(model["description"].replace("``", "").split())}


def _operation(route: ApiRoute) -> Schema:
    in_path = [parameter for parameter in route.parameters if f"{{{parameter.name}}}" in route.path]
    errors = {*route.usual, *route.refuses}
    if "{" in route.path:
        errors.add(404)
    if route.request is not None:
        errors.update(_CARRIED)
    elif len(in_path) < len(route.parameters):
        errors.add(400)
    described: Schema = {
        "operationId": route.id,
        "summary": route.purpose,
        "parameters": [
            _parameter(parameter, in_path=parameter in in_path)
            for parameter in route.parameters
            if parameter.name != _COLLECTION
        ],
        "responses": {
            **{str(code): {"$ref": f"#/components/responses/{code}"} for code in sorted(errors)},
            **{str(response.status): _response(response) for response in (route.response, *route.also)},
        },
        **_security(route),
    }
    if (request := route.request) is not None:
        schemas = [_schema(request.shape)]
        if request.item is not None:
            item = _schema(request.item)
            schemas += [item, {"type": "array", "items": item}]
        content: Schema = {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}
        if request.example is not None:
            content["example"] = request.example
        described["requestBody"] = {
            "required": True,
            "content": {request.media_type: content, **_content(request.also)},
        }
        if request.description:
            described["requestBody"]["description"] = request.description
    return described


def _security(route: ApiRoute) -> Schema:
    """Return the credentials that a public route takes; all others need those of a partner."""
    if not route.is_public:
        return {}
    return {"security": _WITH_CREDENTIALS_OR_NOT if route.partners_too else []}


def _parameter(parameter: Parameter, *, in_path: bool) -> Schema:
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": "path" if in_path else "query",
        "schema": parameter.schema,
    }
    if in_path or parameter.is_required:
        described["required"] = True
    if parameter.description:
        described["description"] = parameter.description
    return described


def _response(response: ResponseBody) -> Schema:
    described: Schema = {"description": response.description}
    if response.shape is not None:
        described["content"] = _content({response.media_type: response.shape, **response.also})
    if response.headers:
        described["headers"] = dict(response.headers)
    return described


def _content(shapes: Mapping[str, Shape]) -> Schema:
    """Return the forms of a body by media type."""
    return {media_type: {"schema": _schema(shape)} for media_type, shape in shapes.items()}


def _schema(shape: Shape) -> Schema:
    if isinstance(shape, dict):
        return shape
    return ref(shape.name if isinstance(shape, NamedSchema) else shape.__name__)
