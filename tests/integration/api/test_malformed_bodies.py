"""Malformed bodies get 422 with the position of the error, at each JSON endpoint outside TAXII."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from server.web.api import table
from server.web.api.routes import ApiRoute
from tests.integration.taxii_hub import TaxiiHub, opened

WRONG = {
    "nothing": b"",
    "half": b'{"value": ',
    "no text": b'"\xff"',
    "deep": b"[" * 10_000,
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "another name": b'{"surprise-me": 1}',
    "numbers": b'{"values": 7, "value": 7, "answers": 7, "requests": 7, "asks": 7, "ground": 7}',
}
# A row may have any names, and is refused alone.
_ROWS = ("another name", "numbers")
# Ids that nothing has; each place of a path has the form of one of them.
_IDS = ("346f90dd-04c0-4b38-9d6b-1f2a52a8a3c1", "0123456789", "0123456789abcdef", "nothing")


@pytest.fixture(scope="module")
def hub(migrated_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaxiiHub]:
    file = shutil.copy(migrated_store, tmp_path_factory.mktemp("malformed") / "hub.db")
    with opened(f"sqlite:///{file}") as hub:
        yield hub


def endpoints() -> list[tuple[str, str]]:
    """Return the paths of the JSON API that accept a partner's body, with the media type of each.

    Those for peers alone do not exist for a partner.
    """
    return [
        (_filled(route), route.request.media_type)
        for route in table.every()
        if route.request is not None and route.path.startswith("/api/") and "/hub-reports/" not in route.path
    ]


def _filled(route: ApiRoute) -> str:
    """Return the path of a route with ids in its places."""
    patterns = {parameter.name: parameter.pattern for parameter in route.parameters}
    return re.sub(
        r"\{(\w+)\}",
        lambda place: next(id_ for id_ in _IDS if re.fullmatch(patterns.get(place[1], ".*"), id_)),
        route.path,
    )


def test_every_endpoint_that_accepts_json_is_known() -> None:
    taking = {path for path, media_type in endpoints() if media_type == "application/json"}
    assert taking >= {"/api/lookup", "/api/answers", "/api/notice", "/api/requests", "/api/objections"}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_malformed_body_is_unprocessable_and_its_place_is_named(hub: TaxiiHub, wrong: str) -> None:
    told: dict[str, Any] = {}
    for path, media_type in endpoints():
        if media_type != "application/json" or (path == "/api/reports" and wrong in _ROWS):
            continue
        given = {"CONTENT_TYPE": media_type, "HTTP_ACCEPT": media_type}
        answer = hub.application.respond(hub.environ(path, "POST", WRONG[wrong], **given))
        resource = orjson.loads(answer.body)
        assert resource["http_status"] == str(answer.status)
        # The place as JSON path, or the name of the field.
        if answer.status != 422 or not re.search(r"\$|The field [a-z]", resource["description"]):
            told[path] = resource
        # The response does not repeat names that the sender invented.
        assert "surprise" not in resource["description"]
    assert not told


def test_what_is_asked_is_a_word(hub: TaxiiHub) -> None:
    given = {"CONTENT_TYPE": "application/json", "HTTP_ACCEPT": "application/json"}
    for asks in ({}, []):
        answer = hub.application.respond(hub.environ("/api/requests", "POST", orjson.dumps({"asks": asks}), **given))
        assert answer.status == 422
        order = orjson.dumps({"order": {"asks": asks}, "locations": ["https://shop.example.com/"]})
        answer = hub.application.respond(hub.environ("/api/requests/orders", "POST", order, **given))
        assert answer.status == 422


def test_an_order_names_what_its_locations_have_in_common(hub: TaxiiHub) -> None:
    given = {"CONTENT_TYPE": "application/json", "HTTP_ACCEPT": "application/json"}
    locations = ["https://shop.example.com/", "https://shop.example.com/pay"]
    for wrong in ({"surprise": "x"}, {"location": "x"}, {"of": "x"}, {"payment": {}}):
        order = orjson.dumps({"order": {"asks": "take-down", **wrong}, "locations": locations})
        answer = hub.application.respond(hub.environ("/api/requests/orders", "POST", order, **given))
        assert (answer.status, orjson.loads(answer.body)["error_code"]) == (422, "field-refused")


@pytest.mark.parametrize("wrong", WRONG)
def test_endpoints_of_peers_do_not_exist_for_a_partner(hub: TaxiiHub, wrong: str) -> None:
    given = {"CONTENT_TYPE": "application/json", "HTTP_ACCEPT": "application/json"}
    answer = hub.application.respond(hub.environ("/api/hub-reports/overlap", "POST", WRONG[wrong], **given))
    assert answer.status == 404


def test_taxii_keeps_its_own_statuses(hub: TaxiiHub) -> None:
    answer = hub.application.respond(hub.environ("/feed/collections/room/objects/", "POST", b"{"))
    assert answer.status == 400
