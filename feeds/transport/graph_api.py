"""Errors of Meta's Graph API, which has its own codes and mostly status 400.

The codes: https://developers.facebook.com/docs/graph-api/guides/error-handling/.
"""

from collections.abc import Mapping
from typing import Any

import requests

from feeds.errors import Misconfigured

_TOKEN, _RIGHTS = (102, 190), (3, 10)


def error_of(response: requests.Response) -> dict[str, Any] | None:
    """Return the error in a response, None if it has none."""
    try:
        document = response.json()
    except requests.exceptions.JSONDecodeError:
        return None
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, dict) else None


def refused_access(peer: str, response: requests.Response, error: Mapping[str, Any], act: str) -> Misconfigured | None:
    """Return the error that names a refused token or a missing right to ``act``, None if access is not the cause."""
    code = error.get("code")
    if code in _TOKEN or response.status_code == requests.codes.unauthorized:
        return Misconfigured(f"{peer}: refuses the access token")
    if code in _RIGHTS or (isinstance(code, int) and 200 <= code < 300):
        return Misconfigured(f"{peer}: this app may not {act} this privacy group")
    return None
