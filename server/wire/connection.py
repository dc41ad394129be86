"""One connection: its requests, one after the other, and their answers in the same order."""

import asyncio
import logging
import re
import time
from collections import deque
from concurrent.futures import Future
from functools import partial
from typing import cast

import httptools

from server.taxii.answer import Answer, Undecided
from server.wire.reply import date, head_as_said, head_of
from server.wire.request import Refused, Request, base, run
from server.wire.shared import Connections

log = logging.getLogger(__name__)

_HEAD_AT_MOST = 64 * 1024
_LINE_AT_MOST = 16 * 1024
_HEADERS_AT_MOST = 100
_REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [!-~]+ HTTP/1\.[01]\r?\n")
# Requests that may wait behind the one that is being answered.
_WAITING_AT_MOST = 16
_HEAD_SECONDS = 15.0
_IDLE_SECONDS = 75.0
# A body, and an answer, may take so long without a byte moving.
_STILL_SECONDS = 30.0
# For the client to take a refusal, while what it still sends passes by.
_LINGER_SECONDS = 2.0
# What is not the body in a chunked body: so much for each byte, and so much more.
_CHAFF_RATE, _CHAFF = 8, 128 * 1024
# A body as a whole: this, and a second for each 32 KiB.
_BODY_SECONDS, _BODY_RATE = 30.0, 32 * 1024


class Connection(asyncio.Protocol):
    """One connection, from its first byte to its last."""

    def __init__(self, shared: Connections) -> None:
        """Wait for the first request."""
        self._shared = shared
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._request = Request()
        self._waiting: deque[Request] = deque()
        self._head_bytes = 0
        self._in_head = True
        self._at_work = False
        self._clogged = False
        # No more requests are taken.
        self._ending = False
        self._body_bytes = 0
        self._body_began = 0.0
        self.deadline = time.monotonic() + _HEAD_SECONDS

    @property
    def idle(self) -> bool:
        """Tell whether nothing is under way."""
        return not self._at_work and not self._waiting and not self._clogged and self._in_head and not self._head_bytes

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note who is there."""
        self._transport = cast(asyncio.Transport, transport)
        peer, here = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        tls = transport.get_extra_info("ssl_object")
        self._base = base(
            here[:2] if isinstance(here, tuple) else ("localhost", 0),
            peer[0] if isinstance(peer, tuple) else "",
            "https" if tls is not None else "http",
            self._shared.script,
        )
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        if certificate is not None:
            self._base["scamfeed.certificate"] = certificate
        self._shared.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection; what is under way is finished all the same."""
        self._ending = True
        self._drop_waiting()
        # This and its parser hold each other: what came of a body would wait for the garbage collector.
        self._let_go(self._request)
        self._request = Request()
        self._shared.discard(self)

    def data_received(self, data: bytes) -> None:
        """Take the next bytes in."""
        if self._ending:
            return
        if self._in_head:
            self._head_bytes += len(data)
        else:
            self._body_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except Refused as refused:
            self._refuse(refused.status)
        except httptools.HttpParserUpgrade:
            # Nothing is upgraded here; the request is answered as it stands, and it is the last.
            self._ending = True
            if not self._at_work:
                self._end()
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            self._refuse(cause.status if isinstance(cause, Refused) else 400)
        except httptools.HttpParserError as error:
            # RFC 9110 §9.1: a method that nobody knows makes no less of a request.
            self._refuse(501 if "method" in str(error) and _REQUEST_LINE.match(data) else 400)
        if self._in_head and self._head_bytes > _HEAD_AT_MOST:
            self._refuse(431)
        if self._body_bytes > _CHAFF_RATE * self._request.size + _CHAFF:
            self._refuse(413)

    def eof_received(self) -> bool:
        """Answer what has come in full to a client that sends no more."""
        busy = self._at_work or bool(self._waiting) or self._clogged
        self._ending = True
        return busy and self._transport.get_extra_info("ssl_object") is None

    def pause_writing(self) -> None:
        """Start nothing new until the client has taken what it has been given."""
        self._clogged = True
        self.deadline = time.monotonic() + _STILL_SECONDS

    def resume_writing(self) -> None:
        """Go on."""
        self._clogged = False
        self._next()

    # What the parser calls

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._request = Request()
        self._in_head = True
        self._head_bytes = max(self._head_bytes, 1)
        self._body_began, self._body_bytes = 0.0, 0
        if not self._at_work:
            self.deadline = time.monotonic() + _HEAD_SECONDS

    def on_url(self, url: bytes) -> None:
        """Take the request's target, or a piece of it."""
        self._request.url += url
        if len(self._request.url) > _LINE_AT_MOST:
            raise Refused(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        headers = self._request.headers
        headers.append((name, value))
        if len(headers) > _HEADERS_AT_MOST:
            raise Refused(431)

    def on_headers_complete(self) -> None:
        """Look at the head, before the body."""
        self._in_head, self._head_bytes = False, 0
        request, application = self._request, self._shared.application
        request.keep_alive = self._parser.should_keep_alive()
        environ = request.head(self._parser.get_method(), self._parser.get_http_version(), self._base)
        if "CONTENT_LENGTH" not in environ and "HTTP_TRANSFER_ENCODING" not in environ:
            return
        self._body_began = time.monotonic()
        self.deadline = self._body_began + _STILL_SECONDS
        # Behind another request, a refusal would come out of its turn.
        if not self._at_work and not self._waiting:
            try:
                self._decide(request, application.early(environ))
            except Undecided:
                # Not a byte more is read until it is known whether it is wanted.
                self._transport.pause_reading()
                work = self._shared.threads.submit(application.early, environ, patient=True)
                work.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._decided, request, done))

    def _decided(self, request: Request, work: Future[Answer | None]) -> None:
        """Go on with a request whose head has been looked at; what fails here fails again with the whole request."""
        if self._transport.is_closing():
            return
        self._transport.resume_reading()
        if request is self._request and not self._in_head and not self._ending:
            self._decide(request, None if work.exception() else work.result())

    def _decide(self, request: Request, refusal: Answer | None) -> None:
        """Refuse a body, or let it come."""
        if refusal is None and not self._shared.has_room(int(request.environ.get("CONTENT_LENGTH") or 0)):
            refusal = self._shared.application.refuse(request.environ, 503)
        if refusal is not None:
            self._last(refusal)
        elif request.wants_continue:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        if self._ending:
            return
        request = self._request
        request.body.append(body)
        request.size += len(body)
        self._shared.held += len(body)
        if not self._shared.has_room(0, request.size):
            raise Refused(503)
        if request.size > self._shared.application.longest(request.environ):
            raise Refused(413)
        now = time.monotonic()
        if now - self._body_began > _BODY_SECONDS + request.size / _BODY_RATE:
            raise Refused(408)
        self.deadline = now + _STILL_SECONDS

    def on_message_complete(self) -> None:
        """Answer the request, or let it wait for its turn."""
        self._in_head = True
        if self._ending:
            return
        self._request.complete()
        self._waiting.append(self._request)
        if len(self._waiting) > _WAITING_AT_MOST:
            self._transport.pause_reading()
        self._next()

    # Answering

    def _next(self) -> None:
        while self._waiting and not self._at_work and not self._clogged and not self._transport.is_closing():
            request = self._waiting.popleft()
            self._transport.resume_reading()
            answer = self._shared.application.quick(request.environ)
            if answer is None:
                self._at_work = True
                self.deadline = float("inf")
                work = self._shared.threads.submit(run, self._shared.application, request.environ)
                work.add_done_callback(partial(self._done, request))
            else:
                self._let_go(request)
                self._write(request, head_of(answer), answer.body)

    def _done(self, request: Request, work: Future[tuple[str, list[tuple[str, str]], bytes]]) -> None:
        """Hand over what a thread has made to the loop."""
        self._loop.call_soon_threadsafe(self._worked, request, work)

    def _worked(self, request: Request, work: Future[tuple[str, list[tuple[str, str]], bytes]]) -> None:
        self._at_work = False
        self._let_go(request)
        error = work.exception()
        if error is not None:
            log.error("wire-failure", exc_info=error)
            answer = self._shared.application.refuse(request.environ, 500)
            self._write(request, head_of(answer), answer.body)
        else:
            status, headers, body = work.result()
            self._write(request, head_as_said(status, headers, len(body)), body)
        self._next()

    def _let_go(self, request: Request) -> None:
        """Count what a body took as free again, once."""
        self._shared.held -= request.size
        request.size = 0
        request.body.clear()

    def _drop_waiting(self) -> None:
        """Forget what waits behind the request that is being answered."""
        while self._waiting:
            self._let_go(self._waiting.pop())

    def _write(self, request: Request, head: bytes, body: bytes) -> None:
        if self._transport.is_closing():
            return
        last = not request.keep_alive or self._shared.stopping or (self._ending and not self._waiting)
        if last:
            connection = b"Connection: close\r\n\r\n"
        elif request.environ["SERVER_PROTOCOL"] == "HTTP/1.0":
            connection = b"Connection: keep-alive\r\n\r\n"
        else:
            connection = b"\r\n"
        self.deadline = time.monotonic() + _IDLE_SECONDS
        # A large body goes out as it is, a small one in one piece with its head.
        if len(body) > 16_384:
            self._transport.writelines((head + date() + connection, body))
        else:
            self._transport.write(head + date() + connection + body)
        if last:
            self._end()

    def _refuse(self, status: int) -> None:
        if not self._ending:
            self._last(self._shared.application.refuse(self._request.environ, status))

    def _last(self, answer: Answer) -> None:
        """Answer for the last time, and let what still comes in pass by."""
        self._ending = True
        self._drop_waiting()
        if not self._at_work:
            self._let_go(self._request)
            head = head_of(answer) + date()
            self._transport.write(head + b"Connection: close\r\n\r\n" + answer.body)
            # A connection that is closed on what it still sends loses the answer with it.
            self.deadline = time.monotonic() + _LINGER_SECONDS
            if self._transport.can_write_eof():
                self._transport.write_eof()
            self._in_head = False

    def _end(self) -> None:
        self._ending = True
        self._drop_waiting()
        self._transport.close()

    def expire(self) -> None:
        """Give up on a client that sends or takes nothing."""
        if self._ending or self._clogged or self.idle:
            self._transport.abort() if self._clogged else self._transport.close()
        else:
            self._refuse(408)

    def stop(self) -> None:
        """Close the connection if nothing is under way on it."""
        if self.idle:
            self._end()
