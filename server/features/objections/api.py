"""``/api/objections``: anybody objects to a listing, and follows the objection by a token."""

import hashlib
import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from schemas.api.statements import ObjectionProgress, ObjectionReceipt, ObjectionRequest
from schemas.errors import Rejected
from schemas.timestamp import find_zone
from server.features.objections import receive, records as objections
from server.features.objections.contacts import Contacts
from server.features.objections.operations import ReceiveObjection
from server.features.objections.records import UnknownObjection
from server.features.objections.working_days import WorkingDays
from server.operations.operation import Actor
from server.operations.rights import ANYBODY
from server.operations.run import run
from server.web.api.routes import (
    AddressLimit,
    ApiCall,
    ApiRoute,
    ApiService,
    ApiSite,
    Parameter,
    RequestBody,
    ResponseBody,
    json_response,
)
from server.web.taxii.errors import TaxiiError, retry_later
from server.web.taxii.limits import address_and_network
from server.web.taxii.response import TaxiiResponse

_PATH = "/api/objections"
# A code with its hyphens and some blanks; a token of an earlier version has 32 characters.
LONGEST_TOKEN = 100
_DAY_SECONDS = 86_400
_DAY = _DAY_SECONDS * 1_000_000
# Objections per day of an address, and of its network: about one value, and about all. An office, or the customers of
# a telephone company, have one address.
_OF_ADDRESS, _OF_NETWORK = 5, 40
_ALL_OF_ADDRESS, _ALL_OF_NETWORK = 100, 400
_REQUESTS = AddressLimit(lambda settings: 30)
_REMEMBERED_AT_MOST = 50_000
_EXAMPLE = {
    "value": "1234567890",
    "kind": "bank-account",
    "details": {"bank": "004", "country": "TH"},
    "ground": "not-involved",
}


class Objections(ApiService):
    """The objections to listings of one application, for the API and the pages."""

    def __init__(self, site: ApiSite) -> None:
        """Receive objections by the settings of ``site``."""
        super().__init__(site)
        settings = site.settings
        zone = find_zone(settings.timezone) if settings.timezone else UTC
        self._deadlines = WorkingDays(settings.objection_days, zone, settings.country)
        self._contacts = Contacts(settings.objection_key_file) if settings.objection_key_file else None
        self._days = DailyObjections(settings.objection_limit)

    @property
    def is_taken(self) -> bool:
        """Whether this hub receives objections."""
        return self.site.settings.objection_limit > 0

    @property
    def takes_contacts(self) -> bool:
        """Whether this hub stores a contact, which needs a key."""
        return self._contacts is not None

    def due(self, received: datetime) -> datetime:
        """Return the last second for the answer to an objection received at this moment."""
        return self._deadlines.last_second(received)

    def file(self, remote: str, ask: Callable[[], ObjectionRequest], key: str = "") -> ObjectionReceipt:
        """File the objection that ``ask`` reads from a page, under the API's limits. Raises ``TaxiiError``.

        A form that is sent again, with the same ``key``, gets its first receipt.
        """
        self.site.addresses(_REQUESTS).spend(remote)
        return self.file_counted(remote, ask, key)

    def file_counted(self, remote: str, ask: Callable[[], ObjectionRequest], key: str = "") -> ObjectionReceipt:
        """File the objection of a counted request. Raises ``TaxiiError``."""
        if not self.is_taken:
            raise TaxiiError("not-found")
        asked = ask()
        try:
            checked = receive.check(asked, self._deadlines.country, takes_contacts=self.takes_contacts)
            with self.site.hub.store.read() as tx:
                sent = receive.receipt_of_form(tx, asked, key, self._deadlines)
            if sent is not None:
                return sent.receipt
            # A refused objection does not count.
            self._days.spend(remote, self._count, *checked.names[:1])
            operation = ReceiveObjection(asked=asked, days=self._deadlines, contacts=self._contacts, key=key)
            return run(self.site.hub, operation, Actor.anybody()).receipt
        except Rejected as refusal:
            raise TaxiiError("objection-refused", reason=refusal.reason, message=refusal.message) from None

    def follow(self, remote: str, token: str) -> ObjectionProgress:
        """Return the progress of an objection for a page, under the API's limits. Raises ``TaxiiError``."""
        self.site.addresses(_REQUESTS).spend(remote)
        return self.progress(token)

    def progress(self, token: str) -> ObjectionProgress:
        """Return the progress of the objection with this token. Raises ``TaxiiError``."""
        if len(token) > LONGEST_TOKEN:
            raise TaxiiError("not-found")
        try:
            # The hub's own database: a replica may not have it yet.
            with self.site.hub.store.read() as tx:
                return receive.progress(tx, token, self._deadlines)
        except UnknownObjection:
            raise TaxiiError("not-found") from None

    def _count(self, since: int) -> int:
        with self.site.hub.store.read() as tx:
            return objections.count_since(tx, since)


class DailyObjections:
    """The limits of objections a day: of an address and of a network, about one value and about all; and of all people.

    Once all together have filed their limit, networks that filed none today may file the same number again. So a flood
    from some networks does not keep others from objecting.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.time) -> None:
        """Allow ``most`` a day in all; ``clock`` returns seconds since the epoch."""
        self._most = most
        self._clock = clock
        self._day = 0
        self._filed: Counter[str] = Counter()
        self._changing = threading.Lock()

    def spend(self, remote: str, count: Callable[[int], int], value: str = "") -> None:
        """Count an objection to a value; ``count`` returns how many are stored since a moment.

        Raises ``TaxiiError`` 429.
        """
        moment = self._clock()
        address, network = address_and_network(remote)
        taken = count(int(moment // _DAY_SECONDS) * _DAY)
        with self._changing:
            if self._day != int(moment // _DAY_SECONDS) or len(self._filed) > _REMEMBERED_AT_MOST:
                self._day = int(moment // _DAY_SECONDS)
                self._filed.clear()
            is_crowded = taken >= self._most and (self._filed[network] > 0 or taken >= 2 * self._most)
            limits = {
                address: _ALL_OF_ADDRESS,
                network: _ALL_OF_NETWORK,
                _about(address, value): _OF_ADDRESS,
                _about(network, value): _OF_NETWORK,
            }
            if is_crowded or any(self._filed[name] >= limit for name, limit in limits.items()):
                raise retry_later("too-many-objections", math.ceil(_DAY_SECONDS - moment % _DAY_SECONDS))
            self._filed.update(limits.keys())


def _about(place: str, value: str) -> str:
    """Return the key to count objections to a value from one place; it does not contain the value."""
    return f"{place} {hashlib.sha256(value.encode()).hexdigest()[:16]}"


def _file(call: ApiCall) -> TaxiiResponse:
    return json_response(call.of(Objections).file_counted(call.remote, lambda: call.read(ObjectionRequest)), 202)


def _follow(call: ApiCall) -> TaxiiResponse:
    return json_response(call.of(Objections).progress(call.arguments["token"].removesuffix("/")))


ROUTES = (
    ApiRoute(
        "objections",
        "POST",
        _PATH,
        _file,
        "Object to a listing",
        ResponseBody(ObjectionReceipt, 202, description="received"),
        ANYBODY,
        request=RequestBody(ObjectionRequest, 16 * 1024, "not-an-objection", example=_EXAMPLE),
        limit=_REQUESTS,
        service=Objections,
    ),
    ApiRoute(
        "objection",
        "GET",
        f"{_PATH}/{{token}}",
        _follow,
        "Follow an objection",
        ResponseBody(ObjectionProgress),
        ANYBODY,
        parameters=(Parameter("token", pattern="(?s:.*)"),),
        limit=_REQUESTS,
        service=Objections,
    ),
)
