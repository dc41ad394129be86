"""Indicators of OpenCTI, from a TAXII 2.1 collection of it or from one of its live streams.

The collection: OpenCTI-Platform/opencti, ``opencti-graphql/src/http/httpTaxii.js`` and ``domain/taxii.js``. The stream:
https://docs.opencti.io/latest/reference/streaming/, and ``opencti-graphql/src/graphql/sseMiddleware.js`` (``from``,
``recover``, ``listen-delete``, ``no-dependencies``; the events ``connected``, ``heartbeat``, ``create``, ``update``,
``delete``, ``merge``).
"""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import quote

import orjson
import requests
from pydantic import Field, model_validator

from feeds.connector import Batch, Duration, Misconfigured, Pull, PullSettings, Secret, TryLater
from feeds.http.client import OutboundSettings, open_session
from feeds.http.failures import RequestRefused, peer_errors
from feeds.http.login import Bearer
from feeds.http.taxii import MEDIA_TYPE
from feeds.mapping.batches import batch_of_rows
from feeds.mapping.options import ReportSettings
from feeds.readers import opencti
from feeds.readers.opencti import LiveStream

_SHIFTED = "X-TAXII-Date-Added-Last"


class OpenctiPullSettings(OutboundSettings, ReportSettings, PullSettings):
    """The server, the login, and the collection or stream to read."""

    url: Annotated[str, Field(description="address of OpenCTI, with the path that it may lie under")]
    token: Annotated[Secret | None, Field(description="our token there; public collections and streams need none")] = (
        None
    )
    collection: Annotated[str | None, Field(description="id of a TAXII collection")] = None
    stream: Annotated[str | None, Field(description="id of a live stream")] = None
    stay: Annotated[Duration, Field(description="with stream: how long to listen on for news before the run ends")] = (
        "5m"
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.collection is None) == (self.stream is None):
            raise ValueError("give collection or stream")
        return self

    @property
    def has_credentials(self) -> bool:
        """Return whether a token is set."""
        return self.token is not None


class OpenctiPull(Pull[OpenctiPullSettings]):
    """Reads a collection in its order, or a stream from its last position; only a stream reports deletions.

    If a stream has forgotten the position, the gap is filled from OpenCTI's database, which reports no deletions.
    """

    name: ClassVar[str] = "opencti-pull"
    settings_model = OpenctiPullSettings

    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        """Yield the indicators since the last that was read."""
        settings = self.settings
        with open_session(settings, settings.url, endless=settings.stream is not None) as opened:
            if settings.token:
                opened.auth = Bearer(settings.token.reveal())
            if settings.stream is not None:
                url = f"{settings.url.rstrip('/')}/stream/{quote(settings.stream, safe='')}"
                yield from LiveStream(opened, url, settings, settings.stay, settings.batch).read(checkpoint or {})
            else:
                yield from self._collection(opened, checkpoint or {})

    def _collection(self, opened: requests.Session, place: dict[str, Any]) -> Iterator[Batch]:
        settings = self.settings
        options = settings.options(settings.contribute_as)
        had = [place]
        while True:
            envelope, shifted = self._ask(opened, place)
            listed = envelope.get("objects") or []
            if not listed:
                return
            # ``next`` is given on the last page too, leads on from there, and never expires.
            if following := envelope.get("next"):
                place = {"next": str(following)}
            elif shifted:
                place = {"added_after": shifted}
            elif envelope.get("more") is True:
                raise TryLater(f"{settings.url}: says that there is more, and not where")
            if envelope.get("more") is True and place in had:
                raise TryLater(f"{settings.url}: gives one page after another without end")
            had.append(place)
            rows, gone = opencti.split(listed)
            yield batch_of_rows(rows, place, options, gone=gone)
            if envelope.get("more") is not True:
                return

    def _ask(self, opened: requests.Session, place: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
        settings = self.settings
        url = f"{settings.url.rstrip('/')}/taxii2/root/collections/{quote(settings.collection or '', safe='')}/objects/"
        asked = {"limit": str(settings.batch), **place}
        try:
            with peer_errors(settings.url):
                response = opened.get(url, params=asked, headers={"Accept": MEDIA_TYPE})
                response.raise_for_status()
                envelope = orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            raise TryLater(f"{settings.url}: answers, but not in JSON") from error
        except RequestRefused as error:
            raise Misconfigured(f"{settings.url}: does not take this question (HTTP {error.status})") from error
        if not isinstance(envelope, dict) or not isinstance(envelope.get("objects", []), list):
            raise TryLater(f"{settings.url}: answers, but not with an envelope of TAXII 2.1")
        return envelope, response.headers.get(_SHIFTED)
