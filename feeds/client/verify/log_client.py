"""Requests to the log of one collection of a hub."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self, TypeVar
from urllib.parse import quote, urlencode, urljoin

import msgspec
from pydantic import Field
from requests.auth import AuthBase

from feeds.closing import closed_on_error
from feeds.errors import Misconfigured, TryLater
from feeds.transport import client
from feeds.transport.client import Bearer, OutboundSettings, RequestRefused, peer_errors
from feeds.transport.connections import folder_url
from schemas.tlog import BadFormat
from schemas.tlog.entries import Openings, read_moment
from schemas.tlog.proofs import LogProof
from schemas.tlog.trees import TilePath

_MOST_BYTES = 16 << 20
_PAGE = 10_000
# Limit for a hub whose pages always link a next one.
_MOST_PAGES = 200_000
# A type of 250 letters, two hyphens and a UUID.
_LONGEST_ID = 288
_FORBIDDEN, _NOT_FOUND = 403, 404
_Read = TypeVar("_Read")


class NotSealedYet(Exception):
    """The object is in the collection, but in no signed checkpoint yet: try again in some seconds."""


class SealingStopped(Exception):
    """The object is in the collection, but the hub cannot sign it: its keys are not those of the log."""


class LedgerHub(OutboundSettings):
    """One hub, and the limits of requests to it."""

    url: Annotated[str, Field(pattern=r"^https?://\S+$", description="the address of the hub")]
    max_bytes: Annotated[int, Field(ge=1024, description="the largest response to accept, unpacked")] = _MOST_BYTES


class LogClient(AbstractContextManager["LogClient"]):
    """Requests the log of one collection from one hub. Raises ``TryLater`` and ``Misconfigured``."""

    def __init__(self, settings: OutboundSettings, url: str, login: AuthBase | None) -> None:
        """Connect at the first request; ``url`` is that of the log."""
        self.url = url
        self._session = client.open_session(settings, url)
        self._session.auth = login

    @classmethod
    def of(cls, hub: LedgerHub, token: str, collection: str) -> Self:
        """Return the client of the log of a collection at a hub."""
        return cls(
            hub, urljoin(folder_url(hub.url), f"feed/collections/{quote(collection, safe='')}/log/"), Bearer(token)
        )

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def checkpoint(self) -> bytes:
        """Return the newest signed checkpoint."""
        found = self._find("checkpoint")
        if found is None:
            raise Misconfigured(f"{self.url}: no log is readable with this token")
        return found

    def cosigned(self) -> bytes | None:
        """Return the newest checkpoint that a witness cosigned, None if there is none."""
        return self._find("checkpoint/cosigned")

    def tile(self, path: TilePath) -> bytes:
        """Return a tile of hashes, or a bundle of entries; empty if the log does not have it."""
        return self._find(f"tile/{path}") or b""

    def proof(self, id_: str, version: str | None = None) -> LogProof | None:
        """Return the proof of an object, None if the log does not show it to this reader.

        Raises ``NotSealedYet`` and ``SealingStopped``.
        """
        asked = {"id": id_} | ({"version": version} if version else {})
        found = self._find(f"proof?{urlencode(asked)}")
        return None if found is None else self._read(lambda: LogProof.parse(found))

    def object(self, id_: str, version: str | None = None) -> bytes | None:
        """Return the bytes of an object in a version, or the last; None if there is none for this reader."""
        asked = {"match[version]": version or "last", "match[spec_version]": "2.0,2.1"}
        found = self._find(f"../objects/{quote(id_, safe='')}/?{urlencode(asked)}")
        if found is None:
            return None
        objects = self._read(lambda: msgspec.json.decode(found, type=dict[str, msgspec.Raw]).get("objects"))
        bodies = self._read(lambda: msgspec.json.decode(objects or b"[]", type=list[msgspec.Raw]))
        return bytes(bodies[0]) if bodies else None

    def date_added(self, id_: str, version: str | None = None) -> int | None:
        """Return when an object was added to the collection (microseconds), None if this reader cannot see it."""
        asked = {"match[id]": id_, "match[version]": version or "last", "match[spec_version]": "2.0,2.1"}
        found = self._find(f"../manifest/?{urlencode(asked)}")
        if found is None:
            return None
        records = self._read(lambda: msgspec.json.decode(found, type=_Manifest)).objects
        return self._read(lambda: read_moment(records[-1].date_added)) if records else None

    def openings(self, added_after: str | None = None) -> Iterator[Openings]:
        """Yield the pages of openings of the objects added after a moment."""
        asked = {"limit": str(_PAGE)} | ({"added_after": added_after} if added_after else {})
        for _ in range(_MOST_PAGES):
            found = self._find(f"openings?{urlencode(asked)}") or b""
            page = self._read(lambda found=found: _page(found))  # type: ignore[misc]
            yield page
            if page.next is None or page.next == asked.get("next"):
                return
            asked["next"] = page.next
        raise TryLater(f"{self.url}: sends more pages of openings than allowed")

    def post_cosignatures(self, lines: bytes) -> None:
        """Send the hub the cosigned checkpoint of a witness that it knows."""
        url = f"{self.url}cosignatures"
        with self._errors(url), peer_errors(url):
            answer = self._session.post(url, data=lines, headers={"Content-Type": "text/plain"})
            if answer.status_code == _FORBIDDEN:
                raise Misconfigured(f"{url}: the hub does not know the key of this witness; its operator has to add it")
            answer.raise_for_status()

    def _find(self, path: str) -> bytes | None:
        url = urljoin(self.url, path)
        with self._errors(url), peer_errors(url):
            answer = self._session.get(url)
            if answer.status_code == _NOT_FOUND:
                if (error := _error_of(answer.content)) in _UNSEALED:
                    raise _UNSEALED[error]
                return None
            answer.raise_for_status()
            return answer.content

    def _read(self, read: Callable[[], _Read]) -> _Read:
        try:
            return read()
        except (BadFormat, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise TryLater(f"{self.url}: its response has an unknown format") from error

    @contextmanager
    def _errors(self, url: str) -> Iterator[None]:
        try:
            yield
        except RequestRefused as refusal:
            raise Misconfigured(f"{url.partition('?')[0]}: refuses the request (HTTP {refusal.status})") from refusal


def _page(text: bytes) -> Openings:
    """Parse a page of openings with valid moments and ids. Raises ``BadFormat`` and ``MsgspecError``."""
    page = msgspec.json.decode(text, type=Openings)
    for opening in page.openings:
        read_moment(opening.date_added)
        if len(opening.id or "") > _LONGEST_ID:
            raise BadFormat("an id is longer than those of STIX objects")
    return page


def _error_of(body: bytes) -> str:
    """Return the code of an error, "" if it has none."""
    try:
        return str(msgspec.json.decode(body, type=dict[str, Any]).get("error_code"))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""


class _Record(msgspec.Struct):
    date_added: str


class _Manifest(msgspec.Struct):
    objects: list[_Record] = msgspec.field(default_factory=list)


_UNSEALED: dict[str, type[Exception]] = {"not-sealed": NotSealedYet, "not-sealing": SealingStopped}


_FORM = 1
_TABLES = (
    "CREATE TABLE heads (id INTEGER PRIMARY KEY CHECK (id = 0), log TEXT NOT NULL, note BLOB NOT NULL)",
    "CREATE TABLE places (id TEXT, version INTEGER, place INTEGER NOT NULL, added TEXT NOT NULL,"
    " PRIMARY KEY (id, version)) WITHOUT ROWID",
)
# Also created in files of earlier versions: objects seen without a signature, and since when (microseconds).
_WAITING = (
    "CREATE TABLE IF NOT EXISTS waiting (id TEXT, version INTEGER, since INTEGER NOT NULL,"
    " PRIMARY KEY (id, version)) WITHOUT ROWID"
)


class FoundPlace(NamedTuple):
    """The index of an object's entry in the log, and when it was added."""

    place: int
    added: str


class LogState(AbstractContextManager["LogState"]):
    """The memory of one log, in a file; it contains no objects and no values."""

    def __init__(self, file: Path, log: str) -> None:
        """Open the memory of ``log``, given by its URL. Raises ``Misconfigured``."""
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        self._log = log
        try:
            self._database = sqlite3.connect(file, isolation_level=None)
            with closed_on_error(self._database):
                self._prepare()
        except sqlite3.DatabaseError as error:
            raise Misconfigured(f"{file}: cannot be used as the memory of this log: set another file") from error

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def head(self) -> bytes | None:
        """Return the signed checkpoint of the previous run, None at the first."""
        row = self._database.execute("SELECT note FROM heads").fetchone()
        return None if row is None else bytes(row[0])

    def store_head(self, note: bytes, before: bytes | None) -> None:
        """Store a checkpoint in place of ``before``, its predecessor.

        Raises ``TryLater`` if another process has replaced ``before`` in the meantime: this checkpoint may not extend
        the new head.
        """
        if before is None:
            done = self._database.execute("INSERT OR IGNORE INTO heads VALUES (0, ?, ?)", (self._log, note))
        else:
            done = self._database.execute("UPDATE heads SET note = ? WHERE note = ?", (note, before))
        if not done.rowcount:
            raise TryLater(f"{self._log}: another process is following this log at the same time")

    def place(self, id_: str, version: int) -> FoundPlace | None:
        """Return the stored place of a version of an object."""
        asked = "SELECT place, added FROM places WHERE id = ? AND version = ?"
        row = self._database.execute(asked, (id_, version)).fetchone()
        return None if row is None else FoundPlace(*row)

    def store_places(self, found: Iterable[tuple[str, int, FoundPlace]]) -> None:
        """Store the places of versions of objects."""
        rows = [(id_, version, *place) for id_, version, place in found]
        with self._database:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?)", rows)
            self._database.executemany("DELETE FROM waiting WHERE id = ? AND version = ?", [row[:2] for row in rows])

    def waiting_since(self, id_: str, version: int, now: int) -> int:
        """Return when a version of an object was first seen without a signature; ``now`` the first time."""
        with self._database:
            self._database.execute("INSERT OR IGNORE INTO waiting VALUES (?, ?, ?)", (id_, version, now))
        asked = "SELECT since FROM waiting WHERE id = ? AND version = ?"
        return int(self._database.execute(asked, (id_, version)).fetchone()[0])

    def _prepare(self) -> None:
        (form,) = self._database.execute("PRAGMA user_version").fetchone()
        if not form:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                for statement in _TABLES:
                    self._database.execute(statement)
                self._database.execute(f"PRAGMA user_version={_FORM}")
        self._database.execute(_WAITING)
        row = self._database.execute("SELECT log FROM heads").fetchone()
        if row is not None and row[0] != self._log:
            raise sqlite3.DatabaseError("another log")
