"""``POST /api/notice``: a partner's own statement of notice about a value, signed by the hub."""

from collections.abc import Callable
from typing import Any

import msgspec

from schemas.api.lookup import LookupQuestion, ValueReading
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.proof.signatures import BadSigningKey, SigningKeys
from server.api.openapi_parts import operation, plain
from server.release.hub import Hub
from server.release.notices import record
from server.release.notices.statement import SeveralValues, value_of
from server.store import Store
from server.store.objects.fast_reads import NotFast
from server.taxii.errors import TaxiiError
from server.taxii.limits import PartnerQuotas
from server.taxii.openapi_schemas import STRING, Schema, ref
from server.taxii.other_endpoints import Description, OtherRequest, RouteMethods
from server.taxii.request_body import received
from server.taxii.response import JSON, TaxiiResponse

PATH = "/api/notice"
_ROUTE = "notice"
_MOST_BYTES = 16 * 1024
_METHODS = RouteMethods({_ROUTE: "POST"})
_UNKEPT = ("Cache-Control", "no-store")
_SIGNED: Schema = {
    "type": "object",
    "properties": {
        "statement": {"type": "object"},
        "signatures": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"algorithm": STRING, "key": STRING, "signature": STRING},
                "required": ["algorithm", "key", "signature"],
            },
        },
    },
    "required": ["statement", "signatures"],
}


_questions = msgspec.json.Decoder(LookupQuestion)


class NoticeEndpoints:
    """The endpoint of one hub at which a partner gets statements about itself."""

    def __init__(self, hub: Hub, quotas: PartnerQuotas, keys: Callable[[], SigningKeys]) -> None:
        """State what ``hub`` knows, signed by ``keys``; each statement counts as an object of ``quotas``."""
        self._hub = hub
        self._quotas = quotas
        self._keys = keys

    def describe(self) -> Description:
        """Describe the endpoint for clients."""
        asked = operation(
            "notice", "State, signed, what you were told about a value", ref("signed_notice"), 400, 403, 404
        )
        asked["responses"] |= {code: {"$ref": f"#/components/responses/{code}"} for code in ("413", "415")}
        asked["responses"]["409"] = {
            "description": "it is no value, or may be several",
            "content": {JSON: {"schema": ref("error")}},
        }
        example = {"value": "TH:KASITHBK:4567890123", "kind": "bank-account"}
        asked["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": ref("LookupQuestion"), "example": example}},
        }
        _, models = msgspec.json.schema_components((LookupQuestion,), ref_template="#/components/schemas/{name}")
        schemas = {name: plain(model) for name, model in models.items()}
        return Description({PATH: {"post": asked}}, {**schemas, "signed_notice": _SIGNED})

    def find(self, environ: dict[str, Any]) -> OtherRequest | None:
        """Return the request where its path is this one."""
        path: str = environ["PATH_INFO"]
        return OtherRequest(_ROUTE, "", environ) if path.rstrip("/") == PATH else None

    def is_open(self, request: OtherRequest) -> bool:
        """Return that nobody asks without credentials."""
        return False

    def body_limit(self, request: OtherRequest) -> int:
        """Return how many bytes the body may have; 0 for a request without one."""
        return _MOST_BYTES if request.method == "POST" else 0

    def check(self, request: OtherRequest) -> None:
        """Refuse another method, and a body that is no JSON. Raises ``TaxiiError``."""
        _METHODS.check(request)

    def respond(self, store: Store, partner: Partner | None, remote: str, request: OtherRequest) -> TaxiiResponse:
        """State what ``partner`` was told. Raises ``TaxiiError`` and ``NotFast``."""
        if (allowed := _METHODS.options(request)) is not None:
            return allowed
        if store.is_fast:
            raise NotFast
        if partner is None:
            raise TaxiiError("not-found")
        value = _value(_question(request))
        try:
            keys = self._keys()
            with self._hub.store.begin() as tx:
                self._quotas.charge_objects(tx, partner.name, 1)
                document = record.signed(tx, value, partner, keys, remote)
        except BadSigningKey:
            raise TaxiiError("not-found") from None
        return TaxiiResponse(200, msgspec.json.encode(document), (_UNKEPT,), JSON, objects_in=1)


def _question(request: OtherRequest) -> LookupQuestion:
    """Return the value that is asked about. Raises ``TaxiiError``."""
    with received(request.environ, _MOST_BYTES) as (stream, *_):
        try:
            return _questions.decode(stream.read(-1))
        except msgspec.ValidationError:
            message = "send value, and perhaps its kind and details"
            raise TaxiiError("request-refused", reason="not-a-value", message=message) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise TaxiiError("not-json-body") from None


def _value(question: LookupQuestion) -> ValueReading:
    """Return the value that is asked about. Raises ``TaxiiError``."""
    try:
        return value_of(question.value, question.kind, question.details)
    except Rejected as refusal:
        raise TaxiiError("request-refused", reason=refusal.reason, message=refusal.message) from None
    except SeveralValues as error:
        raise TaxiiError("request-refused", reason="several-values", message=str(error)) from None
