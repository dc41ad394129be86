"""One hub of a mirror: the requests to it, the collections chosen from it, and the result of a round."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from typing import Any, NamedTuple
from urllib.parse import quote, urljoin

import msgspec
import requests
from taxii2client.v21 import Collection

from feeds.client.mirror.clock import ClockReader, date_of, moment
from feeds.client.mirror.copies import CopyWriter
from feeds.client.mirror.entries import milliseconds
from feeds.client.mirror.settings import MirroredHub
from feeds.client.verify.log_client import LogClient
from feeds.errors import Misconfigured, TryLater
from feeds.transport import client, taxii
from feeds.transport.client import RequestRefused, peer_errors
from feeds.transport.connections import folder_url
from feeds.transport.taxii import TaxiiPage, prefetch
from schemas.errors import Rejected

_JSON = {"Accept": "application/json"}
_LINES = {"Accept": "application/x-ndjson, application/json"}
_LONGEST_LINE = 4 << 20
_MOST_COLLECTIONS = 10_000
_LONGEST_NAME = 300
_COUNTRY = re.compile("([A-Z]{2})?")
_ENDS_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class OfferedCollection(NamedTuple):
    """A collection that we may read at a hub."""

    id: str
    alias: str
    title: str


class HubDigest(NamedTuple):
    """A hub's digest of a collection's active set at a moment, up to a place in the collection's order (milliseconds).

    ``lag`` is how long the hub has not confirmed that the collection is current, by its own clock; None if it never
    stated this. ``country`` is the hub's own, "" for a hub without one; None if the hub does not state it.
    """

    as_of: int
    added_up_to: str
    active: int
    digest: str
    lag: int | None = None
    country: str | None = None


class DigestBehind(Exception):
    """The hub cannot state the digest now."""


class HubClient(AbstractContextManager["HubClient"]):
    """Sends requests to one hub, within the limits of its settings. Raises ``TryLater`` and ``Misconfigured``."""

    def __init__(self, hub: MirroredHub, clock: ClockReader) -> None:
        """Connect at the first request; ``clock`` reads the hub's clock from the responses."""
        self._hub = hub
        self._clock = clock
        self._connection = taxii.open_connection(hub, hub.url)
        clock.watch(self._connection.session)
        self._headers = taxii.LastHeaders(self._connection)
        self._root = ""

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def collections(self) -> list[OfferedCollection]:
        """Return the collections that we may read."""
        url = urljoin(self.api_root(), "collections/")
        with _refused(url), taxii.taxii_errors(url):
            listed = self._connection.get(url, headers={"Accept": taxii.MEDIA_TYPE}).get("collections", [])
            return [
                OfferedCollection(str(about["id"]), in_a_line(about.get("alias")), in_a_line(about.get("title")))
                for about in listed[:_MOST_COLLECTIONS]
                if about.get("can_read") is True
            ]

    def pages(self, collection: str, checkpoint: Mapping[str, Any]) -> Iterator[TaxiiPage]:
        """Yield the objects added to a collection since a checkpoint, page by page."""
        url = taxii.collection_url(self.api_root(), collection)
        with _refused(url), taxii.taxii_errors(url):
            opened = taxii.open_collection(self._connection, Collection, url)
        yield from prefetch(taxii.pages_2_1(opened, self._headers, self._hub.page, checkpoint))

    def digest(self, collection: str) -> HubDigest | None:
        """Return the digest of a collection, None if the hub has none. Raises ``DigestBehind``."""
        url = taxii.resource_url(self.api_root(), collection, "digest")
        with peer_errors(url):
            answer = self._connection.session.get(url, headers=_JSON)
        if answer.status_code in taxii.NOT_OFFERED:
            return None
        if answer.status_code in (429, 503):
            raise DigestBehind(f"{url}: cannot answer now (HTTP {answer.status_code})")
        with _refused(url), peer_errors(url):
            answer.raise_for_status()
        try:
            stated = msgspec.json.decode(answer.content)
            self._clock.note_since(milliseconds(stated["as_of"]))
            return HubDigest(
                milliseconds(stated["as_of"]),
                str(stated["added_up_to"] or ""),
                int(stated["active"]),
                str(stated["digest"]).lower(),
                _lag(date_of(answer) or milliseconds(stated["as_of"]), stated.get("heartbeat")),
                _country(stated.get("country")),
            )
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError, AttributeError, Rejected):
            return None

    def active(self, collection: str) -> "ActiveStream | None":
        """Open the stream of a collection's active set, None if the hub has none."""
        url = taxii.resource_url(self.api_root(), collection, "active")
        # A stream is as long as the collection: only silence ends it.
        session = client.open_session(self._hub, self._hub.url, endless=True)
        session.auth = self._hub.auth()
        with ExitStack() as unless_opened:
            unless_opened.callback(session.close)
            with peer_errors(url):
                answer = session.get(url, headers=_LINES, stream=True)
            if answer.status_code in taxii.NOT_OFFERED:
                return None
            with _refused(url), peer_errors(url):
                answer.raise_for_status()
            unless_opened.pop_all()
        return ActiveStream(session, answer, url)

    def log(self, collection: str) -> LogClient:
        """Create the client of a collection's log."""
        url = urljoin(self.api_root(), f"collections/{quote(collection, safe='')}/log/")
        return LogClient(self._hub, url, self._hub.auth())

    def api_root(self) -> str:
        """Return the URL of the API root: the configured one, or the one stated by the configured discovery page."""
        if not self._root:
            url = folder_url(self._hub.url)
            with _refused(url), taxii.taxii_errors(url):
                about = self._connection.get(url, headers={"Accept": taxii.MEDIA_TYPE})
                named = about.get("default") or next(iter(about.get("api_roots") or ()), None)
                self._root = url if named is None else folder_url(urljoin(url, str(named)))
        return self._root


class ActiveStream:
    """The active set of a collection, object by object, and the checkpoint at which its pages continue."""

    def __init__(self, session: requests.Session, answer: requests.Response, url: str) -> None:
        self._session = session
        self._answer = answer
        self._url = url

    @property
    def checkpoint(self) -> dict[str, Any] | None:
        """The checkpoint of the pages after the stream; None if the hub does not state it."""
        place = self._answer.headers.get("X-Scamfeed-Added-Up-To")
        return {"added_after": place} if place else None

    @property
    def as_of(self) -> int | None:
        """The moment, by the hub's clock, at which the streamed objects had not ended; None if not stated."""
        try:
            return milliseconds(self._answer.headers.get("X-Scamfeed-As-Of", ""))
        except Rejected:
            return None

    def objects(self) -> Iterator[Any]:
        """Yield the objects. Raises ``TryLater`` if the stream breaks off."""
        with closing(self), peer_errors(self._url):
            left = b""
            for chunk in self._answer.iter_content(1 << 18):
                lines = (left + chunk).split(b"\n")
                left = lines.pop()
                if len(left) > _LONGEST_LINE:
                    raise TryLater(f"{self._url}: sends a line that is too long")
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
            raise TryLater(f"{self._url}: sends invalid JSON") from error


def _lag(now: int, heartbeat: Any) -> int | None:
    """Return the age of a hub's heartbeat in milliseconds; None if it states none that is readable."""
    try:
        return max(0, now - milliseconds(heartbeat))
    except (ValueError, TypeError, AttributeError, Rejected):
        return None


def _country(stated: Any) -> str | None:
    """Return the country that a hub states, "" for none; None if it states no readable one."""
    return stated if isinstance(stated, str) and _COUNTRY.fullmatch(stated) else None


def in_a_line(name: Any) -> str:
    """Escape a name given by a hub for a log line: a hub must not be able to forge lines."""
    return _ENDS_LINE.sub("", str(name or ""))[:_LONGEST_NAME]


@contextmanager
def _refused(url: str) -> Iterator[None]:
    """Convert the rejection of a whole request to ``Misconfigured``."""
    try:
        yield
    except RequestRefused as refusal:
        raise Misconfigured(f"{url}: refuses the request ({refusal})") from refusal


logger = logging.getLogger(__name__)

# Collections of a single partner, and the variant with observables and relationships.
PRIVATE = ("for-", "accounts-")
FULL = "-full"
_ALL = "*"


class SyncedCollection(NamedTuple):
    """The result of a sync for one collection: objects read, active objects, and the result of the digest comparison.

    ``listings`` counts the indicators among the active objects.
    """

    collection: str
    alias: str
    read: int
    listings: int
    active: int
    digest: str
    repaired: bool = False
    error: str | None = None


class HubRound(NamedTuple):
    """The result of a sync with one hub: ``missing`` are configured collections that we may not read there.

    ``api_root`` is the URL of the hub's API root, once it is known.
    """

    hub: str
    collections: tuple[SyncedCollection, ...] = ()
    missing: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    error: str | None = None
    wait: float = 0.0
    api_root: str = ""

    @property
    def is_well(self) -> bool:
        """Return whether every collection exists, was read, and is not known to differ."""
        return not (self.error or self.missing) and not any(
            synced.error or synced.digest == "differs" for synced in self.collections
        )


def choose(hub: MirroredHub, offered: list[OfferedCollection]) -> tuple[list[OfferedCollection], list[str]]:
    """Choose the collections to copy among those offered by a hub; also return configured names without a match."""
    aliases = {collection.alias for collection in offered}
    chosen: dict[str, OfferedCollection] = {}
    missing: list[str] = []
    for name in hub.collections:
        found = [collection for collection in offered if name in (collection.id, collection.alias, collection.title)]
        if name == _ALL:
            # A full variant has the same indicators.
            found = [
                collection
                for collection in offered
                if not (collection.alias.endswith(FULL) and collection.alias.removesuffix(FULL) in aliases)
            ]
        elif not found:
            missing.append(name)
        chosen |= {collection.id: collection for collection in found}
    if hub.private:
        own = (collection for collection in offered if collection.alias.startswith(PRIVATE))
        chosen |= {collection.id: collection for collection in own if not collection.alias.endswith(FULL)}
    return list(chosen.values()), missing


def keep_round(writer: CopyWriter, done: HubRound) -> None:
    """Store the result of a round for the status."""
    writer.keep_fact(f"hub:{done.hub}", {"error": done.error, "missing": list(done.missing), "tried": moment().wall})


def log_round(done: HubRound) -> None:
    """Log a line about a round."""
    read = sum(synced.read for synced in done.collections)
    level = logging.INFO if done.is_well else logging.WARNING
    logger.log(
        level,
        "mirror-synced hub=%s collections=%d read=%d missing=%s dropped=%s error=%s",
        done.hub,
        len(done.collections),
        read,
        ",".join(done.missing) or "-",
        ",".join(done.dropped) or "-",
        done.error or next((synced.error for synced in done.collections if synced.error), None),
    )
