"""Any header, query and body, to the application and over the network: no server error, and only error resources."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.conformance.deployment import Deployment
from tests.conformance.peer import indicator
from tests.robustness.tally import Tally
from tests.robustness.ways import Application, Way, Wire
from tests.searches import examples

EXAMPLES = 150


@pytest.fixture(scope="session")
def application(tmp_path_factory: pytest.TempPathFactory, tally: Tally) -> Application:
    return Application(f"sqlite:///{tmp_path_factory.mktemp('fuzz') / 'hub.db'}", tally)


@pytest.fixture(scope="module", params=["application", "wire"])
def way(request: pytest.FixtureRequest, application: Application, server: Deployment, tally: Tally) -> Iterator[Way]:
    if request.param == "application":
        yield application
        return
    wire = Wire(server, server.collection(), tally)
    yield wire
    wire.close()


fuzz = settings(
    max_examples=examples(EXAMPLES),
    deadline=None,
    derandomize=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
METHODS = st.sampled_from(
    ["GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH", "TRACE", "PROPFIND", "QUERY", "X"]
)
HEADERS = st.sampled_from(
    [
        "HTTP_ACCEPT",
        "HTTP_AUTHORIZATION",
        "HTTP_ACCEPT_ENCODING",
        "HTTP_CONTENT_ENCODING",
        "HTTP_HOST",
        "HTTP_RANGE",
        "HTTP_X_FORWARDED_FOR",
        "HTTP_IF_NONE_MATCH",
        "HTTP_EXPECT",
        "HTTP_COOKIE",
        "CONTENT_TYPE",
    ]
)
LATIN = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60)
NAMES = st.sampled_from(
    ["added_after", "limit", "next", "match[id]", "match[type]", "match[version]", "match[spec_version]", "match[x]"]
)
WORDS = st.one_of(
    st.text(max_size=40),
    st.integers().map(str),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.sampled_from(["all", "first", "last", "2.1", "2.0", "indicator", "1e9", "\x00", "%", ",", "9" * 400]),
)
PIECES = st.one_of(
    st.sampled_from(
        ["feed", "taxii2", "collections", "room", "inbox", "objects", "manifest", "versions", "status", ""]
    ),
    st.text(max_size=12),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@fuzz
@given(METHODS, st.lists(PIECES, max_size=7), st.text(max_size=30))
def test_any_path(way: Way, method: str, pieces: list[str], query: str) -> None:
    way.ask(method, "/" + "/".join(pieces), quote(query, errors="replace"))


@fuzz
@given(METHODS, st.dictionaries(HEADERS, LATIN, max_size=4), st.binary(max_size=80))
def test_any_headers(way: Way, method: str, headers: dict[str, str], body: bytes) -> None:
    way.ask(method, "/feed/collections/room/objects/", body=body, **headers)


@fuzz
@given(st.lists(st.tuples(NAMES, WORDS), max_size=5), st.booleans())
def test_any_query(way: Way, pairs: list[tuple[str, str]], encoded: bool) -> None:
    said = "&".join(f"{name}={quote(value, errors='replace') if encoded else value}" for name, value in pairs)
    query = said.encode("utf-8", "replace").decode("latin-1")
    for end in ("objects/", "manifest/", "objects/x/", "objects/x/versions/"):
        way.ask("GET", f"/feed/collections/room/{end}", query)


@fuzz
@given(st.binary(max_size=300))
def test_any_bytes_as_a_body(way: Way, body: bytes) -> None:
    for collection in ("room", "inbox"):
        for packing in ("identity", "gzip", "zstd"):
            path = f"/feed/collections/{collection}/objects/"
            way.ask("POST", path, body=body, HTTP_CONTENT_ENCODING=packing)


def has_no_number(body: bytes) -> bool:
    """Return whether the JSON would contain NaN or infinity. Such a body is refused as a whole."""
    found: list[str] = []
    json.loads(body, parse_constant=found.append)
    return found != []


@fuzz
@given(
    st.lists(JSON, max_size=3), st.dictionaries(st.sampled_from([*indicator(), "extensions", "x"]), JSON, max_size=4)
)
def test_any_objects(way: Way, objects: list[Any], changed: dict[str, Any]) -> None:
    body = json.dumps({"objects": [*objects, indicator(**changed)]}).encode()
    for collection in ("room", "inbox"):
        status, answer = way.ask("POST", f"/feed/collections/{collection}/objects/", body=body)
        told = json.loads(answer)
        if has_no_number(body):
            assert (status, told["http_status"]) == (400, "400")
            continue
        assert status == 202
        assert told["total_count"] == len(objects) + 1
        assert sum(told[f"{name}_count"] for name in ("success", "failure", "pending")) == len(objects) + 1
