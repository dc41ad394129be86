"""Indicators from a TAXII 2.1 collection or a live stream of OpenCTI.

The collection: OpenCTI-Platform/opencti, ``opencti-graphql/src/http/httpTaxii.js`` and ``domain/taxii.js``. The stream:
https://docs.opencti.io/latest/reference/streaming/, and ``opencti-graphql/src/graphql/sseMiddleware.js`` (``from``,
``recover``, ``listen-delete``, ``no-dependencies``; the events ``connected``, ``heartbeat``, ``create``, ``update``,
``delete``, ``merge``).
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, NamedTuple, Self
from urllib.parse import quote

import orjson
import requests
from pydantic import Field, model_validator

from feeds.connector import Batch, Duration, Misconfigured, Pull, PullSettings, Secret, TryLater, duration
from feeds.mapping.batches import batch_of_rows, gone_in
from feeds.mapping.options import Options, ReportSettings
from feeds.readers import stix
from feeds.readers.rows import FileRow, ReportRow
from feeds.readers.streams import JsonItem
from feeds.transport.client import Bearer, OutboundSettings, RequestRefused, open_session, peer_errors
from feeds.transport.taxii import MEDIA_TYPE, is_envelope
from schemas import timestamp
from schemas.errors import Rejected


class TooLarge(Exception):
    """An event is larger than allowed."""


class ServerSentEvent(NamedTuple):
    """One event: its type, its data, and the id of the stream at that point."""

    type: str
    data: str
    id: str


def read_events(chunks: Iterable[bytes], most: int) -> Iterator[ServerSentEvent]:
    """Yield the events in ``chunks``; an event without its end is dropped.

    Raises ``TooLarge`` for an event of more than ``most`` bytes.
    """
    data: list[str] = []
    type_, id_, size = "", "", 0
    for line in _lines(chunks, most):
        size += len(line)
        if size > most:
            raise TooLarge
        if not line:
            if data or type_:
                yield ServerSentEvent(type_ or "message", "\n".join(data), id_)
            type_, data, size = "", [], 0
            continue
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name == "event":
            type_ = value
        elif name == "id" and "\0" not in value:
            id_ = value


def _lines(chunks: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Yield lines without their ends (CR, LF or both); a last line without an end is dropped."""
    rest, first = bytearray(), True
    after_cr = False
    for chunk in chunks:
        if after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        after_cr = chunk.endswith(b"\r") if chunk else after_cr
        rest += chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if len(rest) > most and b"\n" not in rest:
            raise TooLarge
        *whole, last = bytes(rest).split(b"\n")
        rest = bytearray(last)
        for line in whole:
            yield line.removeprefix(b"\xef\xbb\xbf") if first else line
            first = False


_Object = Mapping[str, Any]


def split(objects: Sequence[object]) -> tuple[list[FileRow], list[ReportRow]]:
    """Return the reports of ``objects``, and the withdrawn ones: those of revoked indicators.

    Objects other than indicators are skipped: OpenCTI also sends the objects around indicators. A value that another of
    the indicators still reports is not withdrawn.
    """
    indicators = [obj for obj in objects if isinstance(obj, dict) and obj.get("type") == "indicator"]
    markings = [obj for obj in objects if isinstance(obj, dict) and obj.get("type") == "marking-definition"]
    rows: list[FileRow] = []
    for number, obj in enumerate(objects, 1):
        if not isinstance(obj, dict):
            rows += stix.rows_of_objects([JsonItem(number, obj)])
    gone: list[ReportRow] = []
    for indicator in indicators:
        if indicator.get("revoked") is True:
            gone += values(indicator, markings)
        else:
            rows += _rows_of_indicator(indicator, markings)
    active = set(filter(None, map(_value, rows)))
    return rows, [row for row in gone if _value(row) not in active]


def values(indicator: _Object, markings: Iterable[_Object] = ()) -> list[ReportRow]:
    """Return the reports of an indicator as if it were not revoked; ``markings`` are definitions it may refer to."""
    rows = _rows_of_indicator({**indicator, "revoked": False}, markings)
    return [row for row in rows if isinstance(row, ReportRow)]


def _value(row: FileRow) -> tuple[str, str] | None:
    return (row.report.kind, row.report.value) if isinstance(row, ReportRow) else None


def _rows_of_indicator(indicator: _Object, markings: Iterable[_Object]) -> list[FileRow]:
    objects = [*markings, indicator]
    return list(stix.rows_of_objects(JsonItem(number, obj) for number, obj in enumerate(objects, 1)))


# Headers of the request; without ``no-dependencies`` OpenCTI also sends the objects that indicators refer to.
_HEADERS = {
    "Accept": "text/event-stream",
    "Accept-Encoding": "identity",
    "listen-delete": "true",
    "no-dependencies": "true",
}
_BEGINNING = "0-0"
# Events wait at most this long for others in the same batch.
_GATHER_SECONDS = 1.0


class LiveStream:
    """A live stream, read by one run.

    Its checkpoint is the ``id`` of the last event, and ``recover``. Up to the time ``recover`` OpenCTI answers from its
    database instead, because the stream itself keeps a limited number of events.
    """

    def __init__(self, opened: requests.Session, url: str, settings: Any, stay: str, size: int) -> None:
        """Read ``url`` through ``opened``, at most ``size`` events per batch, until ``stay`` after the last event."""
        self._session, self._url, self._size = opened, url, size
        self._most: int = settings.max_bytes
        self._options: Options = settings.options(settings.contribute_as)
        self._stay = duration(stay).total_seconds()

    def read(self, checkpoint: Mapping[str, Any]) -> Iterator[Batch]:
        """Yield the events since ``checkpoint`` as batches."""
        last, recover = checkpoint.get("id"), checkpoint.get("recover")
        with peer_errors(self._url):
            response, events, known = self._connect(last, recover)
            begins = str(known.get("firstEventId") or _BEGINNING)
            if recover is None and (last is None or _number(last) < _number(begins)):
                response.close()
                last, recover = last or _BEGINNING, self._date(known.get("firstEventDate"))
                response, events, known = self._connect(last, recover)
            with response:
                ends = str(known.get("lastEventId") or _BEGINNING)
                yield from self._follow(events, _Position(last or _BEGINNING, recover), ends)

    def _connect(
        self, last: str | None, recover: str | None
    ) -> tuple[requests.Response, Iterator[ServerSentEvent], dict[str, Any]]:
        """Open the stream; return the response, its events, and the data of the event that describes it."""
        query = {name: text for name, text in (("from", last), ("recover", recover)) if text}
        try:
            with peer_errors(self._url):
                response = self._session.get(self._url, params=query, headers=_HEADERS, stream=True)
                response.raise_for_status()
        except RequestRefused as error:
            raise Misconfigured(f"{self._url}: rejects this request (HTTP {error.status})") from error
        events = self._events(response)
        for event in events:
            if event.type == "connected":
                known = _loads(event.data)
                return response, events, known if isinstance(known, dict) else {}
        response.close()
        raise TryLater(f"{self._url}: its response is not a live stream")

    def _date(self, value: object) -> str | None:
        if value is None:
            return None
        try:
            return timestamp.text(timestamp.parse(str(value)))
        except Rejected:
            raise TryLater(f"{self._url}: its response is not a live stream") from None

    def _events(self, response: requests.Response) -> Iterator[ServerSentEvent]:
        try:
            yield from read_events(response.iter_content(1 << 16), self._most)
        except TooLarge as error:
            raise TryLater(f"{self._url}: sends an event of more than max_bytes, {self._most} bytes") from error

    def _follow(self, events: Iterator[ServerSentEvent], position: "_Position", ends: str) -> Iterator[Batch]:
        pending = _PendingBatch(self._options)
        leave: float | None = None
        for event in events:
            if event.type == "heartbeat":
                position.reach(event.id)
                if pending or position.moved:
                    yield pending.batch(position)
                if leave is None and _number(position.last) >= _number(ends):
                    leave = time.monotonic() + self._stay
                if leave is not None and time.monotonic() >= leave:
                    return
                continue
            if pending.must_precede(event):
                yield pending.batch(position)
            pending.add(event)
            position.reach(event.id)
            if pending.count >= self._size or pending.age > _GATHER_SECONDS:
                yield pending.batch(position)
        if pending:
            yield pending.batch(position)


class _Position:
    """The position up to which a stream has been read."""

    def __init__(self, last: str, recover: str | None) -> None:
        self.last = self._kept = last
        self._recover = recover

    @property
    def moved(self) -> bool:
        """Return whether the position is after that of the last checkpoint."""
        return self.last != self._kept

    def reach(self, id_: str) -> None:
        if _number(id_) > _number(self.last):
            self.last = id_

    def checkpoint(self) -> dict[str, Any]:
        self._kept = self.last
        if self._recover and _number(self.last)[0] >= timestamp.parse(self._recover).timestamp() * 1000:
            # From here on the stream itself has all events.
            self._recover = None
        return {"id": self.last} | ({"recover": self._recover} if self._recover else {})


class _PendingBatch:
    """Events of the next batch: first the reports that they add, then those that they withdraw."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._begin()

    def __bool__(self) -> bool:
        return self.count > 0

    def _begin(self) -> None:
        self._rows: list[FileRow] = []
        self._gone: list[ReportRow] = []
        self.count = 0
        self._since = 0.0

    @property
    def age(self) -> float:
        return time.monotonic() - self._since if self.count else 0.0

    def must_precede(self, event: ServerSentEvent) -> bool:
        """Return whether ``event`` might report a value again that this batch withdraws."""
        return bool(self._gone) and event.type != "delete"

    def add(self, event: ServerSentEvent) -> None:
        content = _loads(event.data)
        obj = content.get("data") if isinstance(content, dict) else None
        if not isinstance(obj, dict):
            return
        self._since = self._since or time.monotonic()
        self.count += 1
        if event.type == "delete":
            self._gone += values(obj) if obj.get("type") == "indicator" else []
        elif event.type in ("create", "update", "merge"):
            rows, gone = split([obj])
            self._rows += rows
            self._gone += gone

    def batch(self, position: _Position) -> Batch:
        made = batch_of_rows(self._rows, position.checkpoint(), self._options, gone=gone_in(self._gone, self._options))
        self._begin()
        return made


def _number(id_: str) -> tuple[int, int]:
    """Parse an id such as ``1620249512318-0``: milliseconds, and a number within them."""
    time_, _, place = id_.partition("-")
    try:
        return int(time_), int(place or 0)
    except ValueError:
        return 0, 0


def _loads(data: str) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


_SHIFTED = "X-TAXII-Date-Added-Last"


class OpenctiPullSettings(OutboundSettings, ReportSettings, PullSettings):
    """The server, the login, and the collection or stream to read."""

    url: Annotated[str, Field(description="address of OpenCTI, with its base path if there is one")]
    token: Annotated[Secret | None, Field(description="API token; public collections and streams need none")] = None
    collection: Annotated[str | None, Field(description="id of a TAXII collection")] = None
    stream: Annotated[str | None, Field(description="id of a live stream")] = None
    stay: Annotated[Duration, Field(description="with stream: how long to wait for new events before the run ends")] = (
        "5m"
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.collection is None) == (self.stream is None):
            raise ValueError("give collection or stream")
        return self

    @property
    def has_credentials(self) -> bool:
        return self.token is not None


class OpenctiPull(Pull[OpenctiPullSettings]):
    """Reads a collection in its order, or a stream from its last position; only a stream reports deletions.

    If a stream no longer has the position, the gap is filled from OpenCTI's database, which reports no deletions.
    """

    name: ClassVar[str] = "opencti-pull"
    settings_model = OpenctiPullSettings

    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        settings = self.settings
        with open_session(settings, settings.url, endless=settings.stream is not None) as opened:
            if settings.token:
                opened.auth = Bearer(settings.token.reveal())
            if settings.stream is not None:
                url = f"{settings.url.rstrip('/')}/stream/{quote(settings.stream, safe='')}"
                yield from LiveStream(opened, url, settings, settings.stay, settings.batch).read(checkpoint or {})
            else:
                yield from self._collection(opened, checkpoint or {})

    def _collection(self, opened: requests.Session, place: dict[str, Any]) -> Iterator[Batch]:
        settings = self.settings
        options = settings.options(settings.contribute_as)
        had = [place]
        while True:
            envelope, shifted = self._ask(opened, place)
            listed = envelope.get("objects") or []
            if not listed:
                return
            # ``next`` is also given on the last page, continues from there, and never expires.
            if following := envelope.get("next"):
                place = {"next": str(following)}
            elif shifted:
                place = {"added_after": shifted}
            elif envelope.get("more") is True:
                raise TryLater(f"{settings.url}: announces another page without next")
            if envelope.get("more") is True and place in had:
                raise TryLater(f"{settings.url}: sends more pages than allowed")
            had.append(place)
            rows, gone = split(listed)
            yield batch_of_rows(rows, place, options, gone=gone_in(gone, options))
            if envelope.get("more") is not True:
                return

    def _ask(self, opened: requests.Session, place: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
        settings = self.settings
        url = f"{settings.url.rstrip('/')}/taxii2/root/collections/{quote(settings.collection or '', safe='')}/objects/"
        asked = {"limit": str(settings.batch), **place}
        try:
            with peer_errors(settings.url):
                response = opened.get(url, params=asked, headers={"Accept": MEDIA_TYPE})
                response.raise_for_status()
                envelope = orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            raise TryLater(f"{settings.url}: its response is not JSON") from error
        except RequestRefused as error:
            raise Misconfigured(f"{settings.url}: rejects this request (HTTP {error.status})") from error
        if not is_envelope(envelope):
            raise TryLater(f"{settings.url}: its response is not an envelope of TAXII 2.1")
        return envelope, response.headers.get(_SHIFTED)
