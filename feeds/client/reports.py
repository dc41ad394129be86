"""Reports and records sent to a hub as its partner, in parts; a part that may have been lost is sent again."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urljoin

import msgspec
import requests

from feeds.client.lookups import HubSettings
from feeds.errors import Misconfigured, TryLater
from feeds.transport import client
from feeds.transport.client import Bearer, peer_errors
from feeds.transport.connections import folder_url
from schemas.api.reports import ReportResult, ReportsAnswer

_JSON = {"Content-Type": "application/json", "Accept": "application/json"}
_REFUSED = (requests.codes.not_found, requests.codes.request_entity_too_large, requests.codes.unprocessable_entity)
_LONGEST_REASON = 500
# Pauses in seconds after a broken connection: the first, and the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


class ReportsClient(AbstractContextManager["ReportsClient"]):
    """Sends rows to ``POST /api/reports`` of one hub. Raises ``TryLater`` and ``Misconfigured``.

    Each row states when it was reported, so a hub that has it already changes nothing: after a broken connection, or
    429 and 503 with their ``Retry-After``, the same part is sent again. ``patience`` are the seconds of all pauses
    between two answers.
    """

    def __init__(
        self, settings: HubSettings, token: str, *, patience: float = 900.0, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Connect at the first request."""
        self._url = urljoin(folder_url(settings.url), "api/reports")
        # The pauses are here, so that the session makes none of its own.
        self._session = client.open_session(settings.model_copy(update={"retries": 0}), settings.url)
        self._session.auth = Bearer(token)
        self._patience = patience
        self._sleep = sleep

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def send(self, rows: Sequence[Mapping[str, Any]]) -> list[ReportResult]:
        """Send rows with at most 1,000 values, and return the result of each value."""
        body = msgspec.json.encode(rows)
        results: list[ReportResult] = []
        start = 0
        while True:
            answer = self._answered(body, start)
            results += answer.rows
            if answer.next is None:
                return results
            if answer.stopped is not None and answer.next == start:
                raise TryLater(f"{self._url}: {answer.stopped.message}", after=answer.stopped.retry_after)
            if answer.stopped is not None:
                self._pause(answer.stopped.retry_after, TryLater(f"{self._url}: {answer.stopped.message}"), 0)
            start = answer.next

    def _answered(self, body: bytes, start: int) -> ReportsAnswer:
        waited, pause = 0.0, _FIRST_PAUSE
        while True:
            try:
                return self._post(body, start)
            except TryLater as error:
                waited = self._pause(error.after or pause, error, waited)
                pause = min(_LONGEST_PAUSE, 2 * pause)

    def _pause(self, seconds: float, error: TryLater, waited: float) -> float:
        """Wait, and return how long in all; raise ``error`` if that is longer than the patience."""
        if waited + seconds > self._patience:
            raise error
        self._sleep(seconds)
        return waited + seconds

    def _post(self, body: bytes, start: int) -> ReportsAnswer:
        with peer_errors(self._url):
            response = self._session.post(self._url, params={"start": start}, data=body, headers=_JSON)
            if response.status_code in _REFUSED:
                raise Misconfigured(_reason(response))
            response.raise_for_status()
        try:
            return msgspec.json.decode(response.content, type=ReportsAnswer)
        except msgspec.MsgspecError as error:
            raise TryLater(f"{self._url}: its response is not in the format for reports") from error


def _reason(response: requests.Response) -> str:
    if response.status_code == requests.codes.not_found:
        return (
            "the hub takes no reports from this partner at this address: ask its operator for the right to contribute"
        )
    try:
        found = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.MsgspecError:
        found = {}
    return f"the hub refuses the rows: {str(found.get('description', ''))[:_LONGEST_REASON]}"
