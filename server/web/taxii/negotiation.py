"""Negotiation of media types (RFC 9110 §12.5.1, TAXII 2.1 §1.6.8) and of compression (RFC 9110 §12.5.3)."""

import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from isal import igzip, isal_zlib
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header, parse_options_header

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from server.web.taxii.response import TaxiiResponse

Encoding = Literal["identity", "gzip", "zstd"]

# The longest headers that are read.
_LONGEST_ACCEPT, _LONGEST_ACCEPT_ENCODING = 4_096, 1_024
_NAME, _VERSION = "application/taxii+json", "2.1"
_JSON_TYPE = "application/json"
_JSON = frozenset((_JSON_TYPE, "application/x-ndjson"))
_COVERING = frozenset((_NAME, "application/*", "*/*"))
# A smaller body is not compressed, because the headers would cost more than is saved.
_SMALLEST_COMPRESSED = 1_024
_COMPRESSION_LEVEL = 1
_GZIP_WINDOW = 31
VARY = ("Vary", "Accept-Encoding")


class _MediaRange(NamedTuple):
    """A media type, or a range of them, with its quality between 0 and 1."""

    name: str
    parameters: dict[str, str]
    quality: float

    @property
    def precision(self) -> int:
        return (not self.name.startswith("*")) + (not self.name.endswith("*")) + ("version" in self.parameters)

    def covers_taxii(self) -> bool:
        return self.name in _COVERING and self.parameters.get("version", _VERSION) == _VERSION


@lru_cache(maxsize=256)
def accepts_taxii(header: str | None) -> bool:
    """Return whether a client with this Accept header accepts TAXII 2.1. A missing header accepts everything."""
    if header is None or not header.strip():
        return True
    if len(header) > _LONGEST_ACCEPT:
        return False
    covering = [found for found in _media_ranges(header) if found.covers_taxii()]
    return bool(covering) and max(covering, key=lambda found: (found.precision, found.quality)).quality > 0


@lru_cache(maxsize=256)
def accepts_json(header: str | None) -> bool:
    """Return whether a client with this Accept header accepts JSON, JSON lines or TAXII's type, which is JSON too."""
    if header is None or not header.strip() or accepts_taxii(header):
        return True
    if len(header) > _LONGEST_ACCEPT:
        return False
    return any(found.name in _JSON and found.quality > 0 for found in _media_ranges(header))


@lru_cache(maxsize=256)
def is_json(header: str | None) -> bool:
    """Return whether a body with this Content-Type is JSON. A missing type counts as JSON."""
    if header is None or not header.strip():
        return True
    if len(header) > _LONGEST_ACCEPT:
        return False
    return parse_options_header(header)[0].lower() in (_JSON_TYPE, _NAME)


@lru_cache(maxsize=256)
def is_taxii(header: str | None) -> bool:
    """Return whether a body with this Content-Type is TAXII 2.1. A type without a version counts as 2.1."""
    if header is None or len(header) > _LONGEST_ACCEPT:
        return False
    sent = _media_ranges(header)
    return len(sent) == 1 and sent[0].name == _NAME and sent[0].covers_taxii()


@lru_cache(maxsize=256)
def preferred_encoding(accept_encoding: str | None) -> Encoding:
    """Return the compression for a client with this Accept-Encoding header. Use zstd only if it is named."""
    if accept_encoding is not None and len(accept_encoding) > _LONGEST_ACCEPT_ENCODING:
        return "identity"
    accepted = parse_accept_header(accept_encoding, Accept)
    gzip = max(accepted.quality("gzip"), accepted.quality("x-gzip")) if accepted else 0
    zstandard = max((quality for name, quality in accepted if name.lower() == "zstd"), default=0)
    if max(gzip, zstandard) <= 0 or max(gzip, zstandard) < accepted.quality("identity"):
        return "identity"
    return "zstd" if zstandard >= gzip else "gzip"


def compress(response: TaxiiResponse, encoding: Encoding) -> TaxiiResponse:
    """Compress the body of ``response`` if it is large enough. An already compressed response stays unchanged.

    A response with ``Vary: Accept-Encoding`` was already processed.
    """
    if response.stream is not None:
        return _compress_stream(response, response.stream, encoding)
    if len(response.body) < _SMALLEST_COMPRESSED or VARY in response.headers:
        return response
    if encoding == "identity":
        return response._replace(headers=(*response.headers, VARY))
    if encoding == "zstd":
        body = zstd.compress(response.body, _COMPRESSION_LEVEL)
    else:
        # Without the time, so that equal bodies have equal bytes.
        body = igzip.compress(response.body, _COMPRESSION_LEVEL, mtime=0)
    return response._replace(body=body, headers=(*response.headers, VARY, ("Content-Encoding", encoding)))


def _compress_stream(response: TaxiiResponse, stream: Iterator[bytes], encoding: Encoding) -> TaxiiResponse:
    if encoding == "identity":
        return response._replace(headers=(*response.headers, VARY))
    compressed = _packed(stream, encoding)
    headers = (*response.headers, VARY, ("Content-Encoding", encoding))
    return response._replace(stream=compressed, headers=headers)


def _packed(stream: Iterator[bytes], encoding: Encoding) -> Iterator[bytes]:
    """Yield the pieces of a stream compressed as one."""
    compressor: Any = (
        zstd.ZstdCompressor(_COMPRESSION_LEVEL) if encoding == "zstd" else isal_zlib.compressobj(1, wbits=_GZIP_WINDOW)
    )
    for piece in stream:
        if packed := compressor.compress(piece):
            yield packed
    yield compressor.flush()


def _media_ranges(header: str) -> list[_MediaRange]:
    named = [(*parse_options_header(text), quality) for text, quality in parse_accept_header(header, Accept)]
    return [_MediaRange(name.lower(), parameters, quality) for name, parameters, quality in named]
