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
from server.taxii.response import TAXII, TaxiiResponse

log = logging.getLogger(__name__)

_BUSY_STORE_SECONDS = 5.0

Headers = tuple[tuple[str, str], ...]


class ErrorReason(NamedTuple):
    """HTTP status of a refusal, the problem, and what the sender can do; in braces what each refusal fills in."""

    status: int
    problem: str
    remedy: str


# By error code. Nothing that is filled in repeats what a partner sent, but for names that TAXII gives.
REASONS: dict[str, ErrorReason] = {
    # The request as a whole
    "bad-request": ErrorReason(
        400, "The request is not one that HTTP has.", "Send requests as RFC 9112 describes them."
    ),
    "unauthorized": ErrorReason(
        401,
        "This needs a partner's credentials: HTTP Basic, or a bearer token.",
        "Send those that the hub's operator gave you.",
    ),
    "forbidden": ErrorReason(
        403, "The partner may not do this with this collection.", "The collection resource says what it may."
    ),
    "not-found": ErrorReason(
        404, "There is nothing here for this partner.", "The collections resource lists what there is."
    ),
    "method-not-allowed": ErrorReason(
        405, "This resource does not have this method.", "The Allow header names its methods."
    ),
    "not-acceptable": ErrorReason(
        406, "The Accept header leaves out what this server sends.", f'Ask for {TAXII}, or for "*/*".'
    ),
    "too-slow": ErrorReason(408, "The request did not arrive in time.", "Send it again on a new connection."),
    "body-too-large": ErrorReason(
        413, "The body is larger than max_content_length of the API root.", "Send several smaller requests."
    ),
    "url-too-long": ErrorReason(414, "The URL is too long.", "Ask for fewer values at once."),
    "media-type": ErrorReason(415, "The body has another media type than TAXII's.", f"Send it as {TAXII}."),
    "expectation": ErrorReason(
        417, "The only expectation that can be met is 100-continue.", "Leave the Expect header out."
    ),
    "unprocessable": ErrorReason(
        422, "The body is not one that this server can take.", "Send an envelope of STIX objects."
    ),
    "too-many-requests": ErrorReason(
        429, "The partner asks more often than it may.", "Try again after the seconds in Retry-After."
    ),
    "head-too-large": ErrorReason(431, "The headers of the request are too many or too long.", "Send fewer headers."),
    "internal": ErrorReason(500, "Something went wrong here.", "The operator finds it in the log by the error_id."),
    "unknown-method": ErrorReason(501, "There is no such method here.", "Use a method of TAXII."),
    "busy": ErrorReason(503, "The server is too busy just now; nothing was done.", "Try again later."),
    # Limits of a partner
    "too-many-passwords": ErrorReason(
        429, "Too many wrong passwords came from this address.", "Try again after the seconds in Retry-After."
    ),
    "objects-a-day": ErrorReason(
        429,
        "The partner posts more objects a day than it may; nothing was taken.",
        "Try again after the seconds in Retry-After.",
    ),
    "evidence-a-day": ErrorReason(
        429,
        "The partner sends more files of evidence a day than it may; nothing was taken.",
        "Try again after the seconds in Retry-After.",
    ),
    # Rights
    "may-not-read": ErrorReason(
        403, "The partner may write to this collection, but not read it.", "Ask the hub's operator for the right."
    ),
    "may-not-write": ErrorReason(
        403, "The partner may read this collection, but not write to it.", "Contribute to the collection inbox."
    ),
    "not-deletable": ErrorReason(
        403, "What was contributed or released is not deleted.", "Retract it by posting a revoked version."
    ),
    # Parameters of the URL
    "too-many-parameters": ErrorReason(400, "A URL has at most {most} parameters here.", "Send fewer."),
    "repeated-parameter": ErrorReason(
        400, "The parameter {name} can be given once.", "Separate its values by commas, where it takes several."
    ),
    "foreign-next": ErrorReason(
        400, "The next parameter is not one that this collection gave out.", "Begin again with added_after."
    ),
    "unknown-match": ErrorReason(400, "Here a match is one of: {known}.", "Use one of these."),
    "too-many-values": ErrorReason(
        400, "The parameter match[{field}] has at most {most} values.", "Ask for the rest in another request."
    ),
    "empty-value": ErrorReason(
        400,
        "The parameter match[{field}] is a list of values, separated by commas.",
        "Give each place of the list a value.",
    ),
    "repeated-version": ErrorReason(400, "In match[version], each version is named once.", "Leave the repetition out."),
    "all-stands-alone": ErrorReason(400, "In match[version], all stands alone.", "Leave the other versions out."),
    "bad-limit": ErrorReason(400, "The limit is a whole number above zero.", "Send such a number, or none."),
    "bad-timestamp": ErrorReason(
        400, "The parameter {name} is an RFC 3339 timestamp.", "Send it as 2026-01-31T09:30:00Z is written."
    ),
    "search-too-long": ErrorReason(
        400,
        "The filters find so little in this collection that the search was ended after {seconds} seconds.",
        "Ask for ids by match[id], or for what was added lately by added_after, or without the filters.",
    ),
    # Bodies
    "truncated-body": ErrorReason(400, "The body ended before its Content-Length.", "Send all of it."),
    "wrong-compression": ErrorReason(400, "The body is not {encoding}.", "Compress it as Content-Encoding says."),
    "broken-compression": ErrorReason(
        400, "The body is not one whole stream of {encoding}.", "Compress it as one stream, and send all of it."
    ),
    "unknown-compression": ErrorReason(
        415, "The body has an unknown Content-Encoding.", "Send it as it is, in gzip or in zstd."
    ),
    "not-an-object": ErrorReason(400, "The body is not a JSON object.", "Send an envelope of STIX objects."),
    "not-utf-8": ErrorReason(400, "The body is not UTF-8.", "Encode it so."),
    "lone-surrogate": ErrorReason(
        400, "The body escapes half of a character (a lone surrogate), which is no text.", "Send whole characters."
    ),
    "too-deep": ErrorReason(400, "The body is nested too deeply.", "Send an envelope of STIX objects."),
    "object-not-json": ErrorReason(
        400, "objects[{index}] is not JSON: {problem}", "Nothing was taken. Mend it, and send all again."
    ),
    "too-many-objects": ErrorReason(
        413,
        "The envelope has more than {most:,} objects, which is the most that one request may bring; nothing was taken.",
        "Send them in several requests.",
    ),
    "too-many-brackets": ErrorReason(
        413,
        "The envelope has more lists and objects within its objects than is read.",
        "Send them in several requests.",
    ),
    "no-objects": ErrorReason(
        422, "The envelope has no objects; an empty list stands for nothing in TAXII.", "Send at least one object."
    ),
    "two-lists": ErrorReason(422, "The envelope has two lists of objects.", "Send one."),
    "not-a-list": ErrorReason(422, "The objects of an envelope are a list.", "Put the objects into a list."),
    # Private matching
    "key-over": ErrorReason(
        410, "The key does not hold, or not any more.", "Read the set anew, and evaluate with the key that it names."
    ),
    "version-over": ErrorReason(
        410, "What changed since that version is not known any more.", "Read all tags, without since."
    ),
    "bad-since": ErrorReason(400, "Tags have one parameter, since.", "Give the version that you have, as a number."),
    "not-an-evaluation": ErrorReason(
        422,
        "The body has another form than an evaluation.",
        'Send {"key": "…", "blinded": "…"}: the id of a key, and elements of 32 octets each in Base64, at least one.',
    ),
    "bad-element": ErrorReason(
        422, "An element is none of the group.", "Blind values as RFC 9497 has it, in ristretto255."
    ),
    "too-many-elements": ErrorReason(
        413, "One request has at most {most:,} elements.", "Send them in several requests."
    ),
    "too-many-evaluations": ErrorReason(
        429,
        "All evaluations of a day were asked for.",
        "Try again after the seconds in Retry-After, and keep the outputs of values that were asked about.",
    ),
    "match-busy": ErrorReason(
        503, "Too many evaluations are under way.", "Try again after the seconds in Retry-After."
    ),
    "match-unmade": ErrorReason(
        503, "The set of this collection is being made.", "Try again after the seconds in Retry-After."
    ),
    # Look-ups
    "not-json": ErrorReason(415, "The body has another media type than JSON.", "Send it as application/json."),
    "not-octets": ErrorReason(
        415, "The body of evidence has another media type.", "Send the file as application/octet-stream."
    ),
    "not-json-body": ErrorReason(400, "The body is not JSON in UTF-8.", "Write it as RFC 8259 describes it."),
    "not-a-lookup": ErrorReason(
        422,
        "The body has another form than a look-up, at {place}.",
        'Send {"values": [{"value": "…"}, …]}, 1 to 1,000 values, each with a kind and details where needed.',
    ),
    "not-answers": ErrorReason(
        422,
        "The body has another form than the answers of a keeper.",
        'Send {"answers": [{"value": "…", "code": "genuine"}, …]}, 1 to 100, with kinds and details where needed.',
    ),
    "not-a-check": ErrorReason(
        400, "A check has one value.", "Give the parameter value once, percent-encoded, and each other once at most."
    ),
    "not-a-range": ErrorReason(
        400,
        "These are no days, or no figure or dimension that there is.",
        "Give from and to as 2026-11-01, by as day or month, each once at most.",
    ),
    "too-many-figures": ErrorReason(
        400, "An answer has {most} figures at most.", "Name a figure or a dimension, or fewer days."
    ),
    "too-many-lookups": ErrorReason(
        429,
        "The partner looks up more values than it may; one that is not found may count as several.",
        "Try again after the seconds in Retry-After, and keep answers for their cache_seconds.",
    ),
    "evidence-refused": ErrorReason(
        409, "The file of evidence is refused: {message}.", "Send another file, or ask the hub's operator."
    ),
    "request-refused": ErrorReason(
        409, "The request or the answer is refused ({reason}): {message}.", "Correct it and send it again."
    ),
    "not-a-list-of-requests": ErrorReason(
        400,
        "A list of requests is asked for by state, role, limit and next alone.",
        "Give words of the vocabulary, a whole number, and next as the page before gave it.",
    ),
    "not-folded": ErrorReason(
        503, "The digest of this collection is made for the first time.", "Try again after the seconds in Retry-After."
    ),
    # The ledger
    "not-sealed": ErrorReason(
        404, "The object is in no signed checkpoint yet.", "Try again after the seconds in Retry-After."
    ),
    "not-a-cosignature": ErrorReason(
        422,
        "The body is no cosignature that can be kept: {problem}.",
        "Send the checkpoint of this log with your signature below it, or the line of the signature alone.",
    ),
    "unknown-witness": ErrorReason(
        403, "The signature is of no witness that is registered here.", "Ask the hub's operator to register your key."
    ),
    "not-a-checkpoint": ErrorReason(
        400, "The body is no checkpoint with its proof: {problem}.", "Send it as C2SP tlog-witness has it."
    ),
    "not-signed": ErrorReason(
        403, "The checkpoint is not signed by the key that is known of this log.", "Ask for the key to be registered."
    ),
    "does-not-follow": ErrorReason(
        422, "The checkpoint does not follow from the last one: {problem}.", "Send a proof from the size in a 409."
    ),
    "not-an-objection": ErrorReason(
        422,
        "The body has another form than an objection, at {place}.",
        'Send {"value": "…", "ground": "not-involved"}, with a kind, details and a contact of one line where needed.',
    ),
    "objection-refused": ErrorReason(422, "{message}.", "Correct it, and send it again."),
    "too-many-objections": ErrorReason(
        429, "Too many objections come today.", "Try again after the seconds in Retry-After."
    ),
    "too-many-checks": ErrorReason(
        429, "Too many checks come from this address.", "Try again after the seconds in Retry-After."
    ),
}

# For errors that name a status only: those of HTTP, of Flask and of Medallion.
_CODE_OF_STATUS = {
    reason.status: code for code, reason in reversed(REASONS.items()) if "{" not in reason.problem + reason.remedy
}


class TaxiiError(Exception):
    """A request that cannot be answered, by the code of its reason."""

    def __init__(self, code: str, headers: Headers = (), **fields: object) -> None:
        """Refuse a request for the reason ``code`` of ``REASONS``, with ``fields`` in its words."""
        reason = REASONS[code]
        self.code = code
        self.status = reason.status
        self.headers = headers
        # Only the problem has fields.
        self.description = f"{reason.problem.format(**fields)} {reason.remedy}"
        super().__init__(self.description)


def unauthorized() -> TaxiiError:
    """Return the error that asks for credentials, by each scheme that is taken."""
    schemes = (
        ("WWW-Authenticate", 'Basic realm="scamfeed", charset="UTF-8"'),
        ("WWW-Authenticate", 'Bearer realm="scamfeed"'),
    )
    return TaxiiError("unauthorized", schemes)


def retry_later(code: str, seconds: float, headers: Headers = ()) -> TaxiiError:
    """Return the error that asks a partner to come again after ``seconds``."""
    return TaxiiError(code, (("Retry-After", str(max(1, math.ceil(seconds)))), *headers))


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
