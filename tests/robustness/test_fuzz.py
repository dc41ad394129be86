"""Any header, query and body, through the application as the server calls it: no fault, and every error a resource."""

import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from schemas.partner import Partner, PartnerKind
from server.app import create_app
from server.settings import Settings
from server.store import Store, collections, partners
from tests.conformance.peer import TAXII, indicator

EXAMPLES = 150


class Application:
    """The application, and one partner's way to it."""

    def __init__(self, url: str) -> None:
        store = Store.open(url)
        store.migrate()
        identity = "identity--5c8f4c0a-4b37-4b9f-8a39-1f4f1fbd7f0e"
        with store.begin() as tx:
            collections.create_defaults(tx)
            room = collections.add(tx, "room", "Room")
            told = partners.add(tx, Partner(name="bank", kind=PartnerKind.BANK, identity=identity))
            partners.grant(tx, "bank", room, read=True, write=True)
            partners.grant(tx, "bank", collections.get(tx, "inbox"), write=True)
        store.close()
        self._token = told.token
        self._call = create_app(Settings(database_url=url)).wsgi_app

    def ask(self, method: str, path: str, query: str = "", body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """Ask once, see that it is no fault, and give the answer."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path.encode("utf-8", "surrogatepass").decode("latin-1"),
            "QUERY_STRING": query,
            "SCRIPT_NAME": "",
            "SERVER_NAME": "hub.example",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_AUTHORIZATION": f"Bearer {self._token}",
            "HTTP_ACCEPT": TAXII,
            "CONTENT_TYPE": TAXII,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http",
            "wsgi.version": (1, 0),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            **headers,
        }
        seen: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], _exc: Any = None) -> None:
            seen.update(status=int(status.split()[0]), headers={name.lower(): value for name, value in headers})

        answer = b"".join(self._call(environ, start))
        assert seen["status"] < 500, answer
        if seen["status"] >= 400 and method != "HEAD" and "content-encoding" not in seen["headers"]:
            assert seen["headers"]["content-type"] == TAXII
            assert json.loads(answer)["http_status"] == str(seen["status"])
        return seen["status"], answer


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Application:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    return Application(f"sqlite:///{folder / 'hub.db'}")


fuzz = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
METHODS = st.sampled_from(["GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH", "TRACE", "X"])
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
def test_any_path(application: Application, method: str, pieces: list[str], query: str) -> None:
    application.ask(method, "/" + "/".join(pieces), quote(query, errors="replace"))


@fuzz
@given(METHODS, st.dictionaries(HEADERS, LATIN, max_size=4), st.binary(max_size=80))
def test_any_headers(application: Application, method: str, headers: dict[str, str], body: bytes) -> None:
    application.ask(method, "/feed/collections/room/objects/", body=body, **headers)


@fuzz
@given(st.lists(st.tuples(NAMES, WORDS), max_size=5), st.booleans())
def test_any_query(application: Application, pairs: list[tuple[str, str]], encoded: bool) -> None:
    said = "&".join(f"{name}={quote(value, errors='replace') if encoded else value}" for name, value in pairs)
    query = said.encode("utf-8", "replace").decode("latin-1")
    for end in ("objects/", "manifest/", "objects/x/", "objects/x/versions/"):
        application.ask("GET", f"/feed/collections/room/{end}", query)


@fuzz
@given(st.binary(max_size=300))
def test_any_bytes_as_a_body(application: Application, body: bytes) -> None:
    for collection in ("room", "inbox"):
        for packing in ("identity", "gzip", "zstd"):
            path = f"/feed/collections/{collection}/objects/"
            application.ask("POST", path, body=body, HTTP_CONTENT_ENCODING=packing)


@fuzz
@given(
    st.lists(JSON, max_size=3), st.dictionaries(st.sampled_from([*indicator(), "extensions", "x"]), JSON, max_size=4)
)
def test_any_objects(application: Application, objects: list[Any], changed: dict[str, Any]) -> None:
    body = json.dumps({"objects": [*objects, indicator(**changed)]}).encode()
    for collection in ("room", "inbox"):
        status, answer = application.ask("POST", f"/feed/collections/{collection}/objects/", body=body)
        told = json.loads(answer)
        assert status == 202
        assert told["total_count"] == len(objects) + 1
        assert sum(told[f"{name}_count"] for name in ("success", "failure", "pending")) == len(objects) + 1
