"""Limits: of the API root for every request, of each partner by the settings, and of each client address."""

import ipaddress
import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable

from server.store import Store, Tx, quotas
from server.web.taxii.errors import retry_later

API_ROOT = "feed"
MAX_CONTENT_LENGTH = 100 * 1024 * 1024
# Default number of objects in one envelope.
MOST_OBJECTS = 20_000

_MINUTE = 60
_DAY = 24 * 60 * 60
_REMEMBERED_AT_MOST = 20_000
# Multiples of the limit of one address: of its network, of all addresses together, and of all that ask rarely.
_NETWORK, _ALL_TOGETHER, _AT_MOST = 4, 100, 1_000
# A network that asks rarely sends fewer requests per minute.
_RARELY = 3


class PartnerQuotas:
    """Limits of each partner on requests and objects, counted over all processes and nodes; 0 means unlimited."""

    def __init__(
        self, requests_per_minute: int = 0, objects_per_day: int = 0, objects_per_envelope: int = MOST_OBJECTS
    ) -> None:
        """Set the limits that apply to every partner."""
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
        """Count ``requests`` more for an expensive request, at most half of a minute's. Raises ``TaxiiError`` 429."""
        most = self._requests_per_minute // 2
        wait = self._requests.spend(store, partner, min(requests, most)) if requests and most else 0
        if wait:
            raise retry_later("too-many-requests", wait)

    def check_objects(self, tx: Tx, partner: str) -> None:
        """Reject a body of a partner with a used-up daily quota, before it is read. Raises ``TaxiiError`` 429."""
        if not self._objects_per_day:
            return
        wait = quotas.wait(tx, partner, "objects", limit=self._objects_per_day, seconds=_DAY)
        if wait:
            raise retry_later("objects-a-day", wait)

    def charge_objects(self, tx: Tx, partner: str, count: int) -> None:
        """Count objects posted by ``partner``, in the transaction that stores them. Raises ``TaxiiError`` 429."""
        if not self._objects_per_day or not count:
            return
        wait = quotas.charge(tx, partner, "objects", count, limit=self._objects_per_day, seconds=_DAY)
        if wait:
            raise retry_later("objects-a-day", wait)

    def charging_objects(self, tx: Tx, partner: str, count: int) -> Callable[[], None]:
        """Charge as ``charge_objects``, with the next statement; return what to call after it, which may raise."""
        if not self._objects_per_day or not count:
            return lambda: None
        charge = quotas.Charge(tx, partner, "objects", count, limit=self._objects_per_day, seconds=_DAY)

        def check() -> None:
            if charge.wait:
                raise retry_later("objects-a-day", charge.wait)

        return check


class AddressQuota:
    """The quota of each address, of each network, and of all together, in this process.

    An IPv6 address counts by its network of 64 bits. Above the limit of all addresses together, only networks that
    ask rarely are answered, so that no number of addresses in a few networks blocks the others.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Set the limit of each address, 0 for none; ``clock`` returns seconds."""
        self._seconds = _MINUTE / per_minute if per_minute else 0.0
        self._clock = clock
        # The time at which the requests of each are used up.
        self._paid: OrderedDict[str, float] = OrderedDict()
        self._all_paid = self._beyond_paid = 0.0
        # The requests of each network in the current minute.
        self._asked: Counter[str] = Counter()
        self._minute = 0
        self._changing = threading.Lock()

    def spend(self, remote: str) -> None:
        """Count a request. Raises ``TaxiiError`` 429."""
        if not self._seconds:
            return
        now, (address, network) = self._clock(), address_and_network(remote)
        with self._changing:
            if self._minute != int(now // _MINUTE):
                self._minute = int(now // _MINUTE)
                self._asked.clear()
            paid = {
                address: max(now, self._paid.get(address, now)) + self._seconds,
                network: max(now, self._paid.get(network, now)) + self._seconds / _NETWORK,
            }
            all_paid = max(now, self._all_paid) + self._seconds / _ALL_TOGETHER
            wait = max(paid.values()) - now - _MINUTE
            if wait <= 0 and all_paid - now > _MINUTE:
                all_paid = self._all_paid
                beyond_paid = max(now, self._beyond_paid) + self._seconds / _AT_MOST
                wait = beyond_paid - now - _MINUTE if self._asked[network] < _RARELY else _MINUTE - now % _MINUTE
                if wait <= 0:
                    self._beyond_paid = beyond_paid
            if wait > 0:
                raise retry_later("too-many-checks", math.ceil(wait))
            self._all_paid = all_paid
            self._asked[network] += 1
            for name, until in paid.items():
                self._paid[name] = until
                self._paid.move_to_end(name)
            while len(self._paid) > _REMEMBERED_AT_MOST:
                self._paid.popitem(last=False)


def address_and_network(remote: str) -> tuple[str, str]:
    """Return the name of an address (IPv6: of its 64 bits), and of the network around it, of 24 or 48 bits."""
    try:
        address = ipaddress.ip_address(remote)
    except ValueError:
        return remote, remote + "/"
    if address.version == 6 and address.ipv4_mapped:
        address = address.ipv4_mapped
    number = int(address)
    if address.version == 4:
        return str(address), f"{number >> 8}/24"
    return f"{number >> 64}/64", f"{number >> 80}/48"
