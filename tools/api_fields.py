"""The fields of the JSON API that clients may depend on: ``python -m tools.api_fields`` adds the new ones.

A line names a request, its parameter, or a property of a schema in ``/openapi.json``. ``optional`` marks a property
that a body may leave out. ``tests/golden/api-fields.txt`` has the lines of all versions since the last incompatible
one: a line that the description no longer gives is a change that breaks clients.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from server.web.api import openapi, table
from server.web.taxii.openapi import describe

FILE = Path(__file__).parents[1] / "tests/golden/api-fields.txt"
_METHODS = ("get", "post", "put", "patch", "delete")


def current() -> set[str]:
    """Return the lines of a hub that offers every route."""
    description = describe(openapi.describe(table.every()))
    lines = set()
    for name, schema in description["components"]["schemas"].items():
        lines.update(_properties(name, schema))
    for path, item in description["paths"].items():
        for method in _METHODS:
            if method in item:
                lines.update(_request(f"{method.upper()} {path}", item[method]))
    return lines


def known() -> set[str]:
    """Return the lines of earlier versions."""
    return set(FILE.read_text(encoding="utf-8").splitlines()) if FILE.exists() else set()


def _request(name: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield name
    yield from (f"{name} ?{parameter['name']}" for parameter in operation.get("parameters", ()) if "name" in parameter)
    bodies = {"body": operation.get("requestBody", {}), **operation.get("responses", {})}
    for part, body in bodies.items():
        for content in body.get("content", {}).values():
            yield from _properties(f"{name} {part}", content.get("schema", {}))


def _properties(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    """Return the properties below a schema, up to those that have a schema with a name."""
    if "$ref" in schema:
        yield f"{name} is {schema['$ref'].rpartition('/')[2]}"
        return
    for word in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(word, ()):
            yield from _properties(name, part)
    if isinstance(schema.get("items"), Mapping):
        yield from _properties(f"{name}[]", schema["items"])
    for key, part in schema.get("properties", {}).items():
        yield f"{name}.{key}"
        if key not in schema.get("required", ()):
            yield f"{name}.{key} optional"
        yield from _properties(f"{name}.{key}", part)


if __name__ == "__main__":
    FILE.write_text("\n".join(sorted(known() | current())) + "\n", encoding="utf-8")
