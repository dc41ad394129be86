"""The pages of notices: signed statements of the hub about a value, for a partner and for operators."""

from typing import Any

import orjson
from flask import Response

from schemas import kinds
from schemas.errors import Rejected
from schemas.tlog.signatures import BadSigningKey
from server import signing_keys
from server.features.notices.document import pdf_of
from server.features.notices.operations import IssueNotice
from server.features.notices.statement import SeveralValues, value_of
from server.operations.rights import ANALYSTS, PARTNERS
from server.operations.run import run
from server.store import partners
from server.store.database.engine import Tx
from server.store.partners import UnknownPartner
from server.web.shell.forms import quotas_of, refusal_of
from server.web.shell.lists import LONGEST, asked
from server.web.shell.routes import FORM, MEMBERS, RECORDS, Route, Tab
from server.web.shell.typesetting import makes_pdfs
from server.web.shell.visit import Visit
from server.web.shell.words import Translatable, mark
from server.web.taxii.errors import TaxiiError
from server.web.taxii.limits import PartnerQuotas

_NO_VALUE = mark("This is not a valid value. Enter it as it was reported; for a bank account, include the bank.")
_SEVERAL = mark("The text may mean several values: choose its kind.")
NO_PARTNER = mark("There is no partner of this name.")
NO_KEYS = mark("This hub cannot sign statements at present. Its administrator must set the signing key.")
_NO_PDF = mark("This hub cannot make PDF files. Use the signed statement.")


class NotStated(Exception):
    """No statement was made. The text gives the reason, and is in the catalogues."""

    def __init__(self, text: Translatable) -> None:
        """Refuse with a text that the catalogues have."""
        self.text = text
        super().__init__(text)


def show_own(visit: Visit, problem: str = "") -> Response:
    """Show the form of a notice about the partner itself."""
    return _form(visit, "partner/notice.html", problem)


def send_own(visit: Visit) -> Response:
    """Send the statement about the partner itself. Raises ``PageRefused``."""
    try:
        return _file(visit, visit.known_user.partner or "", quotas_of(visit))
    except NotStated as refused:
        return show_own(visit, refused.text)
    except TaxiiError as error:
        raise refusal_of(error) from None


def show_notice(visit: Visit, problem: str = "") -> Response:
    """Show the form of a notice about any partner."""
    partner = visit.field("partner", LONGEST) or asked(visit, "partner")
    return _form(visit, "operator/notice.html", problem, partner=partner)


def send_notice(visit: Visit) -> Response:
    """Send the statement about a partner, including one that left."""
    try:
        return _file(visit, visit.field("partner", LONGEST))
    except NotStated as refused:
        return show_notice(visit, refused.text)


def _form(visit: Visit, template: str, problem: str, **values: Any) -> Response:
    every = sorted(kinds.every())
    return visit.page(template, 422 if problem else 200, kinds=every, has_pdf=makes_pdfs(), problem=problem, **values)


def _file(visit: Visit, name: str, quotas: PartnerQuotas | None = None) -> Response:
    """Issue the notice that the form asks for about a partner, and return it as a file.

    It counts as an object of ``quotas``. Raises ``NotStated``, and ``TaxiiError`` if a limit is reached.
    """
    form, code = visit.field("form", 10), visit.field("language", 10)
    language = code if code in visit.site.languages else visit.language.code
    if form == "pdf" and not makes_pdfs():
        raise NotStated(_NO_PDF)
    try:
        value = value_of(visit.field("value", 2_000), visit.field("kind", 100) or None)
        keys = signing_keys.load(visit.site.settings)
        with visit.site.hub.store.read() as tx:
            partner = partners.get(tx, name, gone=quotas is None)

        def charge(tx: Tx) -> None:
            if quotas is not None:
                quotas.charge_objects(tx, partner.counts_as, 1)

        operation = IssueNotice(value=value, partner=partner, keys=keys)
        document = run(visit.site.hub, operation, visit.actor, check=charge)
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


ROUTES = (
    Route("/console/notice", ANALYSTS, show_notice, tab=Tab(MEMBERS, 4, mark("Proof of notice"))),
    Route("/console/notice/file", ANALYSTS, send_notice, methods=FORM, is_fresh=True),
    Route("/partner/notice", PARTNERS, show_own, tab=Tab(RECORDS, 7, mark("Proof of notice"))),
    Route("/partner/notice/file", PARTNERS, send_own, methods=FORM, is_fresh=True),
)
