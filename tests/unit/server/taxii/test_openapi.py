import json
import re
from pathlib import Path

import jsonschema
import pytest
from flask import Flask

from server.app import create_app
from server.settings import Settings
from server.store import Store
from server.taxii.openapi import describe


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    store = Store.open(url)
    store.migrate()
    store.close()
    return create_app(Settings(database_url=url))


def test_it_describes_every_route_and_nothing_else(app: Flask) -> None:
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(("/taxii2/", "/feed/"))
    }
    described = {
        (path, method) for path, item in describe()["paths"].items() for method in item if method != "parameters"
    }
    assert described == served


def test_it_is_open_to_everybody(app: Flask) -> None:
    answer = app.test_client().get("/openapi.json")
    assert answer.content_type == "application/json"
    assert answer.json == describe()


def test_its_schemas_are_schemas() -> None:
    for schema in describe()["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_reference_in_it_leads_somewhere() -> None:
    described = describe()
    references = set(re.findall(r'"\$ref": "#/components/(\w+)/([\w-]+)"', json.dumps(described)))
    assert {"schemas", "responses"} == {kind for kind, _ in references}
    assert [name for kind, name in references if name not in described["components"][kind]] == []


def test_every_link_in_it_leads_to_an_operation_of_its_own_name() -> None:
    operations = [
        operation for item in describe()["paths"].values() for name, operation in item.items() if name != "parameters"
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
def test_what_a_list_of_the_url_cannot_hold_is_no_word(blank: str) -> None:
    word = describe()["paths"]["/feed/collections/{collection_id}/objects/"]["get"]["parameters"][3]["schema"]["items"]
    assert not jsonschema.Draft202012Validator(word).is_valid(blank)
    assert jsonschema.Draft202012Validator(word).is_valid("indicator")
