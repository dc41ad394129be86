"""Errors as TAXII's error resources (TAXII 2.1 §3.6.1), and the table of their reasons.

Every error resource has the code of its reason, and an id that is also in the log.
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
from server.web.taxii.response import PROBLEM, TAXII, TaxiiResponse

log = logging.getLogger(__name__)

_BUSY_STORE_SECONDS = 5.0

Headers = tuple[tuple[str, str], ...]


class ErrorReason(NamedTuple):
    """A reason for a rejection: HTTP status, problem and remedy. Words in braces are filled in for each one."""

    status: int
    problem: str
    remedy: str


# By error code. Filled-in words never repeat a partner's input, except for names defined by TAXII.
REASONS: dict[str, ErrorReason] = {
    # The request as a whole
    "bad-request": ErrorReason(400, "The request is not valid HTTP.", "Send requests according to RFC 9112."),
    "unauthorized": ErrorReason(
        401,
        "The request needs a partner's credentials: HTTP Basic or a bearer token.",
        "Send the credentials from the hub's operator.",
    ),
    "forbidden": ErrorReason(
        403, "The partner may not do this with this collection.", "The collection resource lists the partner's rights."
    ),
    "not-found": ErrorReason(
        404,
        "There is nothing at this address for this partner.",
        "Find the available collections in the collections resource.",
    ),
    "method-not-allowed": ErrorReason(
        405, "The resource does not support this method.", "Use a method from the Allow header."
    ),
    "not-acceptable": ErrorReason(
        406, "The Accept header excludes the formats that this server sends.", f'Ask for {TAXII}, or for "*/*".'
    ),
    "too-slow": ErrorReason(408, "The request did not arrive in time.", "Send it again on a new connection."),
    "body-too-large": ErrorReason(
        413, "The body is larger than max_content_length of the API root.", "Send several smaller requests."
    ),
    "url-too-long": ErrorReason(414, "The URL is too long.", "Ask for fewer values per request."),
    "media-type": ErrorReason(415, "The media type of the body is not TAXII's.", f"Send it as {TAXII}."),
    "expectation": ErrorReason(417, "The only supported expectation is 100-continue.", "Omit the Expect header."),
    "unprocessable": ErrorReason(422, "The server cannot process this body.", "Send an envelope of STIX objects."),
    "too-many-requests": ErrorReason(
        429, "The partner has exceeded its request limit.", "Try again after the seconds in Retry-After."
    ),
    "head-too-large": ErrorReason(431, "The headers of the request are too many or too long.", "Send fewer headers."),
    "internal": ErrorReason(
        500,
        "The server has an internal error.",
        "Report the error_id, which is also in the log, to the operator.",
    ),
    "unknown-method": ErrorReason(501, "The server does not know this method.", "Use a method of TAXII."),
    "busy": ErrorReason(503, "The server is too busy; nothing was done.", "Try again later."),
    # Limits of a partner
    "too-many-passwords": ErrorReason(
        429, "Too many wrong passwords were sent from this address.", "Try again after the seconds in Retry-After."
    ),
    "objects-a-day": ErrorReason(
        429,
        "The partner has exceeded its daily limit of objects; nothing was stored.",
        "Try again after the seconds in Retry-After.",
    ),
    "evidence-a-day": ErrorReason(
        429,
        "The partner has exceeded its daily limit of evidence files; nothing was stored.",
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
        403, "Contributed and released objects cannot be deleted.", "Retract the object by posting a revoked version."
    ),
    "not-yours-to-delete": ErrorReason(
        403, "Another member of this collection added the object.", "Ask that member to delete it."
    ),
    # Parameters of the URL
    "too-many-parameters": ErrorReason(400, "A URL may have at most {most} parameters.", "Send fewer parameters."),
    "repeated-parameter": ErrorReason(
        400, "The parameter {name} may be given only once.", "If it accepts several values, separate them by commas."
    ),
    "foreign-next": ErrorReason(
        400, "The next parameter was not issued by this collection.", "Start again with added_after."
    ),
    "unknown-match": ErrorReason(400, "The match field must be one of: {known}.", "Use one of these."),
    "too-many-values": ErrorReason(
        400,
        "The parameter match[{field}] may have at most {most} values.",
        "Send the remaining values in another request.",
    ),
    "empty-value": ErrorReason(
        400,
        "The parameter match[{field}] must be a list of values separated by commas.",
        "Remove empty elements from the list.",
    ),
    "repeated-version": ErrorReason(
        400, "In match[version], each version may occur only once.", "Remove the repetition."
    ),
    "all-stands-alone": ErrorReason(
        400, "In match[version], all cannot be combined with other versions.", "Remove the other versions."
    ),
    "bad-limit": ErrorReason(400, "The limit must be a whole number above zero.", "Correct the limit, or omit it."),
    "bad-timestamp": ErrorReason(
        400, "The parameter {name} must be an RFC 3339 timestamp.", "Use the format 2026-01-31T09:30:00Z."
    ),
    "search-too-long": ErrorReason(
        400,
        "The filters match so few objects in this collection that the search was stopped after {seconds} seconds.",
        "Use match[id], a recent added_after, or no filters.",
    ),
    # Bodies
    "truncated-body": ErrorReason(400, "The body ended before its Content-Length.", "Send the complete body."),
    "wrong-compression": ErrorReason(
        400, "The body is not valid {encoding}.", "Compress the body as stated in Content-Encoding."
    ),
    "broken-compression": ErrorReason(
        400,
        "The body is not exactly one complete {encoding} stream.",
        "Compress the body as one stream, and send it completely.",
    ),
    "unknown-compression": ErrorReason(
        415, "The body has an unknown Content-Encoding.", "Send the body uncompressed, or compressed with gzip or zstd."
    ),
    "not-an-object": ErrorReason(400, "The body is not a JSON object.", "Send an envelope of STIX objects."),
    "not-utf-8": ErrorReason(400, "The body is not UTF-8.", "Encode the body in UTF-8."),
    "lone-surrogate": ErrorReason(
        400,
        "The body contains an escaped lone surrogate (half of a character), which is not valid text.",
        "Send complete characters.",
    ),
    "too-deep": ErrorReason(400, "The body is nested too deeply.", "Send an envelope of STIX objects."),
    "object-not-json": ErrorReason(
        400,
        "objects[{index}] is not JSON: {problem}",
        "Nothing was stored. Correct the object, and send the envelope again.",
    ),
    "too-many-objects": ErrorReason(
        413,
        "The envelope has more than {most:,} objects, the maximum of one request; nothing was stored.",
        "Send the objects in several requests.",
    ),
    "too-many-brackets": ErrorReason(
        413,
        "The objects of the envelope contain too many nested lists and objects.",
        "Send the objects in several requests.",
    ),
    "no-objects": ErrorReason(
        422, "The envelope has no objects; TAXII does not allow an empty list.", "Send at least one object."
    ),
    "two-lists": ErrorReason(422, "The envelope has two lists of objects.", "Send one list."),
    "not-a-list": ErrorReason(422, "The objects of an envelope must be a list.", "Put the objects into a list."),
    # Private matching
    "key-over": ErrorReason(
        410, "The key is not valid, or no longer valid.", "Read the set again, and evaluate with the key that it names."
    ),
    "version-over": ErrorReason(
        410, "The changes since that version are no longer available.", "Read all tags, without since."
    ),
    "bad-since": ErrorReason(
        400, "The only parameter of tags is since, a version number.", "Send your version as a number."
    ),
    "not-an-evaluation": ErrorReason(
        422,
        "The body is not a valid evaluation, at {place}.",
        'Send {"key": "…", "blinded": "…"}: the id of a key, and at least one element of 32 octets in Base64.',
    ),
    "bad-element": ErrorReason(
        422, "An element does not belong to the group.", "Blind values according to RFC 9497 with ristretto255."
    ),
    "too-many-elements": ErrorReason(
        413, "One request may have at most {most:,} elements.", "Send the elements in several requests."
    ),
    "too-many-evaluations": ErrorReason(
        429,
        "The daily quota of evaluations is used up.",
        "Try again after the seconds in Retry-After, and keep the outputs of evaluated values.",
    ),
    "match-busy": ErrorReason(
        503, "Too many evaluations are in progress.", "Try again after the seconds in Retry-After."
    ),
    "match-unmade": ErrorReason(
        503, "The set of this collection is being built.", "Try again after the seconds in Retry-After."
    ),
    "not-a-comparison": ErrorReason(
        422,
        "The body is not a valid comparison of members, at {place}.",
        "Send the blinded inputs in Base64, at most {most:,}; then the common numbers and proofs of links.",
    ),
    "too-many-comparisons": ErrorReason(
        429, "The daily quota of compared members is used up.", "Try again after the seconds in Retry-After."
    ),
    # Look-ups
    "not-json": ErrorReason(415, "The media type of the body is not JSON.", "Send the body as application/json."),
    "not-octets": ErrorReason(
        415, "The media type of the evidence is wrong.", "Send the file as application/octet-stream."
    ),
    "not-json-body": ErrorReason(422, "The body, $, is not JSON in UTF-8.", "Send JSON according to RFC 8259."),
    "not-a-lookup": ErrorReason(
        422,
        "The body is not a valid look-up, at {place}.",
        'Send {"values": [{"value": "…"}, …]}, 1 to 1,000 values, each with a kind and details if needed.',
    ),
    "not-answers": ErrorReason(
        422,
        "The body is not a valid list of findings, at {place}.",
        'Send {"value": "…", "code": "genuine"}, or {"answers": […]} with 1 to 100, with kinds and details if needed.',
    ),
    "not-questions": ErrorReason(
        422,
        "The body is not a valid question or list of questions, at {place}.",
        'Send {"listing": "indicator--…", "kind": "payment"}, or {"questions": […]} with 1 to 20 of them.',
    ),
    "not-an-answer": ErrorReason(422, "The body is not a valid answer, at {place}.", 'Send {"text": "…"}.'),
    "not-outcomes": ErrorReason(
        422,
        "The body is not a valid outcome or list of outcomes, at {place}.",
        'Send {"value": "…", "outcome": "blocked"}, or {"outcomes": […]} with 1 to 1,000 of them.',
    ),
    "not-a-selection": ErrorReason(
        422,
        "The body is not a valid selection of reports, at {place}.",
        'Send {"reason": "…"} with at least one condition, such as since, values or kind.',
    ),
    "not-an-act": ErrorReason(
        422,
        "The body names no act, at {place}.",
        'Send {"act": "hold"}, or release, retract, pause, resume or discard.',
    ),
    "not-reports": ErrorReason(
        422,
        "The body is not a valid report or list of reports, at {place}.",
        'Send {"value": "…"}, or a list of 1 to 1,000 of them, all of them reports or all with a record; '
        "send a longer list as a file.",
    ),
    "report-options": ErrorReason(
        422, "A parameter of the URL is not valid: {message}.", "Name it as an option of scamfeed contribute."
    ),
    "not-a-form": ErrorReason(
        422,
        "The body is not a valid form with one file, at {place}.",
        "Send the file as the part file of multipart/form-data, or as the whole body.",
    ),
    "not-a-question": ErrorReason(
        422,
        "The body is not a valid question about one value, at {place}.",
        'Send {"value": "…"}, with a kind and details if needed.',
    ),
    "not-a-purpose": ErrorReason(
        422, "The body is not the purpose of a credential, at {place}.", 'Send {"purpose": "…"}, at most 60 characters.'
    ),
    "field-refused": ErrorReason(
        422, "The field {field} is rejected ({reason}): {message}.", "Correct the field and send the request again."
    ),
    "evidence-unfit": ErrorReason(
        422, "The body, $, is not an accepted file: {message}.", "Send another file, or ask the hub's operator."
    ),
    "not-a-check": ErrorReason(
        400,
        "A check must have exactly one value.",
        "Send the parameter value once, percent-encoded, and every other parameter at most once.",
    ),
    "not-a-range": ErrorReason(
        400,
        "The days, the figure or the dimension are not valid.",
        "Send from and to as 2026-11-01, and by as day or month, each at most once.",
    ),
    "too-many-figures": ErrorReason(
        400, "A response may have at most {most} figures.", "Select a figure or a dimension, or fewer days."
    ),
    "too-many-lookups": ErrorReason(
        429,
        "The partner has exceeded its look-up limit; a value that is not found may count several times.",
        "Try again after the seconds in Retry-After, and cache responses for their cache_seconds.",
    ),
    "evidence-refused": ErrorReason(
        409, "The evidence file is rejected: {message}.", "Send another file, or ask the hub's operator."
    ),
    "request-refused": ErrorReason(
        409, "The request or response is rejected ({reason}): {message}.", "Correct it and send it again."
    ),
    "message-refused": ErrorReason(
        422, "The message breaks the rule {rule} at {path} ({reason}): {message}.", "Correct it and send it again."
    ),
    "transaction-refused": ErrorReason(
        409, "The transaction at {path} is rejected ({reason}): {message}.", "Correct it and send a new message."
    ),
    "not-a-message-default": ErrorReason(
        400,
        "A message accepts only the parameters within, legal_basis and asks.",
        "Write within as 10d or 4h, and the others as the documentation names them.",
    ),
    "not-your-institution": ErrorReason(
        422,
        "The bank is none of your institutions.",
        "Write one as the operator registered it for you, or leave bank out.",
    ),
    "not-xml-body": ErrorReason(415, "The media type of the body is not XML.", "Send it as application/xml."),
    "not-a-list-of-accounts": ErrorReason(
        400,
        "A list of accounts accepts only the parameters state, overdue, bank, age, order, limit and next.",
        "Use words of the vocabulary, an age such as 4h, and next from the previous page.",
    ),
    "not-a-list-of-outcomes": ErrorReason(
        400, "A parameter is not valid for this list.", "Send next from the previous page, or no parameter."
    ),
    "not-a-list-of-questions": ErrorReason(
        400,
        "A list of questions accepts only the parameters state, limit and next.",
        "Use open or answered, a whole number, and next from the previous page.",
    ),
    "not-a-list-of-requests": ErrorReason(
        400,
        "A list of requests accepts only the parameters state, role, limit and next.",
        "Use words of the vocabulary, a whole number, and next from the previous page.",
    ),
    "not-statistics": ErrorReason(
        400,
        "Statistics of takedown requests accept only the parameter months, a whole number from 1 to 36.",
        "Give such a number, or leave months out.",
    ),
    "hashes-unread": ErrorReason(
        503,
        "The hashes of this collection are being read for the first time.",
        "Try again after the seconds in Retry-After.",
    ),
    "not-folded": ErrorReason(
        503,
        "The digest of this collection is being computed for the first time.",
        "Try again after the seconds in Retry-After.",
    ),
    # The ledger
    "not-sealed": ErrorReason(
        404, "The object is not yet in a signed checkpoint.", "Try again after the seconds in Retry-After."
    ),
    "not-sealing": ErrorReason(
        404,
        "The object is not in a signed checkpoint, and this hub cannot sign one: its keys do not belong to its log.",
        "Tell the hub's operator to run scamfeed log status.",
    ),
    "not-a-cosignature": ErrorReason(
        422,
        "The cosignature cannot be stored: {problem}.",
        "Send the checkpoint of this log with your signature below it, or only the signature line.",
    ),
    "unknown-witness": ErrorReason(
        403, "The signature does not belong to a registered witness.", "Ask the hub's operator to register your key."
    ),
    "not-a-checkpoint": ErrorReason(
        400, "The body is not a checkpoint with its proof: {problem}.", "Use the format of C2SP tlog-witness."
    ),
    "not-signed": ErrorReason(
        403,
        "The checkpoint is not signed with the registered key of this log.",
        "Ask the hub's operator to register the key.",
    ),
    "does-not-follow": ErrorReason(
        422, "The checkpoint does not follow from the last one: {problem}.", "Send a proof from the size in a 409."
    ),
    "not-an-objection": ErrorReason(
        422,
        "The body is not a valid objection, at {place}.",
        'Send {"value": "…", "ground": "not-involved"}, with a kind, details and a one-line contact if needed.',
    ),
    "objection-refused": ErrorReason(422, "{message}.", "Correct the objection and send it again."),
    "too-many-objections": ErrorReason(
        429, "Too many objections were sent today.", "Try again after the seconds in Retry-After."
    ),
    "too-many-checks": ErrorReason(
        429, "Too many checks were sent from this address.", "Try again after the seconds in Retry-After."
    ),
}

# For errors given only as a status: those of HTTP, of Flask and of Medallion.
_CODE_OF_STATUS = {
    reason.status: code for code, reason in reversed(REASONS.items()) if "{" not in reason.problem + reason.remedy
}


class TaxiiError(Exception):
    """A request that cannot be answered, identified by the code of its reason."""

    def __init__(self, code: str, headers: Headers = (), **fields: object) -> None:
        """Reject a request for the reason ``code`` of ``REASONS``, with ``fields`` for its placeholders."""
        reason = REASONS[code]
        self.code = code
        self.status = reason.status
        self.headers = headers
        # The reason given for a part of the request, else the one for the whole request.
        self.reason = str(fields.get("reason", code))
        # Only the problem has placeholders.
        self.description = f"{reason.problem.format(**fields)} {reason.remedy}"
        super().__init__(self.description)


def unauthorized() -> TaxiiError:
    """Return the error that asks for credentials, with each accepted scheme."""
    schemes = (
        ("WWW-Authenticate", 'Basic realm="scamfeed", charset="UTF-8"'),
        ("WWW-Authenticate", 'Bearer realm="scamfeed"'),
    )
    return TaxiiError("unauthorized", schemes)


def retry_later(code: str, seconds: float, headers: Headers = ()) -> TaxiiError:
    """Return the error that asks a partner to retry after ``seconds``."""
    return TaxiiError(code, (("Retry-After", str(max(1, math.ceil(seconds)))), *headers))


def error_of_status(status: int, headers: Headers = ()) -> TaxiiError:
    """Return the error for an HTTP status; ``internal`` for a status without a reason."""
    return TaxiiError(_CODE_OF_STATUS.get(status, "internal" if status >= 500 else "bad-request"), headers)


def error_response(error: TaxiiError, *, route: str, method: str) -> TaxiiResponse:
    """Return the error resource, and log it under its id; ``route`` is never a URL."""
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


def problem_document(response: TaxiiResponse) -> TaxiiResponse:
    """Return an error resource as a problem document (RFC 9457), which also has the members of the resource."""
    resource = orjson.loads(response.body)
    document = {"type": "about:blank", "status": response.status, "detail": resource["description"], **resource}
    return response._replace(body=orjson.dumps(document), content_type=PROBLEM)


def response_to_failure(failure: BaseException, *, route: str, method: str) -> TaxiiResponse:
    """Return the error resource for any exception. Log a fault of this server with its cause."""
    fault = None
    if isinstance(failure, TaxiiError):
        error = failure
    elif isinstance(failure, HTTPException):
        kept = tuple((name, value) for name, value in failure.get_headers() if name.lower() in ("allow", "retry-after"))
        error = error_of_status(failure.code or 500, kept)
    elif isinstance(failure, MedallionError):
        # The exception's text repeats the request and its cause; this error does not.
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
