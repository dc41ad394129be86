"""The signed notice about a value as a file that a page sends: the statement itself, or a page to file with it."""

import orjson
from flask import Response

from schemas.errors import Rejected
from schemas.proof.signatures import BadSigningKey
from server import signing_keys
from server.console.visit import Visit
from server.console.words import Translatable, mark
from server.release.notices import record
from server.release.notices.document import makes_pdfs, pdf_of
from server.release.notices.statement import SeveralValues, value_of
from server.store import partners
from server.store.partners import UnknownPartner
from server.taxii.limits import PartnerQuotas

_NO_VALUE = mark("This is no value. Write it as it was reported, a bank account with its bank.")
_SEVERAL = mark("The text may mean several values: choose its kind.")
NO_PARTNER = mark("There is no partner of this name.")
NO_KEYS = mark("This hub signs no statements at present. Whoever runs it has to set its signing key.")
_NO_PDF = mark("This hub makes no pages to file. Take the signed statement.")


class NotStated(Exception):
    """No statement was made; the text says why, and is in the catalogues."""

    def __init__(self, text: Translatable) -> None:
        """Refuse with a text that the catalogues have."""
        self.text = text
        super().__init__(text)


def notice_file(visit: Visit, name: str, quotas: PartnerQuotas | None = None) -> Response:
    """Sign the notice that the form asks for about a partner, and return it as a file; the audit trail has it.

    It counts as an object of ``quotas``. Raises ``NotStated``, and ``TaxiiError`` where a limit is reached.
    """
    form, code = visit.field("form", 10), visit.field("language", 10)
    language = code if code in visit.site.languages else visit.language.code
    if form == "pdf" and not makes_pdfs():
        raise NotStated(_NO_PDF)
    try:
        value = value_of(visit.field("value", 2_000), visit.field("kind", 100) or None)
        keys = signing_keys.load(visit.site.settings)
        with visit.site.hub.store.begin() as tx:
            partner = partners.get(tx, name, gone=quotas is None)
            if quotas is not None:
                quotas.charge_objects(tx, partner.name, 1)
            document = record.signed(tx, value, partner, keys, visit.known_user.name)
    except Rejected:
        raise NotStated(_NO_VALUE) from None
    except SeveralValues:
        raise NotStated(_SEVERAL) from None
    except UnknownPartner:
        raise NotStated(NO_PARTNER) from None
    except BadSigningKey:
        raise NotStated(NO_KEYS) from None
    if form == "pdf":
        return visit.file(pdf_of(document, language, visit.site.settings.timezone), "notice.pdf", "application/pdf")
    return visit.file(orjson.dumps(document, option=orjson.OPT_INDENT_2), "notice.json", "application/json")
