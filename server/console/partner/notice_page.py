"""The page of a partner's proof of notice: what the hub told it about a value, signed, as a file."""

from flask import Response

from schemas import kinds
from server.console.notice_files import NotStated, notice_file
from server.console.partner.own import quotas_of, refusal_of
from server.console.visit import Visit
from server.release.notices.document import makes_pdfs
from server.taxii.errors import TaxiiError


def show(visit: Visit, problem: str = "") -> Response:
    """Show the form."""
    status = 422 if problem else 200
    every = sorted(kinds.every())
    return visit.page("partner/notice.html", status, kinds=every, has_pdf=makes_pdfs(), problem=problem)


def send(visit: Visit) -> Response:
    """Send the statement about the partner itself. Raises ``PageRefused``."""
    try:
        return notice_file(visit, visit.known_user.partner or "", quotas_of(visit))
    except NotStated as refused:
        return show(visit, refused.text)
    except TaxiiError as error:
        raise refusal_of(error) from None
