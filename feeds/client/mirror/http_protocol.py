"""HTTP/1.1 for a few local clients: bounded requests, answered in order on each connection."""

import asyncio
import logging
import time
import traceback
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple

import httptools

from schemas.report import MAX_VALUE

logger = logging.getLogger(__name__)

_MOST_BODY = 1_000 * (MAX_VALUE + 1024)
_MOST_HEAD = 16 << 10
_MOST_WAITING = 8
_MOST_CONNECTIONS = 1_000
# Seconds for a request to arrive; an idle connection may stay open longer.
_REQUEST_SECONDS, _IDLE_SECONDS = 15.0, 120.0
_FAILED = '{{"title":"The copy cannot be read","status":500,"description":"{0}","detail":"{0}","error_id":"{1}"}}'
_ADVICE = "Read the log of the mirror, and ask the hub until the mirror answers again."
# RFC 9457
_PROBLEM = "application/problem+json"


class AskedRequest(NamedTuple):
    """A request, whole."""

    method: str
    path: str
    headers: dict[bytes, bytes]
    body: bytes
    keep_alive: bool


class ServedAnswer(NamedTuple):
    """A response, in JSON unless ``media_type`` says otherwise."""

    status: int
    body: bytes
    media_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class CheckProtocol(asyncio.Protocol):
    """One connection."""

    def __init__(
        self, respond: Callable[[AskedRequest], Awaitable[ServedAnswer]], open_protocols: "set[CheckProtocol]"
    ) -> None:
        """Answer with ``respond``; stay in ``open_protocols`` while the connection is open."""
        self._respond = respond
        self._open = open_protocols
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[AskedRequest] = deque()
        self._answering: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: Any = None
        self._since = time.monotonic()
        self._in_request = False
        self._ending = False
        self._clear()

    def _clear(self) -> None:
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._head_bytes = 0
        self._body: list[bytes] = []
        self._body_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start, unless there are too many connections."""
        self._transport = transport
        if len(self._open) >= _MOST_CONNECTIONS:
            self.end()
            return
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the pending responses."""
        self._open.discard(self)
        self._waiting.clear()
        if self._answering is not None:
            self._answering.cancel()

    def pause_writing(self) -> None:
        """Send nothing until the client has read the earlier responses."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Go on answering."""
        self._writable.set()

    def end(self) -> None:
        """Close the connection."""
        self._ending = True
        self._transport.close()

    def is_overdue(self, now: float) -> bool:
        """Return whether the connection has been inactive for too long."""
        if self._answering is not None:
            return False
        return now - self._since > (_REQUEST_SECONDS if self._in_request else _IDLE_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Parse what arrived."""
        if self._ending:
            return
        if not self._in_request:
            self._since, self._in_request = time.monotonic(), True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(400)
        except httptools.HttpParserError as error:
            cause = error.__context__
            if isinstance(error, httptools.HttpParserCallbackError) and not isinstance(cause, _TooLarge):
                # The parser cannot go on after it.
                self._last(_failure(cause or error))
            else:
                self._refuse(cause.status if isinstance(cause, _TooLarge) else 400)

    def on_url(self, url: bytes) -> None:
        """Append a part of the request target."""
        self._url += url
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Accept a header."""
        self._headers[name.lower()] = value
        self._count(len(name) + len(value) + 4)

    def on_headers_complete(self) -> None:
        """Answer ``Expect: 100-continue``, so that the client sends its body."""
        if self._headers.get(b"expect", b"").lower() == b"100-continue" and self._answering is None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Append a part of the body."""
        self._body_bytes += len(body)
        if self._body_bytes > _MOST_BODY:
            raise _TooLarge(413)
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Answer the request, after the earlier ones."""
        try:
            path = httptools.parse_url(self._url).path.decode("ascii", "replace")
        except httptools.HttpParserInvalidURLError:
            path = ""
        method = self._parser.get_method().decode("ascii", "replace")
        keep = self._parser.should_keep_alive()
        self._waiting.append(AskedRequest(method, path, self._headers, b"".join(self._body), keep))
        self._clear()
        self._since, self._in_request = time.monotonic(), False
        if self._answering is None:
            self._answering = asyncio.ensure_future(self._answer())
        elif len(self._waiting) >= _MOST_WAITING:
            self._transport.pause_reading()

    async def _answer(self) -> None:
        try:
            while self._waiting and not self._transport.is_closing():
                request = self._waiting.popleft()
                self._transport.write(await self._answer_to(request))
                if not request.keep_alive:
                    self.end()
                if not self._writable.is_set():
                    async with asyncio.timeout(_REQUEST_SECONDS):
                        await self._writable.wait()
        except TimeoutError:
            self._transport.abort()
        finally:
            self._answering = None
            self._since = time.monotonic()
        if not self._ending:
            self._transport.resume_reading()

    async def _answer_to(self, request: AskedRequest) -> bytes:
        """Answer a request; report an error at once, because a payment cannot wait for a response that never comes."""
        written = partial(_written, keep_alive=request.keep_alive, head=request.method == "HEAD")
        try:
            return written(await self._respond(request))
        except Exception as error:  # noqa: BLE001 - any error is answered and logged
            return written(_failure(error))

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > _MOST_HEAD:
            raise _TooLarge(431)

    def _refuse(self, status: int) -> None:
        self._last(ServedAnswer(status, b""))

    def _last(self, answer: ServedAnswer) -> None:
        self._transport.write(_written(answer, keep_alive=False))
        self.end()


def _failure(error: BaseException) -> ServedAnswer:
    """Return the answer to a request that a fault stopped, and log the fault under the id of the answer."""
    error_id = str(uuid.uuid4())
    at = " ".join(f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__))
    # Without the message: it may contain a part of a value.
    logger.error("mirror-answer-failure error_id=%s error=%s at=%s", error_id, type(error).__name__, at)
    return ServedAnswer(500, _FAILED.format(_ADVICE, error_id).encode(), _PROBLEM)


class _TooLarge(Exception):
    """A part of a request exceeds the limit for legitimate requests."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _written(answer: ServedAnswer, *, keep_alive: bool, head: bool = False) -> bytes:
    lines = [
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        f"Content-Type: {answer.media_type}",
        f"Content-Length: {len(answer.body)}",
        "Cache-Control: no-store",
        *(f"{name}: {value}" for name, value in answer.headers),
        *(() if keep_alive else ("Connection: close",)),
        "\r\n",
    ]
    return "\r\n".join(lines).encode() + (b"" if head else answer.body)
