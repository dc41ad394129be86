"""Reports that a partner publishes at a URL: a file in any format, or an API with pages."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any, BinaryIO, ClassVar, Literal, Self, cast
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import orjson
import requests
from pydantic import BaseModel, ConfigDict, Field, model_validator

from feeds import formats
from feeds.connector import Batch, Misconfigured, Secret, TryLater
from feeds.errors import UnreadableFile
from feeds.runs.file_reading import FileSettings, FilesPull, Piece
from feeds.transport import client
from feeds.transport.client import LoginSettings, RequestRefused, origin, peer_errors
from schemas.text import escaped

# Where to request a page: None for the first, else its URL, its cursor or its number.
Place = Mapping[str, Any]


class Paging(BaseModel):
    """How a page links the next one.

    ``link``: in its header ``Link``; ``url``: as a URL in its JSON; ``cursor``: as a text in its JSON, to be sent as a
    parameter; ``page``: pages have numbers, and an empty page is the last.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: Annotated[Literal["link", "url", "cursor", "page"], Field(description="how each page links the next one")]
    path: Annotated[
        str | None,
        Field(description="path of the URL or cursor in the JSON, such as meta.next; numbers are positions in lists"),
    ] = None
    parameter: Annotated[str | None, Field(min_length=1, description="query parameter for the cursor or number")] = None
    first: Annotated[int, Field(ge=0, description="number of the first page")] = 1
    keep: Annotated[bool, Field(description="the next run continues from the last cursor, not from the beginning")] = (
        False
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        wants = {"path": self.by in ("url", "cursor"), "parameter": self.by in ("cursor", "page")}
        for name, wanted in wants.items():
            if (getattr(self, name) is not None) != wanted:
                raise ValueError(f"by {self.by} {'needs' if wanted else 'has no'} {name}")
        if self.keep and self.by != "cursor":
            raise ValueError("keep is only allowed with cursors")
        return self

    def url(self, base: str, place: Place) -> str:
        """Return the URL of a page of ``base``."""
        if "url" in place:
            return str(place["url"])
        if self.parameter is None or (self.by == "cursor" and "cursor" not in place):
            return base
        word = place.get("cursor") if self.by == "cursor" else place.get("page", self.first)
        parts = urlsplit(base)
        query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != self.parameter]
        return urlunsplit(parts._replace(query=urlencode([*query, (self.parameter, str(word))])))

    def following(self, place: Place, response: requests.Response, document: Any) -> Place | None:
        """Return the place of the next page, None after the last. Raises ``Misconfigured``.

        ``document`` is the page's JSON, None if it has none or none is needed.
        """
        if self.by == "page":
            return {"page": int(place.get("page", self.first)) + 1}
        if self.by == "link":
            found: Any = response.links.get("next", {}).get("url")
        else:
            if document is None:
                raise Misconfigured("paging.path: the response is not JSON")
            found = _at(document, (self.path or "").split("."))
        if found in (None, "", False):
            return None
        if not isinstance(found, str | int | float):
            raise Misconfigured(f"paging.path: {self.path} is no {self.by}")
        if self.by == "cursor":
            return {"cursor": str(found)}
        try:
            url = urljoin(response.url, str(found))
        except ValueError as error:
            raise Misconfigured(f"paging: {self.path or 'the link'} is not a URL") from error
        if origin(url) != origin(response.url):
            raise Misconfigured(
                f"paging: {self.path or 'the link'} points to a different server than the configured one"
            )
        return {"url": url}


def _at(document: Any, path: list[str]) -> Any:
    """Return the value at a path; None if there is none."""
    for name in path:
        if isinstance(document, dict):
            document = document.get(name)
        elif (
            isinstance(document, list) and name.lstrip("-").isdecimal() and -len(document) <= int(name) < len(document)
        ):
            document = document[int(name)]
        else:
            return None
    return document


_IN_MEMORY = 4 << 20
_BLOCK = 1 << 18
_MOST_PAGES = 100_000
_VALIDATORS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
_PAGES = (b"<!doctype html", b"<html")
_GONE = (400, 404, 410, 416, 422)
_SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization")


class HttpPullSettings(LoginSettings, FileSettings):
    """The URL, the login, and the kind of paging, if there is any."""

    url: Annotated[str, Field(pattern=r"^https?://\S+$", description="URL of the file, or of the API's first page")]
    key: Annotated[Secret | None, Field(description="a key to send in the header key_header")] = None
    key_header: Annotated[str, Field(pattern="^[A-Za-z0-9-]+$", description="the header for the key")] = "X-API-Key"
    headers: Annotated[Mapping[str, str], Field(description="other headers to send; they must not be secret")] = {}
    paging: Annotated[Paging | None, Field(description="how each page links the next one")] = None

    @model_validator(mode="after")
    def _no_secret_headers(self) -> Self:
        if any(name.lower() in _SECRET_HEADERS for name in self.headers):
            raise ValueError("headers: must not contain secrets; use the settings user, password, token and key")
        return self

    @property
    def has_credentials(self) -> bool:
        return super().has_credentials or self.key is not None


class _Gone(Exception):
    """A page linked before does not exist."""


@dataclass(frozen=True)
class _Document:
    """A response, read to its end."""

    file: BinaryIO
    digest: str
    response: requests.Response
    dated: datetime

    @property
    def validators(self) -> dict[str, str]:
        return {name: self.response.headers[name] for name in _VALIDATORS if name in self.response.headers}


class HttpPull(FilesPull[HttpPullSettings]):
    """Asks whether something has changed, and reads the changes; each content of a page is read once.

    If a run ends in the middle, the next one continues with the same page. After a complete run the next one starts at
    the first page. A response counts only when it has arrived completely.
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
                    # The page at which an earlier run stopped no longer exists: start at the first page again.
                    place = {}
                    continue
                if following is None:
                    return
                if following in visited:
                    break
                visited.append(following)
                place = following
        raise TryLater(f"{self._server}: sends more pages than allowed")

    def _validators(self, begun: dict[str, Any]) -> dict[str, str]:
        """Return headers with the known content; none if all of it has to be read again."""
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
            yield from self._rows(document, place, kept, start, begun)

    def _after_last(self, place: Place, gone: _Gone) -> Batch:
        """Return the batch that ends numbered pages; any other linked page must exist."""
        if "page" not in place:
            raise TryLater(f"{self._server}: links to a page that does not exist") from gone
        return Batch([], {}, 0)

    @property
    def _server(self) -> str:
        """Return the server's name for messages, without the path, which may contain a secret."""
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
        """Read a whole page; None if the server says that it has not changed."""
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
            self._check_beginning(file.read(2000), response.status_code)
            file.seek(0)
            yield _Document(cast("BinaryIO", file), self.as_read(digest.hexdigest()), response, _dated(response))

    def _check_beginning(self, beginning: bytes, status: int) -> None:
        """Raise ``TryLater`` for a response that has no reports: an empty one that should not be, or a web page."""
        head = beginning.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        if not head and status != requests.codes.no_content and not self._has_empty_lists:
            raise TryLater(f"{self._server}: the response is empty")
        if head.startswith(b"<") and any(page in head for page in _PAGES):
            raise TryLater(f"{self._server}: the response is a web page, not reports")

    @contextmanager
    def _consequences(self) -> Iterator[None]:
        try:
            with peer_errors(self._server):
                yield
        except RequestRefused as refusal:
            raise Misconfigured(f"{self._server}: refuses the request ({refusal})") from refusal

    def _following(self, place: Place, document: _Document) -> tuple[Place | None, Misconfigured | None]:
        """Return the place of the next page, or the error in it: the rows of this page count anyway."""
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

    def _rows(
        self, document: _Document, place: Place, kept: dict[str, Any], start: int, begun: dict[str, Any]
    ) -> Iterator[Batch]:
        name = escaped(urlsplit(self.settings.url).hostname or "")
        for piece in self.pieces(document.file, self._hint, document.dated, start):
            if not piece.is_list or piece.failure:
                # The rows are counted; the checkpoint stays, so that a valid response is read from its beginning.
                yield piece.batch(begun, [])
                if piece.ends:
                    raise TryLater(f"{self._server}: {_why_garbage(piece)}")
                continue
            checkpoint = kept if piece.ends else {"place": place, "digest": document.digest, "row": piece.row}
            done = [(document.digest, name)] if piece.ends else []
            yield piece.batch(checkpoint, done)

    @property
    def _has_empty_lists(self) -> bool:
        """Return whether a file without a byte is an empty list in the configured format: it is one value per line."""
        return self.settings.format is not None and formats.get(self.settings.format.partition(":")[0]).lines

    @property
    def _hint(self) -> str:
        """Return the file ending of the URL, a hint at the format."""
        return "reports" + PurePosixPath(urlsplit(self.settings.url).path).suffix


def _why_garbage(piece: Piece) -> str:
    if piece.failure:
        return f"the response cannot be read: {piece.failure}"
    reasons = ", ".join(piece.rejected)
    return f"the response is not a list of reports ({reasons}): check the URL, the login and the format"


def _dated(response: requests.Response) -> datetime:
    """Return the modification time of the response, else now."""
    now = datetime.now(UTC)
    try:
        changed = parsedate_to_datetime(response.headers["Last-Modified"])
    except (KeyError, ValueError, TypeError):
        return now
    return min(now, changed if changed.tzinfo else changed.replace(tzinfo=UTC))
