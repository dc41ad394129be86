"""Signals and opinions of a privacy group of Meta's ThreatExchange, by its API ``threat_updates``.

The API: https://developers.facebook.com/docs/threat-exchange/reference/apis/threat-updates/; its fields, and the way
it pages, as the reference client has them (facebook/ThreatExchange, ``python-threatexchange``:
``exchanges/clients/fb_threatexchange/api.py``, ``threat_updates.py`` and ``exchanges/impl/fb_threatexchange_api.py``).
"""

import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import requests
from pydantic import Field

from feeds.connector import Batch, Misconfigured, Pull, PullSettings, Secret, TryLater
from feeds.http.client import OutboundSettings, open_session
from feeds.http.failures import peer_errors
from feeds.mapping.batches import batch_of_rows
from feeds.mapping.options import ReportSettings
from feeds.readers import threatexchange

_FIELDS = (
    "id,indicator,type,last_updated,should_delete,"
    "descriptors{id,status,confidence,share_level,tags,expired_on,first_active,last_active}"
)
# The API reports deletions for 90 days; a later run begins at the first update.
_TOLD_FOR = 85 * 86_400


class ThreatExchangePullSettings(OutboundSettings, ReportSettings, PullSettings):
    """The privacy group, and the login."""

    url: Annotated[str, Field(description="the Graph API, with its version")] = "https://graph.facebook.com/v24.0"
    privacy_group: Annotated[str, Field(pattern=r"^\d+$", description="number of the privacy group")]
    access_token: Annotated[Secret, Field(description="our app's access token: number of the app, |, its secret")]
    types: Annotated[
        tuple[Annotated[str, Field(pattern="^[A-Z_]+$")], ...],
        Field(description="only signals of these types, as the API calls them"),
    ] = tuple(threatexchange.KINDS)


class ThreatExchangePull(Pull[ThreatExchangePullSettings]):
    """Reads the updates in the API's order; a signal that was deleted, or found good, is withdrawn.

    A signal counts as a scam if one of its opinions says malicious or suspicious.
    """

    name: ClassVar[str] = "threatexchange-pull"
    settings_model = ThreatExchangePullSettings

    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        """Yield the updates since the last that was read; those of its second come again."""
        settings = self.settings
        options = settings.options(settings.contribute_as)
        place = checkpoint or {}
        if time.time() - float(place.get("asked", time.time())) > _TOLD_FOR:
            place = {}
        since, page = place.get("since"), place.get("page")
        had: list[dict[str, str]] = []
        with open_session(settings, settings.url) as opened:
            while True:
                asked = int(time.time())
                try:
                    document = self._ask(opened, since, page)
                except _Stale:
                    page = None
                    document = self._ask(opened, since, page)
                try:
                    updates = list(document.get("data", []))
                    since = max([since or 0, *map(threatexchange.last_updated, updates)])
                    page = _next(document)
                except (TypeError, ValueError, AttributeError) as error:
                    raise TryLater(f"{settings.url}: answers, but not as threat_updates does") from error
                if page in had:
                    raise TryLater(f"{settings.url}: gives one page after another without end")
                had += [page] if page else []
                rows, gone = threatexchange.split(updates)
                at = {"since": since, "asked": asked} | ({"page": page} if page else {})
                yield batch_of_rows(rows, at, options, gone=gone)
                if not page:
                    return

    def _ask(self, opened: requests.Session, since: int | None, page: dict[str, str] | None) -> dict[str, Any]:
        settings = self.settings
        asked = {"fields": _FIELDS, "limit": str(settings.batch), "types": ",".join(settings.types)}
        if since:
            asked["start_time"] = str(since)
        # A cursor belongs to what was asked first, not to how far that has brought us.
        asked = {**(page or asked), "access_token": settings.access_token.reveal()}
        with peer_errors(settings.url):
            response = opened.get(f"{settings.url.rstrip('/')}/{settings.privacy_group}/threat_updates/", params=asked)
            if response.status_code < 400 or _error(response) is None:
                response.raise_for_status()
                document = response.json()
                if isinstance(document, dict) and "error" not in document:
                    return document
            raise _consequence(settings.url, response, paging=page is not None)


class _Stale(Exception):
    """The API no longer knows its cursor."""


def _next(document: dict[str, Any]) -> dict[str, str] | None:
    """Return the parameters of the next page's URL, without the token."""
    url = (document.get("paging") or {}).get("next")
    if not url:
        return None
    return {name: value for name, value in parse_qsl(urlsplit(str(url)).query) if name != "access_token"}


def _error(response: requests.Response) -> dict[str, Any] | None:
    try:
        document = response.json()
    except requests.exceptions.JSONDecodeError:
        return None
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, dict) else None


def _consequence(peer: str, response: requests.Response, *, paging: bool) -> Exception:
    """Return the error that follows from an error of the Graph API, which has its own codes and mostly status 400.

    The codes: https://developers.facebook.com/docs/graph-api/guides/error-handling/.
    """
    code = (_error(response) or {}).get("code")
    if code in (102, 190) or response.status_code == 401:
        return Misconfigured(f"{peer}: refuses the access token")
    if code in (3, 10) or (isinstance(code, int) and 200 <= code < 300):
        return Misconfigured(f"{peer}: this app may not read this privacy group")
    if code == 100 and paging:
        return _Stale()
    if code in (100, 803):
        return Misconfigured(f"{peer}: does not know this privacy group, or one of the types")
    return TryLater(f"{peer}: cannot answer now; where it stays so, threat_updates may not be enabled for the group")
