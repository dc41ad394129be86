"""The requests of a check-up: GET and nothing else, each answer with the words for what may be wrong with it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import requests

from feeds.connector import Misconfigured, TryLater
from feeds.doctor.findings import Unwell
from feeds.http import client
from feeds.http.login import LoginSettings
from feeds.http.taxii import MEDIA_TYPE

_WAYS_OUT = {
    401: "the hub does not accept this login: compare user and password or token; the operator can make new ones "
    "(scamfeed partner rotate)",
    403: "the hub knows you, and you may not do this: ask the operator for a grant",
    404: "there is nothing at this address for you: compare it with the operator's letter; what you may not read looks "
    "as if it were not there",
    406: "the server does not speak TAXII 2.1 here: is this the address of the hub, or of a page before it?",
    429: "you ask too often: wait as long as Retry-After says; is another program of yours using this login?",
}
_HEADERS = ("RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "Retry-After")


class HubResponse(NamedTuple):
    """An answer: its status, its headers, and what its JSON says; None for an answer that is no JSON object."""

    status: int
    headers: Mapping[str, str]
    document: dict[str, Any] | None


class HubRequests:
    """Asks one hub with one login, and remembers what the hub said about its limits."""

    def __init__(self, settings: LoginSettings, url: str) -> None:
        """Ask the server of ``url`` and no other."""
        self._session: requests.Session = client.open_session(settings, url)
        self._session.auth = settings.auth()
        self.limits: dict[str, str] = {}

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def ask(self, url: str, accept: str = MEDIA_TYPE, **query: str | int) -> HubResponse:
        """Return the answer to a GET, whatever its status. Raises ``Unwell`` where there is none."""
        try:
            answer = self._session.get(url, headers={"Accept": accept}, params=query)
        except (TryLater, Misconfigured) as error:
            raise Unwell(str(error), "give the address of the hub itself") from error
        except requests.RequestException as error:
            raise Unwell(
                f"the hub breaks off ({type(error).__name__})", "try again; tell the operator if it goes on"
            ) from error
        self.limits |= {name: answer.headers[name] for name in _HEADERS if name in answer.headers}
        try:
            document = msgspec.json.decode(answer.content)
        except (msgspec.MsgspecError, UnicodeError):
            document = None
        return HubResponse(answer.status_code, answer.headers, document if isinstance(document, dict) else None)

    def read(self, url: str, accept: str = MEDIA_TYPE, **query: str | int) -> tuple[dict[str, Any], Mapping[str, str]]:
        """Return what the hub answers, and its headers. Raises ``Unwell`` for anything but 200 and JSON."""
        answer = self.ask(url, accept, **query)
        if answer.status != 200:
            way_out = _WAYS_OUT.get(answer.status, "ask the operator what is the matter; give the time and the status")
            raise Unwell(f"the hub answers HTTP {answer.status}{_wait(answer.headers)}", way_out)
        if answer.document is None:
            raise Unwell("an answer that is no JSON: a page, or a proxy's", "is this the address of the hub?")
        return answer.document, answer.headers


def _wait(headers: Mapping[str, str]) -> str:
    after = headers.get("Retry-After")
    return f", try again in {after} s" if after and after.isdecimal() else ""
