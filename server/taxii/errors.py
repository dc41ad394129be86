"""Errors as TAXII's error resources (TAXII 2.1 §3.6.1), and the table of their reasons.

Every error resource has an id, which the log has too, and the code of its reason.
"""

import logging
import math
import uuid
from http import HTTPStatus
from typing import NamedTuple

import orjson
from medallion.exceptions import MedallionError
from werkzeug.exceptions import HTTPException

from server.store import StoreUnavailable
from server.taxii.negotiation import TAXII
from server.taxii.response import TaxiiResponse

log = logging.getLogger(__name__)

_BUSY_STORE_SECONDS = 5.0

Headers = tuple[tuple[str, str], ...]


class Reason(NamedTuple):
    """HTTP status of a refusal, what is wrong, and what the sender can do; in braces what each refusal fills in."""

    status: int
    problem: str
    remedy: str = ""


# By error code. Nothing that is filled in repeats what a partner sent, but for names that TAXII gives.
REASONS: dict[str, Reason] = {
    # The request as a whole
    "bad-request": Reason(400, "The request is not one that HTTP has."),
    "unauthorized": Reason(401, "This needs a partner's credentials: HTTP Basic, or a bearer token."),
    "forbidden": Reason(403, "The partner may not do this with this collection."),
    "not-found": Reason(404, "There is nothing here for this partner."),
    "method-not-allowed": Reason(
        405, "This resource does not have this method.", "The Allow header names its methods."
    ),
    "not-acceptable": Reason(406, f"The Accept header leaves out what this server sends: {TAXII}."),
    "too-slow": Reason(408, "The request did not arrive in time.", "Send it again on a new connection."),
    "body-too-large": Reason(413, "The body is larger than max_content_length of the API root.", "Send less at once."),
    "url-too-long": Reason(414, "The URL is too long."),
    "media-type": Reason(415, f"The body has to be sent as {TAXII}."),
    "expectation": Reason(417, "The only expectation that can be met is 100-continue."),
    "unprocessable": Reason(422, "The body is not one that this server can take."),
    "too-many-requests": Reason(429, "The partner asks more often than it may.", "Try again later."),
    "head-too-large": Reason(431, "The headers of the request are too many or too long."),
    "internal": Reason(500, "Something went wrong here;", "the operator finds it in the log by the error_id."),
    "unknown-method": Reason(501, "There is no such method here."),
    "busy": Reason(503, "The server is too busy just now; nothing was done.", "Try again later."),
    # Limits of a partner
    "too-many-passwords": Reason(429, "Too many wrong passwords came from this address.", "Try again later."),
    "objects-a-day": Reason(429, "The partner posts more objects a day than it may; nothing was taken.", "Try later."),
    # Rights
    "may-not-read": Reason(403, "The partner may write to this collection, but not read it."),
    "may-not-write": Reason(403, "The partner may read this collection, but not write to it."),
    "not-deletable": Reason(
        403, "What was contributed or released is not deleted.", "Retract it by posting a revoked version."
    ),
    # Parameters of the URL
    "too-many-parameters": Reason(400, "A URL has at most {most} parameters here."),
    "repeated-parameter": Reason(400, "The parameter {name} can be given once."),
    "foreign-next": Reason(400, "The next parameter is not one that this collection gave out.", "Begin again without."),
    "unknown-match": Reason(400, "Here a match is one of: {known}."),
    "too-many-values": Reason(400, "The parameter match[{field}] has at most {most} values;", "ask for fewer at once."),
    "empty-value": Reason(400, "The parameter match[{field}] is a list of values, separated by commas."),
    "repeated-version": Reason(400, "In match[version], each version is named once."),
    "all-stands-alone": Reason(400, "In match[version], all stands alone."),
    "bad-limit": Reason(400, "The limit is a whole number above zero."),
    "bad-timestamp": Reason(400, "The parameter {name} is an RFC 3339 timestamp."),
    # Bodies
    "truncated-body": Reason(400, "The body ended before its Content-Length."),
    "wrong-compression": Reason(400, "The body is not {encoding}."),
    "broken-compression": Reason(400, "The body is not one whole stream of {encoding}."),
    "unknown-compression": Reason(415, "A body is sent as it is, in gzip or in zstd."),
    "not-an-object": Reason(400, "The body is not a JSON object."),
    "not-utf-8": Reason(400, "The body is not UTF-8."),
    "lone-surrogate": Reason(400, "The body escapes half of a character (a lone surrogate), which is no text."),
    "too-deep": Reason(400, "The body is nested too deeply."),
    "object-not-json": Reason(400, "objects[{index}] is not JSON: {problem}", "Nothing was taken."),
    "too-many-objects": Reason(
        413,
        "The envelope has more than {most:,} objects, which is the most that one request may bring; nothing was taken.",
        "Send them in several requests.",
    ),
    "too-many-brackets": Reason(413, "The envelope has more lists and objects within its objects than is read."),
    "no-objects": Reason(422, "The envelope has no objects; an empty list stands for nothing in TAXII."),
    "two-lists": Reason(422, "The envelope has two lists of objects."),
    "not-a-list": Reason(422, "The objects of an envelope are a list."),
}

# For errors that name a status only: those of HTTP, of Flask and of Medallion.
_CODE_OF_STATUS = {reason.status: code for code, reason in reversed(REASONS.items())}


class TaxiiError(Exception):
    """A request that cannot be answered, by the code of its reason."""

    def __init__(self, code: str, headers: Headers = (), **fields: object) -> None:
        """Refuse a request for the reason ``code`` of ``REASONS``, with ``fields`` in its words."""
        reason = REASONS[code]
        self.code = code
        self.status = reason.status
        self.headers = headers
        # Only the first part has fields: what it is filled with may hold braces of its own.
        self.description = " ".join(filter(None, (reason.problem.format(**fields), reason.remedy)))
        super().__init__(self.description)


def unauthorized() -> TaxiiError:
    """Return the error that asks for credentials, by each scheme that is taken."""
    schemes = (
        ("WWW-Authenticate", 'Basic realm="scamfeed", charset="UTF-8"'),
        ("WWW-Authenticate", 'Bearer realm="scamfeed"'),
    )
    return TaxiiError("unauthorized", schemes)


def retry_later(code: str, seconds: float) -> TaxiiError:
    """Return the error that asks a partner to come again after ``seconds``."""
    return TaxiiError(code, (("Retry-After", str(max(1, math.ceil(seconds)))),))


def error_of_status(status: int, headers: Headers = ()) -> TaxiiError:
    """Return the error that an HTTP status alone names; one without a reason of its own is ``internal``."""
    return TaxiiError(_CODE_OF_STATUS.get(status, "internal" if status >= 500 else "bad-request"), headers)


def error_response(error: TaxiiError, *, route: str, method: str) -> TaxiiResponse:
    """Return the error resource, and note it in the log under its id; ``route`` is never a URL."""
    error_id = str(uuid.uuid4())
    resource = {
        "title": HTTPStatus(error.status).phrase,
        "description": error.description,
        "error_id": error_id,
        "error_code": error.code,
        "http_status": str(error.status),
    }
    log.info(
        "taxii-error error_id=%s status=%s code=%s method=%s where=%s",
        error_id,
        error.status,
        error.code,
        method,
        route,
    )
    return TaxiiResponse(error.status, orjson.dumps(resource), error.headers, error_id=error_id)


def response_to_failure(failure: Exception, *, route: str, method: str) -> TaxiiResponse:
    """Return the error resource for any exception; a fault of this server is in the log with its cause."""
    fault = None
    if isinstance(failure, TaxiiError):
        error = failure
    elif isinstance(failure, HTTPException):
        kept = tuple((name, value) for name, value in failure.get_headers() if name.lower() in ("allow", "retry-after"))
        error = error_of_status(failure.code or 500, kept)
    elif isinstance(failure, MedallionError):
        # Its words repeat what was asked for, and its root exception; these repeat nothing.
        error = error_of_status(failure.status)
    elif isinstance(failure, StoreUnavailable):
        log.warning("store-unavailable reason=%s", failure)
        error = retry_later("busy", _BUSY_STORE_SECONDS)
    else:
        error, fault = TaxiiError("internal"), failure
    response = error_response(error, route=route, method=method)
    if fault is not None:
        log.error("taxii-failure error_id=%s", response.error_id, exc_info=fault)
    return response
