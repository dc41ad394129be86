"""MISP events one by one: where a feed keeps them, their versions, and the batches of what they add and delete."""

import re
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import orjson
import requests

from feeds.connector import Batch, Misconfigured, TryLater
from feeds.http.failures import RequestRefused, peer_errors
from feeds.mapping.batches import batch_of_outcomes, taken_back
from feeds.mapping.options import Options
from feeds.mapping.rows import map_rows
from feeds.readers import misp
from feeds.runs.parts import parts

_Event = Mapping[str, Any]


class EventVersion(NamedTuple):
    """A version of an event; ``timestamp`` is in seconds since 1970, by MISP's own clock."""

    uuid: str
    timestamp: str

    @property
    def digest(self) -> str:
        """Return the digest under which the version counts as read, as files do."""
        return sha256(f"misp-event:{self.uuid}:{self.timestamp}".encode()).hexdigest()


def event_in(content: Any) -> _Event | None:
    """Return the event in the content of a feed's file or in one item of a search, None where there is none."""
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
    """Yield the rows of an event from number ``start`` on, ``size`` a batch; ``at`` builds the checkpoint after a row.

    Deleted attributes are taken back with the last batch.
    """
    live, deleted = split_deleted(event)
    gone = taken_back(misp.rows_of_event(deleted), options)
    if gone:
        # A value that another attribute still reports is not taken back.
        active = {value.subject for value in taken_back(misp.rows_of_event(live), options)}
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
    for obj in _dicts(event.get("Object")):
        if _is_deleted(obj):
            attributes = [_restored(attribute) for attribute in _dicts(obj.get("Attribute"))]
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


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _is_deleted(part: Any) -> bool:
    return isinstance(part, dict) and (part.get("deleted") is True or part.get("deleted") in (1, "1", "true"))


# The manifest names the files of events: only a UUID may become a part of a path.
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MANIFEST = "manifest.json"


class UnreadableFeedFile(Exception):
    """A file of the feed is missing or no JSON; other files may be readable."""


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
        """Read a file."""
        if not self._path.is_dir():
            raise Misconfigured(f"path: there is no folder {self.name}")
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
            raise TryLater(f"{self.name}: cannot be read just now: {error.strerror}") from error


class FeedSite:
    """A feed at a URL."""

    def __init__(self, url: str, opened: requests.Session) -> None:
        """Fetch files through the session ``opened``."""
        self.name = url
        self._url, self._session = url.removesuffix(_MANIFEST).rstrip("/"), opened

    def load(self, file: str) -> Any:
        """Fetch a file."""
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
        # A manifest is incomplete while it is rewritten; a missing one is the operator's to mend.
        missing = isinstance(error.__cause__, FileNotFoundError)
        raise (Misconfigured if missing else TryLater)(f"{location.name}: {error}") from error
    if not isinstance(listed, dict):
        raise TryLater(f"{location.name}: its manifest lists no events")
    found = [
        EventVersion(uuid, str(entry.get("timestamp", "")))
        for uuid, entry in listed.items()
        if _UUID.fullmatch(uuid) and isinstance(entry, dict)
    ]
    yield from sorted(found, key=lambda version: (len(version.timestamp), version.timestamp, version.uuid))
