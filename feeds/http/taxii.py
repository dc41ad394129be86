"""Other people's TAXII servers through taxii2-client, with timeouts, retries and plain errors added."""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import quote, urljoin

import msgspec
import requests
from taxii2client.common import _HTTPConnection
from taxii2client.exceptions import AccessError, TAXIIServiceException

from feeds.connector import Misconfigured, TryLater
from feeds.http import client
from feeds.http.failures import peer_errors
from feeds.http.login import LoginSettings

MEDIA_TYPE = "application/taxii+json;version=2.1"


def open_connection(settings: LoginSettings, url: str, *, version: str = "2.1") -> Any:
    """Open a connection to the server of ``url`` for taxii2-client's ``ApiRoot`` and ``Collection``.

    It asks that server only, with the login and within the limits of ``settings``. TAXII POSTs may be repeated: an
    object version that is there already stays as it is.
    """
    opened = _HTTPConnection(version=version)
    theirs: requests.Session = opened.session
    ours = client.open_session(settings, url, repeat_posts=True)
    ours.auth = settings.auth()
    ours.hooks["response"] += [_repair if version == "2.1" else _repair_2_0, _read_fast]
    theirs.close()
    opened.session = ours
    return opened


def collection_url(url: str, named: str | None) -> str:
    """Return the URL of the collection ``named`` at the API root ``url``; ``url`` itself if none is named."""
    url = url if url.endswith("/") else url + "/"
    return urljoin(url, f"collections/{quote(named, safe='')}/") if named else url


def open_collection(opened: Any, kind: Any, url: str, media_type: str = MEDIA_TYPE) -> Any:
    """Read the collection at ``url``, and return it as the ``kind`` of taxii2-client.

    Raises as ``taxii_errors`` expects.
    """
    about = opened.get(url, headers={"Accept": media_type})
    # The client wants the id in the URL, where the configuration may have an alias.
    by_id = urljoin(url, f"../{quote(about['id'], safe='')}/")
    return kind(by_id, conn=opened, collection_info=about)


@contextmanager
def taxii_errors(peer: str) -> Iterator[None]:
    """Turn errors of a TAXII server into ``TryLater``, ``Misconfigured`` or ``RequestRefused``."""
    try:
        with peer_errors(peer):
            yield
    except AccessError as error:
        raise Misconfigured(f"{peer}: lets this user not write there") from error
    except (TAXIIServiceException, KeyError, TypeError, AttributeError) as error:
        raise TryLater(f"{peer}: answers, but not as TAXII does ({type(error).__name__})") from error


def _repair(response: requests.Response, **_: Any) -> None:
    """Set the media type of an answer to the text that the client compares with."""
    media_type = response.headers.get("Content-Type", MEDIA_TYPE).lower()
    response.headers["Content-Type"] = media_type if "version=" in media_type else f"{media_type};version=2.1"


def _repair_2_0(response: requests.Response, **_: Any) -> None:
    """Set the media type of an answer to the one asked for: servers mix up the two of TAXII 2.0."""
    if "json" in response.headers.get("Content-Type", "json").lower():
        response.headers["Content-Type"] = str(response.request.headers.get("Accept", ""))


def _read_fast(response: requests.Response, **_: Any) -> None:
    """Let the client read the JSON of an answer by a fast parser."""
    # Not by the answer itself: it would hold itself, and pages of megabytes would stay until they are collected.
    read = partial(_parsed, weakref.ref(response))
    response.json = read  # type: ignore[method-assign]  # the client calls it so


def _parsed(answer: "weakref.ref[requests.Response]") -> Any:
    """Return the JSON of an answer; what the fast parser does not take is left to the careful one."""
    response = answer()
    if response is None:
        raise ReferenceError("the answer is gone")
    try:
        return msgspec.json.decode(response.content)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return requests.Response.json(response)
