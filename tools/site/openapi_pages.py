"""The pages of the HTTP API, written from the OpenAPI description that a hub serves."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tools.tables import table

FOLDER = "docs/openapi"
Described = Mapping[str, Any]
_REFERENCE = re.compile(r"^#/components/(?:schemas|responses)/")
# The titles of the pages, by the beginning of a path. The first that matches counts.
_GROUPS = {
    "/api/answers": ("findings", "Findings on accounts"),
    "/api/questions": ("questions", "Questions"),
    "/api/requests": ("requests", "Requests between institutions"),
    "/api/iso20022": ("iso20022", "Messages of ISO 20022"),
    "/api/incidents": ("incidents", "Incidents"),
    "/api/evidence": ("evidence", "Evidence"),
    "/api/notice": ("evidence", "Evidence"),
    "/api/objections": ("objections", "Objections"),
    "/api/lookup": ("lookups", "Look-ups"),
    "/api/check": ("lookups", "Look-ups"),
    "/api/reports": ("reports", "Reports and outcomes"),
    "/api/outcomes": ("reports", "Reports and outcomes"),
    "/api/trends": ("trends", "Trends and quality"),
    "/api/quality": ("trends", "Trends and quality"),
    "/api/hub-reports": ("hub-reports", "Hub reports"),
    "/api/credentials": ("credentials", "Credentials"),
    "/api/collections": ("collections", "Active sets and streams"),
    "/v5": ("safe-browsing", "Hash prefixes"),
    "/match": ("matching", "Private matching"),
    "/feed/collections/{collection_id}/log": ("ledger", "Ledger and witnesses"),
    "/witness": ("ledger", "Ledger and witnesses"),
    "/feed": ("taxii", "TAXII"),
    "/taxii2": ("taxii", "TAXII"),
}
_OTHERS = ("others", "Other endpoints")
# Bounds of a value, in the words of a table.
_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "pattern": "pattern `{}`",
    "default": "default `{}`",
}


def pages(described: Described) -> dict[str, str]:
    """Return the pages by their names in the repository: an overview, one for each group of paths, and the schemas."""
    groups: dict[tuple[str, str], list[str]] = {}
    for path in sorted(described["paths"]):
        found = next((group for start, group in _GROUPS.items() if path.startswith(start)), _OTHERS)
        groups.setdefault(found, []).append(path)
    made = {name: _group(title, paths, described) for (name, title), paths in groups.items()}
    made |= {"README": _overview(groups, described), "schemas": _schemas(described)}
    return {f"{FOLDER}/{name}.md": text for name, text in made.items()}


def _overview(groups: Mapping[tuple[str, str], list[str]], described: Described) -> str:
    rows = (
        (f"[{title}]({name}.md)", ", ".join(dict.fromkeys(f"`{path}`" for path in paths)))
        for (name, title), paths in sorted(groups.items(), key=lambda group: group[0][1])
    )
    codes = ((code, response["description"]) for code, response in described["components"]["responses"].items())
    return _page(
        "# HTTP API",
        "The endpoints that a hub describes in its own `/openapi.json`, with their parameters, bodies and answers. "
        "[The JSON endpoints](../api.md) has the conventions and examples, [Connecting a client](../clients.md) the "
        "steps for TAXII.",
        _table(["endpoints", "paths"], rows),
        "All bodies and objects are listed in [Schemas](schemas.md).",
        "## Credentials",
        "Send user and password by HTTP Basic, or the token as `Authorization: Bearer`. Endpoints that are open to "
        "anybody say so.",
        "## Errors of all endpoints",
        "The body of an error is an [`error`](schemas.md#error).",
        _table(["status", "meaning"], codes),
    )


def _group(title: str, paths: list[str], described: Described) -> str:
    lines = [f"# {title}"]
    for path in paths:
        item = described["paths"][path]
        for method, operation in item.items():
            if method != "parameters":
                parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
                lines += _endpoint(f"{method.upper()} {path}", operation, parameters)
    return _page(*lines)


def _endpoint(heading: str, operation: Described, parameters: list[Described]) -> Iterator[str]:
    yield f"## `{heading}`"
    yield f"{operation['summary'].rstrip('.')}. {_who(operation)}"
    if parameters:
        yield _table(["parameter", "in", "type", "meaning"], map(_parameter, parameters))
    if (body := operation.get("requestBody")) is not None:
        kinds = " or ".join(_content(kind, content) for kind, content in body["content"].items())
        yield f"**Body:** {kinds}. {body.get('description', '')}".rstrip()
        for content in body["content"].values():
            if "example" in content:
                yield _example(content["example"])
    own = {code: answer for code, answer in operation["responses"].items() if "$ref" not in answer}
    yield _table(["status", "meaning", "body"], map(_answer, sorted(own.items())))
    if usual := sorted(operation["responses"].keys() - own.keys()):
        yield f"Also {', '.join(usual)} ([errors of all endpoints](README.md#errors-of-all-endpoints))."


def _who(operation: Described) -> str:
    return "Open to anybody." if operation.get("security") == [] else "For partners, with their credentials."


def _parameter(parameter: Described) -> tuple[str, str, str, str]:
    required = " (required)" if parameter.get("required") and parameter["in"] != "path" else ""
    return (
        f"`{parameter['name']}`{required}",
        parameter["in"],
        type_of(parameter["schema"]),
        _text(parameter.get("description", "")),
    )


def _content(kind: str, content: Described) -> str:
    schema = content.get("schema")
    return f"`{kind}`" + (f", {type_of(schema)}" if schema else "")


def _answer(answer: tuple[str, Described]) -> tuple[str, str, str]:
    code, described = answer
    kinds = "; ".join(_content(kind, content) for kind, content in described.get("content", {}).items())
    headers = ", ".join(f"`{name}`" for name in described.get("headers", ()))
    meaning = _text(described["description"])
    return code, meaning + (f" (headers {headers})" if headers else ""), kinds or "none"


def _example(value: object) -> str:
    return f"```json\n{json.dumps(value, indent=2, ensure_ascii=False)}\n```"


def _schemas(described: Described) -> str:
    lines = ["# Schemas", "The bodies and objects of the [HTTP API](README.md), sorted by name."]
    for name, schema in sorted(described["components"]["schemas"].items(), key=lambda item: item[0].lower()):
        lines += [f"## `{name}`", *_schema(schema)]
    return _page(*lines)


def _schema(schema: Described) -> Iterator[str]:
    if description := schema.get("description"):
        yield f"{_text(description)[:1].upper()}{_text(description)[1:].rstrip('.')}."
    rows = list(_properties(schema))
    if rows:
        yield _table(["property", "type", "meaning"], rows)
    else:
        yield f"Type: {type_of(schema)}."


def _properties(schema: Described, before: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield a row for each property, and for those inside: ``payment.message_id``, ``listings[].grade``."""
    for name, inner in schema.get("properties", {}).items():
        required = " (required)" if name in schema.get("required", ()) else ""
        yield f"`{before}{name}`{required}", type_of(inner), _text(inner.get("description", ""))
        item = inner.get("items", {})
        if isinstance(item, Mapping) and "properties" in item:
            yield from _properties(item, f"{before}{name}[].")
        else:
            yield from _properties(inner, f"{before}{name}.")


def type_of(schema: Described) -> str:
    """Return what a value may be, in words, with links to the named schemas."""
    if "$ref" in schema:
        name = _REFERENCE.sub("", schema["$ref"])
        return f"[`{name}`](schemas.md#{name.lower()})"
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return " or ".join(dict.fromkeys(map(type_of, choices)))
    if "enum" in schema:
        return "one of " + ", ".join(f"`{_value(value)}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{_value(schema['const'])}`"
    return ", ".join((_kind(schema), *_bounds(schema)))


def _kind(schema: Described) -> str:
    kind = schema.get("type", "any value")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array" or "items" in schema:
        return f"list of {type_of(schema['items'])}" if schema.get("items") else "list"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping) and "properties" not in schema:
        return f"object with values of {type_of(schema['additionalProperties'])}"
    return f"{kind} ({schema['format']})" if "format" in schema else str(kind)


def _bounds(schema: Described) -> Iterator[str]:
    for key, words in _BOUNDS.items():
        if key in schema:
            yield words.format(_value(schema[key]) if key in ("pattern", "default") else f"{schema[key]:,}")


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _text(description: str) -> str:
    return " ".join(description.split())


def _table(header: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    return "\n".join(table(header, rows))


def _page(*blocks: str) -> str:
    return "\n\n".join(blocks) + "\n"
