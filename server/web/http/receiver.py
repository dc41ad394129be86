"""The receiving side of a connection: parses bytes into requests, but only as many as are answered now."""

import re
import time
from collections import deque
from typing import Any

import httptools

from server.web.http.connections import Connections
from server.web.http.messages import BadRequest, HttpRequest
from server.web.taxii.request_body import announced
from server.web.taxii.response import TaxiiResponse

_HEAD_AT_MOST = 64 * 1024
_LINE_AT_MOST = 16 * 1024
_HEADERS_AT_MOST = 100
_REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [!-~]+ HTTP/1\.[01]\r?\n")
# Bytes parsed at once where requests may follow one another: several short requests, or one of usual size.
_STEP, _CHUNKED_STEP = 1024, 4096
HEAD_SECONDS = 15.0
# The longest time without progress of a body or a response.
STILL_SECONDS = 30.0
# Framing allowed in a chunked body: this many bytes for each byte of the body, plus a constant.
_FRAMING_RATE, _FRAMING = 8, 128 * 1024
# The longest time for a body: these seconds, and one second for each 32 KiB.
_BODY_SECONDS, _BODY_RATE = 30.0, 32 * 1024


class Receiver:
    """Parses bytes into requests, which wait in ``waiting`` to be answered in order.

    The bytes after a request that waits or is being answered are parsed when it is done.
    """

    base: dict[str, Any]

    def __init__(self, shared: Connections) -> None:
        """Wait for the first request."""
        self.shared = shared
        self.request = HttpRequest()
        self.waiting: deque[HttpRequest] = deque()
        self.at_work = False
        # True once no further requests are read.
        self.ending = False
        self.in_head = True
        self.head_bytes = 0
        # True while the socket is read.
        self.reading = True
        self.deadline = time.monotonic() + HEAD_SECONDS
        self._parser = httptools.HttpRequestParser(self)
        self._pending = b""
        # True while the application decides whether it accepts the body.
        self._admitting = False
        self._body_bytes = 0
        self._body_began = 0.0
        self._body_limit = 0
        # Bytes of an announced body that have not yet arrived.
        self._left = 0

    # Implemented by the connection

    def refuse(self, status: int) -> None:
        """Send an error as the last response."""
        raise NotImplementedError

    def last(self, answer: TaxiiResponse) -> None:
        """Send the last response."""
        raise NotImplementedError

    def proceed(self) -> None:
        """Ask the client for its body."""
        raise NotImplementedError

    def admit(self, request: HttpRequest) -> None:
        """Ask the application in a thread whether it accepts the body, and call ``admitted``."""
        raise NotImplementedError

    def pause(self, *, reading: bool) -> None:
        """Resume or pause reading from the socket."""
        raise NotImplementedError

    # Bytes

    @property
    def has_more(self) -> bool:
        """True while there are unparsed bytes."""
        return bool(self._pending)

    def receive(self, data: bytes) -> None:
        """Receive the next bytes from the socket."""
        if not self.ending:
            self._pending = self._pending + data if self._pending else data
            self.go_on()

    def go_on(self) -> None:
        """Parse the arrived bytes that may be parsed now."""
        while self._pending and not (self.waiting or self.at_work or self._admitting or self.ending):
            size = self._step()
            if size < len(self._pending):
                data, self._pending = self._pending[:size], self._pending[size:]
            else:
                data, self._pending = self._pending, b""
            self._feed(data)
            if self._admitting and not self.ending:
                self.admit(self.request)
        if self.ending:
            self._pending = b""
        if (wanted := not self._pending and not self._admitting) != self.reading:
            self.pause(reading=wanted)

    def _step(self) -> int:
        """Return a number of bytes that can hold only a few requests."""
        if self.in_head:
            return _STEP
        return self._left or _CHUNKED_STEP

    def _feed(self, data: bytes) -> None:
        if self.in_head:
            self.head_bytes += len(data)
        else:
            self._body_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except BadRequest as refused:
            self.refuse(refused.status)
        except httptools.HttpParserUpgrade:
            # No protocol upgrade is supported: the request is answered as usual, and it is the last one.
            self.ending = True
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            if isinstance(cause, BadRequest):
                self.refuse(cause.status)
            elif not self.ending:
                self.last(self.shared.application.failed(self.request.environ, cause or error))
        except httptools.HttpParserError as error:
            # RFC 9110 §9.1: a request with an unknown method is still a valid request.
            self.refuse(501 if "method" in str(error) and _REQUEST_LINE.match(data) else 400)
        if self.in_head and self.head_bytes > _HEAD_AT_MOST:
            self.refuse(431)
        if self._body_bytes > _FRAMING_RATE * self.request.size + _FRAMING:
            self.refuse(413)

    # Called by the parser

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.request = HttpRequest()
        self.in_head = True
        self.head_bytes = max(self.head_bytes, 1)
        self._body_began, self._body_bytes = 0.0, 0
        if not self.at_work:
            self.deadline = time.monotonic() + HEAD_SECONDS

    def on_url(self, url: bytes) -> None:
        """Add a piece of the request's target."""
        self.request.url += url
        if len(self.request.url) > _LINE_AT_MOST:
            raise BadRequest(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header."""
        headers = self.request.headers
        headers.append((name, value))
        if len(headers) > _HEADERS_AT_MOST:
            raise BadRequest(431)

    def on_headers_complete(self) -> None:
        """Check the head, before the body is read."""
        self.in_head, self.head_bytes = False, 0
        request = self.request
        request.keep_alive = self._parser.should_keep_alive()
        environ = request.head(self._parser.get_method(), self._parser.get_http_version(), self.base)
        if "CONTENT_LENGTH" not in environ and "HTTP_TRANSFER_ENCODING" not in environ:
            return
        self.shared.application.identify(environ)
        self.shared.belongs(request, self.shared.application.owner(environ))
        self._body_limit = self.shared.application.body_limit(environ)
        self._left = 0 if "HTTP_TRANSFER_ENCODING" in environ else max(announced(environ), 0)
        self._body_began = time.monotonic()
        self.deadline = self._body_began + STILL_SECONDS
        # Behind another request, a rejection would be sent out of order.
        if self.at_work or self.waiting:
            return
        if environ["REQUEST_METHOD"] == "POST" and self.shared.application.checks_head(environ):
            # Unless the body is already here, read no further byte until the application has seen the head.
            self._admitting = True
        else:
            self._decide(request, None)

    def admitted(self, request: HttpRequest, refusal: TaxiiResponse | None) -> None:
        """Continue with a request whose head the application has seen: reject its body, or read it."""
        self._admitting = False
        if request is self.request and not self.in_head and not self.ending:
            self._decide(request, refusal)
        self.go_on()

    def _decide(self, request: HttpRequest, refusal: TaxiiResponse | None) -> None:
        # The partner may be known by now.
        self.shared.belongs(request, self.shared.application.owner(request.environ))
        length = max(announced(request.environ), 0)
        if refusal is None and length > self._body_limit:
            refusal = self.shared.application.refuse(request.environ, 413)
        if refusal is None and not self.shared.has_room(request, length):
            refusal = self.shared.application.refuse(request.environ, 503)
        if refusal is not None:
            self.last(refusal)
        elif request.wants_continue:
            self.proceed()

    def on_body(self, body: bytes) -> None:
        """Add a piece of the body."""
        if self.ending:
            return
        request = self.request
        self._left = max(0, self._left - len(body))
        self.shared.hold(request, len(body))
        if not self.shared.has_room(request, 0):
            raise BadRequest(503)
        if request.size + len(body) > self._body_limit:
            raise BadRequest(413)
        self.shared.receive(request, body)
        now = time.monotonic()
        if now - self._body_began > _BODY_SECONDS + request.size / _BODY_RATE:
            raise BadRequest(408)
        self.deadline = now + STILL_SECONDS

    def on_message_complete(self) -> None:
        """Add the request to those waiting to be answered."""
        self.in_head = True
        self._left = 0
        self._admitting = False
        if not self.ending:
            self.request.complete()
            self.waiting.append(self.request)
