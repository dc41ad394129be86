"""A request as it comes in, and the WSGI environment it becomes."""

import io
import sys
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from http import HTTPStatus
from tempfile import TemporaryFile
from typing import IO, Any, Protocol
from urllib.parse import unquote_to_bytes

from httptools import HttpParserInvalidURLError, parse_url

from server.taxii.negotiation import TAXII
from server.taxii.response import TaxiiResponse

Environ = dict[str, Any]

# A body beyond is one of those that a sender has read one at a time; one beyond that is not kept in memory.
_LARGE, _LONG = 64 * 1024, 1024 * 1024
_PLAIN = frozenset(("CONTENT_TYPE", "CONTENT_LENGTH"))


class Application(Protocol):
    """A WSGI application that can say at once what it would only have to wait for otherwise."""

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer, however long it takes; called in a thread."""

    def quick(self, environ: Environ) -> TaxiiResponse | None:
        """Answer at once, or give None."""

    def early(self, environ: Environ, *, patient: bool = False) -> TaxiiResponse | None:
        """Refuse by the head alone, or give None.

        Raises ``Undecided`` where that takes longer than no time; ``patient`` takes it, in a thread.
        """

    def owner(self, environ: Environ) -> str:
        """Name whom a request is counted for: the partner where it is known, else the place it comes from."""

    def longest(self, environ: Environ) -> int:
        """Say how long the body may be."""

    def refuse(self, environ: Environ, status: int) -> TaxiiResponse:
        """Give the answer to what is not quite a request."""


class RequestRefused(Exception):
    """What came is no request that can be answered; ``status`` says why."""

    def __init__(self, status: int) -> None:
        """Refuse with this HTTP status."""
        super().__init__(status)
        self.status = status


class HttpRequest:
    """One request: its head, and its body as far as it has come."""

    __slots__ = (
        "at_work",
        "body",
        "environ",
        "file",
        "headers",
        "held",
        "keep_alive",
        "owner",
        "size",
        "url",
        "wants_continue",
    )

    def __init__(self) -> None:
        """Begin with nothing."""
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.environ: Environ = {}
        self.body: list[bytes] = []
        # Where a long body is instead.
        self.file: IO[bytes] | None = None
        self.size = 0
        # What the worker counts as held of it, and for whom.
        self.held = 0
        self.owner = ""
        # A thread reads it.
        self.at_work = False
        self.keep_alive = True
        self.wants_continue = False

    def head(self, method: bytes, version: str, base: Environ) -> Environ:
        """Make the environment of what has come. Raises ``Refused``."""
        environ = self.environ = dict(base)
        environ["REQUEST_METHOD"] = method.decode("latin-1")
        environ["SERVER_PROTOCOL"] = "HTTP/" + version
        environ["PATH_INFO"], environ["QUERY_STRING"] = _target(self.url)
        for name, value in self.headers:
            # An underscore would pass for the hyphen of a header that somebody in front of us vouches for.
            if b"_" in name:
                continue
            key = _key(name)
            text = value.decode("latin-1")
            if key in environ:
                if key == "HTTP_HOST":
                    raise RequestRefused(400)
                text = f"{environ[key]},{text}"
            environ[key] = text
        if "HTTP_HOST" not in environ and version == "1.1":
            raise RequestRefused(400)
        expected = environ.get("HTTP_EXPECT")
        if expected is not None:
            if expected.lower() != "100-continue":
                raise RequestRefused(417)
            self.wants_continue = version == "1.1"
        return environ

    @property
    def weight(self) -> int:
        """Say how much the request takes: 0 where it has no body, 1 for a small one, 2 for a large or a packed one."""
        packed = self.environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() != "identity"
        return 2 if self.size > _LARGE or (packed and self.size) else 1 if self.size else 0

    def add(self, piece: bytes) -> None:
        """Take a piece of the body; a long one goes into a file."""
        self.size += len(piece)
        if self.file is None:
            self.body.append(piece)
            if self.size <= _LONG:
                return
            self.file = TemporaryFile(prefix="scamfeed-body-")  # noqa: SIM115 - closed with the request
            self.file.writelines(self.body)
            self.body.clear()
        else:
            self.file.write(piece)

    def complete(self) -> None:
        """Put the body, which has come in full, where an application reads it."""
        if self.file is not None:
            self.file.seek(0)
        self.environ["wsgi.input"] = self.file or io.BytesIO(b"".join(self.body))
        self.body.clear()
        if self.size or "HTTP_TRANSFER_ENCODING" in self.environ:
            self.environ["CONTENT_LENGTH"] = str(self.size)

    def close(self) -> None:
        """Let go of the body."""
        self.size = 0
        self.body.clear()
        if self.file is not None and not self.at_work:
            self.file.close()
            self.file = None


def common_environ(server: tuple[str, int], remote: str, scheme: str, script: str) -> Environ:
    """Give what the environments of all requests of a connection have in common."""
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
            raise RequestRefused(400) from error
        path, query = whole.path or b"/", whole.query or b""
    if b"%" in path:
        path = unquote_to_bytes(path)
    return path.decode("latin-1"), query.decode("latin-1")


def call_wsgi(application: Application, environ: Environ) -> tuple[str, list[tuple[str, str]], bytes]:
    """Call a WSGI application and give its status line, its headers and its body."""
    said: list[Any] = []
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        said[:] = [status, headers]
        return written.append

    parts = application(environ, start_response)
    try:
        written.extend(parts)
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()
    status, headers = said
    return status, headers, written[0] if len(written) == 1 else b"".join(written)


_PHRASES = {status.value: status.phrase for status in HTTPStatus}


def response_head(answer: TaxiiResponse) -> bytes:
    """Write status line and headers, without the end."""
    more = "".join([f"{name}: {value}\r\n" for name, value in answer.headers])
    status = f"HTTP/1.1 {answer.status} {_PHRASES[answer.status]}\r\n"
    return f"{status}Content-Type: {TAXII}\r\nContent-Length: {len(answer.body)}\r\n{more}".encode("latin-1")


def wsgi_response_head(status: str, headers: list[tuple[str, str]], length: int) -> bytes:
    """Write what a WSGI application said, without the end; a length that it gave stands."""
    lines = [f"{name}: {value}\r\n" for name, value in headers]
    if not any(name.lower() == "content-length" for name, _ in headers):
        lines.append(f"Content-Length: {length}\r\n")
    return f"HTTP/1.1 {status}\r\n{''.join(lines)}".encode("latin-1")


def date_header() -> bytes:
    """Write the Date header."""
    return _date(int(time.time()))


@lru_cache(maxsize=4)
def _date(second: int) -> bytes:
    return time.strftime("Date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime(second)).encode()
