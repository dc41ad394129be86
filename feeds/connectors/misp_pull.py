"""MISP events: of a feed, at a URL or in a folder, or of a MISP by its API.

A feed: ``manifest.json`` and ``<uuid>.json`` (misp/misp-rfc, ``misp-core-format``; MISP/PyMISP,
``examples/feed-generator``). The API: ``/events/restSearch``, https://www.misp-project.org/openapi/.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import orjson
import requests
from pydantic import Field, model_validator

from feeds.connector import Batch, Duration, Misconfigured, Pull, PullSettings, Secret, TryLater, duration
from feeds.http.client import open_session
from feeds.http.failures import RequestRefused, peer_errors
from feeds.http.login import PasswordSettings
from feeds.mapping.batches import batch_of_outcomes
from feeds.mapping.options import ReportSettings
from feeds.readers.misp_events import (
    EventVersion,
    FeedFolder,
    FeedLocation,
    FeedSite,
    UnreadableFeedFile,
    batches,
    event_in,
    versions,
)


class MispPullSettings(PasswordSettings, ReportSettings, PullSettings):
    """The events: ``path`` of a feed, ``url`` of one, or ``url`` of a MISP with ``api_key``."""

    path: Annotated[Path | None, Field(description="folder of a feed")] = None
    url: Annotated[str | None, Field(description="address of a feed, or of a MISP together with api_key")] = None
    api_key: Annotated[Secret | None, Field(description="our key for the API of a MISP")] = None
    tags: Annotated[tuple[str, ...], Field(description="with api_key: only events with one of these tags")] = ()
    page: Annotated[int, Field(ge=1, le=1000, description="with api_key: events an answer")] = 20
    overlap: Annotated[
        Duration, Field(description="with api_key: how far back to look again for events that MISP got late")
    ] = "3d"

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("give url or path")
        if (self.api_key or self.user) and self.url is None:
            raise ValueError("api_key, user and password need url")
        if self.api_key and self.user:
            raise ValueError("give api_key for a MISP, or user and password for a feed")
        return self

    @property
    def has_credentials(self) -> bool:
        """Return whether a login or a key is set."""
        return super().has_credentials or self.api_key is not None


class MispPull(Pull[MispPullSettings]):
    """Reads each event once, and again when it has changed; attributes marked as deleted are withdrawn.

    An event that a feed no longer lists withdraws nothing, nor does an attribute that is gone without a mark.
    """

    name: ClassVar[str] = "misp-pull"
    settings_model = MispPullSettings

    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        """Yield the attributes of events that are not done."""
        settings = self.settings
        if settings.path is not None:
            yield from self._feed(FeedFolder(settings.path, settings.max_bytes), checkpoint or {}, seen)
            return
        with self._session() as opened:
            if settings.api_key:
                yield from self._search(opened, checkpoint or {}, seen)
            else:
                yield from self._feed(FeedSite(settings.url or "", opened), checkpoint or {}, seen)

    @contextmanager
    def _session(self) -> Iterator[requests.Session]:
        settings = self.settings
        with open_session(settings, settings.url or "", repeat_posts=True) as opened:
            if settings.api_key:
                opened.headers.update({"Authorization": settings.api_key.reveal(), "Accept": "application/json"})
            else:
                opened.auth = settings.auth()
            yield opened

    def _feed(self, place: FeedLocation, begun: dict[str, Any], seen: Callable[[str], bool]) -> Iterator[Batch]:
        for version in versions(place):
            if seen(version.digest):
                continue
            try:
                event = event_in(place.load(f"{version.uuid}.json"))
            except UnreadableFeedFile:
                event = None
            if event is None:
                # It is tried again: a manifest may be newer than its events' files.
                yield batch_of_outcomes([], begun, more_rejected={"unreadable-file": 1})
            else:
                yield from self._event(event, version, begun, {})

    def _search(self, opened: requests.Session, begun: dict[str, Any], seen: Callable[[str], bool]) -> Iterator[Batch]:
        since, latest, page = (
            int(begun.get(name, start)) for name, start in (("since", 0), ("latest", 0), ("page", 1))
        )
        before: list[Any] = []
        while True:
            listed = self._ask(opened, since, page)
            if listed and listed == before:
                raise TryLater(f"{self.settings.url}: gives the same page without end")
            before, at = listed, {"since": since, "page": page}
            for event in filter(None, map(event_in, listed)):
                version = EventVersion(str(event.get("uuid")), str(event.get("timestamp")))
                latest = max(latest, _seconds(event.get("publish_timestamp")))
                if not seen(version.digest):
                    yield from self._event(event, version, begun, {**at, "latest": latest})
            if len(listed) < self.settings.page:
                break
            page += 1
        ended = {"since": max(since, latest), "latest": max(since, latest), "page": 1}
        if ended != begun:
            yield Batch([], ended, 0)

    def _ask(self, opened: requests.Session, since: int, page: int) -> list[Any]:
        settings = self.settings
        asked: dict[str, Any] = {
            "returnFormat": "json",
            "page": page,
            "limit": settings.page,
            "published": True,
            "deleted": [0, 1],
        }
        if settings.tags:
            asked["tags"] = list(settings.tags)
        if since:
            asked["publish_timestamp"] = max(1, since - int(duration(settings.overlap).total_seconds()))
        url = settings.url or ""
        try:
            with peer_errors(url):
                response = opened.post(f"{url.rstrip('/')}/events/restSearch", json=asked)
                response.raise_for_status()
                document = orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            raise TryLater(f"{url}: answers, but not in JSON") from error
        except RequestRefused as error:
            raise Misconfigured(f"{url}: does not take this search (HTTP {error.status})") from error
        listed = document.get("response") if isinstance(document, dict) else document
        if not isinstance(listed, list):
            raise TryLater(f"{url}: answers, but not with a list of events")
        return listed

    def _event(
        self, event: Any, version: EventVersion, begun: dict[str, Any], where: dict[str, Any]
    ) -> Iterator[Batch]:
        settings = self.settings
        start = int(begun.get("row", 0)) if begun.get("event") == version.digest else 0
        options = settings.options(settings.contribute_as)

        def at(row: int) -> dict[str, Any]:
            return {**where, "event": version.digest, "row": row}

        yield from batches(event, version, start, options, settings.batch, at)


def _seconds(text: object) -> int:
    try:
        return int(str(text))
    except ValueError:
        return 0
