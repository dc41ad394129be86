"""The JSON in docs is what endpoints accept and answer: valid against openapi.json, and each request is sent."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.store import collections, partners
from server.web.api import openapi, table
from server.web.taxii.openapi import describe
from tests.integration.taxii_hub import TaxiiHub, opened

DOCS = Path(__file__).parents[3] / "docs"
# Generated from the routes, and examples of other programs' endpoints.
_OTHERS = frozenset(("routes.md", "adding-a-feature.md", "writing-a-connector.md"))
PAGES = sorted(page for page in DOCS.glob("*.md") if page.name not in _OTHERS)
JSON = "application/json"
DESCRIBED = describe(openapi.describe(table.every()))
# <!-- POST /api/requests --> marks a request, and <!-- POST /api/requests: answer --> what it returns.
_MARKED = re.compile(
    r"^ *<!-- (?P<method>GET|POST) (?P<path>/\S*?)(?P<answer>: answer)? -->\n(?: *\n)? *```json\n(?P<body>.*?)^ *```",
    re.M | re.S,
)
_NAMED = re.compile(r"(?:`(?:(GET|POST) )?|https?://[^/\s]+)(/(?:api|match)/[^\s`?'\"]*)")
_LINE = r"(?:[^\n]|\\\n)*?"
_CURL = re.compile(
    rf"curl {_LINE}(?:https?://[^/\s]+|\$HUB)(?P<path>/[^\s?'\"]*){_LINE} "
    r"""-d (?:'(?P<plain>[^']*)'|"(?P<shell>(?:\\.|[^"\\])*)")"""
)
UUID = "346f90dd-04c0-4b38-9d6b-1f2a52a8a3c1"


class Example(NamedTuple):
    """An example on a page: the endpoint, whether it is the answer, and the JSON."""

    page: str
    method: str
    path: str
    is_answer: bool
    body: str


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """Return the description of an endpoint; in a path, any word may stand for a parameter."""
    for known, item in DESCRIBED["paths"].items():
        if method.lower() in item and re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(known)), path):
            found: dict[str, Any] = item[method.lower()]
            return found
    return None


def schema_of(example: Example) -> dict[str, Any] | None:
    """Return the schema of the example, None where the endpoint has no JSON there."""
    found = operation_of(example.method, example.path)
    if found is None:
        return None
    if example.is_answer:
        content = next((said.get("content", {}) for code, said in found["responses"].items() if code < "300"), {})
    else:
        content = found.get("requestBody", {}).get("content", {})
    return content[JSON]["schema"] if JSON in content else None


def examples_of(page: Path) -> list[Example]:
    """Return the marked examples of a page, and the JSON that its calls of curl send."""
    text = page.read_text(encoding="utf-8")
    found = [
        Example(page.name, hit["method"], hit["path"], hit["answer"] is not None, hit["body"])
        for hit in _MARKED.finditer(text)
    ]
    for hit in _CURL.finditer(text):
        # The mirror on the partner's own machine takes the same look-ups.
        path = hit["path"].replace("$ID", UUID) if hit["path"] != "/check" else "/api/lookup"
        body = hit["plain"] or re.sub(r"\$\w+", "indicator--x", hit["shell"].replace('\\"', '"'))
        found.append(Example(page.name, "POST", path, False, body))
    return found


EXAMPLES = [example for page in PAGES for example in examples_of(page)]
REQUESTS = [one for one in EXAMPLES if not one.is_answer and one.path.startswith("/api/")]


def test_error_on_the_page_has_the_described_form() -> None:
    [body] = re.findall(r"<!-- error -->\n```json\n(.*?)```", (DOCS / "api.md").read_text(encoding="utf-8"), re.S)
    validator = jsonschema.Draft202012Validator(
        {"$ref": "#/components/schemas/error", "components": DESCRIBED["components"]}
    )
    assert [error.message for error in validator.iter_errors(json.loads(body))] == []


def test_pages_have_examples() -> None:
    assert len(EXAMPLES) > 25
    assert {example.path for example in REQUESTS} >= {"/api/requests", "/api/answers", "/api/outcomes", "/api/lookup"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_that_names_an_endpoint_has_an_example(page: Path) -> None:
    named = {(method, path.replace("<", "{").replace(">", "}")) for method, path in _NAMED.findall(page.read_text())}
    with_json = [
        (method, path)
        for named_method, path in named
        for method in ([named_method] if named_method else ["GET", "POST"])
        if any(schema_of(Example(page.name, method, path, answers, "")) for answers in (False, True))
    ]
    if with_json:
        assert examples_of(page), f"give an example of one of {sorted(with_json)}"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one.page}:{one.path}:{one.is_answer}")
def test_example_is_valid(example: Example) -> None:
    schema = schema_of(example)
    assert schema is not None, f"{example.method} {example.path} is not in openapi.json with JSON"
    validator = jsonschema.Draft202012Validator({**schema, "components": DESCRIBED["components"]})
    assert [error.message for error in validator.iter_errors(json.loads(example.body))] == []


@pytest.fixture(scope="module")
def hub(initial_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaxiiHub]:
    folder = tmp_path_factory.mktemp("examples")
    file, key = shutil.copy(initial_store, folder / "hub.db"), folder / "objections.key"
    key.write_text("5" * 64)
    key.chmod(0o600)
    with opened(f"sqlite:///{file}", objection_key_file=key) as hub:
        with hub.store.begin() as tx:
            bank = Partner(
                name="Second Bank",
                kind=PartnerKind.BANK,
                country="TH",
                institutions=("BKKBTHBK",),
                identity=ids.identity("x"),
            )
            token = partners.add(tx, bank).token
            collections.grant(tx, bank.name, collections.get(tx, "inbox"), write=True)
        yield replace(hub, token=token)


@pytest.mark.parametrize("example", REQUESTS, ids=lambda one: f"{one.page}:{one.path}")
def test_hub_understands_the_example(hub: TaxiiHub, example: Example) -> None:
    given = {"CONTENT_TYPE": JSON, "HTTP_ACCEPT": JSON}
    path = re.sub(r"/(ID|LISTING)(?=/|$)", f"/{UUID}", example.path)
    answer = hub.application.respond(hub.environ(path, example.method, example.body.encode(), **given))
    # An id that a page names is not on this hub.
    wanted = (404,) if UUID in path or "LISTING" in example.path else (200, 201, 202)
    # A selection is understood, and finds no report on this hub.
    assert answer.status in wanted or b"(no-reports)" in answer.body, answer.body
