"""One connection: its requests, one after the other, and their answers in the same order."""

import asyncio
import logging
import time
from concurrent.futures import Future
from functools import partial
from typing import cast

from server.http.connections import Connections
from server.http.fair_executor import TooManyWaiting
from server.http.messages import HttpRequest, call_wsgi, common_environ, date_header, response_head, wsgi_response_head
from server.http.receiver import STILL_SECONDS, Receiver
from server.taxii.response import TaxiiResponse

log = logging.getLogger(__name__)

_IDLE_SECONDS = 75.0
# For the client to take a refusal, while what it still sends passes by.
_LINGER_SECONDS = 2.0

Worked = tuple[str, list[tuple[str, str]], bytes]


class Connection(Receiver, asyncio.Protocol):
    """One connection, from its first byte to its last."""

    def __init__(self, shared: Connections) -> None:
        """Wait for the first request."""
        super().__init__(shared)
        self._loop = asyncio.get_running_loop()
        self._clogged = False
        # It stands in a queue of those that answer in rounds.
        self._queued = False
        # It asks faster than it is answered, or for what it does not get.
        self._slow = False

    @property
    def idle(self) -> bool:
        """Tell whether nothing is under way."""
        return not (self.at_work or self.waiting or self._clogged or self.head_bytes or self.has_more) and self.in_head

    @property
    def expendable(self) -> bool:
        """Tell whether nothing has been asked that would have to be answered."""
        return not (self.at_work or self.waiting or self._clogged or self.ending) and self.in_head

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note who is there."""
        self._transport = cast(asyncio.Transport, transport)
        peer, here = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        tls = transport.get_extra_info("ssl_object")
        self.address = peer[0] if isinstance(peer, tuple) else ""
        self.base = common_environ(
            here[:2] if isinstance(here, tuple) else ("localhost", 0),
            self.address,
            "https" if tls is not None else "http",
            self.shared.script,
        )
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        if certificate is not None:
            self.base["scamfeed.certificate"] = certificate
        self.shared.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection; what is under way is finished all the same."""
        self.ending = True
        self._drop_waiting()
        # This and its parser hold each other: what came of a body would wait for the garbage collector.
        self.shared.let_go(self.request)
        self.request = HttpRequest()
        self.shared.discard(self)

    def data_received(self, data: bytes) -> None:
        """Take the next bytes in."""
        self.receive(data)
        self._next()

    def eof_received(self) -> bool:
        """Answer what has come in full to a client that sends no more."""
        busy = self.at_work or bool(self.waiting) or self._clogged
        self.ending = True
        return busy and self._transport.get_extra_info("ssl_object") is None

    def pause_writing(self) -> None:
        """Start nothing new until the client has taken what it has been given."""
        self._clogged = True
        self.deadline = time.monotonic() + STILL_SECONDS

    def resume_writing(self) -> None:
        """Go on."""
        self._clogged = False
        self._next()

    # What the receiving side asks for

    def pause(self, *, reading: bool) -> None:
        """Let more come in, or not."""
        if not self._transport.is_closing():
            self.reading = reading
            self._transport.resume_reading() if reading else self._transport.pause_reading()

    def proceed(self) -> None:
        """Tell the client that its body is wanted."""
        self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def find_out(self, request: HttpRequest) -> None:
        """Find out in a thread whether a body is wanted."""
        early = partial(self.shared.application.early, request.environ, patient=True)
        try:
            work = self.shared.desk.submit(self.address, 0, early)
        except TooManyWaiting:
            self.refuse(503)
            return
        work.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._found_out, request, done))

    def _found_out(self, request: HttpRequest, work: "Future[TaxiiResponse | None]") -> None:
        if self._transport.is_closing():
            return
        # What fails here fails again with the whole request.
        self.decided(request, None if work.exception() else work.result())
        self._next()

    def refuse(self, status: int) -> None:
        """Answer for the last time, with an error."""
        if not self.ending:
            self.last(self.shared.application.refuse(self.request.environ, status))

    def last(self, answer: TaxiiResponse) -> None:
        """Answer for the last time, and let what still comes in pass by."""
        self.ending = True
        self._drop_waiting()
        if not self.at_work:
            self.shared.let_go(self.request)
            head = response_head(answer) + date_header()
            self._transport.write(head + b"Connection: close\r\n\r\n" + answer.body)
            # A connection that is closed on what it still sends loses the answer with it.
            self.deadline = time.monotonic() + _LINGER_SECONDS
            if self._transport.can_write_eof():
                self._transport.write_eof()
            self.in_head = False

    # Answering

    def _next(self) -> None:
        """Answer what waits, as soon as it is this connection's turn."""
        if self.at_work or self._clogged or self._queued or self._transport.is_closing():
            return
        if not self.waiting and self.has_more:
            self.go_on()
        if self.waiting:
            self._queue()
        elif self.ending and self.in_head and not self.has_more:
            # Nothing follows what was answered.
            self.drop()

    def _queue(self) -> None:
        """Let the first request be answered as soon as it is its turn, which mostly is now."""
        rounds = self.shared.slow_rounds if self._slow else self.shared.rounds
        self._queued = True
        self.deadline = float("inf")
        if self._slow or not rounds.at_once(self.address, self):
            environ = self.waiting[0].environ
            # Whether the credentials are right is found out when it is their turn.
            name = environ.get("HTTP_AUTHORIZATION", "")
            rounds.add(self.shared.application.owner(environ), name, self)

    def answer_next(self) -> None:
        """Answer the request that came first: at once, or in a thread."""
        self._queued = False
        if not self.waiting or self.at_work or self._clogged or self._transport.is_closing():
            return
        request = self.waiting.popleft()
        answer = self.shared.application.quick(request.environ)
        if answer is None:
            answer = self._hand_over(request)
        if answer is not None:
            self.shared.let_go(request)
            self._write(request, response_head(answer), answer.body)
            self._next()

    def _hand_over(self, request: HttpRequest) -> TaxiiResponse | None:
        """Let a thread answer; gives the answer itself where its owner has too much under way."""
        environ, weight = request.environ, request.weight
        # A sender's questions do not wait for its bodies.
        owner = self.shared.application.owner(environ) + (" sends" if weight else "")
        try:
            work = self.shared.desk.submit(owner, weight, partial(call_wsgi, self.shared.application, environ))
        except TooManyWaiting:
            return self.shared.application.refuse(environ, 503)
        self.at_work = request.at_work = True
        work.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._worked, request, done))
        return None

    def _worked(self, request: HttpRequest, work: "Future[Worked]") -> None:
        self.at_work = request.at_work = False
        self.shared.let_go(request)
        error = work.exception()
        if error is not None:
            log.error("wire-failure", exc_info=error)
            answer = self.shared.application.refuse(request.environ, 500)
            self._write(request, response_head(answer), answer.body)
        else:
            status, headers, body = work.result()
            self._write(request, wsgi_response_head(status, headers, len(body)), body)
        self._next()

    def _drop_waiting(self) -> None:
        """Forget what waits behind the request that is being answered."""
        while self.waiting:
            self.shared.let_go(self.waiting.pop())

    def _write(self, request: HttpRequest, head: bytes, body: bytes) -> None:
        if self._transport.is_closing():
            return
        self._slow = bool(self.waiting) or self.has_more or head[9:10] not in b"23"
        last = not request.keep_alive or self.shared.stopping or (self.ending and not self.waiting)
        if last:
            connection = b"Connection: close\r\n\r\n"
        elif request.environ["SERVER_PROTOCOL"] == "HTTP/1.0":
            connection = b"Connection: keep-alive\r\n\r\n"
        else:
            connection = b"\r\n"
        self.deadline = time.monotonic() + _IDLE_SECONDS
        # A large body goes out as it is, a small one in one piece with its head.
        if len(body) > 16_384:
            self._transport.writelines((head + date_header() + connection, body))
        else:
            self._transport.write(head + date_header() + connection + body)
        if last:
            self.drop()

    def drop(self) -> None:
        """Close the connection once what has been written is sent."""
        self.ending = True
        self._drop_waiting()
        self._transport.close()

    def expire(self) -> None:
        """Give up on a client that sends or takes nothing."""
        if self.ending or self._clogged or self.idle:
            self._transport.abort() if self._clogged else self._transport.close()
        else:
            self.refuse(408)

    def stop(self) -> None:
        """Close the connection if nothing is under way on it."""
        if self.idle:
            self.drop()
