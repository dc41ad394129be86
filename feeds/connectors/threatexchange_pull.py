"""Signals and opinions of a privacy group of Meta's ThreatExchange, by its API ``threat_updates``.

The API: https://developers.facebook.com/docs/threat-exchange/reference/apis/threat-updates/; its fields, and the way
it pages, as the reference client has them (facebook/ThreatExchange, ``python-threatexchange``:
``exchanges/clients/fb_threatexchange/api.py``, ``threat_updates.py`` and ``exchanges/impl/fb_threatexchange_api.py``).
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import requests
from pydantic import Field

from feeds.connector import Batch, Misconfigured, Pull, PullSettings, Secret, TryLater
from feeds.mapping.batches import batch_of_rows, gone_in
from feeds.mapping.options import ReportSettings
from feeds.readers.columns.vocabulary import scam_type_of_tags, tlp_of_word
from feeds.readers.report_objects import text
from feeds.readers.rows import Row, Unreadable
from feeds.readers.signals import THREAT_TYPES
from feeds.transport.client import OutboundSettings, open_session, peer_errors
from feeds.transport.graph_api import error_of, refused_access
from mappers.marking import narrowest
from schemas.vocabulary import Tlp

_NUMBER = re.compile("[0-9]{1,15}")
_BAD = ("MALICIOUS", "SUSPICIOUS")

_Update = Mapping[str, Any]


def last_updated(update: object) -> int:
    """Return the time of an update in seconds since 1970, 0 if it has none."""
    time = update.get("last_updated") if isinstance(update, dict) else None
    return int(time) if isinstance(time, int | str) and _NUMBER.fullmatch(str(time)) else 0


def split(updates: Iterable[object]) -> tuple[list[Row | Unreadable], list[Row]]:
    """Return updates as rows; also return signals that are no longer scams as rows: deleted, or found harmless."""
    rows: list[Row | Unreadable] = []
    gone: list[Row] = []
    for number, update in enumerate(updates, 1):
        if not isinstance(update, dict):
            rows.append(
                Unreadable.of(number, text(update), "not-a-record", "not an update: an object with its columns")
            )
            continue
        opinions = _opinions(update)
        verdicts = {text(opinion.get("status")) for opinion in opinions}
        kind = THREAT_TYPES.get(text(update.get("type")))
        # A signal without any visible opinion is deleted (facebook/ThreatExchange, issue 834).
        deleted = update.get("should_delete") is True or "descriptors" not in update
        if kind is not None and (deleted or (not verdicts & {*_BAD} and "NON_MALICIOUS" in verdicts)):
            fields = {"kind": kind, "value": _value(update), "reported_at": text(update.get("last_updated"))}
            gone.append(Row(number, _filled(fields)))
        elif not deleted:
            rows.append(_row(number, update, kind, opinions))
    return rows, gone


def _row(number: int, update: _Update, kind: str | None, opinions: list[_Update]) -> Row | Unreadable:
    value = _value(update)
    if kind is None:
        return Unreadable.of(number, value, "unknown-kind", "no kind has this type of signal")
    bad = [opinion for opinion in opinions if text(opinion.get("status")) in _BAD]
    if not bad:
        return Unreadable.of(number, value, "no-verdict", "no opinion calls it malicious, suspicious or harmless")
    confidence = [opinion["confidence"] for opinion in bad if isinstance(opinion.get("confidence"), int | float)]
    levels = [Tlp(level) for word in _texts(bad, "share_level") if (level := tlp_of_word(word))]
    ends = _texts(bad, "expired_on")
    fields = {
        "kind": kind,
        "value": value,
        "reported_at": text(update.get("last_updated")),
        "scam_type": scam_type_of_tags(tag for opinion in bad for tag in _tags(opinion)) or "",
        "confidence": str(round(max(map(float, confidence)))) if confidence else "",
        "tlp": narrowest(levels) or "",
        "first_seen": min(filter(None, _texts(bad, "first_active")), default=""),
        "last_seen": max(_texts(bad, "last_active"), default=""),
        # One opinion without an end keeps the signal active.
        "valid_until": max(ends) if all(ends) else "",
        "reference": text(update.get("id")),
    }
    return Row(number, _filled(fields))


def _filled(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: str(text) for name, text in fields.items() if text}


def _texts(opinions: Iterable[_Update], name: str) -> list[str]:
    return [text(opinion.get(name)) for opinion in opinions]


def _value(update: _Update) -> str:
    value = text(update.get("indicator")).strip()
    # The type UNCLICKABLE_URL writes the scheme as [h]ttp.
    return f"h{value[3:]}" if value.startswith("[h]") else value


def _opinions(update: _Update) -> list[_Update]:
    return [opinion for opinion in _data(update.get("descriptors")) if isinstance(opinion, dict)]


def _tags(opinion: _Update) -> list[str]:
    return [text(tag.get("text") if isinstance(tag, dict) else tag) for tag in _data(opinion.get("tags"))]


def _data(value: Any) -> list[Any]:
    """Return a list, also one within an object under ``data``; empty for anything else."""
    listed = value.get("data") if isinstance(value, dict) else value
    return listed if isinstance(listed, list) else []


_FIELDS = (
    "id,indicator,type,last_updated,should_delete,"
    "descriptors{id,status,confidence,share_level,tags,expired_on,first_active,last_active}"
)
# The API reports deletions for 90 days; a run after a longer gap begins at the first update.
_TOLD_FOR = 85 * 86_400


class ThreatExchangePullSettings(OutboundSettings, ReportSettings, PullSettings):
    """The privacy group, and the login."""

    url: Annotated[str, Field(description="the Graph API, with its version")] = "https://graph.facebook.com/v24.0"
    privacy_group: Annotated[str, Field(pattern=r"^\d+$", description="number of the privacy group")]
    access_token: Annotated[Secret, Field(description="the app's access token: number of the app, |, its secret")]
    types: Annotated[
        tuple[Annotated[str, Field(pattern="^[A-Z_]+$")], ...],
        Field(description="only signals of these types, by the API's names"),
    ] = tuple(THREAT_TYPES)


class ThreatExchangePull(Pull[ThreatExchangePullSettings]):
    """Reads the updates in the API's order; a signal that was deleted or found harmless is withdrawn.

    A signal counts as a scam if one of its opinions says malicious or suspicious.
    """

    name: ClassVar[str] = "threatexchange-pull"
    settings_model = ThreatExchangePullSettings

    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        """Yield the updates after the last one read, and those of the same second again."""
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
                    since = max([since or 0, *map(last_updated, updates)])
                    page = _next(document)
                except (TypeError, ValueError, AttributeError) as error:
                    raise TryLater(f"{settings.url}: its response is not in the format of threat_updates") from error
                if page in had:
                    raise TryLater(f"{settings.url}: sends more pages than allowed")
                had += [page] if page else []
                rows, gone = split(updates)
                at = {"since": since, "asked": asked} | ({"page": page} if page else {})
                yield batch_of_rows(rows, at, options, gone=gone_in(gone, options))
                if not page:
                    return

    def _ask(self, opened: requests.Session, since: int | None, page: dict[str, str] | None) -> dict[str, Any]:
        settings = self.settings
        asked = {"fields": _FIELDS, "limit": str(settings.batch), "types": ",".join(settings.types)}
        if since:
            asked["start_time"] = str(since)
        # A cursor belongs to the original request and not to our position.
        asked = {**(page or asked), "access_token": settings.access_token.reveal()}
        with peer_errors(settings.url):
            response = opened.get(f"{settings.url.rstrip('/')}/{settings.privacy_group}/threat_updates/", params=asked)
            if response.status_code < 400 or error_of(response) is None:
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


def _consequence(peer: str, response: requests.Response, *, paging: bool) -> Exception:
    """Return the error that follows from an error of the Graph API."""
    error = error_of(response) or {}
    if (refused := refused_access(peer, response, error, "read")) is not None:
        return refused
    code = error.get("code")
    if code == 100 and paging:
        return _Stale()
    if code in (100, 803):
        return Misconfigured(f"{peer}: does not know this privacy group, or one of the types")
    return TryLater(f"{peer}: cannot answer now; if this persists, threat_updates may not be enabled for the group")
