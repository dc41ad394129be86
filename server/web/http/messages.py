"""HTTP messages: requests as WSGI environments, and the heads of responses."""

import io
import sys
import time
from collections.abc import Collection, Mapping
from functools import lru_cache
from http import HTTPStatus
from tempfile import TemporaryFile
from typing import IO, Any, Protocol
from urllib.parse import unquote_to_bytes

from httptools import HttpParserInvalidURLError, parse_url

from server.web.taxii.response import BODILESS, TaxiiResponse

Environ = dict[str, Any]

# Large bodies of one sender are read one at a time. A long body is kept in a file, not in memory.
_LARGE, _LONG = 64 * 1024, 1024 * 1024
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_PLAIN = frozenset(("CONTENT_TYPE", "CONTENT_LENGTH"))


class Application(Protocol):
    """The application that a worker serves."""

    def respond(self, environ: Environ) -> TaxiiResponse:
        """Answer, without a time limit. Called in a thread."""

    def respond_fast(self, environ: Environ) -> TaxiiResponse | None:
        """Answer within some milliseconds, or return None. Called on the event loop."""

    def identify(self, environ: Environ) -> None:
        """Find the partner of a request with a body, if this takes no time. Called on the event loop."""

    def refuse_body(self, environ: Environ) -> TaxiiResponse | None:
        """Return the rejection of a request judged by its head, or None. Called in a thread before the body is read."""

    def checks_head(self, environ: Environ) -> bool:
        """Return whether the body waits for ``refuse_body``."""

    def body_limit(self, environ: Environ) -> int:
        """Return the maximum size of the body in bytes."""

    def expected_size(self, environ: Environ) -> int:
        """Return the approximate size of the response in bytes, 0 for a short one."""

    def places(self, collections: Collection[str]) -> Mapping[str, int]:
        """Return the place of the last change of each collection, given by id. Called in a thread."""

    def owner(self, environ: Environ) -> str:
        """Return the partner that the request counts for, or its source address if the partner is unknown."""

    def refuse(self, environ: Environ, status: int) -> TaxiiResponse:
        """Return the response to a malformed request."""

    def failed(self, environ: Environ, fault: BaseException) -> TaxiiResponse:
        """Return the response to a request that a fault stopped, and log the fault under the id of the response."""


class BadRequest(Exception):
    """The request cannot be answered. Carries the HTTP status."""

    def __init__(self, status: int) -> None:
        """Reject with this HTTP status."""
        super().__init__(status)
        self.status = status


class HttpRequest:
    """One request: its head, and the part of its body that has arrived."""

    __slots__ = (
        "at_work",
        "body",
        "environ",
        "file",
        "headers",
        "held",
        "in_memory",
        "keep_alive",
        "owner",
        "size",
        "url",
        "wants_continue",
    )

    def __init__(self) -> None:
        """Begin empty."""
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.environ: Environ = {}
        self.body: list[bytes] = []
        # Holds a long body instead of memory.
        self.file: IO[bytes] | None = None
        self.size = 0
        # Bytes of the body that are in memory.
        self.in_memory = 0
        # The bytes that the worker counts as held, and their owner.
        self.held = 0
        self.owner = ""
        # True while a thread reads it.
        self.at_work = False
        self.keep_alive = True
        self.wants_continue = False

    def head(self, method: bytes, version: str, base: Environ) -> Environ:
        """Return the WSGI environment of the head. Raises ``Refused``."""
        environ = self.environ = dict(base)
        environ["REQUEST_METHOD"] = method.decode("latin-1")
        environ["SERVER_PROTOCOL"] = "HTTP/" + version
        environ["PATH_INFO"], environ["QUERY_STRING"] = _target(self.url)
        for name, value in self.headers:
            # An underscore could imitate the hyphen of a header that a proxy in front of the server sets.
            if b"_" in name:
                continue
            key = _key(name)
            text = value.decode("latin-1")
            if key in environ:
                if key == "HTTP_HOST":
                    raise BadRequest(400)
                text = f"{environ[key]},{text}"
            environ[key] = text
        if "HTTP_HOST" not in environ and version == "1.1":
            raise BadRequest(400)
        expected = environ.get("HTTP_EXPECT")
        if expected is not None:
            if expected.lower() != "100-continue":
                raise BadRequest(417)
            self.wants_continue = version == "1.1"
        return environ

    @property
    def weight(self) -> int:
        """The cost of the request: 0 without a body, 1 with a small one, 2 with a large or a compressed one."""
        compressed = self.environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() != "identity"
        return 2 if self.size > _LARGE or (compressed and self.size) else 1 if self.size else 0

    def add(self, piece: bytes, *, in_file: bool = False) -> None:
        """Add a piece of the body. A long body goes into a file; with ``in_file``, a large one too."""
        self.size += len(piece)
        if self.file is None:
            self.body.append(piece)
            self.in_memory = self.size
            if self.size <= (_LARGE if in_file else _LONG):
                return
            self.file = TemporaryFile(prefix="scamfeed-body-")  # noqa: SIM115 - closed with the request
            self.file.writelines(self.body)
            self.body.clear()
            self.in_memory = 0
        else:
            self.file.write(piece)

    def complete(self) -> None:
        """Make the completely received body readable for the application."""
        if self.file is not None:
            self.file.seek(0)
        self.environ["wsgi.input"] = self.file or io.BytesIO(b"".join(self.body))
        self.body.clear()
        if self.size or "HTTP_TRANSFER_ENCODING" in self.environ:
            self.environ["CONTENT_LENGTH"] = str(self.size)

    def close(self) -> None:
        """Drop the body."""
        self.size = self.in_memory = 0
        self.body.clear()
        if self.file is not None and not self.at_work:
            self.file.close()
            self.file = None


def common_environ(server: tuple[str, int], remote: str, scheme: str, script: str) -> Environ:
    """Return the part of the environment that all requests of a connection share."""
    return {
        "SCRIPT_NAME": script,
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": remote,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "wsgi.input": io.BytesIO(),
    }


@lru_cache(maxsize=256)
def _key(name: bytes) -> str:
    text = name.decode("latin-1").upper().replace("-", "_")
    return text if text in _PLAIN else "HTTP_" + text


def _target(url: bytes) -> tuple[str, str]:
    if url[:1] == b"/":
        path, _, query = url.partition(b"#")[0].partition(b"?")
    elif url == b"*":
        path, query = url, b""
    else:
        try:
            whole = parse_url(url)
        except HttpParserInvalidURLError as error:
            raise BadRequest(400) from error
        path, query = whole.path or b"/", whole.query or b""
    if b"%" in path:
        path = unquote_to_bytes(path)
    return path.decode("latin-1"), query.decode("latin-1")


def response_head(response: TaxiiResponse, *, chunked: bool = True) -> bytes:
    """Return status line and headers without the final empty line. From HTTP/1.1 on, a stream is ``chunked``."""
    more = "".join([f"{name}: {value}\r\n" for name, value in response.headers])
    status = f"HTTP/1.1 {response.status} {_PHRASES[response.status]}\r\n"
    if response.stream is not None:
        framing = "Transfer-Encoding: chunked\r\n" if chunked else ""
        return f"{status}Content-Type: {response.content_type}\r\n{framing}{more}".encode("latin-1")
    if response.status in BODILESS:
        return f"{status}{more}".encode("latin-1")
    return (f"{status}Content-Type: {response.content_type}\r\nContent-Length: {len(response.body)}\r\n{more}").encode(
        "latin-1"
    )


def date_header() -> bytes:
    """Return the Date header."""
    return _date(int(time.time()))


@lru_cache(maxsize=4)
def _date(second: int) -> bytes:
    return time.strftime("Date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime(second)).encode()
