"""Bodies in gzip, both ways, where the client asks for it or sends it."""

import zlib

from flask import Flask, Response, request
from isal import igzip
from werkzeug.datastructures import Accept

from server.taxii.backend import MAX_CONTENT_LENGTH
from server.taxii.errors import TaxiiError

# Below this, the headers weigh more than what is saved.
_WORTH_IT = 1_024
_GZIP_WINDOW = 31
_LEVEL = 1


def inflate(body: bytes, encoding: str | None) -> bytes:
    """Unpack a request's body. Raises ``TaxiiError`` 413 when it unpacks to more than a body may be, 415 or 400."""
    named = (encoding or "identity").strip().lower()
    if named == "identity":
        return body
    if named not in ("gzip", "x-gzip"):
        raise TaxiiError(415, "A body is sent as it is, or in gzip.", (("Accept-Encoding", "gzip"),))
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    try:
        plain = unpacker.decompress(body, MAX_CONTENT_LENGTH + 1)
    except zlib.error as error:
        raise TaxiiError(400, "The body is not gzip.") from error
    if len(plain) > MAX_CONTENT_LENGTH:
        raise TaxiiError(413)
    if not unpacker.eof or unpacker.unused_data:
        raise TaxiiError(400, "The body is not one whole gzip stream.")
    return plain


def register(app: Flask) -> None:
    """Let ``app`` pack what is large enough, for clients that ask for gzip."""
    app.after_request(_deflate)


def _deflate(response: Response) -> Response:
    if response.direct_passthrough or response.is_streamed or "Content-Encoding" in response.headers:
        return response
    body = response.get_data()
    if len(body) < _WORTH_IT:
        return response
    response.vary.add("Accept-Encoding")
    if _wants_gzip(request.accept_encodings):
        response.set_data(igzip.compress(body, _LEVEL))
        response.headers["Content-Encoding"] = "gzip"
    return response


def _wants_gzip(asked: Accept) -> bool:
    return bool(asked) and asked.quality("gzip") > 0 and asked.quality("gzip") >= asked.quality("identity")
