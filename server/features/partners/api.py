"""``/api/credentials``: the partner's own credentials, without secrets, and what each is for."""

from pydantic import ValidationError

from schemas.api.credentials import CredentialPurpose, PartnerCredentials
from server.features.partners.access import listing
from server.features.partners.access.operations import NameCredential, UnknownCredential
from server.operations.operation import Actor
from server.operations.run import run
from server.web.api.routes import ApiCall, ApiRoute, Parameter, RequestBody, ResponseBody, json_response
from server.web.taxii.errors import TaxiiError
from server.web.taxii.response import TaxiiResponse

_PATH = "/api/credentials"
_MOST_BYTES = 64 * 1024


def _list(call: ApiCall) -> TaxiiResponse:
    with call.site.hub.store.read() as tx:
        found = listing.credentials(tx, call.partner.name)
    return json_response(PartnerCredentials(found), objects_out=len(found))


def _name(call: ApiCall) -> TaxiiResponse:
    """Say what a credential is for. Raises ``TaxiiError``."""
    given = {"credential": call.arguments["id"], "purpose": call.read(CredentialPurpose).purpose}
    try:
        operation = NameCredential.model_validate({"partner": call.partner, **given})
        run(call.site.hub, operation, Actor.program(call.partner, call.remote))
    except ValidationError:
        message = "it is one line in composed characters (NFC), without blanks at the ends"
        raise TaxiiError("field-refused", field="purpose", reason="not-a-line", message=message) from None
    except UnknownCredential:
        raise TaxiiError("not-found") from None
    return _list(call)


ROUTES = (
    ApiRoute(
        "credentials",
        "GET",
        _PATH,
        _list,
        "List your credentials, without their secrets",
        ResponseBody(PartnerCredentials),
    ),
    ApiRoute(
        "name_credential",
        "POST",
        f"{_PATH}/{{id}}",
        _name,
        "Say what one of your credentials is for",
        ResponseBody(PartnerCredentials),
        request=RequestBody(
            CredentialPurpose, _MOST_BYTES, "not-a-purpose", example={"purpose": "TAXII client of the SIEM"}
        ),
        parameters=(Parameter("id", "the id of the credential", pattern="[0-9a-f]{16}"),),
        refuses=(404,),
        name="credential-purpose",
    ),
)
