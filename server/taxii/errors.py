"""Errors as TAXII's error resources (TAXII 2.1 §3.6.1): every one has an id, and the log has the same id."""

import logging
import uuid
from http import HTTPStatus

import orjson
from flask import Flask, Response, request
from medallion.exceptions import MedallionError
from werkzeug.exceptions import HTTPException

from server import observe
from server.store import StoreUnavailable
from server.taxii.negotiation import TAXII
from server.taxii.response import TaxiiResponse

log = logging.getLogger(__name__)

_RETRY_SECONDS = "5"
_ADVICE = {
    401: "This needs a partner's credentials: HTTP Basic, or a bearer token.",
    403: "The partner may not do this with this collection.",
    404: "There is nothing here for this partner.",
    405: "This resource does not have this method.",
    406: f"The Accept header leaves out what this server sends: {TAXII}.",
    413: "The body is larger than max_content_length of the API root.",
    414: "The URL is too long.",
    415: f"The body has to be sent as {TAXII}.",
    422: "The body is not one that this server can take.",
    429: "The partner asks more often than it may. Try again later.",
    500: "Something went wrong here; the operator finds it in the log by the error_id.",
    501: "There is no such method here.",
    503: "The server is too busy just now; nothing was done. Try again later.",
}


class TaxiiError(Exception):
    """A request that cannot be answered, with the HTTP status that says so and what to do about it."""

    def __init__(self, status: int, description: str | None = None, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Refuse a request with ``status``; ``description`` speaks to the partner and repeats nothing of its data."""
        super().__init__(description or _ADVICE.get(status, ""))
        self.status = status
        self.description = description or _ADVICE.get(status)
        self.headers = headers


def unauthorized() -> TaxiiError:
    """Ask for credentials, by each scheme that is taken."""
    schemes = (
        ("WWW-Authenticate", 'Basic realm="scamfeed", charset="UTF-8"'),
        ("WWW-Authenticate", 'Bearer realm="scamfeed"'),
    )
    return TaxiiError(401, headers=schemes)


def answer(error: TaxiiError, *, where: str, method: str) -> TaxiiResponse:
    """Give the error resource, and note it in the log under its id; ``where`` is a route, never a URL."""
    error_id = str(uuid.uuid4())
    observe.failed_as(error_id)
    title = HTTPStatus(error.status).phrase
    resource = {"title": title, "error_id": error_id, "http_status": str(error.status)}
    if error.description:
        resource["description"] = error.description
    log.info("taxii-error error_id=%s status=%s method=%s where=%s", error_id, error.status, method, where)
    return TaxiiResponse(error.status, orjson.dumps(resource), error.headers)


def of(error: Exception, *, where: str, method: str) -> TaxiiResponse:
    """Give the error resource for anything that went wrong; what is our fault stands in the log with its cause."""
    if isinstance(error, TaxiiError):
        return answer(error, where=where, method=method)
    if isinstance(error, HTTPException):
        headers = tuple((k, v) for k, v in error.get_headers() if k.lower() in ("allow", "retry-after"))
        return answer(TaxiiError(error.code or 500, None, headers), where=where, method=method)
    if isinstance(error, MedallionError):
        # Its words repeat what was asked for, and its root exception; ours repeat nothing.
        return answer(TaxiiError(error.status), where=where, method=method)
    if isinstance(error, StoreUnavailable):
        log.warning("store-unavailable reason=%s", error)
        return answer(TaxiiError(503, headers=(("Retry-After", _RETRY_SECONDS),)), where=where, method=method)
    failed = answer(TaxiiError(500), where=where, method=method)
    log.error("taxii-failure error_id=%s", orjson.loads(failed.body)["error_id"], exc_info=error)
    return failed


def register(app: Flask) -> None:
    """Let ``app`` answer every error, whatever its cause, with an error resource."""

    def reply(error: Exception) -> Response:
        return of(error, where=request.endpoint or "nowhere", method=request.method).response()

    for kind in (TaxiiError, HTTPException, MedallionError, StoreUnavailable, Exception):
        app.register_error_handler(kind, reply)
