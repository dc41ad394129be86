"""Limits of look-ups: of each partner in values, and of anybody's by the address that they come from."""

import ipaddress
import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from schemas.api.lookup import LookupQuestion
from server.store import Store
from server.store.objects.fast_reads import NotFast
from server.store.quotas import RequestMeter
from server.taxii.errors import Headers, retry_later

_MINUTE = 60
# Kinds whose values are few and follow one another, so that somebody could ask for all of them.
_NUMBERED_KINDS = frozenset(("bank-account", "payment-alias", "phone"))
_REMEMBERED_AT_MOST = 20_000
# As many times as one address alone: a network, all together as a rule, and those who then ask now and then.
_NETWORK, _ALL_TOGETHER, _AT_MOST = 4, 100, 1_000
# So often in a minute.
_NOW_AND_THEN = 3


@dataclass(frozen=True)
class LookupSettings:
    """The limits of look-ups: values a minute, the cost of a miss, and how long answers may be kept (seconds).

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

    def spend(self, store: Store, partner: str, questions: Sequence[LookupQuestion]) -> int:
        """Count values before they are looked up as if none were found; return what ``settle`` needs to know.

        Of a quota that is small beside the request only a part is counted before. Raises ``TaxiiError`` 429, and
        ``NotFast`` where more may have to be written than a fast store does.
        """
        if not self._limit:
            return 0
        most = sum(self._miss_cost if _may_be_numbered(question) else 1 for question in questions)
        counted = min(most, max(len(questions), self._meter.largest_slice))
        if counted < most and store.is_fast:
            raise NotFast
        wait = self._meter.spend(store, partner, counted)
        if wait:
            raise retry_later("too-many-lookups", wait, self.headers(partner))
        return counted

    def settle(
        self, store: Store, partner: str, spent: int, values: int, missed: Iterable[frozenset[str]] = ()
    ) -> None:
        """Count what a request cost, by the kinds that each value may be of that ``missed``."""
        numbered = sum(1 for kinds in missed if not _NUMBERED_KINDS.isdisjoint(kinds))
        self._meter.settle(store, partner, spent, values + numbered * (self._miss_cost - 1))

    def headers(self, partner: str) -> Headers:
        """Return the header fields that tell a partner of its quota; none where there is no limit."""
        if not self._limit:
            return ()
        state = self._meter.state(partner)
        return self._policy, ("RateLimit", f'"lookups";r={state.remaining};t={state.seconds}')


def _may_be_numbered(question: LookupQuestion) -> bool:
    return question.kind is None or question.kind in _NUMBERED_KINDS


class AddressQuota:
    """The quota of each address, of each network, and of all together, in this process.

    An address of IPv6 is a network of 64 bits. Beyond what all together ask at most as a rule, whoever asks much waits:
    so no number of addresses that a few networks have keeps others from asking now and then.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Let each address ask so often in a minute, 0 without end; ``clock`` returns seconds."""
        self._seconds = _MINUTE / per_minute if per_minute else 0.0
        self._clock = clock
        # When each will have paid for what it asked.
        self._paid: OrderedDict[str, float] = OrderedDict()
        self._all_paid = self._beyond_paid = 0.0
        # How often each network asked in the minute that is under way.
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
                wait = beyond_paid - now - _MINUTE if self._asked[network] < _NOW_AND_THEN else _MINUTE - now % _MINUTE
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
    """Return what counts as one address, and the network around it, of 24 bits or of 48."""
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
