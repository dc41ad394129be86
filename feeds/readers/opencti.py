"""OpenCTI: its indicators as rows, those deleted or revoked there, and its live stream."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
import requests

from feeds.connector import Batch, Misconfigured, TryLater, duration
from feeds.http import sse
from feeds.http.failures import RequestRefused, peer_errors
from feeds.http.sse import ServerSentEvent
from feeds.mapping.batches import batch_of_rows
from feeds.mapping.options import Options
from feeds.readers import stix
from feeds.readers.json_stream import JsonItem
from feeds.readers.rows import FileRow, ReportRow
from schemas import timestamp
from schemas.errors import Rejected

_Object = Mapping[str, Any]


def split(objects: Sequence[object]) -> tuple[list[FileRow], list[ReportRow]]:
    """Return the reports of ``objects``, and those that are taken back: those of revoked indicators.

    Objects that are no indicators are passed over: OpenCTI sends what stands around indicators too. A value that
    another of the indicators still reports is not taken back.
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
# Events wait so long at most to be handed on together.
_GATHER_SECONDS = 1.0


class LiveStream:
    """A live stream, read by one run.

    Its checkpoint is the ``id`` of the last event, and ``recover``, the time until which OpenCTI answers from its
    database instead, as the stream itself keeps a limited number of events.
    """

    def __init__(self, opened: requests.Session, url: str, settings: Any, stay: str, size: int) -> None:
        """Read ``url`` through ``opened``, at most ``size`` events a batch, and ``stay`` on after the last event."""
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
        """Open the stream; return the response, its events, and the data of its first event about itself."""
        query = {name: text for name, text in (("from", last), ("recover", recover)) if text}
        try:
            with peer_errors(self._url):
                response = self._session.get(self._url, params=query, headers=_HEADERS, stream=True)
                response.raise_for_status()
        except RequestRefused as error:
            raise Misconfigured(f"{self._url}: does not take this question (HTTP {error.status})") from error
        events = self._events(response)
        for event in events:
            if event.type == "connected":
                known = _loads(event.data)
                return response, events, known if isinstance(known, dict) else {}
        response.close()
        raise TryLater(f"{self._url}: answers, but not as a live stream does")

    def _date(self, value: object) -> str | None:
        if value is None:
            return None
        try:
            return timestamp.text(timestamp.parse(str(value)))
        except Rejected:
            raise TryLater(f"{self._url}: answers, but not as a live stream does") from None

    def _events(self, response: requests.Response) -> Iterator[ServerSentEvent]:
        try:
            yield from sse.read_events(response.iter_content(1 << 16), self._most)
        except sse.TooLarge as error:
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
        """Return whether the position is behind that of the last checkpoint."""
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
    """Events of the next batch: the reports that they add, then those that they take back."""

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
        """Return whether ``event`` might report again a value that this batch takes back."""
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
        made = batch_of_rows(self._rows, position.checkpoint(), self._options, gone=self._gone)
        self._begin()
        return made


def _number(id_: str) -> tuple[int, int]:
    """Read an id such as ``1620249512318-0``: milliseconds, and a number within them."""
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
