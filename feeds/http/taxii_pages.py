"""Pages of other people's TAXII collections, and the checkpoint after each."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import requests

from feeds.connector import Misconfigured, TryLater
from feeds.http import taxii
from feeds.http.failures import RequestRefused
from schemas import timestamp
from schemas.errors import Rejected

_FIRST, _LAST = "X-TAXII-Date-Added-First", "X-TAXII-Date-Added-Last"
# Pages without an object that are turned in a row.
_MOST_EMPTY = 100
# What a peer was adding while it answered is asked for again.
_UNDER_WAY = timedelta(minutes=1)
_RANGE_ENDS = 416
_LOGIN = (401, 403)


class TaxiiPage(NamedTuple):
    """Some objects, and the checkpoint after them."""

    objects: list[Any]
    checkpoint: dict[str, Any]


class LastHeaders:
    """The headers of the last answer, which taxii2-client keeps to itself."""

    def __init__(self, connection: Any) -> None:
        """Watch the answers of a connection."""
        self._last: Mapping[str, str] = {}
        connection.session.hooks["response"].append(self._keep)

    def _keep(self, response: requests.Response, **_: Any) -> None:
        self._last = response.headers

    def get(self, name: str) -> str | None:
        """Return a header of the last answer."""
        return self._last.get(name)

    def moment(self, name: str) -> str | None:
        """Return the moment in a header, as it is written there; None if it has none."""
        value = self._last.get(name)
        return value if value is not None and _read(value) is not None else None

    def asked_at(self) -> str | None:
        """Return the moment of the answer by the peer's clock, less a minute."""
        try:
            return timestamp.text(parsedate_to_datetime(self._last.get("Date", "")) - _UNDER_WAY)
        except (ValueError, TypeError):
            return None


def pages_2_1(collection: Any, headers: LastHeaders, limit: int, checkpoint: Mapping[str, Any]) -> Iterator[TaxiiPage]:
    """Yield the pages that a TAXII 2.1 collection added since ``checkpoint``.

    ``next`` is used as long as the peer accepts it, with the filter it was given for; otherwise ``safe``, the last
    moment before which nothing is missing. A peer that says ``more`` without ``next`` is asked for objects later than
    its last page. Raises ``TryLater`` if pages never end.
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
        # The last moment before which nothing is missing.
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
        """Return objects, ``more`` and ``next`` of a page; None if the peer no longer knows the token, to ask again."""
        asked: dict[str, Any] = {"limit": self._limit}
        if self._after:
            asked["added_after"] = self._after
        if self._token:
            asked["next"] = self._token
        try:
            with taxii.taxii_errors(self._collection.url):
                envelope = self._collection.get_objects(**asked)
                return _objects(envelope), envelope.get("more") is True, envelope.get("next")
        except (RequestRefused, Misconfigured) as refusal:
            # An old token may be refused in any way; without it the answer tells what is wrong.
            if self._token and _status(refusal) not in _LOGIN:
                self._after, self._token, self._last = self._safe, None, None
                return None
            if isinstance(refusal, RequestRefused):
                raise _refused(self._collection.url, refusal) from refusal
            raise

    def _note_headers(self, objects: list[Any]) -> None:
        """Keep what the headers of a page tell of its place in the collection."""
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
        # By its objects too: Medallion says the same token on all pages.
        page = hash((following, len(objects), str(objects[:1]), str(objects[-1:])))
        if page in self._seen_pages or self._empty_pages > _MOST_EMPTY:
            raise TryLater(f"{self._collection.url}: gives one page after another without end")
        self._seen_pages.add(page)
        self._token = following
        place = {"added_after": self._after, "next": following, "safe": self._safe}
        return TaxiiPage(objects, {**place, "last": self._last, "begun": self._begun})

    def _page_before_moment(self, objects: list[Any]) -> TaxiiPage:
        if self._last is None or (self._after is not None and not _later(self._last, self._after)):
            raise TryLater(f"{self._collection.url}: says that there is more, and not where")
        self._after, self._token, self._safe = self._last, None, self._last
        return TaxiiPage(objects, {"added_after": self._after})


def pages_2_0(collection: Any, headers: LastHeaders, limit: int, checkpoint: Mapping[str, Any]) -> Iterator[TaxiiPage]:
    """Yield the pages that a TAXII 2.0 collection added since ``checkpoint``, by ranges of items.

    A peer without ranges sends everything at once.
    """
    after, start, begun = checkpoint.get("added_after"), int(checkpoint.get("start") or 0), checkpoint.get("begun")
    last, before = checkpoint.get("last"), None
    while True:
        objects, end, total = _range(collection, headers, start, limit, after)
        if objects and objects == before:
            raise TryLater(f"{collection.url}: gives the same page without end")
        begun, last, before = begun or headers.asked_at(), headers.moment(_LAST) or last, objects
        some, start = bool(objects or start), end
        if not objects or (total is not None and start >= total):
            yield TaxiiPage(objects, {"added_after": _end(last, begun, after, some=some)})
            return
        yield TaxiiPage(objects, {"added_after": after, "start": start, "begun": begun, "last": last})


def _range(
    collection: Any, headers: LastHeaders, start: int, limit: int, after: str | None
) -> tuple[list[Any], int, int | None]:
    """Return the objects from ``start`` on, the next start, and the total, None if the peer does not say."""
    filters = {"added_after": after} if after else {}
    try:
        with taxii.taxii_errors(collection.url):
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
    return objects, start + len(objects), int(total) if total.isascii() and total.isdecimal() else None


def _end(last: str | None, begun: str | None, after: str | None, *, some: bool) -> str | None:
    """Return the moment from which the next run asks; by the peer's clock if it does not date its objects."""
    if last:
        return _rounded_down(last)
    # Nothing at all is asked for again as a whole: it costs nothing, and the peer may have been at fault.
    return begun or after if some else after


def _objects(envelope: Any) -> list[Any]:
    objects = envelope.get("objects", [])
    if not isinstance(objects, list):
        raise TypeError("objects")
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
    """Return the moment one step earlier, in the peer's unit of time: more may have been added in the same one.

    Microseconds are taken to tell any two objects apart.
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
    return Misconfigured(f"{url}: refuses the question ({refusal})")


Pager = Callable[[Any, LastHeaders, int, Mapping[str, Any]], Iterator[TaxiiPage]]
