"""Errors of peers, by what follows: try again later, a person must change settings, or the item is refused."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from feeds.connector import Misconfigured, TryLater
from feeds.http.retry import retry_after_seconds


class RequestRefused(Exception):
    """The peer refused a whole request; ``status`` is the answer's.

    A connector catches it if it concerns an item or a position. Otherwise the settings ask for something that the peer
    does not know: a person must look.
    """

    def __init__(self, status: int, peer: str = "the peer") -> None:
        """Keep the ``peer`` and the ``status`` of its answer."""
        super().__init__(f"HTTP {status}")
        self.status = status
        self.peer = peer


@contextmanager
def peer_errors(peer: str) -> Iterator[None]:
    """Turn errors of a peer into ``TryLater``, ``Misconfigured`` or ``RequestRefused``.

    ``peer`` names the server in messages. Statuses count if ``raise_for_status`` is called inside.
    """
    try:
        yield
    except requests.HTTPError as error:
        raise _of_response(peer, error.response) from error
    except requests.exceptions.ProxyError as error:
        raise TryLater(f"{peer}: cannot be reached through the proxy") from error
    except requests.exceptions.SSLError as error:
        if _is_untrusted(error):
            raise Misconfigured(
                f"{peer}: its certificate is not trusted here (ca_file names another authority)"
            ) from error
        raise TryLater(f"{peer}: breaks off the TLS connection") from error
    except (
        requests.exceptions.InvalidURL,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidSchema,
    ) as error:
        raise Misconfigured(f"{peer}: not a URL that can be asked") from error
    except requests.exceptions.JSONDecodeError as error:
        raise TryLater(f"{peer}: answers, but not in JSON") from error
    except requests.RequestException as error:
        raise TryLater(f"{peer}: does not answer ({type(error).__name__})") from error


def _of_response(peer: str, response: requests.Response | None) -> Exception:
    if response is None:
        return error_of_status(peer, 0)
    return error_of_status(peer, response.status_code, after=retry_after_seconds(response.headers.get("Retry-After")))


def error_of_status(peer: str, status: int, *, after: float = 0.0) -> Exception:
    """Return the error that follows from a status; ``after`` is the seconds that the peer asks to wait."""
    if status in (400, 413, 422):
        return RequestRefused(status, peer)
    if status in (401, 403):
        return Misconfigured(f"{peer}: refuses these credentials (HTTP {status})", status=status)
    if 400 <= status < 500 and status not in (408, 409, 425, 429):
        return Misconfigured(f"{peer}: there is nothing to be had there (HTTP {status})", status=status)
    return TryLater(f"{peer}: cannot answer now (HTTP {status})", after=after, status=status)


def _is_untrusted(error: BaseException) -> bool:
    """Return whether a certificate was refused; other TLS errors are broken connections."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(seen):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
