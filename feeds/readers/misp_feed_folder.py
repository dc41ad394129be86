"""Where a MISP feed lies: at a URL or in a folder, a manifest and an event's file for each of its entries."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import orjson
import requests

from feeds.connector import Misconfigured, TryLater
from feeds.http.client import Refused, consequences
from feeds.readers.misp_events import Version

# The name of an event's file comes from the manifest: nothing but a UUID may become a part of a path.
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MANIFEST = "manifest.json"


class Unreadable(Exception):
    """A file of the feed is missing or no JSON; the others may be well."""


class Place(Protocol):
    """Where a feed's files are."""

    name: str

    def load(self, file: str) -> Any:
        """Give what a file holds. Raises ``Unreadable``, ``TryLater`` and ``Misconfigured``."""


class Folder:
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
                raise Unreadable(f"{file}: larger than max_bytes, {self._most} bytes")
            return orjson.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise Unreadable(f"{file}: is not there") from error
        except orjson.JSONDecodeError as error:
            raise Unreadable(f"{file}: is no JSON") from error
        except PermissionError as error:
            raise Misconfigured(f"{self.name}: may not be read by this user") from error
        except OSError as error:
            raise TryLater(f"{self.name}: cannot be read just now: {error.strerror}") from error


class Web:
    """A feed at a URL."""

    def __init__(self, url: str, opened: requests.Session) -> None:
        """Ask through ``opened``."""
        self.name = url
        self._url, self._session = url.removesuffix(_MANIFEST).rstrip("/"), opened

    def load(self, file: str) -> Any:
        """Ask for a file."""
        try:
            with consequences(self.name):
                response = self._session.get(f"{self._url}/{file}")
                if response.status_code in (404, 410) and file != _MANIFEST:
                    raise Unreadable(f"{file}: is not there")
                response.raise_for_status()
                return orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            raise Unreadable(f"{file}: is no JSON") from error
        except Refused as error:
            raise TryLater(f"{self.name}: cannot answer now (HTTP {error.status})") from error


def versions(place: Place) -> Iterator[Version]:
    """Give what the manifest lists, the oldest first. Raises ``TryLater`` and ``Misconfigured``."""
    try:
        listed = place.load(_MANIFEST)
    except Unreadable as error:
        # Written anew in place, it is half there for a moment; one that was never there is the operator's to mend.
        missing = isinstance(error.__cause__, FileNotFoundError)
        raise (Misconfigured if missing else TryLater)(f"{place.name}: {error}") from error
    if not isinstance(listed, dict):
        raise TryLater(f"{place.name}: its manifest lists no events")
    found = [
        Version(uuid, str(said.get("timestamp", "")))
        for uuid, said in listed.items()
        if _UUID.fullmatch(uuid) and isinstance(said, dict)
    ]
    yield from sorted(found, key=lambda each: (len(each.timestamp), each.timestamp, each.uuid))
