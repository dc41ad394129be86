"""Reports that a partner keeps at a URL: a file in any format, or an API page by page."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any, BinaryIO, ClassVar, Self, cast
from urllib.parse import urlsplit

import orjson
import requests
from pydantic import Field, model_validator

from feeds import formats
from feeds.connector import Batch, Misconfigured, Secret, TryLater
from feeds.errors import UnreadableFile
from feeds.http import client
from feeds.http.failures import RequestRefused, peer_errors
from feeds.http.login import LoginSettings
from feeds.http.pagination import Paging, Place
from feeds.runs.file_reading import FileSettings, FilesPull
from schemas.text import escaped

_IN_MEMORY = 4 << 20
_BLOCK = 1 << 18
_MOST_PAGES = 100_000
_VALIDATORS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
_PAGES = (b"<!doctype html", b"<html")
_GONE = (400, 404, 410, 416, 422)
_SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization")


class HttpPullSettings(LoginSettings, FileSettings):
    """The URL, the login, and how pages follow each other if there are pages."""

    url: Annotated[str, Field(pattern=r"^https?://\S+$", description="of the file, or of the API's first page")]
    key: Annotated[Secret | None, Field(description="a key that goes into the header key_header")] = None
    key_header: Annotated[str, Field(pattern="^[A-Za-z0-9-]+$", description="the header for the key")] = "X-API-Key"
    headers: Annotated[Mapping[str, str], Field(description="other headers to send, none of them secret")] = {}
    paging: Annotated[Paging | None, Field(description="how pages follow each other")] = None

    @model_validator(mode="after")
    def _no_secret_headers(self) -> Self:
        if any(name.lower() in _SECRET_HEADERS for name in self.headers):
            raise ValueError("headers: no secrets here; user, password, token and key have settings of their own")
        return self

    @property
    def has_credentials(self) -> bool:
        """Return whether a login or a key is set."""
        return super().has_credentials or self.key is not None


class _Gone(Exception):
    """A page that was named before is not there."""


@dataclass(frozen=True)
class _Document:
    """An answer, read to its end."""

    file: BinaryIO
    digest: str
    response: requests.Response
    dated: datetime

    @property
    def validators(self) -> dict[str, str]:
        return {name: self.response.headers[name] for name in _VALIDATORS if name in self.response.headers}


class HttpPull(FilesPull[HttpPullSettings]):
    """Asks whether something has changed, and reads what has; each content of a page is read once.

    A run that ends in the middle continues with the same page; the next run after a whole one begins at the first. An
    answer counts only when all of it has arrived.
    """

    name: ClassVar[str] = "http-pull"
    settings_model = HttpPullSettings

    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        """Yield the rows that have changed since ``checkpoint``."""
        begun = checkpoint or {}
        place: Place = begun.get("place") or {}
        validators = self._validators(begun)
        before = ""
        visited: list[Place] = []
        with closing(self._session()) as session:
            for _ in range(_MOST_PAGES):
                try:
                    with self._document(session, place, validators) as document:
                        if document is None:
                            return
                        following, fault = self._following(place, document)
                        if document.digest == before or following == place:
                            following = None
                        kept = {"place": place} if fault else self._kept(place, following, document)
                        yield from self._batches(document, begun, place, kept, seen)
                        before = document.digest
                        if fault is not None:
                            raise fault
                except _Gone as gone:
                    if visited:
                        yield self._after_last(place, gone)
                        return
                    # The place where an earlier run stopped is gone: begin at the first page once more.
                    place = {}
                    continue
                if following is None:
                    return
                if following in visited:
                    break
                visited.append(following)
                place = following
        raise TryLater(f"{self._server}: gives one page after another without end")

    def _validators(self, begun: dict[str, Any]) -> dict[str, str]:
        """Return what tells the server which content is known; nothing if all of it has to be read again."""
        if self.settings.paging or "digest" in begun or begun.get("manner", "") != self.manner:
            return {}
        known: dict[str, str] = begun.get("validators", {})
        return known

    def _batches(
        self,
        document: _Document,
        begun: dict[str, Any],
        place: Place,
        kept: dict[str, Any],
        seen: Callable[[str], bool],
    ) -> Iterator[Batch]:
        if seen(document.digest):
            yield Batch([], kept, 0)
        else:
            start = int(begun.get("row", 0)) if begun.get("digest") == document.digest else 0
            yield from self._rows(document, place, kept, start)

    def _after_last(self, place: Place, gone: _Gone) -> Batch:
        """Return the batch that ends numbered pages; any other page that is named must be there."""
        if "page" not in place:
            raise TryLater(f"{self._server}: says that there is another page, and has none") from gone
        return Batch([], {}, 0)

    @property
    def _server(self) -> str:
        """Return the server's name for messages, without the path, which may hold a secret."""
        parts = urlsplit(self.settings.url)
        return escaped(f"{parts.scheme}://{parts.netloc}")

    def _session(self) -> requests.Session:
        settings = self.settings
        opened = client.open_session(settings, settings.url)
        opened.headers.update(settings.headers)
        opened.auth = settings.auth()
        if settings.key:
            opened.headers[settings.key_header] = settings.key.reveal()
        return opened

    @contextmanager
    def _document(
        self, session: requests.Session, place: Place, unchanged: Mapping[str, str]
    ) -> Iterator[_Document | None]:
        """Return a whole page; None if the server says that it has not changed."""
        paging = self.settings.paging
        url = paging.url(self.settings.url, place) if paging else self.settings.url
        headers = {_VALIDATORS[name]: value for name, value in unchanged.items() if name in _VALIDATORS}
        with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
            with self._consequences(), session.get(url, headers=headers, stream=True) as response:
                if response.status_code == requests.codes.not_modified and headers:
                    yield None
                    return
                if place and response.status_code in _GONE:
                    raise _Gone
                response.raise_for_status()
                digest = hashlib.sha256()
                body = client.open_body(response)
                while block := body.read(_BLOCK):
                    digest.update(block)
                    file.write(block)
            file.seek(0)
            if file.read(100).lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
                raise TryLater(f"{self._server}: answers with a web page, not with reports")
            file.seek(0)
            yield _Document(cast("BinaryIO", file), self.as_read(digest.hexdigest()), response, _dated(response))

    @contextmanager
    def _consequences(self) -> Iterator[None]:
        try:
            with peer_errors(self._server):
                yield
        except RequestRefused as refusal:
            raise Misconfigured(f"{self._server}: refuses the question ({refusal})") from refusal

    def _following(self, place: Place, document: _Document) -> tuple[Place | None, Misconfigured | None]:
        """Return the place of the next page, or the error in it: the rows of this page count all the same."""
        paging = self.settings.paging
        if paging is None or (paging.by in ("page", "cursor") and self._is_empty(document)):
            return None, None
        page = None
        if paging.path is not None:
            try:
                page = orjson.loads(document.file.read())
            except orjson.JSONDecodeError:
                page = None
            document.file.seek(0)
        try:
            return paging.following(place, document.response, page), None
        except Misconfigured as fault:
            return None, fault

    def _is_empty(self, document: _Document) -> bool:
        try:
            return next(iter(formats.read(document.file, name=self._hint, format=self.settings.format)), None) is None
        except UnreadableFile:
            return True
        finally:
            document.file.seek(0)

    def _kept(self, place: Place, following: Place | None, document: _Document) -> dict[str, Any]:
        """Return the checkpoint after a page."""
        paging = self.settings.paging
        if following is not None:
            return {"place": following}
        if paging is None:
            return {"validators": document.validators, **({"manner": self.manner} if self.manner else {})}
        return {"place": place} if paging.keep else {}

    def _rows(self, document: _Document, place: Place, kept: dict[str, Any], start: int) -> Iterator[Batch]:
        name = escaped(urlsplit(self.settings.url).hostname or "")
        for piece in self.pieces(document.file, self._hint, document.dated, start):
            checkpoint = kept if piece.ends else {"place": place, "digest": document.digest, "row": piece.row}
            done = [(document.digest, name)] if piece.ends else []
            yield piece.batch(checkpoint, done)

    @property
    def _hint(self) -> str:
        """Return the file ending of the URL, a hint at the format."""
        return "reports" + PurePosixPath(urlsplit(self.settings.url).path).suffix


def _dated(response: requests.Response) -> datetime:
    """Return the answer's time of change, else now."""
    now = datetime.now(UTC)
    try:
        changed = parsedate_to_datetime(response.headers["Last-Modified"])
    except (KeyError, ValueError, TypeError):
        return now
    return min(now, changed if changed.tzinfo else changed.replace(tzinfo=UTC))
