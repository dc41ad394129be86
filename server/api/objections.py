"""``/api/objections``: anybody objects to a listing, and follows the objection by a token."""

import math
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from schemas.api.objection import ObjectionProgress, ObjectionReceipt, ObjectionRequest
from schemas.errors import Rejected
from schemas.partner import Partner
from server.api.limits import AddressQuota, address_and_network
from server.api.openapi_parts import operation, plain
from server.release.hub import Hub
from server.release.objections import receive
from server.release.objections.contacts import Contacts
from server.store import Store
from server.store.objections import objections
from server.store.objections.objections import UnknownObjection
from server.store.objects.fast_reads import NotFast
from server.taxii.errors import TaxiiError, retry_later
from server.taxii.openapi_schemas import STRING, ref
from server.taxii.other_endpoints import Description, OtherRequest, RouteMethods
from server.taxii.request_body import received
from server.taxii.response import JSON, TaxiiResponse

PATH = "/api/objections"
_MOST_BYTES = 16 * 1024
_TOKEN = re.compile(r"[\w-]{32}", re.ASCII)
_ITS_PATH = re.compile(rf"{PATH}/(?P<token>[\w-]+)/?", re.ASCII)
_ROUTES = RouteMethods({"objections": "POST", "objection": "GET"})
_UNKEPT = ("Cache-Control", "no-store")
_DAY_SECONDS = 86_400
_DAY = _DAY_SECONDS * 1_000_000
# An address of its own, and all of a network together, a day.
_OF_ADDRESS, _OF_NETWORK = 5, 40
_A_MINUTE = 30
_REMEMBERED_AT_MOST = 50_000
_EXAMPLE = {
    "value": "1234567890",
    "kind": "bank-account",
    "details": {"bank": "004", "country": "TH"},
    "ground": "not-involved",
}

_requests = msgspec.json.Decoder(ObjectionRequest)
_PLACE = re.compile(r" - at `(\$[.\w\[\]]*)`$")


@dataclass(frozen=True)
class ObjectionRules:
    """Within how many working days objections are answered, how many a day are taken, and who encrypts contacts."""

    days: int = 15
    most_a_day: int = 1_000
    contacts: Contacts | None = None


class ObjectionEndpoints:
    """The endpoints of one hub at which anybody objects."""

    def __init__(self, hub: Hub, rules: ObjectionRules) -> None:
        """Store objections in ``hub`` by ``rules``."""
        self._hub = hub
        self._rules = rules
        self._addresses = AddressQuota(_A_MINUTE)
        self._days = DailyObjections(rules.most_a_day)

    def describe(self) -> Description:
        """Describe the endpoints for clients."""
        _, models = msgspec.json.schema_components(
            (ObjectionRequest, ObjectionReceipt, ObjectionProgress), ref_template="#/components/schemas/{name}"
        )
        filed = operation("objections", "Object to a listing", ref("ObjectionReceipt"), 400, 413, 415, 422)
        filed["responses"]["202"] = {**filed["responses"].pop("200"), "description": "received"}
        filed["security"] = []
        filed["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": ref("ObjectionRequest"), "example": _EXAMPLE}},
        }
        followed = operation("objection", "Follow an objection", ref("ObjectionProgress"), 404)
        followed["security"] = []
        followed["parameters"] = [{"name": "token", "in": "path", "required": True, "schema": STRING}]
        return Description(
            {PATH: {"post": filed}, PATH + "/{token}": {"get": followed}},
            {name: plain(model) for name, model in models.items()},
        )

    def find(self, environ: dict[str, Any]) -> OtherRequest | None:
        """Return the request where its path is one of these; the token is in no log."""
        path: str = environ["PATH_INFO"]
        if path.rstrip("/") == PATH:
            return OtherRequest("objections", "", environ)
        return OtherRequest("objection", "", environ) if path.startswith(PATH + "/") else None

    def is_open(self, request: OtherRequest) -> bool:
        """Return that anybody may object."""
        return True

    def body_limit(self, request: OtherRequest) -> int:
        """Return how many bytes an objection may have; 0 for any other request."""
        return _MOST_BYTES if request.route == "objections" and request.method == "POST" else 0

    def check(self, request: OtherRequest) -> None:
        """Refuse a method that the route does not have, and a body that is no JSON. Raises ``TaxiiError``."""
        _ROUTES.check(request)

    def respond(self, store: Store, partner: Partner | None, remote: str, request: OtherRequest) -> TaxiiResponse:
        """Store an objection, or answer how far one has come. Raises ``TaxiiError`` and ``NotFast``."""
        if (options := _ROUTES.options(request)) is not None:
            return options
        if store.is_fast:
            raise NotFast
        if request.route == "objection":
            found = _ITS_PATH.fullmatch(request.environ["PATH_INFO"])
            return _json(200, self.follow(remote, found["token"] if found else ""))
        return _json(202, self.file(remote, lambda: _asked(request)))

    @property
    def is_taken(self) -> bool:
        """Return whether this hub takes objections."""
        return self._rules.most_a_day > 0

    @property
    def takes_contacts(self) -> bool:
        """Return whether this hub has a key, and so keeps a contact."""
        return self._rules.contacts is not None

    def file(self, remote: str, ask: Callable[[], ObjectionRequest]) -> ObjectionReceipt:
        """File the objection that ``ask`` reads, from an address. Raises ``TaxiiError``."""
        self._addresses.spend(remote)
        if not self.is_taken:
            raise TaxiiError("not-found")
        asked = ask()
        self._days.spend(remote, self._count)
        try:
            with self._hub.store.begin() as tx:
                return receive.receive(tx, asked, self._rules.days, self._rules.contacts)
        except Rejected as refusal:
            raise TaxiiError("objection-refused", message=refusal.message) from None

    def follow(self, remote: str, token: str) -> ObjectionProgress:
        """Return how far the objection of a token has come, to an address. Raises ``TaxiiError``."""
        self._addresses.spend(remote)
        if not _TOKEN.fullmatch(token):
            raise TaxiiError("not-found")
        try:
            # The hub's own database: a replica may not have it yet.
            with self._hub.store.read() as tx:
                return receive.progress(tx, token)
        except UnknownObjection:
            raise TaxiiError("not-found") from None

    def _count(self, since: int) -> int:
        with self._hub.store.read() as tx:
            return objections.count_since(tx, since)


class DailyObjections:
    """The limits of objections a day: of an address, of a network, and of all together.

    Beyond what all together may file, who comes from a network that filed none today still may, up to twice as many: so
    that nobody who floods the hub from some networks keeps others from objecting.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.time) -> None:
        """Allow ``most`` a day in all; ``clock`` returns seconds since the epoch."""
        self._most = most
        self._clock = clock
        self._day = 0
        self._filed: Counter[str] = Counter()
        self._changing = threading.Lock()

    def spend(self, remote: str, count: Callable[[int], int]) -> None:
        """Count an objection; ``count`` returns how many are stored since a moment. Raises ``TaxiiError`` 429."""
        moment = self._clock()
        address, network = address_and_network(remote)
        taken = count(int(moment // _DAY_SECONDS) * _DAY)
        with self._changing:
            if self._day != int(moment // _DAY_SECONDS) or len(self._filed) > _REMEMBERED_AT_MOST:
                self._day = int(moment // _DAY_SECONDS)
                self._filed.clear()
            is_crowded = taken >= self._most and (self._filed[network] > 0 or taken >= 2 * self._most)
            if is_crowded or self._filed[address] >= _OF_ADDRESS or self._filed[network] >= _OF_NETWORK:
                raise retry_later("too-many-objections", math.ceil(_DAY_SECONDS - moment % _DAY_SECONDS))
            self._filed.update((address, network))


def _asked(request: OtherRequest) -> ObjectionRequest:
    with received(request.environ, _MOST_BYTES) as (body, _):
        text = body.read(_MOST_BYTES + 1)
    try:
        return _requests.decode(text)
    except msgspec.ValidationError as error:
        place = _PLACE.search(str(error))
        raise TaxiiError("not-an-objection", place=place[1] if place else "$") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise TaxiiError("not-json-body") from None


def _json(status: int, answer: object) -> TaxiiResponse:
    return TaxiiResponse(status, msgspec.json.encode(answer), (_UNKEPT,), JSON)
