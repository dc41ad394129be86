"""Other people's TAXII servers through taxii2-client, with what that leaves out: timeouts, retries, plain errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from taxii2client.common import _HTTPConnection
from taxii2client.exceptions import AccessError, TAXIIServiceException
from urllib3 import BaseHTTPResponse, Retry

from feeds.connector import Misconfigured, TryLater

MEDIA_TYPE = "application/taxii+json;version=2.1"
_AGAIN = (429, 502, 503, 504)
# A peer that asks for more is tried again by the next run.
_LONGEST_PAUSE = 30.0


class Refused(Exception):
    """The peer refuses what was sent, as a whole; ``status`` is the answer's."""

    def __init__(self, status: int) -> None:
        """Tell that the answer was ``status``."""
        super().__init__(f"HTTP {status}")
        self.status = status


class Bearer(AuthBase):
    """A token in the Authorization header."""

    def __init__(self, token: str) -> None:
        """Take the token."""
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token into a request."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def connection(
    *, user: str | None, password: str | None, token: str | None, timeout: float, retries: int, ca_file: Path | None
) -> Any:
    """Open a connection for taxii2-client's ``ApiRoot`` and ``Collection``; its session never waits for ever.

    Answers that ask for another try get it, ``retries`` times. Redirects are refused: the client would repeat a POST
    as a GET, and credentials belong to one server.
    """
    auth: AuthBase | None = None
    if token:
        auth = Bearer(token)
    elif user:
        auth = HTTPBasicAuth(user, password or "")
    opened = _HTTPConnection(verify=str(ca_file) if ca_file else True, version="2.1", auth=auth)
    session: requests.Session = opened.session
    adapter = _Adapter(timeout, retries)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.hooks["response"].append(_repair)
    return opened


@contextmanager
def consequences(peer: str) -> Iterator[None]:
    """Turn whatever goes wrong with a peer into ``TryLater``, ``Misconfigured`` or ``Refused``."""
    try:
        yield
    except requests.HTTPError as error:
        raise _of_status(peer, error.response.status_code) from error
    except requests.exceptions.SSLError as error:
        raise Misconfigured(f"{peer}: its certificate is not trusted here (ca_file names another authority)") from error
    except (
        requests.exceptions.InvalidURL,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidSchema,
    ) as error:
        raise Misconfigured(f"{peer}: not a URL that can be asked") from error
    except requests.RequestException as error:
        raise TryLater(f"{peer}: does not answer ({type(error).__name__})") from error
    except AccessError as error:
        raise Misconfigured(f"{peer}: lets this user not write there") from error
    except (TAXIIServiceException, KeyError, TypeError, AttributeError) as error:
        raise TryLater(f"{peer}: answers, but not as TAXII 2.1 does ({type(error).__name__})") from error


def _of_status(peer: str, status: int) -> Exception:
    if status in (400, 413, 422):
        return Refused(status)
    if status in (401, 403):
        return Misconfigured(f"{peer}: refuses these credentials (HTTP {status})")
    if 400 <= status < 500 and status not in (408, 425, 429):
        return Misconfigured(f"{peer}: has no such collection, or speaks no TAXII 2.1 there (HTTP {status})")
    return TryLater(f"{peer}: cannot answer now (HTTP {status})")


class _Retry(Retry):
    """Waits no longer than a run should, whatever the peer asks."""

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, _LONGEST_PAUSE)


class _Adapter(HTTPAdapter):
    def __init__(self, timeout: float, retries: int) -> None:
        self._timeout = timeout
        again = _Retry(
            total=retries,
            status_forcelist=_AGAIN,
            # TAXII's POST may be repeated: an object version that is there already stays as it is.
            allowed_methods=None,
            backoff_factor=0.5,
            backoff_jitter=0.5,
            raise_on_status=False,
        )
        super().__init__(max_retries=again)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]  # the same, by name
        kwargs["timeout"] = kwargs.get("timeout") or self._timeout
        return super().send(request, **kwargs)


def _repair(response: requests.Response, **_: Any) -> None:
    """Refuse redirects; give an answer the media type that the client compares letter by letter."""
    if response.is_redirect or response.is_permanent_redirect:
        place = response.headers.get("Location", "")
        raise Misconfigured(f"{response.url}: redirects to {place}: give that as the url, if it is meant")
    said = response.headers.get("Content-Type", MEDIA_TYPE).lower()
    response.headers["Content-Type"] = said if "version=" in said else f"{said};version=2.1"
