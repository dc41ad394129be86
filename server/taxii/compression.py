"""Bodies in gzip and zstd, both ways, where the client asks for it or sends it."""

import sys
import zlib
from functools import lru_cache
from typing import Literal, Protocol

from flask import Flask, Response, request
from isal import igzip
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from server.taxii.answer import Answer
from server.taxii.errors import TaxiiError
from server.taxii.limits import MAX_CONTENT_LENGTH

Encoding = Literal["identity", "gzip", "zstd"]

# Below this, the headers weigh more than what is saved.
_WORTH_IT = 1_024
_GZIP_WINDOW = 31
# RFC 9659: eight MiB, and no more, is what a body in zstd may refer back.
_ZSTD_WINDOW: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}
_LEVEL = 1
_VARY = ("Vary", "Accept-Encoding")


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def inflate(body: bytes, encoding: str | None) -> bytes:
    """Unpack a request's body. Raises ``TaxiiError`` 413 when it unpacks to more than a body may be, 415 or 400."""
    named = (encoding or "identity").strip().lower()
    if named == "identity":
        return body
    if named in ("gzip", "x-gzip"):
        unpacker: _Unpacker = zlib.decompressobj(_GZIP_WINDOW)
    elif named == "zstd":
        unpacker = zstd.ZstdDecompressor(options=_ZSTD_WINDOW)
    else:
        raise TaxiiError(415, "A body is sent as it is, in gzip or in zstd.", (("Accept-Encoding", "gzip, zstd"),))
    try:
        plain = unpacker.decompress(body, MAX_CONTENT_LENGTH + 1)
    except (zlib.error, zstd.ZstdError) as error:
        raise TaxiiError(400, f"The body is not {named}.") from error
    if len(plain) > MAX_CONTENT_LENGTH:
        raise TaxiiError(413)
    if not unpacker.eof or unpacker.unused_data:
        raise TaxiiError(400, f"The body is not one whole stream of {named}.")
    return plain


@lru_cache(maxsize=256)
def wanted(accept_encoding: str | None) -> Encoding:
    """Choose what a client with this Accept-Encoding header is given."""
    asked = parse_accept_header(accept_encoding, Accept)
    gzip = max(asked.quality("gzip"), asked.quality("x-gzip")) if asked else 0
    # What is newer than many clients comes only to those who name it.
    newer = max((quality for name, quality in asked if name.lower() == "zstd"), default=0)
    if max(gzip, newer) <= 0 or max(gzip, newer) < asked.quality("identity"):
        return "identity"
    return "zstd" if newer >= gzip else "gzip"


def pack(answer: Answer, encoding: Encoding) -> Answer:
    """Pack what is large enough; what is packed already stays as it is."""
    if len(answer.body) < _WORTH_IT or _VARY in answer.headers:
        return answer
    if encoding == "identity":
        return answer._replace(headers=(*answer.headers, _VARY))
    packed = (zstd if encoding == "zstd" else igzip).compress(answer.body, _LEVEL)
    return answer._replace(body=packed, headers=(*answer.headers, _VARY, ("Content-Encoding", encoding)))


def register(app: Flask) -> None:
    """Let ``app`` pack what is large enough, for clients that ask for it."""
    app.after_request(_deflate)


def _deflate(response: Response) -> Response:
    if response.direct_passthrough or response.is_streamed or response.vary.find("Accept-Encoding") >= 0:
        return response
    packed = pack(Answer(response.status_code, response.get_data()), wanted(request.headers.get("Accept-Encoding")))
    for name, value in packed.headers:
        response.headers.add(name, value)
    response.set_data(packed.body)
    return response
