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
    """An event at a time, as MISP counts them: seconds since 1970, never compared with a clock of ours."""

    uuid: str
    timestamp: str

    @property
    def digest(self) -> str:
        """Name the version, as files are named that have been read."""
        return sha256(f"misp-event:{self.uuid}:{self.timestamp}".encode()).hexdigest()


def event_in(said: Any) -> _Event | None:
    """Find the event in what a feed's file or one item of a search holds; None where there is none."""
    event = said.get("Event", said) if isinstance(said, dict) else None
    return event if isinstance(event, dict) else None


def batches(
    event: _Event,
    version: EventVersion,
    start: int,
    options: Options,
    size: int,
    at: Callable[[int], dict[str, Any]],
) -> Iterator[Batch]:
    """Give an event's rows from number ``start`` on, ``size`` a batch; ``at`` makes a checkpoint of the rows done.

    What the event says to be deleted is taken back with the last of them.
    """
    live, deleted = split_deleted(event)
    gone = taken_back(misp.rows_of_event(deleted), options)
    if gone:
        # What was deleted and is said again in another place stands.
        standing = {each.subject for each in taken_back(misp.rows_of_event(live), options)}
        gone = [each for each in gone if each.subject not in standing]
    outcomes = iter(map_rows(misp.rows_of_event(live), options.reporter, options))
    row = start
    for part in parts(outcomes, size, start):
        row += len(part.outcomes)
        ends = len(part.outcomes) < size
        yield batch_of_outcomes(
            part.outcomes, at(row), gone=gone if ends else (), done=[(version.digest, version.uuid)] if ends else ()
        )


def split_deleted(event: _Event) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give an event without what is deleted in it, and one of nothing but that, as it was before."""
    live, deleted = {**event}, {**event}
    live["Attribute"], deleted["Attribute"] = _parted(event.get("Attribute"))
    live["Object"], deleted["Object"] = [], []
    for obj in _dicts(event.get("Object")):
        if _is_deleted(obj):
            every = [{**each, "deleted": False} for each in _dicts(obj.get("Attribute"))]
            deleted["Object"].append({**obj, "deleted": False, "Attribute": every})
            continue
        kept, gone = _parted(obj.get("Attribute"))
        live["Object"].append({**obj, "Attribute": kept})
        if gone:
            deleted["Object"].append({**obj, "Attribute": gone})
    return live, deleted


def _parted(attributes: Any) -> tuple[list[Any], list[dict[str, Any]]]:
    """Give the attributes that stand, and those that are deleted, no longer marked as such."""
    listed = attributes if isinstance(attributes, list) else []
    kept = [each for each in listed if not _is_deleted(each)]
    return kept, [{**each, "deleted": False} for each in listed if _is_deleted(each)]


def _dicts(said: Any) -> list[dict[str, Any]]:
    return [each for each in said if isinstance(each, dict)] if isinstance(said, list) else []


def _is_deleted(said: Any) -> bool:
    return isinstance(said, dict) and (said.get("deleted") is True or said.get("deleted") in (1, "1", "true"))


# The name of an event's file comes from the manifest: nothing but a UUID may become a part of a path.
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MANIFEST = "manifest.json"


class UnreadableFeedFile(Exception):
    """A file of the feed is missing or no JSON; the others may be well."""


class FeedLocation(Protocol):
    """Where a feed's files are."""

    name: str

    def load(self, file: str) -> Any:
        """Give what a file holds. Raises ``Unreadable``, ``TryLater`` and ``Misconfigured``."""


class FeedFolder:
    """A feed in a folder."""

    def __init__(self, path: Path, most: int) -> None:
        """Take files of up to ``most`` bytes."""
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
        """Ask through ``opened``."""
        self.name = url
        self._url, self._session = url.removesuffix(_MANIFEST).rstrip("/"), opened

    def load(self, file: str) -> Any:
        """Ask for a file."""
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


def versions(place: FeedLocation) -> Iterator[EventVersion]:
    """Give what the manifest lists, the oldest first. Raises ``TryLater`` and ``Misconfigured``."""
    try:
        listed = place.load(_MANIFEST)
    except UnreadableFeedFile as error:
        # Written anew in place, it is half there for a moment; one that was never there is the operator's to mend.
        missing = isinstance(error.__cause__, FileNotFoundError)
        raise (Misconfigured if missing else TryLater)(f"{place.name}: {error}") from error
    if not isinstance(listed, dict):
        raise TryLater(f"{place.name}: its manifest lists no events")
    found = [
        EventVersion(uuid, str(said.get("timestamp", "")))
        for uuid, said in listed.items()
        if _UUID.fullmatch(uuid) and isinstance(said, dict)
    ]
    yield from sorted(found, key=lambda each: (len(each.timestamp), each.timestamp, each.uuid))
