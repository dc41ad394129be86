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
