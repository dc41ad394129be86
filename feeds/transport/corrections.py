"""The state of an exchange that keeps what it once received: which indicators it may have, and which to correct."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, TypeVar

import msgspec
import requests

from feeds.connector import Misconfigured, Outgoing, Push, PushSettings
from feeds.readers.stix import report_of
from feeds.runs.push import matches
from mappers import marking
from schemas.errors import Rejected
from schemas.report import Report
from schemas.vocabulary import Tlp
from server.store import deliveries, listings, value_index
from server.store.deliveries import Delivery
from server.store.item import Item

S_co = TypeVar("S_co", bound=PushSettings, covariant=True)

# The answer for an indicator that the exchange was told is no longer listed here.
CORRECTED = "success: corrected"
# The beginning of the answers that leave the state at the exchange as it was.
_UNCHANGED = ("failed", "passed over")


class Known(NamedTuple):
    """What an exchange may have of an indicator, and its id there.

    ``counts``: it may count there; ``is_unclear``: a run died while it was sent. ``corrected``: it no longer counts.
    """

    counts: bool = False
    is_unclear: bool = False
    corrected: bool = False
    remote: str = ""


_NOTHING = Known()


class ExchangeState:
    """What an exchange may have, by the ledger of deliveries, and the widest TLP level that it may have."""

    def __init__(self, outgoing: Outgoing, settings: PushSettings, widest: Iterable[Tlp]) -> None:
        """Answer for the feed of ``outgoing``, whose ``settings`` select indicators; ``widest`` are the TLP levels."""
        self._outgoing, self._settings, self._levels = outgoing, settings, frozenset(widest)

    def known(self, items: Sequence[Item]) -> Mapping[str, Known]:
        """Return what the exchange may have of these indicators, by id."""
        outgoing = self._outgoing
        with outgoing.store.read() as tx:
            found = deliveries.newest(tx, outgoing.feed, outgoing.partner, sorted({item.id for item in items}))
        return {item.id: _known(found.get(item.id, ())) for item in items}

    def may_count(self, item: Item) -> bool:
        """Return whether an indicator may count at the exchange: active, selected, and of a TLP level that may go."""
        if item.revoked or item.type != "indicator":
            return False
        indicator: dict[str, Any] = msgspec.json.decode(item.body)
        return marking.tlp_of(indicator) in self._levels and matches(self._settings, indicator)

    def is_due(self, item: Item, known: Known) -> bool:
        """Return whether an indicator is to be sent as one that counts: the exchange does not have it for certain."""
        return self.may_count(item) and (not known.counts or known.is_unclear or bool(self._outgoing.replay))

    def was_corrected(self, item: Item, report: Report) -> bool:
        """Return whether the exchange was told that an earlier listing of the value no longer counts."""
        subject = value_index.subject_of(report.kind, report.value)
        outgoing = self._outgoing
        with outgoing.store.read() as tx:
            ids = sorted(listings.ids(tx, subject) | {item.id})
            found = deliveries.newest(tx, outgoing.feed, outgoing.partner, ids)
        return any(delivery.answer == CORRECTED for sent in found.values() for delivery in sent)

    def is_to_correct(self, item: Item, known: Known) -> bool:
        """Return whether the exchange is to be told that an indicator no longer counts."""
        if item.type != "indicator" or self.may_count(item):
            return False
        return known.counts or (known.corrected and bool(self._outgoing.replay))


class CorrectingPush(Push[S_co]):
    """A push over HTTP to an exchange that keeps what it received, and is told what is delisted.

    The exchange may have indicators of these TLP ``levels``, and has a type for these ``kinds``.
    """

    levels: ClassVar[Collection[Tlp]]
    kinds: ClassVar[Collection[str]]

    def __init__(self, settings: S_co) -> None:
        """Store the settings."""
        super().__init__(settings)
        self._session: requests.Session | None = None
        self._state: ExchangeState | None = None

    def begin(self, outgoing: Outgoing) -> None:
        """Use the ledger of deliveries, which shows what the exchange has."""
        self._state = ExchangeState(outgoing, self.settings, self.levels)

    def close(self) -> None:
        """Close the connection; the next run connects with the secrets that are valid then."""
        if self._session is not None:
            self._session.close()
        self._session = None

    def _begun(self) -> ExchangeState:
        if self._state is None:
            raise Misconfigured(f"{self.name}: begin() comes before push()")
        return self._state

    def _report(self, item: Item) -> Report | None:
        """Return the report of an indicator of a kind that the exchange has a type for."""
        try:
            report = report_of(msgspec.json.decode(item.body))
        except Rejected:
            return None
        return report if report.kind in self.kinds else None


def _known(newest_first: Sequence[Delivery]) -> Known:
    changes = [delivery for delivery in newest_first if not delivery.answer.startswith(_UNCHANGED)]
    if not changes:
        return _NOTHING
    last = changes[0].answer
    remote = next((delivery.remote for delivery in newest_first if delivery.remote), "")
    return Known(last != CORRECTED, last == deliveries.SENDING, last == CORRECTED, remote)
