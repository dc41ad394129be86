"""Two ways to send requests: to the application in this process, and to a running server over a kept connection."""

import contextlib
import http.client
import io
import socket
from typing import Any, Protocol
from urllib.parse import quote

from schemas.partner import Partner, PartnerKind
from server.app import create_app
from server.settings import Settings
from server.store import Store, collections, partners
from tests.conformance.deployment import Deployment
from tests.conformance.peer import TAXII
from tests.robustness.tally import Tally


class Way(Protocol):
    """Sends requests as one partner, and checks that no response is a server error. Headers have their WSGI names."""

    def ask(self, method: str, path: str, query: str = "", body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """Send one request, and return status and body."""


class Application:
    """The application, in this process."""

    def __init__(self, url: str, tally: Tally) -> None:
        """Make it on a new store, with one partner and a collection called room."""
        store = Store.open(url)
        store.migrate()
        identity = "identity--5c8f4c0a-4b37-4b9f-8a39-1f4f1fbd7f0e"
        with store.begin() as tx:
            collections.create_defaults(tx)
            room = collections.add(tx, "room", "Room")
            told = partners.add(tx, Partner(name="bank", kind=PartnerKind.BANK, identity=identity, vouched=True))
            collections.grant(tx, "bank", room, read=True, write=True)
            collections.grant(tx, "bank", collections.get(tx, "inbox"), write=True)
        store.close()
        self._token = told.token
        self._call = create_app(Settings(database_url=url)).wsgi_app
        self._tally = tally
        tally.secrets.add(told.token)

    def ask(self, method: str, path: str, query: str = "", body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """Call the application as a server does."""
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
        # A compressed refusal is checked over the network.
        shown = answer if method != "HEAD" and "content-encoding" not in seen["headers"] else b""
        self._tally.look("requests to the application", seen["status"], seen["headers"].get("content-type", ""), shown)
        return seen["status"], answer


class Wire:
    """A running server, over one connection as long as it stays open."""

    def __init__(self, server: Deployment, room: str, tally: Tally) -> None:
        """Send requests to ``server``, which calls ``room`` by that id."""
        self._server = server
        self._room = room
        self._tally = tally
        self._line: socket.socket | None = None

    def close(self) -> None:
        """Disconnect."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def ask(self, method: str, path: str, query: str = "", body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """Send the exact bytes of honest and of invalid requests."""
        there = quote(path.replace("/room/", f"/{self._room}/").encode("utf-8", "surrogatepass"), safe="/:@!$&'()*+,;=")
        peer = self._server.peer("member")
        said = {
            "HTTP_HOST": "hub.example",
            "HTTP_AUTHORIZATION": peer.authorization or "",
            "HTTP_ACCEPT": TAXII,
            "CONTENT_TYPE": TAXII,
            "CONTENT_LENGTH": str(len(body)),
            **headers,
        }
        head = [f"{method} {there}{'?' if query else ''}{query} HTTP/1.1"]
        head += [f"{name.removeprefix('HTTP_').replace('_', '-')}: {value}" for name, value in said.items()]
        sent = "\r\n".join([*head, "", ""]).encode("latin-1") + body
        status, content_type, answer = self._exchange(method, sent)
        self._tally.look("requests over the wire", status, content_type, answer)
        return status, answer

    def _exchange(self, method: str, sent: bytes) -> tuple[int, str, bytes]:
        if self._line is None:
            self._line = socket.create_connection(self._server.address, timeout=60)
        # A server that refused the head may have stopped reading. Its response has arrived anyway.
        with contextlib.suppress(BrokenPipeError):
            self._line.sendall(sent)
        response = http.client.HTTPResponse(self._line, method=method)
        response.begin()
        answer = response.read()
        if response.will_close:
            self.close()
        return response.status, response.headers.get("Content-Type", ""), answer
