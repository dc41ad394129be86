"""Sends indicators to the Global Signal Exchange as signals, and its feedback on those that were delisted.

The API: https://www.globalsignalexchange.org/docs/sending-new-signal-reports-via-api (``report/signal``) and
https://www.globalsignalexchange.org/docs/sending-feedback (``report/feedback``).
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import requests
from pydantic import Field

from feeds.connector import Answer, Misconfigured, PushSettings, Secret, TryLater
from feeds.readers.signals import GSE_TYPES, signal_of
from feeds.transport.client import OutboundSettings, RequestRefused, open_session, peer_errors
from feeds.transport.corrections import CORRECTED, CorrectingPush, Known
from feeds.transport.envelopes import EnvelopeSender, refused_answer, skipped_answer
from schemas.vocabulary import Action, Tlp
from server.store.item import Item

_PEER = "url"
_LARGEST = 5 << 20
_AT_ONCE = 1_000
_NO_SIGNAL = "no signal can be read from it, so the exchange was told nothing; tell it by hand"
# The exchange has no markings: its members may pass signals on among themselves.
_LEVELS = (Tlp.CLEAR, Tlp.GREEN)


class GsePushSettings(OutboundSettings, PushSettings):
    """The exchange, our login there, and the words of our feedback."""

    url: Annotated[str, Field(pattern=r"^https?://\S+$", description="the exchange's API for reports")] = (
        "https://signals.gse.live/report"
    )
    api_key: Annotated[Secret, Field(description="our API key")]
    api_secret: Annotated[Secret, Field(description="our API secret")]
    role: Annotated[
        str, Field(pattern=r"^[\w -]{1,100}$", description="our role in feedback, from the exchange's list of roles")
    ]
    reason: Annotated[
        str,
        Field(
            pattern=r"^[\w -]{1,100}$",
            description="the reason in feedback on a delisted signal, from the exchange's list",
        ),
    ] = "other_noaction"
    least_grade: Annotated[
        Action | None, Field(description="the weakest grade to send; indicators that fall below it get feedback there")
    ] = Action.BLOCK


class GsePush(CorrectingPush[GsePushSettings]):
    """Sends each indicator once, as a signal; if it is delisted, sends the feedback ``feedback_noaction`` on it.

    Only URLs, domains and IP addresses with TLP ``clear`` or ``green`` are sent: the exchange has no other types of
    signals, and no markings.
    """

    name: ClassVar[str] = "gse-push"
    settings_model = GsePushSettings
    levels = _LEVELS
    kinds = GSE_TYPES

    def __init__(self, settings: GsePushSettings) -> None:
        super().__init__(settings)
        self._signals = EnvelopeSender(_PEER, self._send_signals, most_bytes=_LARGEST, most_items=_AT_ONCE)
        self._feedback = EnvelopeSender(_PEER, self._send_feedback, most_bytes=_LARGEST, most_items=_AT_ONCE)

    def noted(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return the indicators that will be sent as signals."""
        known = self._begun().known(items)
        return [item for item in items if self._is_new(item, known[item.id])]

    def push(self, items: Sequence[Item]) -> list[Answer]:
        self._opened()
        state, known = self._begun(), self._begun().known(items)
        new = [item for item in items if self._is_new(item, known[item.id])]
        gone = [item for item in items if state.is_to_correct(item, known[item.id])]
        sent = {id(item) for item in [*new, *gone]}
        others = [self._skipped(item, known[item.id]) for item in items if id(item) not in sent]
        return self._feedback.send(gone) + self._signals.send(new) + others

    def check(self) -> None:
        self._opened()

    def _is_new(self, item: Item, known: Known) -> bool:
        """Return whether an indicator is to be sent as a signal."""
        return self._begun().is_due(item, known) and self._report(item) is not None

    def _skipped(self, item: Item, known: Known) -> Answer:
        if item.type != "indicator":
            return skipped_answer(item, "the exchange receives only indicators")
        if known.counts and self._begun().may_count(item):
            return skipped_answer(item, "the exchange has it")
        if item.revoked:
            return skipped_answer(item, "the exchange does not count it")
        return skipped_answer(item, "its kind, its grade or its TLP level is not for the exchange")

    def _send_signals(self, items: Sequence[Item]) -> list[Answer]:
        return self._sent(
            "signal", items, [signal_of(report) for item in items if (report := self._report(item))], "success"
        )

    def _send_feedback(self, items: Sequence[Item]) -> list[Answer]:
        settings = self.settings
        reports = {item.id: report for item in items if (report := self._report(item))}
        feedback = [
            {
                "signal": report.value,
                "type": "feedback_noaction",
                "role": settings.role,
                "reason": settings.reason,
                **({"reason_other": "no longer listed"} if settings.reason.startswith("other") else {}),
            }
            for report in reports.values()
        ]
        named = [item for item in items if item.id in reports]
        unnamed = [refused_answer(item, _NO_SIGNAL) for item in items if item.id not in reports]
        return (self._sent("feedback", named, feedback, CORRECTED) if named else []) + unnamed

    def _sent(self, path: str, items: Sequence[Item], rows: Sequence[Mapping[str, Any]], text: str) -> list[Answer]:
        """Send rows, one for each item. Raises ``RequestRefused`` if the exchange rejects some of several."""
        opened = self._opened()
        with peer_errors(_PEER):
            answer = opened.post(f"{self.settings.url.rstrip('/')}/{path}", json=list(rows))
            answer.raise_for_status()
            rejected = _rejected(answer.json())
        if not rejected:
            return [Answer(item, True, text) for item in items]
        if len(items) > 1:
            raise RequestRefused(answer.status_code)
        return [refused_answer(item, "the exchange rejects it") for item in items]

    def _opened(self) -> requests.Session:
        """Return a session whose login the exchange has accepted."""
        if self._session is None:
            settings = self.settings
            # A repeated signal, or feedback, has the same content as before.
            opened = open_session(settings, settings.url, repeat_posts=True)
            opened.headers.update({"API-KEY": settings.api_key.reveal(), "API-SECRET": settings.api_secret.reveal()})
            try:
                with peer_errors(_PEER):
                    answer = opened.get(f"{settings.url.rstrip('/')}/signal", params={"limit": "1"})
                    answer.raise_for_status()
                    answer.json()
            except RequestRefused as refusal:
                raise Misconfigured(f"{_PEER}: is not the exchange's API for reports ({refusal})") from refusal
            self._session = opened
        return self._session


def _rejected(document: Any) -> int:
    """Return how many rows the exchange rejected."""
    try:
        rejected = document.get("rejected", 0)
        return len(rejected) if isinstance(rejected, list) else int(rejected or 0)
    except (AttributeError, TypeError, ValueError) as error:
        raise TryLater(f"{_PEER}: its response is not in the exchange's format") from error
