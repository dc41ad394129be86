"""The requests of a sync to one hub: its collections, their pages, the active set as one stream, and the digest."""

import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, Self
from urllib.parse import quote, urljoin

import msgspec
import requests
from taxii2client.v21 import Collection

from feeds.connector import Misconfigured, TryLater
from feeds.http import client, taxii, taxii_pages
from feeds.http.failures import RequestRefused, peer_errors
from feeds.http.taxii_pages import TaxiiPage
from feeds.ledger.log_client import LogClient
from feeds.mirror.entries import milliseconds
from feeds.mirror.settings import MirroredHub
from feeds.runs.prefetch import prefetch
from schemas.errors import Rejected

_JSON = {"Accept": "application/json"}
_LINES = {"Accept": "application/x-ndjson, application/json"}
_LONGEST_LINE = 4 << 20
_NOT_THERE = (404, 405, 406, 410)
_MOST_COLLECTIONS = 10_000
_LONGEST_NAME = 300
_ENDS_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class OfferedCollection(NamedTuple):
    """A collection that a hub lets us read."""

    id: str
    alias: str
    title: str


class HubDigest(NamedTuple):
    """The digest of a collection's active set at a hub: as of a moment, up to a place in its order (milliseconds).

    ``lag`` is for how long the hub itself has not known that the collection is current, by its own clock.
    """

    as_of: int
    added_up_to: str
    active: int
    digest: str
    lag: int = 0


class DigestBehind(Exception):
    """The hub cannot state the digest now."""


class HubClient:
    """Asks one hub, within the limits of its settings. Raises ``TryLater`` and ``Misconfigured``."""

    def __init__(self, hub: MirroredHub) -> None:
        """Connect when first asked."""
        self._hub = hub
        self._connection = taxii.open_connection(hub, hub.url)
        self._headers = taxii_pages.LastHeaders(self._connection)
        self._root = ""

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._connection.close()

    def collections(self) -> list[OfferedCollection]:
        """Return the collections that we may read."""
        url = urljoin(self._api_root(), "collections/")
        with _refused(url), taxii.taxii_errors(url):
            listed = self._connection.get(url, headers={"Accept": taxii.MEDIA_TYPE}).get("collections", [])
            return [
                OfferedCollection(str(about["id"]), in_a_line(about.get("alias")), in_a_line(about.get("title")))
                for about in listed[:_MOST_COLLECTIONS]
                if about.get("can_read") is True
            ]

    def pages(self, collection: str, checkpoint: Mapping[str, Any]) -> Iterator[TaxiiPage]:
        """Yield what a collection added since a checkpoint, page by page."""
        url = taxii.collection_url(self._api_root(), collection)
        with _refused(url), taxii.taxii_errors(url):
            opened = taxii.open_collection(self._connection, Collection, url)
        yield from prefetch(taxii_pages.pages_2_1(opened, self._headers, self._hub.page, checkpoint))

    def digest(self, collection: str) -> HubDigest | None:
        """Return the digest of a collection, None where the hub has none. Raises ``DigestBehind``."""
        url = self._beside(collection, "digest")
        with peer_errors(url):
            answer = self._connection.session.get(url, headers=_JSON)
        if answer.status_code in _NOT_THERE:
            return None
        if answer.status_code in (429, 503):
            raise DigestBehind(f"{url}: cannot answer now (HTTP {answer.status_code})")
        with _refused(url), peer_errors(url):
            answer.raise_for_status()
        try:
            stated = msgspec.json.decode(answer.content)
            return HubDigest(
                milliseconds(stated["as_of"]),
                str(stated["added_up_to"] or ""),
                int(stated["active"]),
                str(stated["digest"]).lower(),
                _lag(answer.headers.get("Date", ""), stated.get("heartbeat")),
            )
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError, AttributeError, Rejected):
            return None

    def active(self, collection: str) -> "ActiveStream | None":
        """Open the stream of a collection's active set, None where the hub has none."""
        url = self._beside(collection, "active")
        # A stream is as long as the collection: only silence ends it.
        session = client.open_session(self._hub, self._hub.url, endless=True)
        session.auth = self._hub.auth()
        with peer_errors(url):
            answer = session.get(url, headers=_LINES, stream=True)
        if answer.status_code in _NOT_THERE:
            session.close()
            return None
        with _refused(url), peer_errors(url):
            answer.raise_for_status()
        return ActiveStream(session, answer, url)

    def log(self, collection: str) -> LogClient:
        """Return the client of a collection's log."""
        url = urljoin(self._api_root(), f"collections/{quote(collection, safe='')}/log/")
        return LogClient(self._hub, url, self._hub.auth())

    def _beside(self, collection: str, what: str) -> str:
        return urljoin(self._api_root(), f"../api/collections/{quote(collection, safe='')}/{what}")

    def _api_root(self) -> str:
        """Return the URL of the API root: the configured one, or the one that the discovery page there names."""
        if not self._root:
            url = self._hub.url if self._hub.url.endswith("/") else self._hub.url + "/"
            with _refused(url), taxii.taxii_errors(url):
                about = self._connection.get(url, headers={"Accept": taxii.MEDIA_TYPE})
                named = about.get("default") or next(iter(about.get("api_roots") or ()), None)
                self._root = url if named is None else urljoin(url, str(named))
                self._root += "" if self._root.endswith("/") else "/"
        return self._root


class ActiveStream:
    """The active set of a collection, object by object, and the checkpoint from which its pages go on."""

    def __init__(self, session: requests.Session, answer: requests.Response, url: str) -> None:
        """Read the head of an answer."""
        self._session = session
        self._answer = answer
        self._url = url

    @property
    def checkpoint(self) -> dict[str, Any] | None:
        """The checkpoint of the pages behind the stream; None where the hub does not say."""
        place = self._answer.headers.get("X-Scamfeed-Added-Up-To")
        return {"added_after": place} if place else None

    @property
    def as_of(self) -> int | None:
        """The moment, by the hub's clock, when what is in the stream had not ended; None where the hub does not say."""
        try:
            return milliseconds(self._answer.headers.get("X-Scamfeed-As-Of", ""))
        except Rejected:
            return None

    def objects(self) -> Iterator[Any]:
        """Yield the objects. Raises ``TryLater`` where the stream breaks off."""
        with closing(self), peer_errors(self._url):
            left = b""
            for chunk in self._answer.iter_content(1 << 18):
                lines = (left + chunk).split(b"\n")
                left = lines.pop()
                if len(left) > _LONGEST_LINE:
                    raise TryLater(f"{self._url}: sends a line without end")
                yield from map(self._read, filter(None, lines))
            if left.strip():
                yield self._read(left)

    def close(self) -> None:
        """Close the stream."""
        with suppress(OSError):
            self._answer.close()
        self._session.close()

    def _read(self, line: bytes) -> Any:
        try:
            return msgspec.json.decode(line)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise TryLater(f"{self._url}: sends what is no JSON") from error


def _lag(date: str, heartbeat: Any) -> int:
    """Return how old a hub's heartbeat is at the date of its answer, in milliseconds; 0 where one is missing."""
    try:
        return max(0, round(parsedate_to_datetime(date).timestamp() * 1000) - milliseconds(heartbeat))
    except (ValueError, TypeError, AttributeError, Rejected):
        return 0


def in_a_line(name: Any) -> str:
    """Return a name that a hub gives, as it may stand in a log: other hubs are not to be trusted with its lines."""
    return _ENDS_LINE.sub("", str(name or ""))[:_LONGEST_NAME]


@contextmanager
def _refused(url: str) -> Iterator[None]:
    """Turn the refusal of a whole request into ``Misconfigured``."""
    try:
        yield
    except RequestRefused as refusal:
        raise Misconfigured(f"{url}: refuses the question ({refusal})") from refusal
