import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from flask import Flask

from server.app import close, create_app
from server.settings import Settings
from server.web.api import openapi, table
from server.web.taxii.endpoints import MEDALLION_ROUTES, METHODS, route
from server.web.taxii.openapi import describe
from tools import api_fields


@pytest.fixture
def app(migrated_store: Path, tmp_path: Path) -> Iterator[Flask]:
    app = create_app(Settings(database_url=f"sqlite:///{shutil.copy(migrated_store, tmp_path / 'hub.db')}"))
    yield app
    close(app)


def test_description_covers_exactly_the_routes(app: Flask) -> None:
    described = {
        path: {method.upper() for method in item if method != "parameters"}
        for path, item in describe()["paths"].items()
    }
    routes = {}
    for path, methods in described.items():
        request = route({"PATH_INFO": re.sub(r"{\w+}", "x", path)})
        assert request is not None
        routes[request.route] = methods
    assert routes == {name: set(methods) for name, methods in METHODS.items()}
    by_medallion = {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("taxii.")}
    assert {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule) for rule in by_medallion} <= described.keys()
    assert len(by_medallion) == len(MEDALLION_ROUTES)


def test_description_is_public(app: Flask) -> None:
    answer = app.test_client().get("/openapi.json")
    assert answer.content_type == "application/json"
    offered = [one for one in table.every() if one.service is None or one.service.is_offered(Settings())]
    assert answer.json == json.loads(json.dumps(describe(openapi.describe(offered))))


def _all() -> dict[str, Any]:
    """Return the description of a hub that offers every route."""
    return describe(openapi.describe(table.every()))


def test_no_field_of_an_earlier_version_is_gone() -> None:
    gone = sorted(api_fields.known() - api_fields.current())
    assert not gone, f"clients may depend on these (docs/releasing.md): {gone}"
    new = sorted(api_fields.current() - api_fields.known())
    assert not new, f"run make generate, which adds: {new}"


def test_schemas_are_valid() -> None:
    for schema in _all()["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_reference_resolves() -> None:
    described = _all()
    references = set(re.findall(r'"\$ref": "#/components/(\w+)/([\w-]+)"', json.dumps(described)))
    assert {"schemas", "responses"} == {kind for kind, _ in references}
    assert [name for kind, name in references if name not in described["components"][kind]] == []


def test_every_link_names_its_operation() -> None:
    operations = [
        operation for item in _all()["paths"].values() for name, operation in item.items() if name != "parameters"
    ]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    links = [
        link
        for operation in operations
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert {link["operationId"] for link in links} == {"status", "manifest", "objects", "versions"}
    assert {link["operationId"] for link in links} <= set(names)


@pytest.mark.parametrize("blank", ["", " ", "\t", "\x1f", "\x85", "\u3000", "\x00", "a\x00", ",", "a,b"])
def test_list_items_cannot_be_blank_or_contain_commas(blank: str) -> None:
    word = describe()["paths"]["/feed/collections/{collection_id}/objects/"]["get"]["parameters"][3]["schema"]["items"]
    assert not jsonschema.Draft202012Validator(word).is_valid(blank)
    assert jsonschema.Draft202012Validator(word).is_valid("indicator")
