"""Limits: of the API root for every request, and of each partner by the settings."""

from server.store import Store, Tx, quotas
from server.taxii.errors import retry_later

API_ROOT = "feed"
MAX_CONTENT_LENGTH = 100 * 1024 * 1024
# Objects in one envelope, where the settings do not say otherwise.
MOST_OBJECTS = 20_000

_MINUTE = 60
_DAY = 24 * 60 * 60


class PartnerQuotas:
    """The limits of each partner on requests and objects, counted over all processes and nodes; 0 is no limit."""

    def __init__(
        self, requests_per_minute: int = 0, objects_per_day: int = 0, objects_per_envelope: int = MOST_OBJECTS
    ) -> None:
        """Limit every partner to so many requests and objects."""
        self.objects_per_envelope = objects_per_envelope
        self._objects_per_day = objects_per_day
        self._requests_per_minute = requests_per_minute
        self._requests = quotas.RequestMeter("requests", requests_per_minute, _MINUTE)

    def count_request(self, store: Store, partner: str) -> None:
        """Count a request of ``partner``. Raises ``TaxiiError`` 429."""
        wait = self._requests.spend(store, partner)
        if wait:
            raise retry_later("too-many-requests", wait)

    def count_more(self, store: Store, partner: str, requests: int) -> None:
        """Count a request that costs as much as so many more; half of a minute's at most. Raises ``TaxiiError`` 429."""
        most = self._requests_per_minute // 2
        wait = self._requests.spend(store, partner, min(requests, most)) if requests and most else 0
        if wait:
            raise retry_later("too-many-requests", wait)

    def check_objects(self, tx: Tx, partner: str) -> None:
        """Refuse a body of a partner that has nothing left of its day, before it is read. Raises ``TaxiiError`` 429."""
        if not self._objects_per_day:
            return
        wait = quotas.wait(tx, partner, "objects", limit=self._objects_per_day, seconds=_DAY)
        if wait:
            raise retry_later("objects-a-day", wait)

    def charge_objects(self, tx: Tx, partner: str, count: int) -> None:
        """Count objects that ``partner`` posts, in the transaction that stores them. Raises ``TaxiiError`` 429."""
        if not self._objects_per_day:
            return
        wait = quotas.charge(tx, partner, "objects", count, limit=self._objects_per_day, seconds=_DAY)
        if wait:
            raise retry_later("objects-a-day", wait)
