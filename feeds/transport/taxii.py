"""TAXII 2.1 and 2.0 as a client: connections, errors, and pages of objects, read one ahead."""

import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote, urljoin

import msgspec
import requests
from taxii2client.common import _HTTPConnection
from taxii2client.exceptions import AccessError, TAXIIServiceException

from feeds.errors import Misconfigured, TryLater
from feeds.transport import client
from feeds.transport.client import LoginSettings, RequestRefused, peer_errors
from feeds.transport.connections import folder_url
from schemas import timestamp
from schemas.errors import Rejected
from schemas.whole_numbers import whole_number

MEDIA_TYPE = "application/taxii+json;version=2.1"
# The statuses of a peer that does not offer a resource.
NOT_OFFERED = (404, 405, 406, 410)


def open_connection(settings: LoginSettings, url: str, *, version: str = "2.1") -> Any:
    """Open a connection to the server of ``url`` for taxii2-client's ``ApiRoot`` and ``Collection``.

    It sends requests to that server only, with the login and within the limits of ``settings``. TAXII POSTs may be
    repeated: an object version that already exists is unchanged.
    """
    opened = _HTTPConnection(version=version)
    theirs: requests.Session = opened.session
    ours = client.open_session(settings, url, repeat_posts=True)
    ours.auth = settings.auth()
    ours.hooks["response"] += [_repair if version == "2.1" else _repair_2_0, _read_fast]
    theirs.close()
    opened.session = ours
    return opened


def collection_url(url: str, named: str | None) -> str:
    """Return the URL of the collection ``named`` at the API root ``url``; ``url`` itself if ``named`` is None."""
    url = folder_url(url)
    return urljoin(url, f"collections/{quote(named, safe='')}/") if named else url


def resource_url(api_root: str, collection: str, resource: str) -> str:
    """Return the URL of what a Scamfeed hub offers beside a collection, such as its ``digest``, by its API root."""
    return urljoin(api_root, f"../api/collections/{quote(collection, safe='')}/{resource}")


def open_collection(opened: Any, kind: Any, url: str, media_type: str = MEDIA_TYPE) -> Any:
    """Read the collection at ``url``, and return it as the ``kind`` of taxii2-client.

    Raises errors that ``taxii_errors`` converts.
    """
    about = opened.get(url, headers={"Accept": media_type})
    # The client needs the id in the URL, but the configuration may have an alias.
    by_id = urljoin(url, f"../{quote(about['id'], safe='')}/")
    return kind(by_id, conn=opened, collection_info=about)


@contextmanager
def taxii_errors(peer: str) -> Iterator[None]:
    """Convert errors of a TAXII server to ``TryLater``, ``Misconfigured`` or ``RequestRefused``."""
    try:
        with peer_errors(peer):
            yield
    except AccessError as error:
        raise Misconfigured(f"{peer}: does not allow this user to write there") from error
    except (TAXIIServiceException, KeyError, TypeError, AttributeError) as error:
        raise TryLater(f"{peer}: its response is not TAXII ({type(error).__name__})") from error


def _repair(response: requests.Response, **_: Any) -> None:
    """Set the media type of a response to the text that the client compares with."""
    media_type = response.headers.get("Content-Type", MEDIA_TYPE).lower()
    response.headers["Content-Type"] = media_type if "version=" in media_type else f"{media_type};version=2.1"


def _repair_2_0(response: requests.Response, **_: Any) -> None:
    """Set the media type of a response to the requested one: servers confuse the two of TAXII 2.0."""
    if "json" in response.headers.get("Content-Type", "json").lower():
        response.headers["Content-Type"] = str(response.request.headers.get("Accept", ""))


def _read_fast(response: requests.Response, **_: Any) -> None:
    """Let the client parse the JSON of a response with a fast parser."""
    # Without a reference to the response itself: pages of megabytes would stay in memory until a collection.
    read = partial(_parsed, weakref.ref(response))
    response.json = read  # type: ignore[method-assign]  # the client calls it so


def _parsed(answer: "weakref.ref[requests.Response]") -> Any:
    """Return the JSON of a response; texts that the fast parser rejects are parsed by the standard one."""
    response = answer()
    if response is None:
        raise ReferenceError("the answer is gone")
    try:
        return msgspec.json.decode(response.content)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return requests.Response.json(response)


T = TypeVar("T")


def prefetch(items: Iterable[T]) -> Iterator[T]:
    """Yield ``items``, and make one item ahead of the caller: each in a thread, never two at once.

    An error is raised when its item is requested. Nothing waits for an item that is never requested.
    """
    rest = iter(items)
    coming = _Coming(rest)
    while not (one := coming.wait()).over:
        coming = _Coming(rest)
        yield from one.found
    if one.error is not None:
        raise one.error


class _Coming(Generic[T]):
    def __init__(self, rest: Iterator[T]) -> None:
        self.found: list[T] = []
        self.error: BaseException | None = None
        self._rest = rest
        self._thread = threading.Thread(target=self._make, name="prefetch", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        return not self.found

    def wait(self) -> "_Coming[T]":
        self._thread.join()
        return self

    def _make(self) -> None:
        try:
            self.found = [next(self._rest)]
        except StopIteration:
            return
        except BaseException as error:  # noqa: BLE001 - raised again when the item is requested
            self.error = error


_FIRST, _LAST = "X-TAXII-Date-Added-First", "X-TAXII-Date-Added-Last"
# Maximum number of consecutive pages without an object.
_MOST_EMPTY = 100
# Objects that a peer added while it answered are requested again.
_UNDER_WAY = timedelta(minutes=1)
_RANGE_ENDS = 416
_LOGIN = (401, 403)


class TaxiiPage(NamedTuple):
    """Some objects, and the checkpoint after them."""

    objects: list[Any]
    checkpoint: dict[str, Any]


class LastHeaders:
    """The headers of the last response, which taxii2-client does not expose."""

    def __init__(self, connection: Any) -> None:
        self._last: Mapping[str, str] = {}
        connection.session.hooks["response"].append(self._keep)

    def _keep(self, response: requests.Response, **_: Any) -> None:
        self._last = response.headers

    def get(self, name: str) -> str | None:
        """Return a header of the last response."""
        return self._last.get(name)

    def moment(self, name: str) -> str | None:
        """Return the moment in a header, as written there; None if it has none."""
        value = self._last.get(name)
        return value if value is not None and _read(value) is not None else None

    def asked_at(self) -> str | None:
        """Return the moment of the response by the peer's clock, minus a minute."""
        try:
            return timestamp.text(parsedate_to_datetime(self._last.get("Date", "")) - _UNDER_WAY)
        except (ValueError, TypeError):
            return None


def pages_2_1(collection: Any, headers: LastHeaders, limit: int, checkpoint: Mapping[str, Any]) -> Iterator[TaxiiPage]:
    """Yield the pages of objects added to a TAXII 2.1 collection since ``checkpoint``.

    ``next`` is used while the peer accepts it, with the filter it was given for. Otherwise ``safe`` is used, the last
    moment before which no object is missing. If a peer sends ``more`` without ``next``, objects later than its last
    page are requested. Raises ``TryLater`` if pages never end.
    """
    return iter(_Pages21(collection, headers, limit, checkpoint))


class _Pages21:
    """The pages of a TAXII 2.1 collection, and where the next one begins."""

    def __init__(self, collection: Any, headers: LastHeaders, limit: int, checkpoint: Mapping[str, Any]) -> None:
        self._collection = collection
        self._headers = headers
        self._limit = limit
        self._after = checkpoint.get("added_after")
        self._token = checkpoint.get("next")
        # The last moment before which no object is missing.
        self._safe = checkpoint.get("safe") if self._token else self._after
        self._begun = checkpoint.get("begun")
        self._last = checkpoint.get("last")
        self._any_objects = bool(self._token)
        self._empty_pages = 0
        self._seen_pages: set[int] = set()

    def __iter__(self) -> Iterator[TaxiiPage]:
        more = True
        while more:
            answer = self._ask()
            if answer is None:
                continue
            objects, more, following = answer
            self._note_headers(objects)
            if not more:
                yield TaxiiPage(objects, {"added_after": self._end()})
            elif following:
                yield self._page_before_token(objects, following)
            else:
                yield self._page_before_moment(objects)

    def _ask(self) -> tuple[list[Any], bool, Any] | None:
        """Return objects, ``more`` and ``next`` of a page; None if the token was unknown and must be dropped."""
        asked: dict[str, Any] = {"limit": self._limit}
        if self._after:
            asked["added_after"] = self._after
        if self._token:
            asked["next"] = self._token
        try:
            with taxii_errors(self._collection.url):
                envelope = self._collection.get_objects(**asked)
                return _objects(envelope), envelope.get("more") is True, envelope.get("next")
        except (RequestRefused, Misconfigured) as refusal:
            # An old token may be refused in any way; a request without it shows the real error.
            if self._token and _status(refusal) not in _LOGIN:
                self._after, self._token, self._last = self._safe, None, None
                return None
            if isinstance(refusal, RequestRefused):
                raise _refused(self._collection.url, refusal) from refusal
            raise

    def _note_headers(self, objects: list[Any]) -> None:
        """Store what a page's headers state about its place in the collection."""
        self._begun = self._begun or self._headers.asked_at()
        first, before = self._headers.moment(_FIRST), self._last
        self._last = self._headers.moment(_LAST) or self._last
        if before and first and _later(first, before):
            self._safe = before
        self._empty_pages = 0 if objects else self._empty_pages + 1
        self._any_objects = self._any_objects or bool(objects)

    def _end(self) -> Any:
        return _end(self._last, self._begun, self._after, some=self._any_objects)

    def _page_before_token(self, objects: list[Any], following: Any) -> TaxiiPage:
        # Compare the objects, too: Medallion repeats the same token on all pages.
        page = hash((following, len(objects), str(objects[:1]), str(objects[-1:])))
        if page in self._seen_pages or self._empty_pages > _MOST_EMPTY:
            raise TryLater(f"{self._collection.url}: sends more pages than allowed")
        self._seen_pages.add(page)
        self._token = following
        place = {"added_after": self._after, "next": following, "safe": self._safe}
        return TaxiiPage(objects, {**place, "last": self._last, "begun": self._begun})

    def _page_before_moment(self, objects: list[Any]) -> TaxiiPage:
        if self._last is None or (self._after is not None and not _later(self._last, self._after)):
            raise TryLater(f"{self._collection.url}: announces another page without next")
        self._after, self._token, self._safe = self._last, None, self._last
        return TaxiiPage(objects, {"added_after": self._after})


def pages_2_0(collection: Any, headers: LastHeaders, limit: int, checkpoint: Mapping[str, Any]) -> Iterator[TaxiiPage]:
    """Yield the pages of objects added to a TAXII 2.0 collection since ``checkpoint``, by ranges of items.

    A peer without ranges sends everything at once.
    """
    after, start, begun = checkpoint.get("added_after"), int(checkpoint.get("start") or 0), checkpoint.get("begun")
    last, before = checkpoint.get("last"), None
    while True:
        objects, end, total = _range(collection, headers, start, limit, after)
        if objects and objects == before:
            raise TryLater(f"{collection.url}: sends the same page repeatedly")
        begun, last, before = begun or headers.asked_at(), headers.moment(_LAST) or last, objects
        some, start = bool(objects or start), end
        if not objects or (total is not None and start >= total):
            yield TaxiiPage(objects, {"added_after": _end(last, begun, after, some=some)})
            return
        yield TaxiiPage(objects, {"added_after": after, "start": start, "begun": begun, "last": last})


def _range(
    collection: Any, headers: LastHeaders, start: int, limit: int, after: str | None
) -> tuple[list[Any], int, int | None]:
    """Return the objects from ``start`` on, the next start, and the total (None if the peer does not state it)."""
    filters = {"added_after": after} if after else {}
    try:
        with taxii_errors(collection.url):
            answer = collection.get_objects(start=start, per_request=limit, **filters)
            objects = _objects(answer.json())
    except Misconfigured as refusal:
        if _status(refusal) == _RANGE_ENDS:
            return [], start, start
        raise
    except RequestRefused as refusal:
        raise _refused(collection.url, refusal) from refusal
    value = headers.get("Content-Range")
    if value is None:
        return objects, len(objects), len(objects)
    _, _, total = value.partition("/")
    return objects, start + len(objects), whole_number(total, sys.maxsize)


def _end(last: str | None, begun: str | None, after: str | None, *, some: bool) -> str | None:
    """Return the moment from which the next run reads; by the peer's clock if it does not date its objects."""
    if last:
        return _rounded_down(last)
    # After an empty response the whole range is requested again: this is cheap, and the peer may have been at fault.
    return begun or after if some else after


# The fields of an envelope of TAXII 2.1, which may have none.
_OF_ENVELOPES = frozenset({"more", "next", "objects"})


def is_envelope(found: object) -> bool:
    """Return whether a JSON document is an envelope, or a bundle; an error with status 200 is neither."""
    if not isinstance(found, dict) or not isinstance(found.get("objects", []), list):
        return False
    return not found or not _OF_ENVELOPES.isdisjoint(found) or found.get("type") == "bundle"


def _objects(envelope: Any) -> list[Any]:
    if not is_envelope(envelope):
        raise TypeError("objects")
    objects: list[Any] = envelope.get("objects", [])
    return objects


def _read(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if timestamp.parse(text) else None
    except (Rejected, ValueError):
        return None


def _later(one: str, other: str) -> bool:
    """Return whether a moment is after another, to the last digit."""
    a, b = _read(one), _read(other)
    return a is not None and b is not None and a > b


def _rounded_down(moment: str) -> str:
    """Return the moment one step earlier, in the peer's unit of time: more objects may have the same moment.

    Microseconds are assumed to distinguish all objects.
    """
    found, digits = _read(moment), len(moment.partition(".")[2].rstrip("Zz"))
    if found is None or digits >= len("123456"):
        return moment
    return timestamp.text(found - (timedelta(milliseconds=1) if digits else timedelta(seconds=1)))


def _status(error: BaseException) -> int:
    cause = error.__cause__
    response = cause.response if isinstance(cause, requests.HTTPError) else None
    return response.status_code if response is not None else 0


def _refused(url: str, refusal: RequestRefused) -> Misconfigured:
    return Misconfigured(f"{url}: refuses the request ({refusal})")


Pager = Callable[[Any, LastHeaders, int, Mapping[str, Any]], Iterator[TaxiiPage]]
