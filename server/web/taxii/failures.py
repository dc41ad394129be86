"""Responses to requests that failed: error resources for programs, and pages for browsers."""

import logging
from http import HTTPStatus
from typing import Any, Protocol

from server.web.taxii import errors
from server.web.taxii.limits import API_ROOT
from server.web.taxii.response import TaxiiResponse

log = logging.getLogger(__name__)

# Every path below these belongs to TAXII.
_TAXII_PATHS = ("/taxii2/", f"/{API_ROOT}/")


class RefusalPage(Protocol):
    """Answers browsers whose request is refused before it is read, or fails."""

    def __call__(self, environ: dict[str, Any], status: int, error_id: str = "") -> TaxiiResponse | None:
        """Return the page, with the id of a fault in the log; None for any other client."""


def no_page(environ: dict[str, Any], status: int, error_id: str = "") -> TaxiiResponse | None:
    """Return None: without pages, every client is a program."""
    return None


def response_to(
    failure: BaseException, environ: dict[str, Any], *, route: str, error_type: str, page: RefusalPage
) -> TaxiiResponse:
    """Return the error resource for an exception, in ``error_type``; for a fault outside TAXII a page or a problem
    document.

    Log a fault with its cause. It looks only at the path, because any other part of the server may have failed.
    """
    response = errors.response_to_failure(failure, route=route, method=environ["REQUEST_METHOD"])
    if response.status != HTTPStatus.INTERNAL_SERVER_ERROR:
        return response._replace(content_type=error_type)
    if f"{environ.get('PATH_INFO', '')}/".startswith(_TAXII_PATHS):
        return response
    try:
        shown = page(environ, response.status, response.error_id or "")
    except Exception as fault:
        log.error("taxii-failure error_id=%s", response.error_id, exc_info=fault)
        shown = None
    return errors.problem_document(response) if shown is None else shown._replace(error_id=response.error_id)
