"""Limits of look-ups: of each partner in values, and of anybody's by the address that they come from."""

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from server.store import Store
from server.store.quotas import RequestMeter
from server.taxii.errors import Headers, retry_later

_MINUTE = 60
# Kinds whose values are few and follow one another, so that somebody could ask for all of them.
_NUMBERED_KINDS = frozenset(("bank-account", "payment-alias", "phone"))
_REMEMBERED_AT_MOST = 20_000
# All addresses together, as many times as one alone.
_ALL_TOGETHER = 100


@dataclass(frozen=True)
class LookupSettings:
    """How much a partner may look up in a minute, what a miss costs, and how long answers may be kept (seconds).

    ``values_per_minute`` and ``checks_per_minute`` (of one address) of 0 are no limit.
    """

    values_per_minute: int = 0
    miss_cost: int = 20
    hit_seconds: int = 300
    miss_seconds: int = 60
    checks_per_minute: int = 30


class LookupQuota:
    """The quota of each partner in values, counted over all processes and nodes.

    A value costs 1, and one of a numbered kind that is not found more: whoever walks through numbers meets its end.
    """

    def __init__(self, settings: LookupSettings) -> None:
        """Limit by ``settings``."""
        self._limit = settings.values_per_minute
        self._miss_cost = settings.miss_cost
        self._meter = RequestMeter("lookups", self._limit, _MINUTE)
        self._policy = ("RateLimit-Policy", f'"lookups";q={self._limit};w={_MINUTE}')

    def spend(self, store: Store, partner: str, values: int) -> None:
        """Count values before they are looked up. Raises ``TaxiiError`` 429."""
        wait = self._meter.spend(store, partner, values)
        if wait:
            raise retry_later("too-many-lookups", wait, self.headers(partner))

    def add_misses(self, partner: str, kinds: Iterable[frozenset[str]]) -> None:
        """Count what the values that were not found cost beyond 1, by the kinds that each may be of."""
        missed = sum(1 for found in kinds if not _NUMBERED_KINDS.isdisjoint(found))
        self._meter.add(partner, missed * (self._miss_cost - 1))

    def headers(self, partner: str) -> Headers:
        """Return the header fields that tell a partner of its quota; none where there is no limit."""
        if not self._limit:
            return ()
        state = self._meter.state(partner)
        return self._policy, ("RateLimit", f'"lookups";r={state.remaining};t={state.seconds}')


class AddressQuota:
    """How often each address may ask, and all together, in this process; an IPv6 network of 64 bits is one address."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Let each address ask so often in a minute, 0 without end; ``clock`` returns seconds."""
        self._seconds = _MINUTE / per_minute if per_minute else 0.0
        self._clock = clock
        # When each will have paid for what it asked.
        self._paid: OrderedDict[str, float] = OrderedDict()
        self._all_paid = 0.0
        self._changing = threading.Lock()

    def spend(self, remote: str) -> None:
        """Count a request. Raises ``TaxiiError`` 429."""
        if not self._seconds:
            return
        now, address = self._clock(), _network(remote)
        with self._changing:
            paid = max(now, self._paid.get(address, now)) + self._seconds
            all_paid = max(now, self._all_paid) + self._seconds / _ALL_TOGETHER
            wait = max(paid, all_paid) - now - _MINUTE
            if wait > 0:
                raise retry_later("too-many-checks", math.ceil(wait))
            self._paid[address], self._all_paid = paid, all_paid
            self._paid.move_to_end(address)
            if len(self._paid) > _REMEMBERED_AT_MOST:
                self._paid.popitem(last=False)


def _network(remote: str) -> str:
    try:
        address = ipaddress.ip_address(remote)
    except ValueError:
        return remote
    if address.version == 6 and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return remote if address.version == 4 else str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
