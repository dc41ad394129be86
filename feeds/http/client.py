"""Requests to other people's servers: only the configured ones, within bounds of time and size."""

from collections.abc import Iterator
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, Annotated, Any, ClassVar, Self
from urllib.parse import urlsplit

import requests
from pydantic import Field, model_validator
from requests.adapters import HTTPAdapter

from feeds.connector import Duration, Misconfigured, TryLater, duration
from feeds.http.address_guard import check_url
from feeds.http.connections import AnswerOverdue, Limits, Reply, pools
from feeds.http.proxy import ProxySettings
from feeds.http.retry import BoundedRetry
from schemas.text import escaped

_PORTS = {"http": 80, "https": 443}
_LONGEST_PLACE = 200
_CHUNK = 1 << 16


class OutboundSettings(ProxySettings):
    """Settings of every feed that sends requests to another server."""

    timeout: Annotated[Duration, Field(description="how long an answer may take to begin or go on")] = "30s"
    answer_within: Annotated[Duration, Field(description="how long one whole answer may take")] = "10m"
    retries: Annotated[int, Field(ge=0, le=10, description="how often a request is repeated within a run")] = 3
    max_bytes: Annotated[int, Field(ge=1024, description="the largest answer to take, unpacked")] = 100 << 20
    allow_private: Annotated[
        bool, Field(description="connect to this machine and to private networks all the same")
    ] = False
    allow_http: Annotated[bool, Field(description="send credentials over http:// to another machine all the same")] = (
        False
    )
    ca_file: Annotated[Path | None, Field(description="certificates of the authority that the peer's is from")] = None

    # The settings that are URLs of servers. One that is a secret is checked when it is opened.
    server_urls: ClassVar[tuple[str, ...]] = ("url",)

    @property
    def has_credentials(self) -> bool:
        """Return whether requests carry credentials: yes, unless a connector knows better."""
        return True

    @model_validator(mode="after")
    def _no_credentials_in_clear(self) -> Self:
        """Refuse a bad URL, and one that would send credentials in clear."""
        for setting in self.server_urls:
            url = getattr(self, setting, None)
            if isinstance(url, str):
                try:
                    check_url(url, credentials=self.has_credentials, allow_http=self.allow_http)
                except ValueError as error:
                    raise ValueError(f"{setting}: {error}") from None
        return self


def open_session(
    settings: OutboundSettings, *urls: str, repeat_posts: bool = False, endless: bool = False
) -> requests.Session:
    """Open a session that asks the servers of ``urls`` only, within the limits of ``settings``.

    Redirects are followed within one server (scheme, host, port), and never turn a POST into a GET; any other redirect,
    and a private address behind the name, raises ``Misconfigured``. Answers of 429, 502, 503 and 504 are repeated,
    POSTs only with ``repeat_posts``. ``endless`` is for streams, which only silence ends. The environment's proxies and
    credentials are ignored.
    """
    if settings.ca_file is not None and not settings.ca_file.is_file():
        raise Misconfigured(f"ca_file: there is no {settings.ca_file}")
    limits = Limits(
        timeout=duration(settings.timeout).total_seconds(),
        whole=None if endless else duration(settings.answer_within).total_seconds(),
        most=None if endless else settings.max_bytes,
        allow_private=settings.allow_private,
    )
    opened = _Session()
    opened.trust_env = False
    opened.max_redirects = 5
    opened.verify = str(settings.ca_file) if settings.ca_file else True
    opened.headers.update({"User-Agent": "scamfeed", "Accept-Encoding": "gzip"})
    if settings.proxy:
        opened.proxies = dict.fromkeys(_PORTS, settings.proxy_url())
    adapter = _Adapter({origin(url) for url in urls}, limits, BoundedRetry.times(settings.retries, posts=repeat_posts))
    for scheme in _PORTS:
        opened.mount(f"{scheme}://", adapter)
    return opened


def open_body(response: requests.Response) -> IO[bytes]:
    """Return the unpacked body of a response to ``stream=True``, as a file to read once."""
    return BufferedReader(_Body(response.iter_content(_CHUNK)), _CHUNK)


class _Session(requests.Session):
    """Refuses redirects that would turn a POST into a GET."""

    def rebuild_method(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        before = prepared_request.method
        super().rebuild_method(prepared_request, response)
        if prepared_request.method != before and before not in ("GET", "HEAD"):
            place = escaped(response.headers.get("Location", ""))[:_LONGEST_PLACE]
            raise Misconfigured(f"{_server(response.url)}: redirects to {place}: give that as the url, if it is meant")


class _Adapter(HTTPAdapter):
    def __init__(self, origins: set[tuple[str, str, int | None]], limits: Limits, again: BoundedRetry) -> None:
        self._origins = origins
        self._limits = limits
        self._budget = again.budget
        super().__init__(max_retries=again)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = pools(self._limits)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        # The proxy itself may be anywhere: it is the operator's.
        manager.pool_classes_by_scheme = pools(self._limits, to_proxy=True)
        return manager

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]  # the same, by name
        url = request.url or ""
        if origin(url) not in self._origins:
            raise Misconfigured(f"{_server(url)}: another server than the configured one: give it as the url, if meant")
        if kwargs.get("proxies"):
            self._limits.check_literal(urlsplit(url).hostname or "")
        kwargs["timeout"] = kwargs.get("timeout") or self._limits.timeout
        self._budget.earn()
        try:
            return super().send(request, **kwargs)
        except AnswerOverdue as error:
            raise TryLater(f"{_server(url)}: {error}") from error

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        response = super().build_response(req, resp)
        response.raw = Reply(resp, self._limits, _server(req.url or ""))
        return response


class _Body(RawIOBase):
    """Reads the chunks of a body as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = memoryview(chunk)
        taken = min(len(into), len(self._left))
        into[:taken] = self._left[:taken]
        self._left = self._left[taken:]
        return taken


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of a URL; empty for a text that is no URL."""
    try:
        parts = urlsplit(url)
        return parts.scheme.lower(), (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme.lower())
    except ValueError:
        return "", "", None


def _server(url: str) -> str:
    """Return the part of a URL that may be shown: never path and query, where secrets may be."""
    scheme, host, port = origin(url)
    shown = f"{scheme}://{host}" + ("" if port == _PORTS.get(scheme) else f":{port}")
    return escaped(shown)[:_LONGEST_PLACE]
