"""Answers in gzip and zstd, where the client asks for it."""

import sys
from functools import lru_cache
from typing import Literal

from flask import Flask, Response, request
from isal import igzip
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from server.taxii.response import TaxiiResponse

Encoding = Literal["identity", "gzip", "zstd"]

# Below this, the headers weigh more than what is saved.
_WORTH_IT = 1_024
_LEVEL = 1
# No client has this much to say of what it takes.
_LONGEST = 1_024
_VARY = ("Vary", "Accept-Encoding")


@lru_cache(maxsize=256)
def wanted(accept_encoding: str | None) -> Encoding:
    """Choose what a client with this Accept-Encoding header is given."""
    if accept_encoding is not None and len(accept_encoding) > _LONGEST:
        return "identity"
    asked = parse_accept_header(accept_encoding, Accept)
    gzip = max(asked.quality("gzip"), asked.quality("x-gzip")) if asked else 0
    # What is newer than many clients comes only to those who name it.
    newer = max((quality for name, quality in asked if name.lower() == "zstd"), default=0)
    if max(gzip, newer) <= 0 or max(gzip, newer) < asked.quality("identity"):
        return "identity"
    return "zstd" if newer >= gzip else "gzip"


def pack(answer: TaxiiResponse, encoding: Encoding) -> TaxiiResponse:
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
    packed = pack(
        TaxiiResponse(response.status_code, response.get_data()), wanted(request.headers.get("Accept-Encoding"))
    )
    for name, value in packed.headers:
        response.headers.add(name, value)
    response.set_data(packed.body)
    return response
