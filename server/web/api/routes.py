"""A route of the JSON API as data, and a call of it. Every feature declares its own as ``ROUTES`` in its ``api.py``."""

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, NamedTuple, TypeVar, cast
from urllib.parse import parse_qsl

import msgspec

from schemas.partner import Partner
from server.operations.rights import ANYBODY, PROGRAMS
from server.release.hub import Hub
from server.settings import Settings
from server.store import Store
from server.web.taxii.errors import Headers, TaxiiError
from server.web.taxii.limits import AddressQuota, PartnerQuotas
from server.web.taxii.openapi_schemas import STRING, USUAL_ERRORS, Schema
from server.web.taxii.request_body import announced, received
from server.web.taxii.response import JSON, TaxiiResponse

BINARY = "application/octet-stream"
XML = "application/xml"
# For a response that is only valid now, or only for its partner.
NO_STORE = ("Cache-Control", "no-store")

_PLACE = re.compile(r" - at `(\$[.\w\[\]]*)`$")
_MISSING = re.compile(r"missing required field `(\w+)`")

_Read = TypeVar("_Read")
_Service = TypeVar("_Service", bound="ApiService")


class NamedSchema(NamedTuple):
    """A schema that the OpenAPI description lists under its name, with those that it ``uses``."""

    name: str
    schema: Schema
    uses: "tuple[NamedSchema, ...]" = ()


# The form of a body: a model, a named schema, or a schema of its own.
Shape = type[msgspec.Struct] | NamedSchema | Schema


@dataclass(frozen=True)
class Parameter:
    """A parameter of the path or the query; one of the path matches ``pattern``, which has no groups."""

    name: str
    description: str = ""
    schema: Schema = field(default_factory=lambda: STRING)
    is_required: bool = False
    pattern: str = "[^/]+"


@dataclass(frozen=True)
class RequestBody:
    """The body of a request: at most ``most`` bytes; ``invalid`` is the code of the error for another form.

    With ``item``, a single item of the list in the model's only field, or the list alone, may be the whole body.
    ``also`` are further media types, ``*/*`` for any, with the forms of their bodies.
    """

    shape: Shape
    most: int | Callable[[Settings], int]
    invalid: str = "not-json-body"
    media_type: str = JSON
    example: Any = None
    description: str = ""
    item: Shape | None = None
    also: Mapping[str, Shape] = field(default_factory=dict)


@dataclass(frozen=True)
class ResponseBody:
    """A response as described to clients; without a shape it has no body.

    ``also`` are further media types, in which a client may ask for it, with the forms of their bodies.
    """

    shape: Shape | None
    status: int = 200
    media_type: str = JSON
    headers: Mapping[str, Schema] = field(default_factory=dict)
    description: str = "done"
    also: Mapping[str, Shape] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class AddressLimit:
    """A limit of requests per minute of each address, over all routes and pages that name it."""

    per_minute: Callable[[Settings], int]


class ApiSite:
    """The parts that all routes of one application share; ``running`` stops background work with the application."""

    def __init__(self, hub: Hub, settings: Settings, quotas: PartnerQuotas, running: ExitStack) -> None:
        """Open no service yet."""
        self.hub = hub
        self.settings = settings
        self.quotas = quotas
        self.running = running
        self._services: dict[type[ApiService], ApiService] = {}
        self._addresses: dict[AddressLimit, AddressQuota] = {}

    def of(self, service: type[_Service]) -> _Service:
        """Return the service of this application, opened once."""
        found = self._services.get(service)
        if found is None:
            found = self._services[service] = service(self)
        return found  # type: ignore[return-value]  # stored under its own type

    def addresses(self, limit: AddressLimit) -> AddressQuota:
        """Return the quota of addresses of this application."""
        if limit not in self._addresses:
            self._addresses[limit] = AddressQuota(limit.per_minute(self.settings))
        return self._addresses[limit]


class ApiService:
    """The state that some routes of one application share, opened when the application starts."""

    @classmethod
    def is_offered(cls, settings: Settings) -> bool:
        """Return whether the hub serves the routes of this service."""
        return True

    def __init__(self, site: ApiSite) -> None:
        """Open the service of ``site``."""
        self.site = site


@dataclass(frozen=True)
class ApiRoute:
    """One method of a path: its operation id, its view, and all that matching, limits and OpenAPI derive from it.

    ``path`` names its parameters in braces. ``name`` is the name in logs and metrics, by default that of the operation.
    ``also`` are responses with other statuses, ``refuses`` the errors besides those that every route of its form has.
    A route that is not ``is_fast`` is answered in a thread. One that ``is_long`` has no open view of the store. One
    that ``has_events`` is answered again after each change of its collection, on the same connection.
    ``limit`` counts before the view, unless the view ``counts_valid`` requests only. A public route that is for
    ``partners_too`` answers a request with credentials for its partner, which is counted as that of the partner.
    """

    id: str
    method: Literal["GET", "POST"]
    path: str
    view: "Callable[[ApiCall], TaxiiResponse]"
    purpose: str
    response: ResponseBody
    who: frozenset[str] = PROGRAMS
    request: RequestBody | None = None
    parameters: tuple[Parameter, ...] = ()
    refuses: tuple[int, ...] = ()
    also: tuple[ResponseBody, ...] = ()
    usual: tuple[int, ...] = USUAL_ERRORS
    limit: AddressLimit | None = None
    counts_valid: bool = False
    partners_too: bool = False
    is_fast: bool = False
    is_long: bool = False
    has_events: bool = False
    service: type[ApiService] | None = None
    name: str = ""

    @property
    def is_public(self) -> bool:
        """Whether the route needs no credentials."""
        return self.who == ANYBODY

    @property
    def called(self) -> str:
        """The name of the route in logs and metrics."""
        return self.name or self.id.replace("_", "-")


@dataclass(frozen=True)
class ApiCall:
    """A request to a route: the store to read, the client's address, and the values of the path's parameters."""

    site: ApiSite
    route: ApiRoute
    store: Store
    remote: str
    environ: dict[str, Any]
    arguments: Mapping[str, str]
    most: int
    requester: Partner | None

    @property
    def partner(self) -> Partner:
        """The partner of the request. Raises ``TaxiiError`` on a public route."""
        if self.requester is None:
            raise TaxiiError("not-found")
        return self.requester

    def of(self, service: type[_Service]) -> _Service:
        """Return the service of this application."""
        return self.site.of(service)

    def count(self) -> None:
        """Count a request without a partner against the limit of the route, once. Raises ``TaxiiError`` 429."""
        if self.route.limit is not None and self.requester is None and _COUNTED not in self.environ:
            self.site.addresses(self.route.limit).spend(self.remote)
            self.environ[_COUNTED] = True

    def query(self, most: int) -> list[tuple[str, str]]:
        """Return the parameters of the URL in order. Raises ``TaxiiError`` 400 if there are more than ``most``."""
        try:
            text = self.environ.get("QUERY_STRING", "").encode("latin-1").decode(errors="replace")
            return parse_qsl(text, keep_blank_values=True, max_num_fields=most)
        except ValueError as error:
            raise TaxiiError("too-many-parameters", most=most) from error

    def body(self) -> bytes:
        """Return the body, decompressed. Raises ``TaxiiError``."""
        length = announced(self.environ)
        if "HTTP_CONTENT_ENCODING" in self.environ or not 0 <= length <= self.most:
            with received(self.environ, self.most) as (stream, _):
                return stream.read()
        data: bytes = self.environ["wsgi.input"].read(length)
        if len(data) < length:
            raise TaxiiError("truncated-body")
        return data

    def read(self, model: type[_Read]) -> _Read:
        """Return the body as ``model``. Raises ``TaxiiError`` 422 with the place of a mistake."""
        data, request = self.body(), self.route.request
        try:
            found: _Read = (
                _one_or_list(data, model) if request and request.item else _decoder(cast(Any, model)).decode(data)
            )
        except msgspec.ValidationError as error:
            code = request.invalid if request else "not-json-body"
            raise TaxiiError(code, place=_place_of(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise TaxiiError("not-json-body") from None
        return found


# A request that is answered twice, because the first answer was not fast enough, counts once.
_COUNTED = "scamfeed.address-counted"


@cache
def _decoder(model: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(model)


def _one_or_list(data: bytes, model: Any) -> Any:
    [name] = model.__struct_fields__
    body = msgspec.json.decode(data)
    if isinstance(body, dict) and name not in body:
        body = [body]
    return msgspec.convert({name: body} if isinstance(body, list) else body, model)


def _place_of(error: msgspec.ValidationError) -> str:
    """Return the place of a mistake in a body, as ``$.values[0]``, with the name of a missing field.

    Names that the sender made up are not repeated.
    """
    text = str(error)
    place, missing = _PLACE.search(text), _MISSING.search(text)
    return (place[1] if place else "$") + (f".{missing[1]}" if missing else "")


def json_response(
    resource: object,
    status: int = 200,
    headers: Headers = (NO_STORE,),
    *,
    collection: str | None = None,
    objects_in: int = 0,
    objects_out: int = 0,
) -> TaxiiResponse:
    """Return a response with ``resource`` as JSON, which no cache may keep unless ``headers`` say so."""
    body = msgspec.json.encode(resource)
    return TaxiiResponse(status, body, headers, JSON, collection, objects_in, objects_out)
