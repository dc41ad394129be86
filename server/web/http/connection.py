"""Connections: receive the requests of each client and send the responses in the same order."""

import asyncio
import contextlib
import fcntl
import logging
import struct
import termios
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import cast

from server.web.http.connections import Connections
from server.web.http.fair_executor import TooManyWaiting
from server.web.http.faults import faults_answered, reset
from server.web.http.messages import HttpRequest, common_environ, date_header, response_head
from server.web.http.outgoing import OutgoingBody, OutgoingStream
from server.web.http.receiver import Receiver
from server.web.taxii.event_stream import HEARTBEAT, EventStream
from server.web.taxii.response import TaxiiResponse

log = logging.getLogger(__name__)

_IDLE_SECONDS = 75.0
# A waiting stream sends something at this interval, and ends after a while, so that clients spread over the workers.
_HEARTBEAT_SECONDS, _STREAM_SECONDS = 25.0, 3_600.0
# Time for the client to read a rejection, while the bytes that it still sends are dropped.
_LINGER_SECONDS = 2.0
# A smaller response is written at once. Of a large one, this many slices are written at once.
_LARGE, _SLICES_AT_ONCE = 64 * 1024, 4
# Bytes of memory for a stream whose pieces wait for the client.
_OF_A_STREAM = 2 * 1024 * 1024
# The minimum rate is checked after this many seconds, and then again at the same interval.
_WATCHED_SECONDS = 60.0
# A large body is compressed if the client has not read it within this time.
_PACKED_SECONDS = 1.0
_SMALLEST_PACKED = 1024 * 1024
# Delay before retrying a piece of a stream when its owner has too many requests waiting.
_BUSY_SECONDS = 0.05


class Connection(Receiver, asyncio.Protocol):
    """One connection, from its first byte to its last."""

    def __init__(self, shared: Connections) -> None:
        """Wait for the first request."""
        super().__init__(shared)
        self._loop = asyncio.get_running_loop()
        self._clogged = False
        # True while the connection is in a fair queue.
        self._queued = False
        # The request that is being answered, and whether a part of its response is already written.
        self._answering: HttpRequest | None = None
        self._is_begun = False
        # The last response, while those before it are not sent.
        self._last: TaxiiResponse | None = None
        # The response whose pieces are being sent, and its request.
        self._stream: OutgoingStream | None = None
        self._streaming = self.request
        # The stream if it waits for changes of a collection, the owner that it counts for, and whether it waits now.
        self._events: EventStream | None = None
        self._events_of = ""
        self._is_waiting = False
        # The large body that is being sent, and the owner that its waiting bytes are counted for.
        self._body: OutgoingBody | None = None
        self.holder, self._held = "", 0
        # When the large response began.
        self.began = 0.0
        # All bytes written. Next: those that had arrived at the last check, None while the client keeps reading.
        self._written = 0
        self._arrived: int | None = None
        # The client asks faster than it is answered, or its last request was rejected.
        self._slow = False

    @property
    def idle(self) -> bool:
        """True while no request is in progress."""
        return not (self.at_work or self.waiting or self._clogged or self.head_bytes or self.has_more) and self.in_head

    @property
    def expendable(self) -> bool:
        """True while no request is waiting for a response."""
        return not (self.at_work or self.waiting or self._clogged or self.ending) and self.in_head

    # Called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Read the address and the client certificate of the other side."""
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
        """Forget the connection. Requests in progress are still finished."""
        self.ending = True
        self.shared.discard(self)
        self._drop_waiting()
        if self._stream is not None and not self._stream.is_making:
            self._end_stream()
        elif self._events is not None:
            self._forget_events()
        self._end_body()
        # The connection and its parser reference each other, so a body would stay until the garbage collector runs.
        self.shared.let_go(self.request)
        self.request = HttpRequest()

    @faults_answered
    def data_received(self, data: bytes) -> None:
        """Receive the next bytes from the socket."""
        self._receiving(partial(self.receive, data))
        self._next()

    def eof_received(self) -> bool:
        """Answer the complete requests of a client that has closed its sending side. A stream that waits ends."""
        if self._is_waiting:
            return False
        busy = self.at_work or bool(self.waiting) or self._clogged
        self.ending = True
        return busy and self._transport.get_extra_info("ssl_object") is None

    @faults_answered
    def pause_writing(self) -> None:
        """Start no new response until the client has read the ones already written."""
        self._clogged = True
        if self._arrived is None:
            self._watch()
        if self._held == 0:
            # Unread bytes count for their owner. The connection is dropped if the owner exceeds its share.
            waiting = self._transport.get_write_buffer_size()
            holder = self.shared.application.owner(self._streaming.environ) if self._streaming.environ else self.address
            if self.shared.executor.has_room(holder, waiting):
                self._hold(holder, waiting)
            else:
                self._transport.abort()

    @faults_answered
    def resume_writing(self) -> None:
        """Continue answering."""
        self._clogged = False
        if self._body is not None:
            self._send_slices()
            return
        self._arrived = None
        if self._stream is not None:
            if self._events is not None:
                self._release()
            if self._is_waiting:
                self.deadline = time.monotonic() + _HEARTBEAT_SECONDS
            else:
                self.deadline = float("inf")
                self._send_more()
            return
        self._release()
        self.deadline = time.monotonic() + _IDLE_SECONDS
        self._next()

    def _watch(self) -> None:
        """Check again after a while whether the client reads."""
        self._arrived = self._arriving()
        self.deadline = time.monotonic() + _WATCHED_SECONDS

    def _arriving(self) -> int:
        """Return how many of the written bytes have arrived at the client's machine."""
        waiting = self._transport.get_write_buffer_size()
        with contextlib.suppress(OSError, ValueError):
            found = fcntl.ioctl(self._transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, b"\0" * 4)
            waiting += struct.unpack("i", found)[0]
        return self._written - waiting

    def _hold(self, holder: str, size: int) -> None:
        """Count the bytes waiting for the client for ``holder``, replacing the previous count."""
        if holder != self.holder:
            self._release()
            self.holder = holder
        self.shared.executor.resize(holder, self._held, size)
        self._held = size

    def _release(self) -> None:
        if self._held:
            self.shared.executor.resize(self.holder, self._held, 0)
            self._held = 0

    def _receiving(self, step: Callable[[], None]) -> None:
        """Do a step of receiving. The answer to its fault is the last one: the bytes after it cannot be parsed."""
        try:
            step()
        except Exception as fault:  # noqa: BLE001 - every fault is answered, and logged with its cause
            response = self.shared.application.failed(self.request.environ, fault)
            if not self.ending:
                self.last(response)

    # Called by the receiving side

    def pause(self, *, reading: bool) -> None:
        """Resume or pause reading from the socket."""
        if not self._transport.is_closing():
            self.reading = reading
            self._transport.resume_reading() if reading else self._transport.pause_reading()

    def proceed(self) -> None:
        """Ask the client for its body."""
        self._send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def admit(self, request: HttpRequest) -> None:
        """Ask the application in a thread whether it accepts the body."""
        refuse_body = partial(self.shared.application.refuse_body, request.environ)
        try:
            work = self.shared.executor.submit(request.owner, 0, refuse_body)
        except TooManyWaiting:
            self.refuse(503)
            return
        work.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._admitted, request, done))

    @faults_answered
    def _admitted(self, request: HttpRequest, work: "Future[TaxiiResponse | None]") -> None:
        if self._transport.is_closing():
            return
        fault = work.exception()
        refusal = work.result() if fault is None else self.shared.application.failed(request.environ, fault)
        self._receiving(partial(self.admitted, request, refusal))
        self._next()

    def refuse(self, status: int) -> None:
        """Send an error as the last response."""
        if not self.ending:
            self.last(self.shared.application.refuse(self.request.environ, status))

    def last(self, response: TaxiiResponse) -> None:
        """Send the last response after those before it, and drop the bytes that still arrive."""
        self.ending = True
        self.shared.let_go(self.request)
        self._last = response
        if not (self.at_work or self.waiting or self._clogged):
            self._send_last(response)

    def _send_last(self, response: TaxiiResponse) -> None:
        self._last = None
        head = response_head(response) + date_header()
        body = b"" if self.request.environ.get("REQUEST_METHOD") == "HEAD" else response.body
        self._send(head + b"Connection: close\r\n\r\n" + body)
        # Closing a connection while bytes still arrive would lose the response.
        self.deadline = time.monotonic() + _LINGER_SECONDS
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self.in_head = False

    # Answering

    @faults_answered
    def _next(self) -> None:
        """Answer the next request when this connection has its turn."""
        if self.at_work or self._clogged or self._queued or self._transport.is_closing():
            return
        if not self.waiting and self.has_more:
            self._receiving(self.go_on)
        if self.waiting:
            self._queue()
        elif self._last is not None:
            self._send_last(self._last)
        elif self.ending and self.in_head and not self.has_more:
            # Nothing follows the last response.
            self.drop()

    def _queue(self) -> None:
        """Queue the first request. Usually it is answered at once."""
        queue = self.shared.slow_queue if self._slow else self.shared.queue
        self._queued = True
        self.deadline = float("inf")
        if self._slow or not queue.at_once(self.address, self):
            environ = self.waiting[0].environ
            # The credentials are verified when the request has its turn.
            name = environ.get("HTTP_AUTHORIZATION", "")
            queue.add(self.shared.application.owner(environ), name, self)

    @faults_answered
    def answer_next(self) -> None:
        """Answer the oldest request, on the event loop or in a thread."""
        self._queued = False
        if not self.waiting or self.at_work or self._clogged or self._transport.is_closing():
            return
        self._answering = request = self.waiting.popleft()
        response = self.shared.application.respond_fast(request.environ) or self._hand_over(request)
        if response is not None:
            self.shared.let_go(request)
            self._respond(request, response, 0)

    def _hand_over(self, request: HttpRequest) -> TaxiiResponse | None:
        """Answer in a thread. Return the response itself if the owner has too many requests waiting."""
        application, environ, weight = self.shared.application, request.environ, request.weight
        holder, room = application.owner(environ), application.expected_size(environ)
        # An owner's reads do not wait for its bodies, and its short reads do not wait for its large pages.
        queue = holder + (" sends" if weight else " pages" if room else "")
        respond = partial(application.respond, environ)
        try:
            work = self.shared.executor.submit(queue, weight, respond, holder=holder, room=room)
        except TooManyWaiting:
            return application.refuse(environ, 503)
        self.at_work = request.at_work = True
        work.add_done_callback(
            lambda done: self._loop.call_soon_threadsafe(self._answered, request, done, holder, room)
        )
        return None

    def _answered(self, request: HttpRequest, work: "Future[TaxiiResponse]", holder: str, room: int) -> None:
        self.at_work = request.at_work = False
        surplus = 0
        if isinstance(work.exception(), TooManyWaiting):
            # Nothing was counted.
            room = 0
        elif self._held:
            room, surplus = 0, room
        elif room:
            # The bytes counted for the work are now counted for its result, and released with it also after a fault.
            self.holder, self._held = holder, room
        self._respond_made(request, work, room, holder, surplus)

    @faults_answered
    def _respond_made(
        self, request: HttpRequest, work: "Future[TaxiiResponse]", room: int, holder: str, surplus: int
    ) -> None:
        self.shared.executor.resize(holder, surplus, 0)
        self.shared.let_go(request)
        error, application = work.exception(), self.shared.application
        if isinstance(error, TooManyWaiting):
            response = application.refuse(request.environ, 503)
        else:
            response = work.result() if error is None else application.failed(request.environ, error)
        self._respond(request, response, room)

    def answer_fault(self, fault: BaseException) -> None:
        """Answer the request that a fault stopped. End the connection if a part of its response is written."""
        try:
            self._answer_fault(fault)
        except Exception as second:
            log.error("http-failure", exc_info=second)
            self._transport.abort()

    def _answer_fault(self, fault: BaseException) -> None:
        application, request = self.shared.application, self._answering
        if request is not None and request.at_work:
            # The fault has nothing to do with the request that a thread answers.
            self.ending = True
            application.failed({}, fault)
            return
        if request is None and self.waiting:
            request = self.waiting.popleft()
        if self._transport.is_closing() or self._is_begun or self.deadline < time.monotonic():
            application.failed({} if request is None else request.environ, fault)
            self._break_off()
        elif request is None:
            self.last(application.failed(self.request.environ, fault))
        else:
            self._queued = False
            self.shared.let_go(request)
            self._end_stream()
            self._release()
            self._write(request, application.failed(request.environ, fault))
            self._loop.call_soon(self._next)

    def _break_off(self) -> None:
        """Close the connection in the middle of a response, so that no client takes the response for complete."""
        stream = self._stream
        self._end_stream()
        self._end_body()
        if stream is None or stream.is_chunked:
            self._transport.abort()
        else:
            reset(self._transport)

    def _respond(self, request: HttpRequest, response: TaxiiResponse, room: int) -> None:
        """Send a response, for which ``room`` bytes are already counted, and continue with the next request."""
        size = len(response.body) if response.stream is None else _OF_A_STREAM
        if isinstance(response.stream, EventStream):
            # Its pieces are short, and those that wait for the client are counted then.
            size = 0
            if not self.shared.changes.has_room(self.shared.application.owner(request.environ)):
                response = self.shared.application.refuse(request.environ, 503)
        if request.environ["REQUEST_METHOD"] == "HEAD" or size <= _LARGE:
            self._release()
        else:
            holder = self.holder if room else self.shared.application.owner(request.environ)
            if room or self.shared.executor.has_room(holder, size):
                self._hold(holder, size)
            else:
                close = getattr(response.stream, "close", None)
                if close is not None:
                    close()
                response = self.shared.application.refuse(request.environ, 503)
        self._write(request, response)
        self._next()

    def _begin_body(self, body: bytes) -> None:
        """Send a large body as fast as the client reads it."""
        self.at_work = True
        self._body = OutgoingBody(body)
        self.began = time.monotonic()
        self.shared.sending[self] = None
        self._send_slices()

    @faults_answered
    def _send_slices(self) -> None:
        for _ in range(_SLICES_AT_ONCE):
            body = self._body
            if body is None or self._clogged or self._transport.is_closing():
                return
            piece = body.next()
            if piece is None:
                self._end_body()
                self._continue_after(self._streaming)
                return
            self._send(piece)
        if not self._clogged:
            self._loop.call_soon(self._send_slices)

    def _end_body(self) -> None:
        self._body = None
        self.at_work = self._stream is not None
        self.shared.sending.pop(self, None)
        self._release()
        if not self._clogged:
            self._arrived = None

    @faults_answered
    def pack(self, now: float) -> None:
        """Compress a large body that the client reads slowly."""
        body = self._body
        if body is None or body.is_tried or body.size < _SMALLEST_PACKED or now - self.began < _PACKED_SECONDS:
            return
        with contextlib.suppress(TooManyWaiting):
            work = self.shared.executor.submit("packing", 1, body.pack)
            body.is_tried = True
            work.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._packed, body, done))

    @faults_answered
    def _packed(self, body: OutgoingBody, work: "Future[list[bytes]]") -> None:
        if body is self._body:
            body.replace(work.result())
            self._hold(self.holder, body.size)

    def _send(self, data: bytes) -> None:
        self._written += len(data)
        self._transport.write(data)

    def _begin_stream(self, request: HttpRequest, response: TaxiiResponse, pieces: Iterator[bytes]) -> None:
        """Send the head of a response, and its pieces as fast as the client reads them."""
        chunked = request.environ["SERVER_PROTOCOL"] != "HTTP/1.0"
        request.keep_alive = request.keep_alive and chunked
        self.at_work = True
        self.deadline = float("inf")
        self._stream = OutgoingStream(
            pieces,
            owner=self.shared.application.owner(request.environ),
            executor=self.shared.executor,
            chunked=chunked,
            made=self._note_piece,
        )
        if isinstance(pieces, EventStream):
            self._events, self._events_of = pieces, self.shared.application.owner(request.environ)
            self.shared.changes.opened(self._events_of)
            self.began = time.monotonic()
        ending = b"\r\n" if self._stays_open(request) else b"Connection: close\r\n\r\n"
        head = response_head(response, chunked=chunked) + date_header() + ending
        self._is_begun = True
        self._send(head)
        self._send_more()

    @faults_answered
    def _send_more(self) -> None:
        stream = self._stream
        if stream is None or stream.is_making or self._clogged or self._transport.is_closing():
            return
        if self._events is not None:
            stream.count = self.shared.changes.count(self._events.topic)
        if not stream.go_on():
            self._loop.call_later(_BUSY_SECONDS, self._send_more)

    def _note_piece(self, work: "Future[bytes | None]") -> None:
        self._loop.call_soon_threadsafe(self._piece_made, work)

    @faults_answered
    def _piece_made(self, work: "Future[bytes | None]") -> None:
        error = work.exception()
        self.send_piece(None if error else work.result(), error)

    @faults_answered
    def send_piece(self, piece: bytes | None, error: BaseException | None) -> None:
        """Send a piece that is made, None is the end."""
        stream = self._stream
        if stream is None:
            return
        stream.is_making = False
        if error is not None:
            self.answer_fault(error)
        elif self._transport.is_closing():
            self._end_stream()
        else:
            self._send(stream.framed(piece))
            if piece is None:
                self._end_stream()
                self._continue_after(self._streaming)
            elif self._events is not None and self._events.waits:
                self._wait(self._events, stream.count)
            else:
                self._send_more()

    def _wait(self, events: EventStream, count: int) -> None:
        """Send the next event after a change of the collection."""
        self._is_waiting = True
        if not self._clogged:
            self.deadline = time.monotonic() + _HEARTBEAT_SECONDS
        if self.shared.stopping:
            self.end_events()
        else:
            self.shared.changes.wait(self, events.topic, count)

    def _beat(self) -> None:
        """Show the client that the stream is alive, and end one that is old."""
        now = time.monotonic()
        if self._stream is None or now - self.began > _STREAM_SECONDS:
            self.end_events()
            return
        self.deadline = now + _HEARTBEAT_SECONDS
        self._send(self._stream.framed(HEARTBEAT))

    @faults_answered
    def begin_piece(self) -> Callable[[], bytes | None] | None:
        """Return the making of the next event, None if the client still reads the one before."""
        self._is_waiting = False
        stream = self._stream
        if stream is None or self._events is None or self._clogged:
            # It continues when the client has read.
            return None
        self.deadline = float("inf")
        stream.is_making = True
        stream.count = self.shared.changes.count(self._events.topic)
        return stream.make_next

    @faults_answered
    def end_events(self) -> None:
        """End a stream that waits."""
        if self._stream is not None:
            self._send(self._stream.framed(None))
        self._end_stream()
        self._continue_after(self._streaming)

    def _forget_events(self) -> None:
        if self._events is not None:
            self.shared.changes.forget(self, self._events.topic)
            self.shared.changes.closed(self._events_of)
            self._events, self._is_waiting = None, False

    def _end_stream(self) -> None:
        self._forget_events()
        if self._stream is not None:
            self._stream.close()
            self._stream = None
            self._release()
        self.at_work = False

    def _continue_after(self, request: HttpRequest) -> None:
        """Continue when a long response is written completely."""
        self._answering, self._is_begun = None, False
        if not self._clogged:
            self.deadline = time.monotonic() + _IDLE_SECONDS
        if self._stays_open(request):
            self._next()
        else:
            self.drop()

    def _stays_open(self, request: HttpRequest) -> bool:
        """Return whether the connection accepts more requests after this one."""
        return (
            request.keep_alive
            and not self.shared.stopping
            and not (self.ending and not self.waiting and self._last is None)
        )

    def _drop_waiting(self) -> None:
        """Drop the requests behind the one that is being answered."""
        while self.waiting:
            self.shared.let_go(self.waiting.pop())

    def _write(self, request: HttpRequest, response: TaxiiResponse) -> None:
        if self._transport.is_closing():
            self._release()
            return
        self._streaming = request
        self._slow = bool(self.waiting) or self.has_more or not 200 <= response.status < 400
        if response.stream is not None and request.environ["REQUEST_METHOD"] != "HEAD":
            self._begin_stream(request, response, response.stream)
            return
        last = not self._stays_open(request)
        if last:
            connection = b"Connection: close\r\n\r\n"
        elif request.environ["SERVER_PROTOCOL"] == "HTTP/1.0":
            connection = b"Connection: keep-alive\r\n\r\n"
        else:
            connection = b"\r\n"
        self.deadline = time.monotonic() + _IDLE_SECONDS
        head = response_head(response) + date_header() + connection
        body = b"" if request.environ["REQUEST_METHOD"] == "HEAD" else response.body
        if len(body) > _LARGE:
            request.keep_alive = not last
            self._is_begun = True
            self._send(head)
            self._begin_body(body)
            return
        self._send(head + body)
        self._answering = None
        if last:
            self.drop()

    def drop(self) -> None:
        """Close the connection once the responses written so far are sent."""
        self.ending = True
        self._drop_waiting()
        self._transport.close()

    @faults_answered
    def expire(self) -> None:
        """Abandon a client that neither sends nor reads."""
        if self._is_waiting and not self._clogged:
            self._beat()
        elif self._arrived is not None:
            least = self.shared.limits.least_rate * _WATCHED_SECONDS
            if self._arriving() - self._arrived < least:
                self._transport.abort()
            else:
                self._watch()
        elif self.ending or self.idle:
            self._transport.close()
        else:
            self.refuse(408)

    def cut_off(self) -> None:
        """Close the connection at once, even with unread responses."""
        self._transport.abort()

    @faults_answered
    def stop(self) -> None:
        """Close the connection if no request is in progress on it."""
        if self.idle:
            self.drop()
