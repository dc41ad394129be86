"""A TAXII client that sends exactly the bytes of a test, and records the exact response."""

import base64
import contextlib
import http.client
import json
import re
import socket
import ssl
import urllib.parse
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from http.client import HTTPMessage
from typing import Any

TAXII = "application/taxii+json;version=2.1"
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
FIRST, LAST = "X-TAXII-Date-Added-First", "X-TAXII-Date-Added-Last"

_DEFAULT = object()


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: HTTPMessage
    body: bytes

    def json(self) -> Any:
        """Parse the body, which must be JSON in UTF-8 without duplicate names."""
        return json.loads(self.body.decode(), object_pairs_hook=_once)

    def ok(self, status: int = 200) -> Any:
        """Return the resource of a success."""
        assert self.status == status, self.body
        assert self.headers["Content-Type"] == TAXII
        return self.json()

    def refused(self, *statuses: int) -> dict[str, Any]:
        """Return the error resource of a refusal with one of ``statuses`` (TAXII 2.1 §3.6.1)."""
        assert self.status in statuses, (self.status, self.body)
        assert self.headers["Content-Type"] == TAXII
        resource: dict[str, Any] = self.json()
        assert isinstance(resource["title"], str)
        assert resource["http_status"] == str(self.status)
        assert all(isinstance(value, str) for value in resource.values())
        assert uuid.UUID(resource["error_id"]).version == 4
        assert not re.search(r"Traceback|sqlalchemy|sqlite|psycopg|SELECT|\.py\b", self.body.decode())
        return resource


@dataclass(frozen=True)
class Peer:
    """A connection of one partner to one server."""

    address: tuple[str, int]
    tls: ssl.SSLContext | None
    authorization: str | None
    root: str = "/feed/"

    @property
    def host(self) -> str:
        """Return the value of the Host header."""
        return f"{self.address[0]}:{self.address[1]}"

    def send(
        self, method: str, path: str, headers: Mapping[str, str | Iterable[str] | None] | None = None, body: Any = None
    ) -> Answer:
        """Send one request with these headers over the usual ones. None removes a header, a list repeats it."""
        said: dict[str, Any] = {"Host": self.host, "Accept": TAXII, "Authorization": self.authorization}
        if isinstance(body, dict | list):
            body = json.dumps(body, ensure_ascii=False).encode()
        if body is not None:
            said["Content-Type"] = TAXII
        said |= headers or {}
        connection = self.connect()
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            if isinstance(body, bytes) and "Transfer-Encoding" not in said:
                said.setdefault("Content-Length", str(len(body)))
            for name, value in said.items():
                for item in [value] if isinstance(value, str) or value is None else value:
                    if item is not None:
                        connection.putheader(name, item)
            connection.endheaders(body, encode_chunked="Transfer-Encoding" in said)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def get(self, path: str, query: Mapping[str, Any] | Iterable[tuple[str, str]] = (), **headers: Any) -> Answer:
        """GET a path below the API root. Underscores in header names become hyphens."""
        asked = urllib.parse.urlencode(query if isinstance(query, Mapping) else list(query), safe="[],:")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("GET", self.root + path + (f"?{asked}" if asked else ""), named)

    def post(self, path: str, objects: list[Any]) -> Any:
        """POST objects below the API root, and return the status."""
        return self.send("POST", self.root + path, body={"objects": objects}).ok(202)

    def anonymous(self) -> "Peer":
        """Return the peer without credentials."""
        return replace(self, authorization=None)

    def connect(self) -> http.client.HTTPConnection:
        """Open a connection."""
        if self.tls is None:
            return http.client.HTTPConnection(*self.address, timeout=60)
        return http.client.HTTPSConnection(*self.address, timeout=60, context=self.tls)

    def raw(self, sent: bytes, *, patience: float = 10) -> bytes:
        """Send any bytes, and return the complete response until the server disconnects or falls silent.

        ``patience`` is the number of seconds of silence to wait for.
        """
        with socket.create_connection(self.address, timeout=patience) as plain:
            line = plain if self.tls is None else self.tls.wrap_socket(plain, server_hostname=self.address[0])
            with contextlib.closing(line):
                got = b""
                with contextlib.suppress(OSError):
                    line.sendall(sent)
                    if self.tls is None:
                        line.shutdown(socket.SHUT_WR)
                    while part := line.recv(65_536):
                        got += part
                return got


def basic(user: str, password: str) -> str:
    """Write an Authorization header for HTTP Basic."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def indicator(**more: Any) -> dict[str, Any]:
    """Make a STIX 2.1 indicator with a new id."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": "ปลอม",
        "pattern": "[domain-name:value = 'scam.example']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
        **more,
    }


def version(one: Mapping[str, Any], modified: str, **more: Any) -> dict[str, Any]:
    """Make a later version of an object."""
    return {**one, "modified": modified, **more}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    assert len(read) == len(pairs), "a property is given twice"
    return read
