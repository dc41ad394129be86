"""Signals of the Global Signal Exchange, by its API for near real time.

The API: https://www.globalsignalexchange.org/docs/receiving-signals (``feed/24hr``, ``idFrom``; results ascend by id)
and, for the headers, https://www.globalsignalexchange.org/docs/sending-signals.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, ClassVar

import requests
from pydantic import Field

from feeds.connector import Batch, Misconfigured, Pull, PullSettings, Secret, TryLater
from feeds.mapping.batches import batch_of_rows
from feeds.mapping.options import ReportSettings
from feeds.readers.report_objects import row_of_signal
from feeds.readers.rows import Row, Unreadable
from feeds.transport.client import OutboundSettings, RequestRefused, open_session, peer_errors

_log = logging.getLogger(__name__)

_NUMBER = re.compile("[0-9]{1,15}")
# https://www.globalsignalexchange.org/docs/sending-feedback
_FEEDBACK = {f"feedback_{type_}": f"feedback-{type_}" for type_ in ("actioned", "noaction", "enriched")}
_LISTS = ("data", "results", "signals", "items")
_KEPT_FOR = 86_400
_MOST = 10_000


class GlobalSignalExchangePullSettings(OutboundSettings, ReportSettings, PullSettings):
    """The signals to read, and the login."""

    url: Annotated[str, Field(description="address of the signals of the last day")] = (
        "https://signals.gse.live/feed/24hr"
    )
    api_key: Annotated[Secret, Field(description="our API key")]
    api_secret: Annotated[Secret, Field(description="our API secret")]
    filters: Annotated[
        dict[str, str],
        Field(default_factory=dict, description="other parameters of the API, such as { abuseType = 'phishing,scam' }"),
    ]


class GlobalSignalExchangePull(Pull[GlobalSignalExchangePullSettings]):
    """Reads the signals in the order of their numbers. The exchange serves one day: run it more often than daily.

    Feedback of others about a signal (``feedback_…``) is not a report and withdraws none: it is one reader's opinion.
    The result of the run counts it by its type.
    """

    name: ClassVar[str] = "global-signal-exchange-pull"
    settings_model = GlobalSignalExchangePullSettings

    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        """Yield the signals after the last number read."""
        settings = self.settings
        options = settings.options(settings.contribute_as)
        place = checkpoint or {}
        last = int(place.get("id", 0))
        if time.time() - float(place.get("asked", time.time())) > _KEPT_FOR:
            _log.warning("signals may be missing feed=%s cause=last run more than a day ago", settings.name)
        with open_session(settings, settings.url) as opened:
            opened.headers.update({"API-KEY": settings.api_key.reveal(), "API-SECRET": settings.api_secret.reveal()})
            while True:
                asked = int(time.time())
                listed = self._ask(opened, last + 1)
                without = [signal for signal in listed if not _number(signal)]
                if without and last == 0 and len(without) == len(listed):
                    raise TryLater(f"{settings.url}: the signals in its response have no numbers")
                # If the number is no longer available, the exchange starts at its first one.
                signals = sorted((signal for signal in listed if _number(signal) > last), key=_number)
                for start in range(0, len(signals), settings.batch):
                    part = signals[start : start + settings.batch]
                    last = _number(part[-1])
                    yield batch_of_rows(_rows(part), {"id": last, "asked": asked}, options)
                if without or not signals:
                    yield batch_of_rows(_rows(without), {"id": last, "asked": asked}, options)
                if not signals:
                    return

    def _ask(self, opened: requests.Session, first: int) -> list[Any]:
        settings = self.settings
        asked = {**settings.filters, "idFrom": str(first), "limit": str(min(settings.batch, _MOST))}
        try:
            with peer_errors(settings.url):
                response = opened.get(settings.url, params=asked)
                response.raise_for_status()
                document = response.json()
        except RequestRefused as error:
            raise Misconfigured(f"{settings.url}: rejects these filters (HTTP {error.status})") from error
        if isinstance(document, dict):
            document = next((document[name] for name in _LISTS if isinstance(document.get(name), list)), None)
        if not isinstance(document, list):
            raise TryLater(f"{settings.url}: its response is not a list of signals")
        return document


def _number(signal: object) -> int:
    """Return the number of a signal, at least 1; 0 if it has none."""
    number = signal.get("id") if isinstance(signal, dict) else None
    return int(number) if isinstance(number, int | str) and _NUMBER.fullmatch(str(number)) else 0


def _rows(signals: Sequence[Any]) -> Iterator[Row | Unreadable]:
    for number, signal in enumerate(signals, 1):
        if not _number(signal):
            yield Unreadable.of(number, "", "not-a-record", "not a signal: an object with a number is expected")
        elif str(signal.get("status")).startswith("feedback"):
            reason = _FEEDBACK.get(str(signal["status"]), "feedback")
            yield Unreadable.of(number, "", reason, "a reader's feedback on a signal is not a report")
        else:
            yield row_of_signal(number, signal)
