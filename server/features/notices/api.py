"""``POST /api/notice``: a partner's own statement of notice about a value, signed by the hub."""

from schemas.api.lookup import LookupQuestion, ValueReading
from schemas.errors import Rejected
from schemas.tlog.signatures import BadSigningKey
from server import signing_keys
from server.features.notices.operations import IssueNotice
from server.features.notices.statement import SeveralValues, value_of
from server.operations.operation import Actor
from server.operations.run import run
from server.web.api.routes import ApiCall, ApiRoute, NamedSchema, RequestBody, ResponseBody, json_response
from server.web.taxii.errors import TaxiiError
from server.web.taxii.openapi_schemas import STRING
from server.web.taxii.response import TaxiiResponse

_SIGNED = NamedSchema(
    "signed_notice",
    {
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
    },
)
_EXAMPLE = {"value": "TH:KASITHBK:4567890123", "kind": "bank-account"}


def _issue(call: ApiCall) -> TaxiiResponse:
    """Issue a statement about the partner. Raises ``TaxiiError``."""
    partner, site = call.partner, call.site
    value = _value(call.read(LookupQuestion))
    try:
        notice = IssueNotice(value=value, partner=partner, keys=signing_keys.load(site.settings))
        document = run(
            site.hub,
            notice,
            Actor.program(partner, call.remote),
            check=lambda tx: site.quotas.charge_objects(tx, partner.counts_as, 1),
        )
    except BadSigningKey:
        raise TaxiiError("not-found") from None
    return json_response(document, objects_in=1)


def _value(question: LookupQuestion) -> ValueReading:
    """Return the value of the request. Raises ``TaxiiError``."""
    try:
        return value_of(question.value, question.kind, question.details)
    except Rejected as refusal:
        raise TaxiiError("field-refused", field="value", reason=refusal.reason, message=refusal.message) from None
    except SeveralValues as error:
        raise TaxiiError("field-refused", field="value", reason="several-values", message=str(error)) from None


ROUTES = (
    ApiRoute(
        "notice",
        "POST",
        "/api/notice",
        _issue,
        "Get a signed statement of what you were told",
        ResponseBody(_SIGNED),
        request=RequestBody(LookupQuestion, 16 * 1024, "not-a-question", example=_EXAMPLE),
        refuses=(403, 404),
    ),
)
