"""The page of proof of notice: what the hub told a partner about a value, signed, as a file."""

from flask import Response

from schemas import kinds
from server.console.notice_files import NotStated, notice_file
from server.console.visit import Visit
from server.release.notices.document import makes_pdfs


def show(visit: Visit, problem: str = "") -> Response:
    """Show the form."""
    partner = visit.field("partner", 200) or visit.request.args.get("partner", "")[:200]
    status = 422 if problem else 200
    every = sorted(kinds.every())
    return visit.page(
        "operator/notice.html", status, kinds=every, has_pdf=makes_pdfs(), problem=problem, partner=partner
    )


def send(visit: Visit) -> Response:
    """Send the statement about a partner, also about one that left."""
    try:
        return notice_file(visit, visit.field("partner", 200))
    except NotStated as refused:
        return show(visit, refused.text)
