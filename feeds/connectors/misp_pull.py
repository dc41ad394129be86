"""MISP events: from a feed at a URL or in a folder, or from a MISP instance by its API.

A feed: ``manifest.json`` and ``<uuid>.json`` (misp/misp-rfc, ``misp-core-format``; MISP/PyMISP,
``examples/feed-generator``). The API: ``/events/restSearch``, https://www.misp-project.org/openapi/.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple, Protocol, Self

import orjson
import requests
from pydantic import Field, model_validator

from feeds.connector import Batch, Duration, Misconfigured, Pull, PullSettings, Secret, TryLater, duration
from feeds.mapping.batches import batch_of_outcomes, gone_in, parts
from feeds.mapping.options import Options, ReportSettings
from feeds.mapping.rows import map_rows
from feeds.readers import misp
from feeds.transport.client import PasswordSettings, RequestRefused, open_session, peer_errors

_Event = Mapping[str, Any]


class EventVersion(NamedTuple):
    """A version of an event; ``timestamp`` is in seconds since 1970, by MISP's own clock."""

    uuid: str
    timestamp: str

    @property
    def digest(self) -> str:
        """Return the digest under which the version counts as read, like that of a file."""
        return sha256(f"misp-event:{self.uuid}:{self.timestamp}".encode()).hexdigest()


def event_in(content: Any) -> _Event | None:
    """Return the event in the content of a feed's file or in one item of a search, None if there is none."""
    event = content.get("Event", content) if isinstance(content, dict) else None
    return event if isinstance(event, dict) else None


def batches(
    event: _Event,
    version: EventVersion,
    start: int,
    options: Options,
    size: int,
    at: Callable[[int], dict[str, Any]],
) -> Iterator[Batch]:
    """Yield the rows of an event from number ``start``, ``size`` per batch; ``at`` builds the checkpoint after a row.

    Deleted attributes are withdrawn with the last batch.
    """
    live, deleted = split_deleted(event)
    gone = gone_in(misp.rows_of_event(deleted), options)
    if gone:
        # A value that another attribute still reports is not withdrawn.
        active = {value.subject for value in gone_in(misp.rows_of_event(live), options)}
        gone = [value for value in gone if value.subject not in active]
    outcomes = iter(map_rows(misp.rows_of_event(live), options.reporter, options))
    row = start
    for part in parts(outcomes, size, start):
        row += len(part.outcomes)
        ends = len(part.outcomes) < size
        yield batch_of_outcomes(
            part.outcomes, at(row), gone=gone if ends else (), done=[(version.digest, version.uuid)] if ends else ()
        )


def split_deleted(event: _Event) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split an event in two: without its deleted parts, and with only those, as they were before."""
    live, deleted = {**event}, {**event}
    live["Attribute"], deleted["Attribute"] = _parted(event.get("Attribute"))
    live["Object"], deleted["Object"] = [], []
    for obj in misp.dicts(event.get("Object")):
        if _is_deleted(obj):
            attributes = [_restored(attribute) for attribute in misp.dicts(obj.get("Attribute"))]
            deleted["Object"].append({**obj, "deleted": False, "Attribute": attributes})
            continue
        kept, gone = _parted(obj.get("Attribute"))
        live["Object"].append({**obj, "Attribute": kept})
        if gone:
            deleted["Object"].append({**obj, "Attribute": gone})
    return live, deleted


def _parted(attributes: Any) -> tuple[list[Any], list[dict[str, Any]]]:
    """Split attributes in two: those not deleted, and the deleted ones, restored."""
    listed = attributes if isinstance(attributes, list) else []
    kept = [attribute for attribute in listed if not _is_deleted(attribute)]
    return kept, [_restored(attribute) for attribute in listed if _is_deleted(attribute)]


def _restored(attribute: dict[str, Any]) -> dict[str, Any]:
    return {**attribute, "deleted": False}


def _is_deleted(part: Any) -> bool:
    return isinstance(part, dict) and misp.is_set(part.get("deleted"))


# The manifest names the files of events: only a UUID may become a part of a path.
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MANIFEST = "manifest.json"


class UnreadableFeedFile(Exception):
    """A file of the feed is missing or not JSON; other files may be readable."""


class FeedLocation(Protocol):
    """The place of a feed's files."""

    name: str

    def load(self, file: str) -> Any:
        """Return the content of a file. Raises ``UnreadableFeedFile``, ``TryLater`` and ``Misconfigured``."""


class FeedFolder:
    """A feed in a folder."""

    def __init__(self, path: Path, most: int) -> None:
        """Read files of up to ``most`` bytes."""
        self.name = str(path)
        self._path, self._most = path, most

    def load(self, file: str) -> Any:
        if not self._path.is_dir():
            raise Misconfigured(f"path: the folder {self.name} does not exist")
        try:
            path = self._path / file
            if path.stat().st_size > self._most:
                raise UnreadableFeedFile(f"{file}: larger than max_bytes, {self._most} bytes")
            return orjson.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise UnreadableFeedFile(f"{file}: is not there") from error
        except orjson.JSONDecodeError as error:
            raise UnreadableFeedFile(f"{file}: is no JSON") from error
        except PermissionError as error:
            raise Misconfigured(f"{self.name}: may not be read by this user") from error
        except OSError as error:
            raise TryLater(f"{self.name}: cannot be read at the moment: {error.strerror}") from error


class FeedSite:
    """A feed at a URL."""

    def __init__(self, url: str, opened: requests.Session) -> None:
        self.name = url
        self._url, self._session = url.removesuffix(_MANIFEST).rstrip("/"), opened

    def load(self, file: str) -> Any:
        try:
            with peer_errors(self.name):
                response = self._session.get(f"{self._url}/{file}")
                if response.status_code in (404, 410) and file != _MANIFEST:
                    raise UnreadableFeedFile(f"{file}: is not there")
                response.raise_for_status()
                return orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            raise UnreadableFeedFile(f"{file}: is no JSON") from error
        except RequestRefused as error:
            raise TryLater(f"{self.name}: cannot answer now (HTTP {error.status})") from error


def versions(location: FeedLocation) -> Iterator[EventVersion]:
    """Yield the events of the manifest, the oldest first. Raises ``TryLater`` and ``Misconfigured``."""
    try:
        listed = location.load(_MANIFEST)
    except UnreadableFeedFile as error:
        # A manifest is incomplete while it is rewritten; the operator has to repair a missing one.
        missing = isinstance(error.__cause__, FileNotFoundError)
        raise (Misconfigured if missing else TryLater)(f"{location.name}: {error}") from error
    if not isinstance(listed, dict):
        raise TryLater(f"{location.name}: its manifest lists no events")
    if listed and not any(map(_UUID.fullmatch, listed)):
        raise TryLater(f"{location.name}: its response is not a manifest of events")
    found = [
        EventVersion(uuid, str(entry.get("timestamp", "")))
        for uuid, entry in listed.items()
        if _UUID.fullmatch(uuid) and isinstance(entry, dict)
    ]
    yield from sorted(found, key=lambda version: (len(version.timestamp), version.timestamp, version.uuid))


class MispPullSettings(PasswordSettings, ReportSettings, PullSettings):
    """The events: ``path`` of a feed, ``url`` of one, or ``url`` of a MISP with ``api_key``."""

    path: Annotated[Path | None, Field(description="folder of a feed")] = None
    url: Annotated[str | None, Field(description="address of a feed, or of a MISP together with api_key")] = None
    api_key: Annotated[Secret | None, Field(description="authentication key for the API of a MISP")] = None
    tags: Annotated[tuple[str, ...], Field(description="with api_key: only events with one of these tags")] = ()
    page: Annotated[int, Field(ge=1, le=1000, description="with api_key: events per response")] = 20
    overlap: Annotated[
        Duration, Field(description="with api_key: how far back to search again for events that reached MISP late")
    ] = "3d"

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("give url or path")
        if (self.api_key or self.user) and self.url is None:
            raise ValueError("api_key, user and password need url")
        if self.api_key and self.user:
            raise ValueError("give api_key for a MISP, or user and password for a feed")
        return self

    @property
    def has_credentials(self) -> bool:
        return super().has_credentials or self.api_key is not None


class MispPull(Pull[MispPullSettings]):
    """Reads each event once, and again when it has changed; attributes marked as deleted are withdrawn.

    Events that a feed no longer lists, and attributes that disappear without a mark, are not withdrawn.
    """

    name: ClassVar[str] = "misp-pull"
    settings_model = MispPullSettings

    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        """Yield the attributes of events that are not finished."""
        settings = self.settings
        if settings.path is not None:
            yield from self._feed(FeedFolder(settings.path, settings.max_bytes), checkpoint or {}, seen)
            return
        with self._session() as opened:
            if settings.api_key:
                yield from self._search(opened, checkpoint or {}, seen)
            else:
                yield from self._feed(FeedSite(settings.url or "", opened), checkpoint or {}, seen)

    @contextmanager
    def _session(self) -> Iterator[requests.Session]:
        settings = self.settings
        with open_session(settings, settings.url or "", repeat_posts=True) as opened:
            if settings.api_key:
                opened.headers.update({"Authorization": settings.api_key.reveal(), "Accept": "application/json"})
            else:
                opened.auth = settings.auth()
            yield opened

    def _feed(self, place: FeedLocation, begun: dict[str, Any], seen: Callable[[str], bool]) -> Iterator[Batch]:
        for version in versions(place):
            if seen(version.digest):
                continue
            try:
                event = event_in(place.load(f"{version.uuid}.json"))
            except UnreadableFeedFile:
                event = None
            if event is None:
                # It is retried: a manifest may be newer than its events' files.
                yield batch_of_outcomes([], begun, more_rejected={"unreadable-file": 1})
            else:
                yield from self._event(event, version, begun, {})

    def _search(self, opened: requests.Session, begun: dict[str, Any], seen: Callable[[str], bool]) -> Iterator[Batch]:
        since, latest, page = (
            int(begun.get(name, start)) for name, start in (("since", 0), ("latest", 0), ("page", 1))
        )
        before: list[Any] = []
        while True:
            listed = self._ask(opened, since, page)
            if listed and listed == before:
                raise TryLater(f"{self.settings.url}: sends the same page repeatedly")
            before, at = listed, {"since": since, "page": page}
            for event in filter(None, map(event_in, listed)):
                version = EventVersion(str(event.get("uuid")), str(event.get("timestamp")))
                latest = max(latest, _seconds(event.get("publish_timestamp")))
                if not seen(version.digest):
                    yield from self._event(event, version, begun, {**at, "latest": latest})
            if len(listed) < self.settings.page:
                break
            page += 1
        ended = {"since": max(since, latest), "latest": max(since, latest), "page": 1}
        if ended != begun:
            yield Batch([], ended, 0)

    def _ask(self, opened: requests.Session, since: int, page: int) -> list[Any]:
        settings = self.settings
        asked: dict[str, Any] = {
            "returnFormat": "json",
            "page": page,
            "limit": settings.page,
            "published": True,
            "deleted": [0, 1],
        }
        if settings.tags:
            asked["tags"] = list(settings.tags)
        if since:
            asked["publish_timestamp"] = max(1, since - int(duration(settings.overlap).total_seconds()))
        url = settings.url or ""
        try:
            with peer_errors(url):
                response = opened.post(f"{url.rstrip('/')}/events/restSearch", json=asked)
                response.raise_for_status()
                document = orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            raise TryLater(f"{url}: its response is not JSON") from error
        except RequestRefused as error:
            raise Misconfigured(f"{url}: rejects this search (HTTP {error.status})") from error
        listed = document.get("response") if isinstance(document, dict) else document
        if not isinstance(listed, list):
            raise TryLater(f"{url}: its response is not a list of events")
        return listed

    def _event(
        self, event: Any, version: EventVersion, begun: dict[str, Any], where: dict[str, Any]
    ) -> Iterator[Batch]:
        settings = self.settings
        start = int(begun.get("row", 0)) if begun.get("event") == version.digest else 0
        options = settings.options(settings.contribute_as)

        def at(row: int) -> dict[str, Any]:
            return {**where, "event": version.digest, "row": row}

        yield from batches(event, version, start, options, settings.batch, at)


def _seconds(text: object) -> int:
    try:
        return int(str(text))
    except ValueError:
        return 0
