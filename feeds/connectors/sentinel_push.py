"""Uploads indicators to a workspace of Microsoft Sentinel, by its upload API."""

import time
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import quote

import orjson
import requests
from pydantic import Field, model_validator

from feeds.connector import Answer, Misconfigured, Push, PushSettings, Secret, TryLater
from feeds.runs.push import matches
from feeds.transport.client import OutboundSettings, RequestRefused, open_session, peer_errors
from feeds.transport.envelopes import EnvelopeSender, refused_answer, skipped_answer
from schemas.vocabulary import Action
from server.store.item import Item

_LOGIN, _API = "the login", "the upload API"
# Maximum number of objects per request of the API.
_AT_ONCE = 100
_LARGEST = 10 << 20
_VERSION = "2024-02-01-preview"
_SCOPE = "https://management.azure.com/.default"
# A token is renewed this long before it expires.
_EARLY_SECONDS = 120.0
# After this text an error message repeats the rejected value.
_VALUE = "Actual value"


class SentinelPushSettings(OutboundSettings, PushSettings):
    """The workspace, and the application with the role Microsoft Sentinel Contributor there."""

    server_urls: ClassVar[tuple[str, ...]] = ("login_url", "api_url")

    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+$", description="id or domain of the Entra tenant")]
    client_id: Annotated[str, Field(pattern=r"^[0-9A-Fa-f-]{36}$", description="id of the registered application")]
    client_secret: Annotated[Secret, Field(description="the application's secret")]
    workspace: Annotated[str, Field(pattern=r"^[0-9A-Fa-f-]{36}$", description="id of the Log Analytics workspace")]
    source: Annotated[str, Field(min_length=1, description="name of the indicators' source in Sentinel")] = "Scamfeed"
    requests_a_minute: Annotated[
        int, Field(ge=1, description="requests per minute; the API allows 100 for all senders together")
    ] = 100
    least_grade: Annotated[
        Action | None, Field(description="the weakest grade to upload; indicators that fall below it are revoked there")
    ] = Action.BLOCK
    login_url: Annotated[str, Field(description="the login server; national clouds have their own")] = (
        "https://login.microsoftonline.com"
    )
    api_url: Annotated[str, Field(description="the server of the upload API; national clouds have their own")] = (
        "https://api.ti.sentinel.azure.com"
    )

    @model_validator(mode="after")
    def _own_source(self) -> Self:
        if self.source == "Microsoft Sentinel":
            raise ValueError("source: this name is reserved by Microsoft; set another")
        return self


class SentinelPush(Push[SentinelPushSettings]):
    """Uploads indicators, 100 per request, within the API's limit of requests per minute.

    Each version of an indicator is a row there, which costs money; only indicators are uploaded.
    """

    name: ClassVar[str] = "sentinel-push"
    settings_model = SentinelPushSettings

    def __init__(self, settings: SentinelPushSettings) -> None:
        super().__init__(settings)
        self._session: requests.Session | None = None
        self._expires = 0.0
        self._next = 0.0
        workspace = quote(settings.workspace, safe="")
        self._upload = (
            f"{settings.api_url.rstrip('/')}/workspaces/{workspace}/threat-intelligence-stix-objects:upload"
            f"?api-version={_VERSION}"
        )
        self._login = f"{settings.login_url.rstrip('/')}/{quote(settings.tenant, safe='')}/oauth2/v2.0/token"
        self._envelopes = EnvelopeSender(_API, self._post, most_bytes=_LARGEST, most_items=_AT_ONCE)

    def push(self, items: Sequence[Item]) -> list[Answer]:
        self._logged_in()
        indicators = [self._as_uploaded(item) for item in items if item.type == "indicator"]
        others = [
            skipped_answer(item, "Sentinel receives only indicators") for item in items if item.type != "indicator"
        ]
        return self._envelopes.send(indicators) + others

    def _as_uploaded(self, item: Item) -> Item:
        """Return an indicator as uploaded: revoked if it was sent before and no longer matches the settings."""
        indicator = orjson.loads(item.body)
        if item.revoked or matches(self.settings, indicator):
            return item
        return Item.of({**indicator, "revoked": True})

    def close(self) -> None:
        """Close the connection; the next run logs in with the secret that is valid then."""
        if self._session is not None:
            self._session.close()
        self._session = None
        self._expires = 0.0

    def _post(self, items: Sequence[Item]) -> list[Answer]:
        opened = self._logged_in()
        source = orjson.dumps(self.settings.source)
        body = b'{"sourcesystem":%b,"stixobjects":[%b]}' % (source, b",".join(item.body for item in items))
        self._wait()
        with peer_errors(_API):
            answer = opened.post(self._upload, data=body, headers={"Content-Type": "application/json"})
            answer.raise_for_status()
            errors = _errors(answer, len(items))
        return [
            refused_answer(item, errors[place]) if place in errors else Answer(item, True, "success")
            for place, item in enumerate(items)
        ]

    def _wait(self) -> None:
        """Wait until the next request is allowed."""
        now = time.monotonic()
        if self._next > now:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + 60 / self.settings.requests_a_minute

    def _logged_in(self) -> requests.Session:
        """Return a session with a valid token."""
        settings = self.settings
        if self._session is None:
            # A repeated upload is the same version of the same indicator.
            self._session = open_session(settings, settings.login_url, settings.api_url, repeat_posts=True)
        if time.monotonic() < self._expires:
            return self._session
        asked = {
            "grant_type": "client_credentials",
            "client_id": settings.client_id,
            "client_secret": settings.client_secret.reveal(),
            "scope": _SCOPE,
        }
        try:
            with peer_errors(_LOGIN):
                self._session.headers.pop("Authorization", None)
                answer = self._session.post(self._login, data=asked)
                answer.raise_for_status()
                document = answer.json()
            token, seconds = str(document["access_token"]), float(document.get("expires_in", 0))
        except RequestRefused as refusal:
            raise Misconfigured(f"{_LOGIN}: refuses tenant, client_id or client_secret ({refusal})") from refusal
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise TryLater(f"{_LOGIN}: its response contains no token") from error
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._expires = time.monotonic() + max(0.0, seconds - _EARLY_SECONDS)
        return self._session


def _errors(answer: requests.Response, count: int) -> dict[int, str]:
    """Return the errors of objects by position; an empty answer has none."""
    if not answer.content.strip():
        return {}
    document: Any = answer.json()
    try:
        errors = {
            int(error["recordIndex"]): _message(error.get("errorMessages")) for error in document.get("errors") or ()
        }
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise TryLater(f"{_API}: its response is not in the documented format") from error
    if any(not 0 <= place < count for place in errors):
        raise TryLater(f"{_API}: reports errors of objects that were not sent")
    return errors


def _message(messages: Any) -> str:
    """Return an error message without the rejected value."""
    return "; ".join(str(message).partition(_VALUE)[0].strip() for message in messages or ())
