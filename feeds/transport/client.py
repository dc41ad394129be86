"""Requests to other people's servers: settings, sessions with limits, logins, retries, and errors by the next step."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, Annotated, Any, ClassVar, Self
from urllib.parse import urlsplit

import requests
from pydantic import Field, model_validator
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3 import BaseHTTPResponse, Retry
from urllib3.exceptions import InvalidHeader, MaxRetryError

from feeds.errors import Misconfigured, TryLater
from feeds.settings import Duration, Secret, duration
from feeds.transport.connections import AnswerOverdue, Limits, ProxySettings, Reply, check_url, pools
from schemas.text import escaped

_PORTS = {"http": 80, "https": 443}
_LONGEST_PLACE = 200
_CHUNK = 1 << 16


class OutboundSettings(ProxySettings):
    """Settings of every feed that sends requests to another server."""

    timeout: Annotated[Duration, Field(description="longest wait for the next part of a response")] = "30s"
    answer_within: Annotated[Duration, Field(description="longest time for one whole response")] = "10m"
    retries: Annotated[int, Field(ge=0, le=10, description="how often a request is repeated within a run")] = 3
    max_bytes: Annotated[int, Field(ge=1024, description="the largest response to accept, unpacked")] = 100 << 20
    allow_private: Annotated[bool, Field(description="allow connections to this machine and to private networks")] = (
        False
    )
    allow_http: Annotated[bool, Field(description="allow sending credentials over http:// to another machine")] = False
    ca_file: Annotated[
        Path | None, Field(description="file with the certificates of the authority that issued the peer's certificate")
    ] = None

    # The settings that are URLs of servers. A secret URL is checked when it is opened.
    server_urls: ClassVar[tuple[str, ...]] = ("url",)

    @property
    def has_credentials(self) -> bool:
        """Return whether requests carry credentials: true unless a connector overrides it."""
        return True

    @model_validator(mode="after")
    def _no_credentials_in_clear(self) -> Self:
        """Refuse an invalid URL, and one that would send credentials in clear."""
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
    """Open a session that sends requests to the servers of ``urls`` only, within the limits of ``settings``.

    Redirects are followed within one server (scheme, host, port), and never turn a POST into a GET. Any other redirect
    raises ``Misconfigured``, and so does a private address behind the name. Requests answered with 429, 502, 503 and
    504 are repeated, POSTs only with ``repeat_posts``. ``endless`` is for streams, which end only after silence. The
    environment's proxies and credentials are ignored.
    """
    if settings.ca_file is not None and not settings.ca_file.is_file():
        raise Misconfigured(f"ca_file: {settings.ca_file} does not exist")
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
    """Refuses redirects that would turn a POST into a GET; on close it also closes unread responses."""

    def __init__(self) -> None:
        super().__init__()
        self._streamed: list[requests.Response] = []

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        response = super().send(request, **kwargs)
        if kwargs.get("stream"):
            self._streamed = [*(kept for kept in self._streamed if not kept.raw.closed), response]
        return response

    def close(self) -> None:
        for response in self._streamed:
            # An interrupted or abandoned response holds a socket that no pool tracks.
            with suppress(OSError):
                response.close()
        self._streamed.clear()
        super().close()

    def rebuild_method(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        before = prepared_request.method
        super().rebuild_method(prepared_request, response)
        if prepared_request.method != before and before not in ("GET", "HEAD"):
            place = escaped(response.headers.get("Location", ""))[:_LONGEST_PLACE]
            raise Misconfigured(f"{_server(response.url)}: redirects to {place}; set this as the url if it is intended")


class _Adapter(HTTPAdapter):
    def __init__(self, origins: set[tuple[str, str, int | None]], limits: Limits, again: "BoundedRetry") -> None:
        self._origins = origins
        self._limits = limits
        self._budget = again.budget
        super().__init__(max_retries=again)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = pools(self._limits)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        # The proxy itself may have any address: the operator chose it.
        manager.pool_classes_by_scheme = pools(self._limits, to_proxy=True)
        return manager

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]  # the same, by name
        url = request.url or ""
        if origin(url) not in self._origins:
            raise Misconfigured(f"{_server(url)}: is not the configured server; set it as the url if it is intended")
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
    """Return scheme, host and port of a URL; empty if it is invalid."""
    try:
        parts = urlsplit(url)
        return parts.scheme.lower(), (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme.lower())
    except ValueError:
        return "", "", None


def _server(url: str) -> str:
    """Return the part of a URL that may be shown, without path and query, which may contain secrets."""
    scheme, host, port = origin(url)
    shown = f"{scheme}://{host}" + ("" if port == _PORTS.get(scheme) else f":{port}")
    return escaped(shown)[:_LONGEST_PLACE]


class PasswordSettings(OutboundSettings):
    """Settings of a feed whose server may ask for user and password."""

    user: Annotated[str | None, Field(description="user name at the server")] = None
    password: Annotated[Secret | None, Field(description="password at the server")] = None

    @model_validator(mode="after")
    def _whole_login(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("set both user and password")
        return self

    @property
    def has_credentials(self) -> bool:
        """Return whether a login is set."""
        return bool(self.user)

    def auth(self) -> AuthBase | None:
        """Return the login to set as ``auth`` of a session; None without one."""
        if self.user and self.password:
            return HTTPBasicAuth(self.user, self.password.reveal())
        return None


class LoginSettings(PasswordSettings):
    """Settings of a feed whose server may ask for user and password, or for a token."""

    token: Annotated[Secret | None, Field(description="a Bearer token instead of user and password")] = None

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if self.user and self.token:
            raise ValueError("set user and password, or token")
        return self

    @property
    def has_credentials(self) -> bool:
        """Return whether a login is set."""
        return bool(self.user or self.token)

    def auth(self) -> AuthBase | None:
        """Return the login to set as ``auth`` of a session; None without one."""
        return Bearer(self.token.reveal()) if self.token else super().auth()


class Bearer(AuthBase):
    """A token in the Authorization header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the token to a request."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class RequestRefused(Exception):
    """The peer refused a whole request; ``status`` is that of the response.

    A connector catches it if it concerns an item or a position. Otherwise the settings request something that the peer
    does not know, and a person must check them.
    """

    def __init__(self, status: int, peer: str = "the peer") -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.peer = peer


@contextmanager
def peer_errors(peer: str) -> Iterator[None]:
    """Convert errors of a peer to ``TryLater``, ``Misconfigured`` or ``RequestRefused``.

    ``peer`` is the server's name in messages. Statuses count if ``raise_for_status`` is called inside.
    """
    try:
        yield
    except requests.HTTPError as error:
        if (found := error.response) is None:
            raise error_of_status(peer, 0) from error
        after = retry_after_seconds(found.headers.get("Retry-After"))
        raise error_of_status(peer, found.status_code, after=after) from error
    except requests.exceptions.ProxyError as error:
        raise TryLater(f"{peer}: cannot be reached through the proxy") from error
    except requests.exceptions.SSLError as error:
        if _is_untrusted(error):
            raise Misconfigured(f"{peer}: its certificate is not trusted (ca_file sets a private authority)") from error
        raise TryLater(f"{peer}: closed the TLS connection") from error
    except (
        requests.exceptions.InvalidURL,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidSchema,
    ) as error:
        raise Misconfigured(f"{peer}: the URL cannot be used") from error
    except requests.exceptions.JSONDecodeError as error:
        raise TryLater(f"{peer}: its response is not JSON") from error
    except requests.RequestException as error:
        raise TryLater(f"{peer}: does not answer ({type(error).__name__})") from error


def error_of_status(peer: str, status: int, *, after: float = 0.0) -> Exception:
    """Return the error for a status; ``after`` is how many seconds the peer asks us to wait."""
    if status in (400, 413, 422):
        return RequestRefused(status, peer)
    if status in (401, 403):
        return Misconfigured(f"{peer}: refuses these credentials (HTTP {status})", status=status)
    if 400 <= status < 500 and status not in (408, 409, 425, 429):
        return Misconfigured(f"{peer}: no such resource (HTTP {status})", status=status)
    return TryLater(f"{peer}: cannot answer now (HTTP {status})", after=after, status=status)


def _is_untrusted(error: BaseException) -> bool:
    """Return whether a certificate was refused; other TLS errors are broken connections."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(seen):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


_AGAIN = (429, 502, 503, 504)
# A peer that asks for a longer pause is retried by the next run, which waits that long.
_LONGEST_PAUSE = 30.0
# A peer that asks for more than a day is retried once a day.
_LONGEST_WAIT = 86_400
_REPEATS = 10.0
_EARNED = 0.1


def retry_after_seconds(retry_after: str | None) -> float:
    """Return the seconds of a header ``Retry-After``, at most a day."""
    try:
        return Retry(retry_after_max=_LONGEST_WAIT).parse_retry_after(retry_after) if retry_after else 0.0
    except (InvalidHeader, ValueError, OverflowError):
        return 0.0


class RetryBudget:
    """The repeats that a session may still make: ten, and one more for every ten requests.

    Therefore a peer with problems gets a tenth more requests, not several times as many.
    """

    def __init__(self) -> None:
        self._left = _REPEATS
        self._changing = threading.Lock()

    def earn(self) -> None:
        """Count a request."""
        with self._changing:
            self._left = min(_REPEATS, self._left + _EARNED)

    def spend(self) -> bool:
        """Use one repeat; return False if none is left."""
        with self._changing:
            if self._left < 1:
                return False
            self._left -= 1
            return True


class BoundedRetry(Retry):
    """Repeats requests within a budget, and stops if the peer asks for a longer pause than a run should make."""

    budget: RetryBudget

    @classmethod
    def times(cls, count: int, *, posts: bool) -> Self:
        """Return a policy of up to ``count`` repeats; with ``posts`` also for methods that are not safe to repeat."""
        made = cls(
            total=count,
            status_forcelist=_AGAIN,
            allowed_methods=None if posts else Retry.DEFAULT_ALLOWED_METHODS,
            backoff_factor=0.5,
            backoff_jitter=0.5,
            raise_on_status=False,
        )
        made.budget = RetryBudget()
        return made

    def new(self, **more: Any) -> Self:
        """Return the next state of the policy, with the same budget."""
        made = super().new(**more)
        made.budget = self.budget
        return made

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> Self:
        """Count one attempt. Raises ``MaxRetryError`` if no further one is allowed."""
        counted = super().increment(method, url, response, error, _pool, _stacktrace)
        retry_after = response.headers.get("Retry-After") if response is not None else None
        if retry_after_seconds(retry_after) > _LONGEST_PAUSE or not self.budget.spend():
            raise MaxRetryError(_pool, url or "", error)
        return counted

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """Return the pause that the peer asks for; None if it cannot be read."""
        return retry_after_seconds(response.headers.get("Retry-After")) or None
